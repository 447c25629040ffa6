// SPDX-License-Identifier: BSL-1.0
//
// Timers for programs, on the clock that the library's own timeouts use. So a test that moves
// test::Clock moves them too.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_TIMER_HPP
#define SLUICE_TIMER_HPP

#include <chrono>
#include <functional>
#include <memory>
#include <sluice/task.hpp>

namespace sluice {

namespace detail {
class TimerState;
}

/// Waits for `duration`.
///
///     co_await sluice::sleepFor(1s);
///
/// duration  0 or less: the others on the loop get a turn, and then it goes on
/// cancel    total: throws operation_aborted
task<> sleepFor(std::chrono::milliseconds duration);

/// One timeout that can be started again and again. Move-only; destroying it stops it.
///
///     sluice::Timer timer(loop);
///     timer.start(5s, [&] { res.destroy(); });
class Timer {
 public:
  explicit Timer(Executor executor);
  Timer(Timer&& other) noexcept;
  /// Stops the timer that was here.
  Timer& operator=(Timer&& other) noexcept;
  ~Timer();

  /// Calls `callback` once, when `duration` has passed. Starting it again stops what was started
  /// before: its callback is dropped, and its wait ends with operation_aborted.
  ///
  /// duration  0 or less: in the loop's next turn
  void start(std::chrono::milliseconds duration, std::function<void()> callback);
  /// start(), and waits.
  ///
  /// throws  operation_aborted if the timer is stopped, started again or destroyed
  /// cancel  total: the timer stops
  task<> wait(std::chrono::milliseconds duration);
  /// Stops it. Nothing happens if it is not running.
  void stop();
  bool running() const;

 private:
  std::shared_ptr<detail::TimerState> state_;
};

}  // namespace sluice

#endif
