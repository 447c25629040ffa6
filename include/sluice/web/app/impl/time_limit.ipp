// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/time_limit.hpp>.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <exception>
#include <memory>
#include <sluice/error.hpp>
#include <sluice/timer.hpp>
#include <sluice/web/app/http_error.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>
#include <sluice/web/app/time_limit.hpp>
#include <utility>

namespace sluice::app {

namespace detail {

// Of one request, whose coroutine owns it.
struct TimeLimitState {
  asio::any_io_executor executor;
  asio::cancellation_signal signal;
  bool expired = false;
};

// Cancels the steps, unless they are over. It may be called outside of the loop, by who moves the
// clock or closes the server. co_spawn() would put its part off then and refer to the signal
// without keeping it (Boost 1.81), so it is called in the loop only.
struct CancelSteps {
  std::weak_ptr<TimeLimitState> state;
  bool expires = false;

  void operator()(asio::cancellation_type type) const {
    const auto known = state.lock();
    if (!known) return;
    asio::dispatch(known->executor, [cancel = *this, type] {
      const auto alive = cancel.state.lock();
      if (!alive) return;
      alive->expired = alive->expired || cancel.expires;
      alive->signal.emit(type);
    });
  }
  void operator()() const { (*this)(asio::cancellation_type::terminal); }
};

}  // namespace detail

SLUICE_DECL TimeLimit::TimeLimit(std::chrono::milliseconds limit) : limit_(limit) {
  if (limit.count() < 1) throw Error(errc::ERR_OUT_OF_RANGE, "timeLimit(): less than 1 ms");
}

SLUICE_DECL task<> TimeLimit::operator()(Request&, Response& res, Next next) const {
  const auto state = std::make_shared<detail::TimeLimitState>();
  state->executor = res.get_executor();
  Timer timer(state->executor);
  timer.start(limit_, detail::CancelSteps{state, true});
  // The steps have a signal of their own, so that of this coroutine is passed on to it.
  asio::cancellation_slot outer = (co_await asio::this_coro::cancellation_state).slot();
  if (outer.is_connected()) outer.assign(detail::CancelSteps{state});
  std::exception_ptr error;
  try {
    task<> steps = next();
    co_await asio::co_spawn(
        state->executor, std::move(steps),
        asio::bind_cancellation_slot(state->signal.slot(), asio::use_awaitable));
  } catch (...) {
    error = std::current_exception();
  }
  timer.stop();
  if (outer.is_connected()) outer.clear();
  if (!error) co_return;
  if (!state->expired) std::rethrow_exception(error);
  if (!res.headersSent()) throw HttpError{503, "The time limit has passed"};
  res.destroy();
}

}  // namespace sluice::app
