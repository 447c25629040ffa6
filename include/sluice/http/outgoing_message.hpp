// SPDX-License-Identifier: BSL-1.0
//
// A message that is being sent: what ServerResponse and ClientRequest have in common. Headers are
// set until they are sent, then the body is written, then it ends.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_OUTGOING_MESSAGE_HPP
#define SLUICE_HTTP_OUTGOING_MESSAGE_HPP

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <sluice/encoding.hpp>
#include <sluice/error.hpp>
#include <sluice/event_emitter.hpp>
#include <sluice/http/body_filter.hpp>
#include <sluice/http/headers.hpp>
#include <sluice/http/prepared_headers.hpp>
#include <sluice/write_result.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::net {
class Socket;
}

namespace sluice::http {

namespace detail {
class OutgoingState;
}

/// The events of an OutgoingMessage.
using OutgoingEvents =
    EventList<Event<"prefinish", void()>, Event<"finish", void()>, Event<"close", void()>,
              Event<"drain", void()>, Event<"timeout", void()>, Event<"socket", void(net::Socket&)>,
              Event<"error", void(const Error&)>>;

/// The calls that chain: each returns the message as the class it was called on, T.
template <class T>
class OutgoingCalls {
 public:
  /// Sets one header, replacing what has the name in any case. A list makes several lines.
  ///
  /// throws  ERR_HTTP_HEADERS_SENT, ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR
  T& setHeader(std::string_view name, const HeaderValue& value) & {
    self().storeHeader(name, value);
    return self();
  }
  /// The same with a text.
  template <detail::HeaderText Text>
  T& setHeader(std::string_view name, const Text& value) & {
    self().storeHeader(name, std::string_view(value));
    return self();
  }
  /// The same with an integer, which is written in decimal.
  template <detail::HeaderInteger Integer>
    requires(sizeof(Integer) < sizeof(std::int64_t) || std::signed_integral<Integer>)
  T& setHeader(std::string_view name, Integer value) & {
    self().storeHeader(name, static_cast<std::int64_t>(value));
    return self();
  }
  /// Adds to the values there are, under the spelling there is.
  T& appendHeader(std::string_view name, const HeaderValue& value) & {
    self().extendHeader(name, value);
    return self();
  }
  /// Sets every header of `headers`, as setHeader() would.
  /// throws  ERR_HTTP_HEADERS_SENT
  T& setHeaders(const Headers& headers) & {
    self().storeHeaders(headers);
    return self();
  }
  /// The same with what was checked before. Not in Node.
  T& setHeaders(const PreparedHeaders& headers) & {
    self().storeHeaders(headers);
    return self();
  }
  /// "timeout" after this long without a byte on the connection. Node: also without a connection
  /// yet. A request's listener is told once.
  ///
  /// throws  ERR_OUT_OF_RANGE below 0
  T& setTimeout(std::chrono::milliseconds idle, std::function<void()> listener = {}) & {
    self().startTimeout(idle, std::move(listener));
    return self();
  }

  /// What nobody keeps is gone before it is sent: give it a name first.
  template <class... Args>
  T& setHeader(Args&&...) && = delete;
  /// What nobody keeps is gone before it is sent: give it a name first.
  template <class... Args>
  T& appendHeader(Args&&...) && = delete;
  /// What nobody keeps is gone before it is sent: give it a name first.
  template <class... Args>
  T& setHeaders(Args&&...) && = delete;
  /// What nobody keeps is gone before it is sent: give it a name first.
  template <class... Args>
  T& setTimeout(Args&&...) && = delete;

