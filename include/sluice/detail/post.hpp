// SPDX-License-Identifier: BSL-1.0
//
// Work for later on the executor of the library's objects. What asio::post() does for a function
// that is bound to no other executor and no allocator, at a third of the code.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/require.hpp>
#include <sluice/task.hpp>
#include <utility>

namespace sluice::detail {

/// Runs `function` from the executor, never from here.
template <class Function>
void post(const asio::any_io_executor& executor, Function&& function) {
  asio::require(executor, asio::execution::blocking.never)
      .execute(std::forward<Function>(function));
}

/// Runs `function` right here where that is possible.
template <class Function>
void dispatch(const asio::any_io_executor& executor, Function&& function) {
  executor.execute(std::forward<Function>(function));
}

}  // namespace sluice::detail
