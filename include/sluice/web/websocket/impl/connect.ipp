// SPDX-License-Identifier: BSL-1.0
//
// Definitions of connect.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <chrono>
#include <sluice/encoding.hpp>
#include <sluice/error.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <sluice/http/url.hpp>
#include <sluice/https/connect.hpp>
#include <sluice/net/connect.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/web/websocket/connect.hpp>
#include <sluice/web/websocket/detail/session.hpp>
#include <string>
#include <utility>

namespace sluice {

namespace web::detail {

/// Cuts the connection when the time for the handshake is over.
struct HandshakeDeadline {
  explicit HandshakeDeadline(net::Socket& cut)
      : socket(cut),
        timer([](void* self) { static_cast<HandshakeDeadline*>(self)->pass(); }, this) {}
  void pass() {
    passed = true;
    socket.destroy();
  }

  net::Socket& socket;
  bool passed = false;
  net::detail::TimerEntry timer;
};

inline net::ConnectionOptions placeOf(const http::URL& url, const WebSocketOptions& options) {
  net::ConnectionOptions place;
  place.host = url.hostname();
  if (place.host.starts_with('[')) place.host = place.host.substr(1, place.host.size() - 2);
  place.port = url.protocol() == "wss:" ? 443 : 80;
  const std::string_view port = url.port();
  std::from_chars(port.data(), port.data() + port.size(), place.port);
  place.timeout = options.handshakeTimeout;
  return place;
}

inline http::Headers headersOf(const http::URL& url, const WebSocketOptions& options) {
  http::Headers headers = options.headers;
  for (const auto& [name, value] : headers) {
    http::validateHeaderName(name);
    http::validateHeaderValue(name, value);
  }
  if (!url.username().empty() && !headers.has("authorization")) {
    const std::string user = http::detail::percentDecode(url.username()) + ':' +
                             http::detail::percentDecode(url.password());
    headers.set("authorization", "Basic " + toText(user, Encoding::base64));
  }
  return headers;
}

inline void requireProtocols(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (http::detail::isToken(name)) continue;
    throw http::Error(make_error_code(http::errc::ERR_INVALID_ARG_VALUE),
                      "protocols: \"" + name + "\" is no name of a subprotocol");
  }
}

SLUICE_DECL task<net::Socket> openConnection(net::ConnectionOptions place, bool encrypted,
                                             const WebSocketOptions& options) {
  if (options.createConnection) co_return co_await options.createConnection(place);
  if (!encrypted) co_return co_await net::connect(place);
  https::ConnectionOptions secure;
  secure.host = place.host;
  secure.port = place.port;
  secure.timeout = place.timeout;
  secure.secureContext = options.secureContext;
  co_return co_await https::connect(secure);
}

SLUICE_DECL task<WebSocket> openWebSocket(std::string text, WebSocketOptions options) {
  const http::URL url(text);
  const bool encrypted = url.protocol() == "wss:";
  if (!encrypted && url.protocol() != "ws:") {
    throw http::Error(
        make_error_code(http::errc::ERR_INVALID_PROTOCOL),
        "A WebSocket is opened at ws: or wss:, not at " + std::string(url.protocol()));
  }
  requireProtocols(options.protocols);
  const http::Headers headers = headersOf(url, options);
  const auto loop = net::detail::Loop::of(co_await asio::this_coro::executor);
  const auto begin = loop->now();
  net::Socket socket = co_await openConnection(placeOf(url, options), encrypted, options);
  auto engine = std::make_unique<WebSocketEngine>(WebSocketEngine::Role::client, socket, options);
  HandshakeDeadline deadline(socket);
  if (options.handshakeTimeout.count() > 0) {
    const auto spent = std::chrono::floor<std::chrono::milliseconds>(loop->now() - begin);
    const auto rest = std::max(options.handshakeTimeout - spent, std::chrono::milliseconds(1));
    loop->startTimer(deadline.timer, rest);
  }
  try {
    co_await engine->handshake(url.host(), std::string(url.pathname()) + url.search(), headers);
  } catch (const http::Error&) {
    if (!deadline.passed) throw;
  }
  if (deadline.passed) throw http::Error(asio::error::timed_out);
  engine->adopt();
  const boost::intrusive_ptr<WebSocketSession> session(
      new WebSocketSession(std::move(engine), options));
  session->open();
  co_return WebSocketAccess::make(session);
}

}  // namespace web::detail

SLUICE_DECL task<WebSocket> connectWebSocket(std::string_view url) {
  return web::detail::openWebSocket(std::string(url), WebSocketOptions());
}

SLUICE_DECL task<WebSocket> connectWebSocket(std::string_view url, const WebSocketOptions& named) {
  return web::detail::openWebSocket(std::string(url), named);
}

}  // namespace sluice
