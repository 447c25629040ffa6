// SPDX-License-Identifier: BSL-1.0
//
// Something of Asio's that a handler awaits until the test says so: a timer that never comes due.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <sluice/task.hpp>
#include <stdexcept>
#include <utility>

namespace sluice::test {

/// One coroutine at a time waits here.
class Gate {
 public:
  /// throws  operation_aborted where the wait is cancelled
  task<> wait() {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, asio::steady_timer::time_point::max());
    const Waiting waiting(*this, timer);
    error_code ec;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (!std::exchange(opened_, false)) throw boost::system::system_error(ec);
  }
  bool waiting() const { return timer_ != nullptr; }
  /// Lets the one that waits go on, when the loop runs.
  void open() {
    if (timer_ == nullptr) throw std::logic_error("nobody waits at this gate");
    opened_ = true;
    timer_->cancel();
  }

 private:
  struct Waiting {
    Waiting(Gate& at, asio::steady_timer& timer) : gate(at) { gate.timer_ = &timer; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { gate.timer_ = nullptr; }

    Gate& gate;
  };

  asio::steady_timer* timer_ = nullptr;
  bool opened_ = false;
};

}  // namespace sluice::test
