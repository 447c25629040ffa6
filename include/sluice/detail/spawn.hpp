// SPDX-License-Identifier: BSL-1.0
//
// Starts a coroutine of the library. One function for all, because each kind of completion handler
// would make the compiler write the whole of asio::co_spawn() once more.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <exception>
#include <sluice/detail/completion.hpp>
#include <sluice/detail/post.hpp>
#include <sluice/task.hpp>

namespace sluice::detail {

using Ended = Completion<void(std::exception_ptr)>;

/// Tells of the end of a coroutine in place. The executor of a loop would take memory first, and
/// what it throws if there is none leaves run(). Who is told goes to its loop with dispatch().
struct InPlace {
  template <class Function>
  void execute(Function&& function) const {
    std::forward<Function>(function)();
  }
  friend bool operator==(const InPlace&, const InPlace&) = default;
};

/// Runs `coroutine` on `executor`; then `ended`, with what it has thrown.
///
/// slot  where its cancellation comes from; not connected if nobody cancels it
void spawn(const asio::any_io_executor& executor, task<> coroutine, asio::cancellation_slot slot,
           Ended ended);

/// Cancels what was spawned with the slot of `signal`; `keeper` holds what that lives in.
void cancelSpawned(const asio::any_io_executor& executor, asio::cancellation_signal& signal,
                   Work keeper);

}  // namespace sluice::detail
