// SPDX-License-Identifier: BSL-1.0
//
// A message that is being received: a request on a server, a response on a client. Its head is
// there; its body comes as it is asked for.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_INCOMING_MESSAGE_HPP
#define SLUICE_HTTP_INCOMING_MESSAGE_HPP

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <sluice/encoding.hpp>
#include <sluice/error.hpp>
#include <sluice/event_emitter.hpp>
#include <sluice/http/headers.hpp>
#include <sluice/task.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::net {
class Socket;
}

namespace sluice::http {

namespace detail {
struct IncomingMessageAccess;
class IncomingState;
}  // namespace detail

/// The events of an IncomingMessage.
using IncomingEvents =
    EventList<Event<"data", void(std::string_view)>, Event<"end", void()>, Event<"aborted", void()>,
              Event<"close", void()>, Event<"error", void(const Error&)>, Event<"timeout", void()>>;

/// A received message: lent to a server's handler, owned by the caller that awaited a client's
/// response.
///
/// On a server the reference ends with the handler: afterwards every call on it throws
/// ERR_STREAM_DESTROYED, and so does a read that is still under way. On a client the reference that
/// a "response" listener gets ends with its exchange, in the same way: see ClientRequest.
///
///     while (auto chunk = co_await req.read()) co_await file.write(*chunk);
///     auto body = co_await req.text();
///
/// read() and text() on one side, "data" on the other, are two ways to one body: use one of them.
/// "end" and "close" come either way. If nobody reads, the peer feels it: of a request at most 16
/// KiB are read ahead, of a response the high-water mark.
///
/// events  "data"(std::string_view) "end" "aborted" "close" "error"(const Error&) "timeout"
class IncomingMessage : public EventEmitter<IncomingMessage, IncomingEvents> {
 public:
  IncomingMessage();
  IncomingMessage(IncomingMessage&&) noexcept;
  IncomingMessage& operator=(IncomingMessage&&) noexcept;
  ~IncomingMessage();

  /// Of a request, as it was sent: "GET". Empty for a response.
  std::string_view method() const;
  /// Of a request: the target as it was sent, never decoded.
  std::string_view url() const;
  /// Of a response.
  int statusCode() const;
  /// Of a response; may be empty.
  std::string_view statusMessage() const;
  /// "1.1" or "1.0".
  std::string_view httpVersion() const;
  int httpVersionMajor() const;
  int httpVersionMinor() const;

  /// Names in lower case, duplicates joined by Node's rules. Made when first asked for.
  const Headers& headers() const;
  /// As headers(); empty until the body has ended.
  const Headers& trailers() const;
  /// Every line as it was received.
  std::span<const RawHeader> rawHeaders() const;
  std::span<const RawHeader> rawTrailers() const;
  /// Each name in lower case with all its values as they came, one a line. Nothing is joined and
  /// nothing is dropped.
  std::map<std::string, std::vector<std::string>> headersDistinct() const;
  /// As headersDistinct(); empty until the body has ended.
  std::map<std::string, std::vector<std::string>> trailersDistinct() const;

  /// The next piece of the body, valid until the next read; nullopt at the end.
  ///
  /// throws   ECONNRESET if the peer went away before the end, HPE_* if what it sent is no HTTP,
  ///          ERR_STREAM_DESTROYED after destroy() and after the handler has returned,
  ///          ERR_INVALID_STATE while another read() or text() reads; that one goes on
  /// cancel   total: operation_aborted, nothing is lost
  task<std::optional<std::string_view>> read();

  /// The whole body, up to `limit` bytes.
  ///
  /// throws  as read(); ERR_BODY_TOO_LARGE if it is longer
  task<std::string> text(std::size_t limit = 16 * 1024 * 1024);

  /// Lets "data" flow (on again after pause()), from the end of this turn on. If nobody listens
  /// the body is thrown away.
  IncomingMessage& resume();
  IncomingMessage& pause();
  bool isPaused() const;
  /// From now on read(), text() and "data" bring text in this encoding; a code point is never
  /// split.
  IncomingMessage& setEncoding(Encoding encoding);
  /// Closes the connection if the message is not complete; "aborted", "error" and "close"
  /// follow.
  void destroy(error_code reason = {});

  /// As net::Socket::setTimeout() on the connection. On a server without any listener for "timeout"
  /// (here, on the response, on the server) the connection is closed.
  ///
  /// throws  ERR_OUT_OF_RANGE below 0
  IncomingMessage& setTimeout(std::chrono::milliseconds idle, std::function<void()> listener = {});

  /// The whole message was received. The way to tell a truncated one.
  bool complete() const;
  bool aborted() const;
  bool destroyed() const;
  /// "close" was emitted, or would have been if somebody had listened.
  bool closed() const;
  bool readableEnded() const;
  bool readableFlowing() const;
  error_code errored() const;

  /// How many bytes of the connection this message has taken so far: its head, and of its body what
  /// was read or thrown away, with the frames of chunks. 0 once the connection serves something
  /// else. Not in Node.
  std::uint64_t bytesRead() const;

  /// The connection it comes from.
  net::Socket& socket() const;
  net::Socket& connection() const { return socket(); }
  /// Whether the request was handed to "upgrade" or "connect".
  bool upgrade() const;

  asio::any_io_executor get_executor() const;

 private:
  friend sluice::detail::EmitterAccess;
  friend struct detail::IncomingMessageAccess;

  template <fixed_string Name>
  void listenerAdded() {
    if constexpr (std::string_view(Name) == "data") startFlowing();
  }
  void attach(boost::intrusive_ptr<detail::IncomingState> state);
  sluice::detail::Listeners& listeners();
  bool eventsAreOver() const;
  void startFlowing();
  /// The state of a message that can still be asked.
  ///
  /// throws  ERR_STREAM_DESTROYED after the handler has returned, and for one that was moved away
  detail::IncomingState& live() const;

  boost::intrusive_ptr<detail::IncomingState> state_;
};

namespace detail {

/// What the library asks of an IncomingMessage.
struct IncomingMessageAccess {
  static const boost::intrusive_ptr<IncomingState>& state(const IncomingMessage& message) {
    return message.state_;
  }
  static void attach(IncomingMessage& message, boost::intrusive_ptr<IncomingState> state);
};

}  // namespace detail

}  // namespace sluice::http

#endif
