// SPDX-License-Identifier: BSL-1.0
//
// The set of sockets under a loop, by itself: who hears of what, and what an exception leaves
// behind.
#include <sluice/config.hpp>
#if SLUICE_USE_EPOLL
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <array>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <sluice/net/detail/epoll/poller.hpp>
#include <sluice/net/detail/epoll/system_socket.hpp>
#include <stdexcept>
#include <string>
#include <vector>
#include "support/catch.hpp"
#include "support/loopback.hpp"

namespace {

namespace asio = boost::asio;
using loopback::finish;
using loopback::runUntil;
using sluice::net::detail::Loop;
using sluice::net::detail::Poller;
using sluice::net::detail::SystemSocket;

Poller& pollerOf(Loop& loop) {
  sluice::error_code ec;
  return *Poller::of(loop, ec);
}

// Two ends of a connection: the far one is written to, the near one is watched.
class Watcher final : public Poller::Watched {
 public:
  explicit Watcher(Loop& loop) : loop_(loop) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    near = SystemSocket(ends[0]);
    far = SystemSocket(ends[1]);
  }
  ~Watcher() { pollerOf(loop_).remove(*this); }

  void watch() { REQUIRE(!pollerOf(loop_).add(near.fd(), *this, Poller::input)); }
  void wake() { REQUIRE(::write(far.fd(), "x", 1) == 1); }

  SystemSocket near, far;
  std::vector<std::uint32_t> heard;
  std::function<void()> then;

 private:
  void onEvents(std::uint32_t events) override {
    heard.push_back(events);
    if (then) then();
  }
  void onLoopEnd() override {}

  Loop& loop_;
};

// What keeps the loop waiting, as an operation would.
class Waiting {
 public:
  explicit Waiting(Loop& loop) : loop_(loop) { pollerOf(loop_).operationStarted(); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { pollerOf(loop_).operationEnded(); }

 private:
  Loop& loop_;
};

}  // namespace

TEST_CASE("what holds when a descriptor is added is told, and each edge after it", "[Poller]") {
  asio::io_context io(1);
  const auto loop = Loop::of(io.get_executor());
  Watcher watcher(*loop);
  watcher.wake();
  {
    const Waiting waiting(*loop);
    watcher.watch();
    runUntil(io, [&] { return watcher.heard.size() == 1; });
    watcher.wake();
    runUntil(io, [&] { return watcher.heard.size() == 2; });
    watcher.far.close();
    runUntil(io, [&] { return watcher.heard.size() == 3; });
  }
  CHECK((watcher.heard[0] & EPOLLIN) != 0);
  CHECK((watcher.heard[0] & Poller::ended) == 0);
  CHECK((watcher.heard[2] & Poller::ended) != 0);
  finish(io);
}

TEST_CASE("the loop ends where no operation is under way", "[Poller]") {
  asio::io_context io(1);
  const auto loop = Loop::of(io.get_executor());
  Watcher watcher(*loop);
  watcher.watch();
  finish(io);
  { const Waiting waiting(*loop); }
  finish(io);
  // One that ends while the loop waits for it.
  auto waiting = std::make_unique<Waiting>(*loop);
  watcher.then = [&] { waiting.reset(); };
  watcher.wake();
  finish(io);
  CHECK(watcher.heard.size() == 1);
}

TEST_CASE("a place that was given up hears nothing of a descriptor that lives on", "[Poller]") {
  asio::io_context io(1);
  const auto loop = Loop::of(io.get_executor());
  auto first = std::make_unique<Watcher>(*loop);
  first->watch();
  // As another process would have it: closing the descriptor does not take it out of the set.
  const SystemSocket copy(::dup(first->near.fd()));
  const SystemSocket far(first->far.release());
  first.reset();
  Watcher second(*loop);
  second.watch();
  {
    const Waiting waiting(*loop);
    REQUIRE(::write(far.fd(), "x", 1) == 1);
    second.wake();
    runUntil(io, [&] { return !second.heard.empty(); });
  }
  finish(io);
  CHECK(second.heard.size() == 1);
}

TEST_CASE("all of a crowd hear of their events, also where each is removed by another",
          "[Poller]") {
  asio::io_context io(1);
  const auto loop = Loop::of(io.get_executor());
  std::vector<std::unique_ptr<Watcher>> crowd;
  std::size_t heard = 0;
  for (int i = 0; i < 300; ++i) {
    Watcher& watcher = *crowd.emplace_back(std::make_unique<Watcher>(*loop));
    watcher.then = [&heard] { ++heard; };
    watcher.watch();
    watcher.wake();
  }
  {
    const Waiting waiting(*loop);
    SECTION("each hears once") {
      runUntil(io, [&] { return heard == crowd.size(); });
    }
    SECTION("the first takes all others with it") {
      for (auto& watcher : crowd) {
        watcher->then = [&heard, &crowd, mine = watcher.get()] {
          ++heard;
          for (auto& other : crowd) {
            if (other.get() != mine) other.reset();
          }
        };
      }
      runUntil(io, [&] { return heard != 0; });
    }
  }
  finish(io);
  for (const auto& watcher : crowd) {
    if (watcher) CHECK(watcher->heard.size() == 1);
  }
}

TEST_CASE("an exception out of one takes nothing from the others", "[Poller]") {
  asio::io_context io(1);
  const auto loop = Loop::of(io.get_executor());
  std::vector<std::unique_ptr<Watcher>> crowd;
  std::size_t heard = 0;
  for (int i = 0; i < 5; ++i) {
    Watcher& watcher = *crowd.emplace_back(std::make_unique<Watcher>(*loop));
    watcher.then = [&heard] {
      ++heard;
      throw std::runtime_error("thrown");
    };
    watcher.watch();
  }
  const auto runAll = [&] {
    std::size_t thrown = 0;
    while (heard != crowd.size()) {
      try {
        runUntil(io, [&] { return heard == crowd.size(); });
      } catch (const std::runtime_error&) {
        ++thrown;
      }
    }
    return thrown;
  };
  {
    const Waiting waiting(*loop);
    for (auto& watcher : crowd) watcher->wake();
    CHECK(runAll() == 5);
    heard = 0;
    for (auto& watcher : crowd) pollerOf(*loop).again(*watcher);
    CHECK(runAll() == 5);
  }
  finish(io);
}

TEST_CASE("again() calls at the end of the turn, and not who has left", "[Poller]") {
  asio::io_context io(1);
  const auto loop = Loop::of(io.get_executor());
  Watcher stays(*loop);
  stays.watch();
  auto leaves = std::make_unique<Watcher>(*loop);
  leaves->watch();
  pollerOf(*loop).again(*leaves);
  pollerOf(*loop).again(stays);
  CHECK(stays.heard.empty());
  leaves.reset();
  int more = 3;
  stays.then = [&] {
    if (more-- > 0) pollerOf(*loop).again(stays);
  };
  finish(io);
  CHECK(stays.heard == std::vector<std::uint32_t>{0, 0, 0, 0});
}
#endif  // SLUICE_USE_EPOLL
