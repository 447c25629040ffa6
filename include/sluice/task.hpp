// SPDX-License-Identifier: BSL-1.0
//
// The coroutine type of handlers, the error code, and the executor parameter that every factory
// of the library takes; with the few headers of Asio that every program needs which runs one.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_TASK_HPP
#define SLUICE_TASK_HPP

#include <sluice/config.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <concepts>
#include <type_traits>
#include <utility>

namespace sluice {

namespace asio = boost::asio;

/// A coroutine of the library and of its users: Asio's own type, so that everything awaitable in
/// Asio can be awaited in a handler, and everything of ours in anybody's Asio coroutine.
template <class T = void>
using task = asio::awaitable<T>;

using error_code = boost::system::error_code;

namespace detail {
template <class T>
concept HasExecutor = requires(T& source) {
  { source.get_executor() } -> std::convertible_to<asio::any_io_executor>;
};
}  // namespace detail

/// Where an object lives and all calls on it happen: an `io_context&` that one thread runs, or a
/// strand. Two are refused with ERR_INVALID_ARG_VALUE: what runs handlers on several threads at
/// once (`asio::thread_pool`, `system_executor`) without a strand over it, and an empty executor,
/// as that of an object is whose `io_context` has ended.
///
///     asio::io_context loop;
///     auto server = http::createServer(loop, handler);
class Executor {
 public:
  template <class Source>
    requires(!std::same_as<std::remove_cvref_t<Source>, Executor> &&
             !std::same_as<std::remove_cvref_t<Source>, asio::io_context> &&
             (detail::HasExecutor<std::remove_reference_t<Source>> ||
              std::convertible_to<Source, asio::any_io_executor>))
  Executor(Source&& source) : executor_(requireGiven(executorOf(source))) {}
  /// What nearly every program has: compiled once, as this conversion is costly to compile.
  Executor(asio::io_context& loop);

  /// The executor itself, for what takes Asio's own type.
  operator const asio::any_io_executor&() const { return executor_; }
  /// The same by name.
  const asio::any_io_executor& get() const { return executor_; }

 private:
  static asio::any_io_executor requireGiven(asio::any_io_executor executor);
  template <class Source>
  static asio::any_io_executor executorOf(Source& source) {
    if constexpr (detail::HasExecutor<Source>) {
      return source.get_executor();
    } else {
      return source;
    }
  }

  asio::any_io_executor executor_;
};

}  // namespace sluice

#endif
