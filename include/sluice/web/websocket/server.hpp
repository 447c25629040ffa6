// SPDX-License-Identifier: BSL-1.0
//
// The server's side: what turns an upgrade request into a WebSocket.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/websocket.hpp>
#endif
#ifndef SLUICE_WEB_WEBSOCKET_SERVER_HPP
#define SLUICE_WEB_WEBSOCKET_SERVER_HPP

#include <concepts>
#include <functional>
#include <memory>
#include <sluice/http/incoming_message.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <sluice/web/websocket/options.hpp>
#include <sluice/web/websocket/web_socket.hpp>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sluice {

namespace web::detail {

/// The handler of "upgrade" that webSocket() makes.
class WebSocketUpgrade {
 public:
  using Handler = std::function<task<>(WebSocket&, http::IncomingMessage&)>;

  WebSocketUpgrade(Handler handler, WebSocketOptions options);

  // There is no moved-from one: moving copies.
  WebSocketUpgrade(const WebSocketUpgrade&) = default;
  WebSocketUpgrade& operator=(const WebSocketUpgrade&) = default;

  task<> operator()(http::IncomingMessage& req, net::Socket& socket, std::string_view head) const;

 private:
  struct Shared;
  // Shared with every call: the handler may be replaced while some of them run.
  std::shared_ptr<const Shared> shared_;
};

}  // namespace web::detail

/// Makes WebSockets of a server's upgrade requests, and runs a coroutine for each.
///
///     server.on<"upgrade">(webSocket([](WebSocket& ws, http::IncomingMessage&) -> task<> {
///       while (auto message = co_await ws.receive()) co_await ws.send(message->data);
///     }));
///
/// A request that is no WebSocket handshake is answered with 400, one for another version with 426,
/// one that `verify` does not want with 403. When the handler returns, the WebSocket is closed with
/// 1001 unless it was closed or moved out; what it throws goes to the server's "error", and closes
/// with 1011. What receive() or send() throws because the peer broke the protocol, closed or went
/// away ends the handler quietly, so that no peer can fill a log; catch it to act on it. shutdown()
/// of the server closes every WebSocket with 1001 and waits for them.
///
/// handler  task<>(WebSocket&, http::IncomingMessage&); the request is lent until it returns
template <class F>
auto webSocket(F handler, WebSocketOptions options = {}) {
  static_assert(std::is_invocable_r_v<task<>, F&, WebSocket&, http::IncomingMessage&>,
                "a handler of WebSockets is a coroutine of (WebSocket&, http::IncomingMessage&)");
  return web::detail::WebSocketUpgrade(std::move(handler), std::move(options));
}

}  // namespace sluice

#endif
