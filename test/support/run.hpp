// SPDX-License-Identifier: BSL-1.0
//
// Runs coroutines of tests to their end. One that waits for what never comes is found out at once:
// nothing is left to do, and it has not ended.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <sluice/task.hpp>
#include <source_location>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace sluice::test {

/// Runs everything that is ready, and what becomes ready by that.
inline void settle(asio::io_context& io) {
  io.restart();
  io.poll();
}

/// A coroutine that runs beside the test. A failure of it is kept for result().
template <class T = void>
class Started {
  struct State {
    bool done = false;
    std::exception_ptr error;
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
  };

 public:
  Started(asio::io_context& io, task<T> coroutine,
          std::source_location where = std::source_location::current())
      : io_(io), where_(where) {
    if constexpr (std::is_void_v<T>) {
      asio::co_spawn(io, std::move(coroutine), [state = state_](std::exception_ptr error) {
        state->done = true;
        state->error = std::move(error);
      });
    } else {
      asio::co_spawn(io, std::move(coroutine), [state = state_](std::exception_ptr error, T value) {
        state->done = true;
        state->error = std::move(error);
        state->value = std::move(value);
      });
    }
  }

  bool done() const { return state_->done; }

  /// Runs the context until the coroutine has ended. It is over where nothing is left to do, and
  /// with sockets of the kernel after 20 seconds.
  T result() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    io_.restart();
    while (!done() && io_.run_one_until(deadline) != 0) {
    }
    if (!done()) {
      throw std::logic_error(std::string(where_.file_name()) + ':' + std::to_string(where_.line()) +
                             ": the coroutine started here waits for what never comes");
    }
    if (state_->error) std::rethrow_exception(state_->error);
    if constexpr (!std::is_void_v<T>) return std::move(*state_->value);
  }

 private:
  asio::io_context& io_;
  std::source_location where_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// Starts a coroutine; it runs whenever the context does.
template <class T>
Started<T> start(asio::io_context& io, task<T> coroutine,
                 std::source_location where = std::source_location::current()) {
  return Started<T>(io, std::move(coroutine), where);
}

/// Runs a coroutine to its end and brings its result, or throws its exception.
template <class T>
T run(asio::io_context& io, task<T> coroutine,
      std::source_location where = std::source_location::current()) {
  return Started<T>(io, std::move(coroutine), where).result();
}

}  // namespace sluice::test