 private:
  T& self() { return static_cast<T&>(*this); }
};

/// What ServerResponse and ClientRequest share: enough for a function that sends either.
///
///     void allowCaching(http::OutgoingMessage& message) {
///       message.setHeader("Cache-Control", "max-age=60").on<"finish">([] { … });
///     }
class OutgoingMessage : public OutgoingCalls<OutgoingMessage>,
                        public EventEmitter<OutgoingMessage, OutgoingEvents> {
 public:
  OutgoingMessage(const OutgoingMessage&) = delete;
  OutgoingMessage& operator=(const OutgoingMessage&) = delete;

  /// The value as it was set, also after the headers were sent; unset if absent.
  HeaderValue getHeader(std::string_view name) const;
  /// The first value without a copy, "" if there is none; valid until a header changes. Not in
  /// Node.
  std::string_view headerText(std::string_view name) const;
  /// In lower case, in order.
  std::vector<std::string> getHeaderNames() const;
  /// As they were spelled.
  std::vector<std::string> getRawHeaderNames() const;
  Headers getHeaders() const;
  bool hasHeader(std::string_view name) const;
  /// Also keeps an automatic Connection, Content-Length, Transfer-Encoding or Date from being
  /// added.
  ///
  /// throws  ERR_HTTP_HEADERS_SENT
  void removeHeader(std::string_view name);

  /// Whether the head is composed, be it that it still waits for the first piece of body.
  bool headersSent() const;
  /// Sends the head now, without waiting for a piece of body.
  void flushHeaders() &;
  void flushHeaders() && = delete;

  /// Passes everything that write() and end() are given through `filter`. It may still change the
  /// headers when the head is composed. A later call replaces the filter of an earlier one. A
  /// message without a body on the wire (HEAD, 204, 304) asks the filter for headers only. Not in
  /// Node.
  ///
  /// throws  ERR_HTTP_HEADERS_SENT
  void setBodyFilter(BodyFilterPointer filter);
  /// Sends what waits: the head, and what a body filter holds back of the body. Not in Node.
  void flush();

  /// Sends part of the body, and the head before it if that was not sent yet.
  ///
  /// true: nothing is held back. false: `writableLength()` bytes wait, and 'drain' comes when none
  /// do. Awaiting the result waits until they are below the high-water mark. After end() or
  /// destroy() the result is false and awaiting it throws; nothing is thrown here for that.
  ///
  /// chunk    copied only if it must wait; may be dropped when the call returns
  /// throws   ERR_HTTP_CONTENT_LENGTH_MISMATCH with strictContentLength
  /// cancel   total: what was written stays written, the wait ends with operation_aborted
  WriteResult write(std::string_view chunk) &;
  WriteResult write(const char* chunk) & { return write(std::string_view(chunk)); }
  /// As above, and a large chunk that must wait is kept without being copied.
  WriteResult write(std::string&& chunk) &;
  WriteResult write(std::span<const std::byte> chunk) &;
  WriteResult write(std::string_view utf8, Encoding encoding) &;
  /// `onFlushed` is called when the chunk has left, or with what kept it from leaving.
  WriteResult write(std::string_view chunk, std::function<void(error_code)> onFlushed) &;
  WriteResult write(std::span<const std::byte> chunk, std::function<void(error_code)> onFlushed) &;
  WriteResult write(std::string_view utf8, Encoding encoding,
                    std::function<void(error_code)> onFlushed) &;

  /// Ends the message. With a chunk as the only body call and no writeHead() before, the length is
  /// known and sent. Awaiting the result waits for 'finish'.
  ///
  /// throws  ERR_HTTP_CONTENT_LENGTH_MISMATCH with strictContentLength
  WriteResult end() &;
  WriteResult end(std::string_view chunk) &;
  WriteResult end(const char* chunk) & { return end(std::string_view(chunk)); }
  WriteResult end(std::string&& chunk) &;
  WriteResult end(std::span<const std::byte> chunk) &;
  WriteResult end(std::string_view utf8, Encoding encoding) &;
  WriteResult end(std::function<void(error_code)> onFinish) &;
  WriteResult end(std::string_view chunk, std::function<void(error_code)> onFinish) &;
  WriteResult end(std::span<const std::byte> chunk, std::function<void(error_code)> onFinish) &;
  WriteResult end(std::string_view utf8, Encoding encoding,
                  std::function<void(error_code)> onFinish) &;

  /// What nobody keeps is gone before it is sent: give it a name first.
  template <class... Args>
  WriteResult write(Args&&...) && = delete;
  /// What nobody keeps is gone before it is sent: give it a name first.
  template <class... Args>
  WriteResult end(Args&&...) && = delete;

  /// Awaited: resumes at 'drain', at once if there is nothing to wait for.
  WriteResult drain();

  /// Sent after a chunked body, otherwise dropped. A later call replaces an earlier one.
  ///
  /// throws  ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR
  void addTrailers(const Headers& trailers);

  /// Gathers what is written until uncork() or end(), as one chunk if the body is chunked. Calls
  /// nest. After end() it does nothing.
  void cork();
  void uncork();

  /// Gives the message up and closes its connection. Nothing happens if it has finished.
  void destroy(error_code reason = {});
  /// As above, and "error" brings all that is in `reason`: its text too.
  void destroy(const Error& reason);

  /// end() was called, whatever became of the message then. Also true if its exchange is over.
  bool writableEnded() const;
  /// Everything was handed to the system after end().
  bool writableFinished() const;
  /// write() has said false, and "drain" has not come yet.
  bool writableNeedDrain() const;
  /// The same as writableEnded(), by the name of an older Node.
  bool finished() const { return writableEnded(); }
  /// destroy() was called, or the message has closed.
  bool destroyed() const;
  /// 'close' was emitted, or would have been.
  bool closed() const;
  /// Bytes that wait in user memory.
  std::size_t writableLength() const;
  std::size_t writableHighWaterMark() const;
  std::size_t writableCorked() const;
  /// What destroy() or the connection gave as the reason.
  error_code errored() const;
  /// null before there is a connection and after the end.
  net::Socket* socket() const;
  net::Socket* connection() const { return socket(); }

  /// Adds a Date header if none is set. Responses only.
  bool sendDate = true;
  /// Throws if the body is not as long as its Content-Length says.
  bool strictContentLength = false;
  /// false before the head is sent: `Connection: close`.
  bool shouldKeepAlive = true;

  asio::any_io_executor get_executor() const;

 protected:
  OutgoingMessage();
  OutgoingMessage(OutgoingMessage&&) noexcept;
  OutgoingMessage& operator=(OutgoingMessage&&) noexcept;
  SLUICE_DECL virtual ~OutgoingMessage();

  /// Puts the head into the stream. `bodyLength` if the whole body is known.
  virtual void composeHead(std::optional<std::uint64_t> bodyLength, bool bodyFollows) = 0;

  /// Asks the body filter, if there is one; false: the body goes out as it is.
  bool beginFilter(std::optional<std::uint64_t> bodyLength);
  void requireHeadersNotSent(std::string_view action) const;
  /// The state of a message that can still be used.
  ///
  /// throws  ERR_STREAM_DESTROYED after the handler has returned, and for one that was moved away
  detail::OutgoingState& live() const;

  boost::intrusive_ptr<detail::OutgoingState> state_;

 private:
  friend sluice::detail::EmitterAccess;
  template <class T>
  friend class OutgoingCalls;

  sluice::detail::Listeners& listeners();
  bool eventsAreOver() const { return closed(); }
  void storeHeader(std::string_view name, const HeaderValue& value);
  void storeHeader(std::string_view name, std::string_view value);
  void storeHeader(std::string_view name, std::int64_t value);
  void extendHeader(std::string_view name, const HeaderValue& value);
  void storeHeaders(const Headers& headers);
  void storeHeaders(const PreparedHeaders& headers);
  void startTimeout(std::chrono::milliseconds idle, std::function<void()> listener);

  using Done = std::function<void(error_code)>;

  template <class Chunk>
  WriteResult writeAny(Chunk chunk, Done&& done);
  void prepareHead(std::optional<std::uint64_t> bodyLength, bool bodyFollows);
  bool filters() const;
  template <class Chunk>
  WriteResult endAny(Chunk chunk, Done&& done);
  WriteResult endAgain(Done&& done);
  std::optional<error_code> refusal() const;
  WriteResult refused(const error_code& ec, Done&& done);
  WriteResult endResult() const;
};

/// An OutgoingMessage whose calls chain on the class itself, and which may have more events.
template <class T, class Events>
class OutgoingMessageOf : public OutgoingMessage,
                          public OutgoingCalls<T>,
                          public EventEmitter<T, Events> {
  static_assert(Events::template beginsWith<OutgoingEvents>(),
                "what both ends share is emitted by its position in OutgoingEvents");

 public:
  using OutgoingCalls<T>::setHeader, OutgoingCalls<T>::appendHeader, OutgoingCalls<T>::setHeaders,
      OutgoingCalls<T>::setTimeout;
  using EventEmitter<T, Events>::on, EventEmitter<T, Events>::once,
      EventEmitter<T, Events>::addListener, EventEmitter<T, Events>::removeListener,
      EventEmitter<T, Events>::removeAllListeners, EventEmitter<T, Events>::emit,
      EventEmitter<T, Events>::listenerCount;

 protected:
  OutgoingMessageOf() = default;
  OutgoingMessageOf(OutgoingMessageOf&&) noexcept = default;
  OutgoingMessageOf& operator=(OutgoingMessageOf&&) noexcept = default;
};

}  // namespace sluice::http

#endif
