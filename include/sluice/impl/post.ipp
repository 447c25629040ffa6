// SPDX-License-Identifier: BSL-1.0
//
// Definitions of post.hpp.
#pragma once

#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/require.hpp>
#include <exception>
#include <sluice/detail/post.hpp>
#include <sluice/detail/reserve.hpp>
#include <utility>

namespace sluice::detail {

SLUICE_DECL void post(const asio::any_io_executor& executor, Work work) {
  if (!executor) return;
  if (const auto* loop = executor.target<asio::io_context::executor_type>()) {
    // Takes its memory before `work` is moved, and less of it than any_io_executor.
    const auto later = asio::require(*loop, asio::execution::blocking.never);
    withReserve([&] { later.execute(std::move(work)); });
  } else {
    asio::require(executor, asio::execution::blocking.never).execute(std::move(work));
  }
}

SLUICE_DECL void dispatch(const asio::any_io_executor& executor, Work work) {
  if (!executor) return;
  const auto* loop = executor.target<asio::io_context::executor_type>();
  if (loop != nullptr && loop->running_in_this_thread()) {
    work();
  } else {
    executor.execute(std::move(work));
  }
}

SLUICE_DECL void rethrowLater(const asio::any_io_executor& executor) {
  // Qualified: otherwise ADL finds asio::post(), which takes no empty executor.
  detail::post(executor, [thrown = std::current_exception()] { std::rethrow_exception(thrown); });
}

}  // namespace sluice::detail
