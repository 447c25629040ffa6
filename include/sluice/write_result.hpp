// SPDX-License-Identifier: BSL-1.0
//
// What write(), end() and drain() return: an answer that is there at once, and a wait for callers
// that want it. Nothing here knows of HTTP; sockets and messages share it.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_WRITE_RESULT_HPP
#define SLUICE_WRITE_RESULT_HPP

#include <boost/asio/async_result.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/net/detail/until.hpp>
#include <sluice/task.hpp>
#include <utility>

namespace sluice::net::detail {
class OutputStream;
}

namespace sluice {

namespace detail {

struct WriteResultAccess;

template <class Token>
concept CodeToken = asio::completion_token_for<Token, void(error_code, bool)>;

}  // namespace detail

/// The result of write(), end() and drain().
///
/// As a bool it says whether nothing is held back. Awaiting it (or calling it with any completion
/// token, signature `void(error_code, bool)`) waits: write until the buffer is below the high-water
/// mark, end until 'finish', drain until 'drain'. What has been sent stays sent if nobody waits.
///
///     co_await res.write(chunk);
///     if (!res.write(chunk)) co_await res.drain();
///
/// throws  awaited: Error (with SLUICE_NO_ASIO_SHORTCUT the system_error with its code) with
/// ERR_STREAM_WRITE_AFTER_END, ERR_STREAM_DESTROYED, or what broke
///         the connection
/// cancel  total: the wait ends with operation_aborted, what was written stays written
class WriteResult {
 public:
  // There is no moved-from result: moving copies.
  WriteResult(const WriteResult&) noexcept;
  WriteResult& operator=(const WriteResult&) noexcept;
  ~WriteResult();

  /// false: the kernel is full and bytes wait in user memory.
  explicit operator bool() const { return ok_; }

  /// Waits with any completion token: `void(error_code, bool)`. The bool is what write() would say.
  template <detail::CodeToken Token>
  auto operator()(Token&& token) const {
    return asio::async_initiate<Token, void(error_code, bool)>(
        [](auto handler, WriteResult self) { self.start(Handler(std::move(handler))); }, token,
        *this);
  }

 private:
  template <class, class, class>
  friend class asio::detail::awaitable_async_op;
  friend struct detail::WriteResultAccess;

  using Stream = net::detail::OutputStream;
  using Until = net::detail::Until;
  using Handler = detail::Completion<void(error_code, bool)>;

  WriteResult(boost::intrusive_ptr<Stream> stream, Until until, std::uint64_t position, bool ok);
  WriteResult(boost::intrusive_ptr<Stream> stream, const error_code& ec);

  std::optional<error_code> settled() const;
  void start(Handler handler) const;
  /// Whether a coroutine that has nothing to wait for may go straight on.
  bool mayGoOn() const;
  /// What an `await` that met `ec` throws: Error with Node's code, and why the stream has failed.
  [[noreturn]] void throwError(const error_code& ec) const;

  boost::intrusive_ptr<Stream> stream_;
  std::optional<error_code> error_;
  std::uint64_t position_ = 0;
  Until until_ = Until::room;
  bool ok_;
  bool afterEvents_ = false;
};

namespace detail {

/// How the library makes a WriteResult.
struct WriteResultAccess {
  using Stream = net::detail::OutputStream;

  /// Waits on `stream`, which answers false or true to write().
  static WriteResult make(boost::intrusive_ptr<Stream> stream, net::detail::Until until,
                          std::uint64_t position, bool ok);
  /// A result that is already known to be an error.
  static WriteResult failed(boost::intrusive_ptr<Stream> stream, const error_code& ec);
  /// The awaiter is resumed after the events that are due.
  static void comeAfterEvents(WriteResult& result) { result.afterEvents_ = true; }
};

}  // namespace detail

}  // namespace sluice

#if !defined(SLUICE_NO_ASIO_SHORTCUT)
// Awaiting a WriteResult in a coroutine. Asio's own operation always suspends, takes no named
// object before Boost 1.82, and throws system_error; this one goes straight on if there is
// nothing to wait for, as long as others on the loop get their turn. config.hpp says for which
// versions of Boost the template has this shape.
template <class Signature, class Executor>
class boost::asio::detail::awaitable_async_op<Signature, sluice::WriteResult, Executor> {
 public:
  template <class... Location>
  awaitable_async_op(const sluice::WriteResult& result, awaitable_frame_base<Executor>* frame,
                     const Location&...)
      : operation_(result), frame_(frame) {}

  bool await_ready();
  void await_suspend(coroutine_handle<void>);
  bool await_resume();

 private:
  using Handler = awaitable_async_op_handler<void(sluice::error_code, bool), Executor>;

  sluice::WriteResult operation_;
  awaitable_frame_base<Executor>* frame_;
  std::optional<sluice::error_code> ready_;
  typename Handler::result_type result_{};
};

template <class Signature, class Executor>
bool boost::asio::detail::awaitable_async_op<Signature, sluice::WriteResult,
                                             Executor>::await_ready() {
  ready_ = operation_.settled();
  return ready_ && operation_.mayGoOn();
}

template <class Signature, class Executor>
void boost::asio::detail::awaitable_async_op<Signature, sluice::WriteResult,
                                             Executor>::await_suspend(coroutine_handle<void>) {
  ready_.reset();
  frame_->after_suspend(
      [](void* self) {
        auto& op = *static_cast<awaitable_async_op*>(self);
        op.operation_.start(
            sluice::WriteResult::Handler(Handler(op.frame_->detach_thread(), op.result_)));
      },
      this);
}

template <class Signature, class Executor>
bool boost::asio::detail::awaitable_async_op<Signature, sluice::WriteResult,
                                             Executor>::await_resume() {
  if (ready_) {
    if (*ready_) operation_.throwError(*ready_);
    return true;
  }
  try {
    return Handler::resume(result_);
  } catch (const boost::system::system_error& error) {
    operation_.throwError(error.code());
  }
}

#if defined(SLUICE_SEPARATE_COMPILATION)
extern template class boost::asio::detail::awaitable_async_op<
    void(sluice::error_code, bool), sluice::WriteResult, boost::asio::any_io_executor>;
#endif
#endif

#endif
