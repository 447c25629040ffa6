// SPDX-License-Identifier: BSL-1.0
//
// Definitions of connect.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <charconv>
#include <chrono>
#include <memory>
#include <sluice/encoding.hpp>
#include <sluice/error.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <sluice/http/url.hpp>
#include <sluice/https/connect.hpp>
#include <sluice/net/connect.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/web/websocket/connect.hpp>
#include <sluice/web/websocket/detail/session.hpp>
#include <string>
#include <utility>

namespace sluice {

namespace web::detail {

/// Cuts the connection when the time for the handshake is over.
struct HandshakeDeadline {
  explicit HandshakeDeadline(const net::Socket& cut)
      : socket(net::detail::SocketAccess::core(cut)),
        timer([](void* self) { static_cast<HandshakeDeadline*>(self)->pass(); }, this) {}
  void pass() {
    passed = true;
    socket->destroy();
  }

  boost::intrusive_ptr<net::detail::SocketCore> socket;
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

inline https::ConnectionOptions secureOptions(const std::string& host,
                                              const WebSocketOptions& options) {
  https::ConnectionOptions secure;
  secure.host = host;
  secure.secureContext = options.secureContext;
  // HandshakeDeadline counts.
  secure.handshakeTimeout = std::chrono::milliseconds(0);
  return secure;
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
  const net::ConnectionOptions place = placeOf(url, options);
  net::Socket socket;
  if (options.createConnection) {
    socket = co_await options.createConnection(place);
  } else {
    socket = co_await net::connect(place);
  }
  HandshakeDeadline deadline(socket);
  if (options.handshakeTimeout.count() > 0) {
    const auto spent = std::chrono::floor<std::chrono::milliseconds>(loop->now() - begin);
    const auto rest = std::max(options.handshakeTimeout - spent, std::chrono::milliseconds(1));
    loop->startTimer(deadline.timer, rest);
  }
  std::unique_ptr<WebSocketEngine> engine;
  try {
    if (encrypted && !options.createConnection) {
      const https::ConnectionOptions secure = secureOptions(place.host, options);
      socket = co_await https::connect(std::move(socket), secure);
    }
    engine = std::make_unique<WebSocketEngine>(WebSocketEngine::Role::client, socket, options);
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
