// SPDX-License-Identifier: BSL-1.0
//
// The least that a reverse proxy can do, to which the others are compared: a connection to the
// server for every one from a client, and bytes carried over as they come.
//   bare_proxy SERVER-PORT
#include <sys/epoll.h>
#include <algorithm>
#include <array>
#include <memory>
#include <support/mark.hpp>
#include <support/wire.hpp>
#include <vector>

namespace {

using namespace sluice::bench;

class BareProxy {
 public:
  explicit BareProxy(unsigned serverPort) : serverPort_(serverPort) {
    unsigned port = 0;
    listener_ = listenOn(port);
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    watch(listener_);
    tellOnSignal(port);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener_) {
          accept();
        } else {
          carry(fd);
        }
      }
    }
  }

 private:
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void accept() {
    int client;
    while ((client = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      const int on = 1;
      ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      pair(client, connectTo(serverPort_));
    }
  }

  void pair(int client, int server) {
    const auto size = static_cast<std::size_t>(std::max(client, server)) + 1;
    if (other_.size() < size) other_.resize(size, -1);
    other_[static_cast<std::size_t>(client)] = server;
    other_[static_cast<std::size_t>(server)] = client;
    watch(client);
    watch(server);
  }

  // What the other end has no room for is an error here: the messages are small.
  void carry(int fd) {
    const int other = other_[static_cast<std::size_t>(fd)];
    if (other < 0) return;
    const ssize_t count = ::recv(fd, buffer_.get(), bufferSize, 0);
    if (count > 0) {
      if (::send(other, buffer_.get(), static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) {
        fail("send");
      }
      return;
    }
    other_[static_cast<std::size_t>(fd)] = other_[static_cast<std::size_t>(other)] = -1;
    ::close(fd);
    ::close(other);
  }

  static constexpr std::size_t bufferSize = 64 * 1024;

  unsigned serverPort_;
  int listener_ = -1;
  int epoll_ = -1;
  std::vector<int> other_;  // by descriptor; -1: none
  std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(bufferSize);
};

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 2) return 2;
  BareProxy(static_cast<unsigned>(std::atoi(argv[1]))).run();
}
