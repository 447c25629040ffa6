// SPDX-License-Identifier: BSL-1.0
//
// Definitions of timer.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <sluice/detail/completion.hpp>
#include <sluice/detail/post.hpp>
#include <sluice/detail/suspend.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/timers.hpp>
#include <sluice/timer.hpp>
#include <utility>

namespace sluice {

namespace detail {

//   idle ──start──► running ──due, stop──► idle
//
// What it keeps while it runs, a callback or the handler of a wait, says whether it is running.
class TimerState final : public std::enable_shared_from_this<TimerState>,
                         private net::detail::LoopMember {
 public:
  using Handler = Completion<void(error_code)>;

  explicit TimerState(std::shared_ptr<net::detail::Loop> loop)
      : LoopMember(*loop), loop_(std::move(loop)) {}

  bool running() const { return callback_ || handler_; }

  void start(std::chrono::milliseconds duration, std::function<void()> callback) {
    stop();
    if (!callback) callback = [] {};
    callback_ = std::move(callback);
    run(duration);
  }

  // Suspend<> has no place for a duration.
  void setDuration(std::chrono::milliseconds duration) { duration_ = duration; }
  void wait(Handler handler) {
    stop();
    handler_ = std::move(handler);
    handler_.onCancel([weak = weak_from_this()](asio::cancellation_type_t) {
      if (const auto self = weak.lock()) self->stop();
    });
    run(duration_);
  }

  void stop() {
    ++started_;
    entry_.stop();
    callback_ = nullptr;
    if (handler_) settle(asio::error::operation_aborted);
  }

 private:
  void run(std::chrono::milliseconds duration) {
    if (duration.count() > 0) {
      loop_->startTimer(entry_, duration);
      return;
    }
    sluice::detail::post(loop_->executor(), [weak = weak_from_this(), started = started_] {
      const auto self = weak.lock();
      if (self && self->started_ == started) self->onDue();
    });
  }

  void onDue() {
    const auto self = shared_from_this();
    if (handler_) settle({});
    if (const auto callback = std::exchange(callback_, nullptr)) callback();
  }

  void settle(error_code ec) { std::exchange(handler_, {}).post(loop_->executor(), ec); }

  // What it kept may have owned it.
  void onLoopEnd() override {
    const auto self = shared_from_this();
    callback_ = nullptr;
    handler_ = {};
  }

  std::shared_ptr<net::detail::Loop> loop_;
  net::detail::TimerEntry entry_{[](void* self) { static_cast<TimerState*>(self)->onDue(); }, this};
  std::chrono::milliseconds duration_{};
  unsigned started_ = 0;
  std::function<void()> callback_;
  Handler handler_;
};

}  // namespace detail

SLUICE_DECL Timer::Timer(Executor executor)
    : state_(std::make_shared<detail::TimerState>(net::detail::Loop::of(executor))) {}
SLUICE_DECL Timer::Timer(Timer&&) noexcept = default;
SLUICE_DECL Timer& Timer::operator=(Timer&& other) noexcept {
  std::swap(state_, other.state_);
  if (other.state_) std::exchange(other.state_, nullptr)->stop();
  return *this;
}
SLUICE_DECL Timer::~Timer() {
  if (state_) state_->stop();
}

SLUICE_DECL void Timer::start(std::chrono::milliseconds duration, std::function<void()> callback) {
  detail::held(state_, "The timer")->start(duration, std::move(callback));
}

SLUICE_DECL task<> Timer::wait(std::chrono::milliseconds duration) {
  const auto state = detail::held(state_, "The timer");
  state->setDuration(duration);
  co_await detail::Suspend<&detail::TimerState::wait>{state.get()};
}

SLUICE_DECL void Timer::stop() {
  if (state_) state_->stop();
}
SLUICE_DECL bool Timer::running() const { return state_ && state_->running(); }

SLUICE_DECL task<> sleepFor(std::chrono::milliseconds duration) {
  Timer timer(co_await asio::this_coro::executor);
  co_await timer.wait(duration);
}

}  // namespace sluice
