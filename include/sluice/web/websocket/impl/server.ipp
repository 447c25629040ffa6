// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server.hpp.
#pragma once

#include <exception>
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
  WebSocket webSocket(session);
  std::exception_ptr failure;
  try {
    co_await shared->handler(webSocket, req);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    // RFC 6455 7.4.1: something unexpected kept the server from going on.
    session->leave(1011);
    std::rethrow_exception(failure);
  }
}

}  // namespace sluice::web::detail
