// SPDX-License-Identifier: BSL-1.0
//
// Definitions of spawn.hpp.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <sluice/detail/spawn.hpp>
#include <utility>

namespace sluice::detail {

SLUICE_DECL void spawn(const asio::any_io_executor& executor, task<> coroutine,
                       asio::cancellation_slot slot, Ended ended) {
  auto told = [executor, ended = std::move(ended)](std::exception_ptr thrown) mutable {
    detail::dispatch(executor, [ended = std::move(ended), thrown]() mutable { ended(thrown); });
  };
  asio::co_spawn(
      executor, std::move(coroutine),
      asio::bind_executor(InPlace{}, asio::bind_cancellation_slot(slot, std::move(told))));
}

SLUICE_DECL void cancelSpawned(const asio::any_io_executor& executor,
                               asio::cancellation_signal& signal, Work keeper) {
  signal.emit(asio::cancellation_type::terminal);
  // From outside the loop Asio posts the emission, with a pointer into the signal.
  post(executor, std::move(keeper));
}

}  // namespace sluice::detail
