// SPDX-License-Identifier: BSL-1.0
//
// The least that a client can do, to which sluice_client is compared: keep-alive connections, one
// request at a time on each, the same one over and over; answers are counted by their bytes.
//   bare_client PORT CONNECTIONS WARM-UP REQUESTS
#include <sys/epoll.h>
#include <array>
#include <support/phases.hpp>
#include <support/wire.hpp>
#include <vector>

namespace {

using namespace sluice::bench;

class BareClient {
 public:
  BareClient(unsigned port, std::size_t connections)
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)), request_(requestHead("GET", "/", false, false, 0)) {
    for (std::size_t i = 0; i < connections; ++i) {
      const int fd = connectTo(port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = fd;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
      received_.resize(static_cast<std::size_t>(fd) + 1);
      sockets_.push_back(fd);
    }
  }

  void run(std::size_t requests) {
    std::size_t toSend = requests;
    std::size_t answers = 0;
    for (const int fd : sockets_) {
      if (toSend != 0) {
        --toSend;
        send(fd);
      }
    }
    std::array<epoll_event, 256> events;
    while (answers != requests) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        const ssize_t size = ::recv(fd, input_.data(), input_.size(), 0);
        if (size <= 0) fail("recv");
        const auto bytes = static_cast<std::size_t>(size);
        if (answerSize_ == 0) answerSize_ = messageSize({input_.data(), bytes});
        std::size_t& received = received_[static_cast<std::size_t>(fd)];
        received += bytes;
        if (received < answerSize_) continue;
        received = 0;
        ++answers;
        if (toSend != 0) {
          --toSend;
          send(fd);
        }
      }
    }
  }

 private:
  void send(int fd) {
    if (::send(fd, request_.data(), request_.size(), MSG_NOSIGNAL) < 0) fail("send");
  }

  int epoll_;
  std::string request_;
  std::vector<int> sockets_;
  std::vector<std::size_t> received_;
  std::size_t answerSize_ = 0;
  std::array<char, 16 * 1024> input_;
};

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 5) return 2;
  BareClient client(static_cast<unsigned>(std::atoi(argv[1])), std::strtoull(argv[2], nullptr, 10));
  runPhases(argv, [&](std::size_t requests) { client.run(requests); });
}
