// SPDX-License-Identifier: BSL-1.0
//
// The answer to one request. Made by the server and lent to the handler.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_SERVER_RESPONSE_HPP
#define SLUICE_HTTP_SERVER_RESPONSE_HPP

#include <sluice/http/outgoing_message.hpp>
#include <string>
#include <string_view>

namespace sluice::http {

class IncomingMessage;

namespace detail {
class ServerExchange;
struct ServerResponseAccess;
}  // namespace detail

/// A response: status, headers, body, end.
///
/// It is lent to the handler and ends with it. Afterwards a call on a reference that was kept does
/// nothing: it throws ERR_STREAM_DESTROYED, and write(), end() and drain() return a result that
/// brings it. The object stays in place until 4,096 more requests of the loop were begun; then its
/// memory serves again, so keep no reference for longer.
///
///     res.statusCode = 404;
///     co_await res.setHeader("Content-Type", "text/plain").end("not here\n");
///
/// events  "prefinish" "finish" "close" "drain" "timeout" "socket"(net::Socket&) "error"(const
/// Error&)
class ServerResponse : public OutgoingMessageOf<ServerResponse, OutgoingEvents> {
 public:
  ServerResponse() = default;
  ServerResponse(ServerResponse&&) = delete;

  /// Composes the head, once. It leaves with the first piece of body, at end(), or by
  /// flushHeaders(). Headers given here win over those set before. A reason is sent as it is, also
  /// an empty one.
  ///
  /// throws  ERR_HTTP_HEADERS_SENT, ERR_HTTP_INVALID_STATUS_CODE outside 100..999,
  ///         ERR_INVALID_CHAR, ERR_INVALID_HTTP_TOKEN
  ServerResponse& writeHead(int status);
  template <detail::HeaderText Text>  // so that `writeHead(200, {})` brings headers, and none
  ServerResponse& writeHead(int status, const Text& reason) {
    return composeNow(status, std::string_view(reason), nullptr);
  }
  /// The same with headers, and the standard phrase or `statusMessage`.
  ServerResponse& writeHead(int status, const Headers& headers);
  /// The same with a reason phrase and headers.
  ServerResponse& writeHead(int status, std::string_view reason, const Headers& headers);

  /// `100 Continue`: the client may send its body. Sent for you unless "checkContinue" is handled.
  ///
  /// throws  ERR_HTTP_HEADERS_SENT, as the two below
  ///
  /// written  called when it has left
  void writeContinue(std::function<void()> written = {});
  /// `102 Processing`.
  void writeProcessing();
  /// `103 Early Hints`: a Link header that the client can act on already, and others with it.
  ///
  /// written  called when it has left; also if there was no link to send
  void writeEarlyHints(const Headers& hints, std::function<void()> written = {});
  /// Any other 1xx answer, with the status' own phrase. As many as are wanted may precede the
  /// response.
  ///
  /// throws  ERR_HTTP_INVALID_STATUS_CODE for 100, which is writeContinue()'s, and 101, which ends
  ///         HTTP; ERR_OUT_OF_RANGE outside 100..199. ERR_HTTP_HEADERS_SENT,
  ///         ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR
  void writeInformation(int status, const Headers& headers = {});

  /// The request this answers.
  IncomingMessage& req() const;

  /// The status that an implicit head sends, and the one that was sent.
  int statusCode = 200;
  /// Empty: the standard phrase.
  std::string statusMessage;

 private:
  friend struct detail::ServerResponseAccess;

  void attach(detail::ServerExchange& exchange);
  void attachStale(boost::intrusive_ptr<detail::OutgoingState> state);
  SLUICE_DECL void composeHead(std::optional<std::uint64_t> bodyLength, bool bodyFollows) override;
  ServerResponse& composeNow(int status, std::optional<std::string_view> reason,
                             const Headers* headers);
  std::optional<std::string_view> chosenPhrase() const;
  void sendInformation(std::function<void()> written);
  detail::ServerExchange& exchange() const;

  detail::ServerExchange* exchange_ = nullptr;
};

namespace detail {

/// What the library asks of a ServerResponse.
struct ServerResponseAccess {
  static void attach(ServerResponse& res, ServerExchange& exchange) { res.attach(exchange); }
  static void attachStale(ServerResponse& res, boost::intrusive_ptr<OutgoingState> state);
};

}  // namespace detail

}  // namespace sluice::http

#endif
