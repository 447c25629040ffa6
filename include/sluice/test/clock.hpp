// SPDX-License-Identifier: BSL-1.0
//
// A clock that stands still until the test moves it, for every timeout of the library on one
// executor. Timers of Asio itself are not its business.
#pragma once

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <sluice/net/detail/loop.hpp>
#include <sluice/task.hpp>
#include <utility>

namespace sluice::test {

/// Stands in for the machine's clock as long as it lives.
///
///     asio::io_context io;
///     test::Clock clock(io);
///     socket.setTimeout(5s);
///     clock.advance(5s);      // "timeout" has been heard
class Clock {
 public:
  explicit Clock(asio::io_context& io)
      : Clock(io, [&io] {
          io.restart();
          io.poll();
        }) {}

  /// settle  runs everything that is ready on the executor
  Clock(Executor executor, std::function<void()> settle)
      : loop_(net::detail::Loop::of(executor)), settle_(std::move(settle)) {
    loop_->useClock(time_);
  }
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  ~Clock() { loop_->useClock(std::make_shared<net::detail::Clock>()); }

  /// Moves the time. Every timeout that comes due on the way happens at its own time, in order, and
  /// with all its consequences, before the next one does.
  void advance(std::chrono::milliseconds duration) {
    const auto target = time_->steady + duration;
    settle_();
    for (auto next = loop_->nearestTimer(); next && *next <= target; next = loop_->nearestTimer()) {
      moveTo(std::max(*next, time_->steady));
    }
    moveTo(target);
  }

  /// The time of day: 2024-01-01 00:00:00 UTC, a Monday, when the clock was made.
  std::chrono::system_clock::time_point wallTime() const { return time_->wall; }

 private:
  struct Time final : net::detail::Clock {
    net::detail::TimePoint now() const override { return steady; }
    std::chrono::system_clock::time_point wallTime() const override { return wall; }
    bool runsByItself() const override { return false; }

    net::detail::TimePoint steady = std::chrono::steady_clock::now();
    std::chrono::system_clock::time_point wall{std::chrono::seconds(1704067200)};
  };

  void moveTo(net::detail::TimePoint to) {
    time_->wall += std::chrono::duration_cast<std::chrono::system_clock::duration>(
        to - std::exchange(time_->steady, to));
    loop_->fireTimers();
    settle_();
  }

  std::shared_ptr<Time> time_ = std::make_shared<Time>();
  std::shared_ptr<net::detail::Loop> loop_;
  std::function<void()> settle_;
};

}  // namespace sluice::test
