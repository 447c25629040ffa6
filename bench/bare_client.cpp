// SPDX-License-Identifier: BSL-1.0
//
// The least that a client can do, to which the others are compared: one request at a time on each
// connection, the same one over and over; answers are counted by their bytes.
#include <sys/epoll.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <support/phases.hpp>
#include <support/wire.hpp>
#include <vector>

namespace {

using namespace sluice::bench;

struct Connection {
  int fd = -1;
  std::size_t toSend = 0;
  std::size_t received = 0;
  bool waitsForRoom = false;
};

class BareClient {
 public:
  explicit BareClient(const ClientOptions& options)
      : options_(options),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        head_(requestHead(options.upload != 0 ? "POST" : "GET", "/", false, options.close,
                          options.upload)),
        connections_(options.connections) {}

  void run(std::size_t requests) {
    left_ = requests;
    answers_ = 0;
    for (Connection& connection : connections_) ask(connection);
    std::array<epoll_event, 256> events;
    while (answers_ != requests) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        Connection& connection = connections_[event.data.u32];
        if (event.events & EPOLLOUT) {
          send(connection);
        } else {
          receive(connection);
        }
      }
    }
  }

 private:
  void watch(int operation, Connection& connection, std::uint32_t wanted) {
    epoll_event event{};
    event.events = wanted;
    event.data.u32 = static_cast<std::uint32_t>(&connection - connections_.data());
    ::epoll_ctl(epoll_, operation, connection.fd, &event);
  }

  void ask(Connection& connection) {
    if (left_ == 0) return;
    --left_;
    if (connection.fd < 0) {
      connection.fd = connectTo(options_.port);
      watch(EPOLL_CTL_ADD, connection, EPOLLIN);
    }
    connection.toSend = head_.size() + options_.upload;
    send(connection);
  }

  void send(Connection& connection) {
    while (connection.toSend != 0) {
      const bool head = connection.toSend > options_.upload;
      const char* const from =
          head ? head_.data() + head_.size() - (connection.toSend - options_.upload) : piece_.get();
      const std::size_t size = head ? connection.toSend - options_.upload
                                    : std::min<std::size_t>(connection.toSend, pieceSize);
      const ssize_t count = ::send(connection.fd, from, size, MSG_NOSIGNAL);
      if (count < 0 && errno == EAGAIN) break;
      if (count < 0) fail("send");
      connection.toSend -= static_cast<std::size_t>(count);
    }
    if ((connection.toSend != 0) != connection.waitsForRoom) {
      connection.waitsForRoom = !connection.waitsForRoom;
      watch(EPOLL_CTL_MOD, connection, connection.waitsForRoom ? EPOLLOUT : EPOLLIN);
    }
  }

  void receive(Connection& connection) {
    const ssize_t count = ::recv(connection.fd, input_.get(), inputSize, 0);
    if (count <= 0) fail("recv");
    if (answerSize_ == 0) {
      answerSize_ = messageSize({input_.get(), static_cast<std::size_t>(count)});
    }
    connection.received += static_cast<std::size_t>(count);
    if (connection.received < answerSize_) return;
    connection.received = 0;
    ++answers_;
    if (options_.close) {
      ::close(connection.fd);
      connection.fd = -1;
    }
    ask(connection);
  }

  static constexpr std::size_t inputSize = 256 * 1024;

  ClientOptions options_;
  int epoll_;
  std::string head_;
  std::vector<Connection> connections_;
  std::unique_ptr<char[]> piece_ = std::make_unique<char[]>(pieceSize);
  std::unique_ptr<char[]> input_ = std::make_unique<char[]>(inputSize);
  std::size_t answerSize_ = 0;
  std::size_t left_ = 0;
  std::size_t answers_ = 0;
};

}  // namespace

int main(int argc, char* argv[]) {
  BareClient client(ClientOptions(argc, argv));
  runPhases(argv, [&](std::size_t requests) { client.run(requests); });
}
