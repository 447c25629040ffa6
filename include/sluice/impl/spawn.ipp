// SPDX-License-Identifier: BSL-1.0
//
// Definitions of spawn.hpp.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <sluice/detail/spawn.hpp>
#include <utility>

namespace sluice::detail {

SLUICE_DECL void spawn(const asio::any_io_executor& executor, task<> coroutine,
                       asio::cancellation_slot slot, Ended ended) {
  asio::co_spawn(executor, std::move(coroutine),
                 asio::bind_cancellation_slot(slot, std::move(ended)));
}

}  // namespace sluice::detail
