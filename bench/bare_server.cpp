// SPDX-License-Identifier: BSL-1.0
//
// The least that a server can do, to which the others are compared: level-triggered epoll, one recv
// and one send an event, and an answer that is always the same. It does not parse: all requests are
// taken to be as long as the first one.
//   bare_server PORT BODY-BYTES [chunked | events | LOOPS]
// BODY-BYTES  from 1 MiB on leave in pieces of 64 KiB
// chunked     the body in chunks of 4 KiB
// events      of BODY-BYTES events to each connection one in a turn of the loop
// LOOPS       as many threads with a loop each, which share nothing but the port
#include <sys/epoll.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <support/mark.hpp>
#include <support/wire.hpp>
#include <thread>
#include <vector>

namespace {

using namespace sluice::bench;

constexpr std::size_t pieceSize = 64 * 1024;
constexpr std::string_view eventChunk = "18\r\ndata: {\"price\": 12.34}\n\n\r\n";

enum class Kind { length, chunked, events };

struct Connection {
  std::size_t received = 0;  // of the request that is not complete yet
  std::size_t owed = 0;      // bytes of answers that are not sent yet
  std::size_t position = 0;  // of the next of them, in its answer
  std::size_t events = 0;    // that are to be sent
  bool waitsForRoom = false;
};

class BareServer {
 public:
  // 0 becomes the port that the kernel chose.
  BareServer(unsigned& port, std::size_t bodySize, Kind kind) : kind_(kind), bodySize_(bodySize) {
    listener_ = listenOn(port);
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
    prepareAnswer(false);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                     streams_.empty() ? -1 : 0);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == listener_) {
          accept();
        } else if (event.events & EPOLLOUT) {
          send(event.data.fd);
        } else {
          receive(event.data.fd);
        }
      }
      std::erase_if(streams_, [&](int fd) { return !sendEvent(fd); });
    }
  }

 private:
  void prepareAnswer(bool close) {
    closes_ = close;
    block_.clear();
    head_ = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: ";
    head_ += close ? "close\r\n" : "keep-alive\r\nKeep-Alive: timeout=600\r\n";
    if (kind_ != Kind::length) {
      head_ += "Transfer-Encoding: chunked\r\n\r\n";
      if (kind_ == Kind::events) return;
      const std::string answer = head_ + chunkedBody(bodySize_);
      answerSize_ = answer.size();
      for (int i = 0; i < 4; ++i) block_ += answer;
      return;
    }
    head_ += "Content-Length: " + std::to_string(bodySize_) + "\r\n\r\n";
    answerSize_ = head_.size() + bodySize_;
    if (bodySize_ >= 1024 * 1024) {
      block_.assign(pieceSize, 'x');
      return;
    }
    // Several, so that what was asked in one piece is answered in one.
    const std::string answer =
        head_ + (bodySize_ == 13 ? std::string("Hello, World!") : std::string(bodySize_, 'x'));
    const std::size_t copies = std::max<std::size_t>(1, pieceSize / answerSize_);
    for (std::size_t i = 0; i < copies; ++i) block_ += answer;
  }

  void watch(int operation, int fd, std::uint32_t wanted) {
    epoll_event event{};
    event.events = wanted;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, operation, fd, &event);
  }

  void accept() {
    int fd;
    while ((fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const auto index = static_cast<std::size_t>(fd);
      if (connections_.size() <= index) connections_.resize(index + 1);
      connections_[index] = Connection{};
      watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
  }

  void receive(int fd) {
    const ssize_t count = ::recv(fd, input_.get(), inputSize, 0);
    if (count <= 0) {
      ::close(fd);
      return;
    }
    if (requestSize_ == 0) {
      const std::string_view first(input_.get(), static_cast<std::size_t>(count));
      requestSize_ = messageSize(first);
      if (field(first, "Connection") == "close") prepareAnswer(true);
    }
    Connection& connection = connections_[static_cast<std::size_t>(fd)];
    connection.received += static_cast<std::size_t>(count);
    if (connection.received < requestSize_) return;
    if (kind_ == Kind::events) {
      connection.received = 0;
      connection.events = bodySize_;
      streams_.push_back(fd);
      return;
    }
    connection.owed += connection.received / requestSize_ * answerSize_;
    connection.received %= requestSize_;
    if (!connection.waitsForRoom) send(fd);
  }

  // Says whether there is more to come. The kernel has room: a stream is some KiB in all.
  bool sendEvent(int fd) {
    Connection& connection = connections_[static_cast<std::size_t>(fd)];
    std::string_view bytes = eventChunk;
    std::string ends;
    if (connection.events == bodySize_ || connection.events == 1) {
      if (connection.events == bodySize_) ends = head_;
      ends += eventChunk;
      if (connection.events == 1) ends += "0\r\n\r\n";
      bytes = ends;
    }
    if (::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) fail("send");
    return --connection.events != 0;
  }

  // What goes out next: from the row of answers, or the head and then the same block again and
  // again.
  std::string_view next(const Connection& connection) const {
    if (block_.size() >= answerSize_) {
      const std::string_view row(block_);
      return row.substr(connection.position, connection.owed);
    }
    if (connection.position < head_.size()) {
      return std::string_view(head_).substr(connection.position);
    }
    const std::size_t left = answerSize_ - connection.position;
    const std::size_t offset = (connection.position - head_.size()) % pieceSize;
    return std::string_view(block_).substr(offset, left);
  }

  void send(int fd) {
    Connection& connection = connections_[static_cast<std::size_t>(fd)];
    while (connection.owed != 0) {
      const std::string_view bytes = next(connection);
      const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EAGAIN) break;
      if (count < 0) {
        ::close(fd);
        return;
      }
      connection.owed -= static_cast<std::size_t>(count);
      connection.position = (connection.position + static_cast<std::size_t>(count)) % answerSize_;
    }
    if (connection.owed == 0 && closes_) {
      ::close(fd);
    } else if ((connection.owed != 0) != connection.waitsForRoom) {
      connection.waitsForRoom = !connection.waitsForRoom;
      watch(EPOLL_CTL_MOD, fd, connection.waitsForRoom ? EPOLLOUT : EPOLLIN);
    }
  }

  static constexpr std::size_t inputSize = 256 * 1024;

  std::unique_ptr<char[]> input_ = std::make_unique<char[]>(inputSize);
  std::vector<Connection> connections_;
  std::vector<int> streams_;  // descriptors to which events go
  std::string head_;
  std::string block_;
  Kind kind_;
  std::size_t bodySize_;
  std::size_t answerSize_ = 0;
  std::size_t requestSize_ = 0;
  bool closes_ = false;
  int listener_ = -1;
  int epoll_ = -1;
};

}  // namespace

int main(int argc, char* argv[]) {
  auto port = static_cast<unsigned>(argc > 1 ? std::atoi(argv[1]) : 0);
  const auto size = static_cast<std::size_t>(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 13);
  const std::string_view kind = argc > 3 ? argv[3] : "";
  BareServer server(port, size,
                    kind == "chunked"  ? Kind::chunked
                    : kind == "events" ? Kind::events
                                       : Kind::length);
  std::vector<std::thread> others;
  for (int i = 1; i < std::atoi(kind.data()); ++i) {
    others.emplace_back([port, size]() mutable { BareServer(port, size, Kind::length).run(); });
  }
  tellOnSignal(port);
  server.run();
}
