// SPDX-License-Identifier: BSL-1.0
//
// What both ends of a WebSocket can be told.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/websocket.hpp>
#endif
#ifndef SLUICE_WEB_WEBSOCKET_OPTIONS_HPP
#define SLUICE_WEB_WEBSOCKET_OPTIONS_HPP

#include <chrono>
#include <cstddef>
#include <functional>
#include <sluice/http/headers.hpp>
#include <sluice/http/incoming_message.hpp>
#include <sluice/http/request_options.hpp>
#include <sluice/https/secure_context.hpp>
#include <string>
#include <vector>

namespace sluice {

/// Options of webSocket() and connectWebSocket(). A time of 0 is "never", a size of 0 "no limit".
///
///     server.on<"upgrade">(webSocket(handler, {.protocols = {"chat"}, .maxMessage = 64 * 1024}));
struct WebSocketOptions {
  /// Subprotocols. A server takes the first one of the client's that is named here; a client offers
  /// them in this order.
  std::vector<std::string> protocols = {};
  /// Bytes of a received message, decompressed; a longer one closes with 1009.
  std::size_t maxMessage = 16 * 1024 * 1024;
  /// permessage-deflate, if the peer agrees. It takes up to 200 KiB of memory for each
  /// connection, see docs/websocket.md.
  bool deflate = false;
  /// How often the peer is pinged. If nothing at all has come from it when the next ping is due, it
  /// is gone: receive() throws ECONNRESET. One that takes bytes which were held back is there.
  std::chrono::milliseconds pingInterval = std::chrono::seconds(30);
  /// How long the peer has for its part of the closing handshake, and to take what was sent before;
  /// then the connection is cut.
  std::chrono::milliseconds closeTimeout = std::chrono::seconds(10);
  /// For a server: whether this request may become a WebSocket; false: 403. Browsers let every page
  /// connect to every server, so a server that knows its users by cookies checks `Origin` here.
  std::function<bool(http::IncomingMessage&)> verify = {};
  /// For a client: how long connecting and the opening handshake may take together, ETIMEDOUT then.
  std::chrono::milliseconds handshakeTimeout = std::chrono::seconds(30);
  /// For a client: further header fields of its request, `Authorization` or `Cookie` say.
  http::Headers headers = {};
  /// For a client: opens the connection in place of net::connect() and https::connect().
  http::CreateConnection createConnection = {};
  /// For a client of wss://: keys and certificates to trust in place of the system's.
  https::SecureContext secureContext = {};
};

}  // namespace sluice

#endif
