// SPDX-License-Identifier: BSL-1.0
//
// Moves everything from one stream to another, no faster than the slower of the two.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_PIPE_HPP
#define SLUICE_PIPE_HPP

#include <concepts>
#include <optional>
#include <sluice/task.hpp>
#include <sluice/write_result.hpp>
#include <string_view>

namespace sluice {

namespace detail {

template <class T>
inline constexpr bool isPieceTask = false;
template <class Piece>
inline constexpr bool isPieceTask<task<std::optional<Piece>>> =
    std::convertible_to<Piece, std::string_view>;

template <class T>
concept Awaitable = std::same_as<T, WriteResult> || std::same_as<T, task<>>;

}  // namespace detail

/// What can be read: `task<std::optional<Piece>> read()` with a `Piece` that is text, nullopt at
/// the end. Sockets and incoming messages are, and so is any class with such a member.
template <class T>
concept Readable = requires(T& source) { requires detail::isPieceTask<decltype(source.read())>; };

/// What can be written to: `write(std::string_view)` and `end()`, either of which returns a
/// `WriteResult` or a `task<>`. Sockets and outgoing messages are.
template <class T>
concept Writable = requires(T& target, std::string_view piece) {
  { target.write(piece) } -> detail::Awaitable;
  { target.end() } -> detail::Awaitable;
};

struct PipeOptions {
  bool end = true;  ///< end() the target after the source's end
};

/// Writes what `from` has to `to` until its end. Never holds more than one piece: `from` is not
/// read while `to` is above its high-water mark.
///
///     co_await pipe(req, res);
///
/// throws  what read(), write() or end() throw; neither stream is closed then
/// cancel  as read() and write() have it: the piece that was read last may be lost
template <Readable From, Writable To>
task<> pipe(From& from, To& to, PipeOptions options = {.end = true}) {
  while (auto piece = co_await from.read()) co_await to.write(*piece);
  if (options.end) co_await to.end();
}

}  // namespace sluice

#endif
