// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/time_limit.hpp>.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
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

// Shared with what waits in the slot of the outer coroutine.
struct TimeLimitState {
  asio::cancellation_signal signal;
  bool expired = false;
};

struct ExpireTimeLimit {
  std::shared_ptr<TimeLimitState> state;

  void operator()() const {
    state->expired = true;
    state->signal.emit(asio::cancellation_type::terminal);
  }
};

}  // namespace detail

SLUICE_DECL TimeLimit::TimeLimit(std::chrono::milliseconds limit) : limit_(limit) {
  if (limit.count() < 1) throw Error(errc::ERR_OUT_OF_RANGE, "timeLimit(): less than 1 ms");
}

SLUICE_DECL task<> TimeLimit::operator()(Request&, Response& res, Next next) const {
  const auto state = std::make_shared<detail::TimeLimitState>();
  Timer timer(res.get_executor());
  timer.start(limit_, detail::ExpireTimeLimit{state});
  // The steps have a signal of their own, so that of this coroutine is passed on to it.
  asio::cancellation_slot outer = (co_await asio::this_coro::cancellation_state).slot();
  if (outer.is_connected()) {
    outer.assign([state](asio::cancellation_type type) { state->signal.emit(type); });
  }
  std::exception_ptr error;
  try {
    task<> steps = next();
    co_await asio::co_spawn(
        res.get_executor(), std::move(steps),
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
