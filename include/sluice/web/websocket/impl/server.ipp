// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server.hpp.
#pragma once

#include <boost/system/errc.hpp>
#include <exception>
#include <sluice/net/detail/handler_error.hpp>
#include <sluice/web/websocket/detail/handshake.hpp>
#include <sluice/web/websocket/detail/session.hpp>
#include <sluice/web/websocket/server.hpp>
#include <string>
#include <utility>

namespace sluice::web::detail {

struct WebSocketUpgrade::Shared {
  Shared(Handler made, WebSocketOptions chosen)
      : handler(std::move(made)), options(std::move(chosen)) {}

  static task<> serve(std::shared_ptr<const Shared> shared, http::IncomingMessage& req,
                      net::Socket& socket, std::string_view head);

  Handler handler;
  WebSocketOptions options;
};

/// While the handler runs the socket stays where req.socket() finds it.
struct AdoptAtEnd {
  explicit AdoptAtEnd(boost::intrusive_ptr<WebSocketSession> of) : session(std::move(of)) {}
  AdoptAtEnd(const AdoptAtEnd&) = delete;
  AdoptAtEnd& operator=(const AdoptAtEnd&) = delete;
  ~AdoptAtEnd() { session->engine().adopt(); }

  boost::intrusive_ptr<WebSocketSession> session;
};

/// Whether the handler only passes on that the WebSocket is over. Who ends it so is the peer, which
/// could otherwise fill the log.
inline bool tellsOfTheEnd(const std::exception_ptr& failure, const WebSocketSession& session) {
  namespace sys = boost::system::errc;
  using http::errc;
  if (!session.endedByOther()) return false;
  const error_code ec = net::detail::handlerError(failure).code();
  return ec == errc::ERR_WEBSOCKET_PROTOCOL || ec == errc::ERR_WEBSOCKET_INVALID_UTF8 ||
         ec == errc::ERR_WEBSOCKET_INVALID_DATA || ec == errc::ERR_WEBSOCKET_MESSAGE_TOO_LARGE ||
         ec == errc::ERR_STREAM_DESTROYED || ec == errc::ERR_STREAM_WRITE_AFTER_END ||
         ec == sys::connection_reset || ec == sys::broken_pipe || ec == sys::connection_aborted ||
         ec == sys::timed_out;
}

SLUICE_DECL WebSocketUpgrade::WebSocketUpgrade(Handler handler, WebSocketOptions options)
    : shared_(std::make_shared<const Shared>(std::move(handler), std::move(options))) {}

SLUICE_DECL task<> WebSocketUpgrade::operator()(http::IncomingMessage& req, net::Socket& socket,
                                                std::string_view head) const {
  return Shared::serve(shared_, req, socket, head);
}

SLUICE_DECL task<> WebSocketUpgrade::Shared::serve(std::shared_ptr<const Shared> shared,
                                                   http::IncomingMessage& req, net::Socket& socket,
                                                   std::string_view head) {
  const WebSocketOptions& options = shared->options;
  std::optional<std::string> refusal = refusalOf(req.method(), req.headers());
  if (!refusal && options.verify && !options.verify(req)) refusal = forbidden();
  if (refusal) {
    co_await socket.end(std::move(*refusal));
    co_return;
  }
  if (!head.empty()) socket.unshift(head);
  auto engine = std::make_unique<WebSocketEngine>(WebSocketEngine::Role::server, socket, options);
  engine->accept(req, chooseProtocol(req.headers()["sec-websocket-protocol"], options.protocols));
  const boost::intrusive_ptr<WebSocketSession> session(
      new WebSocketSession(std::move(engine), options));
  const AdoptAtEnd adopt(session);
  session->open();
  WebSocket webSocket = WebSocketAccess::make(session);
  std::exception_ptr failure;
  try {
    co_await shared->handler(webSocket, req);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure && !tellsOfTheEnd(failure, *session)) {
    // RFC 6455 7.4.1: something unexpected kept the server from going on.
    session->leave(1011);
    std::rethrow_exception(failure);
  }
}

}  // namespace sluice::web::detail
