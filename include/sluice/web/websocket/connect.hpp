// SPDX-License-Identifier: BSL-1.0
//
// The client's side: connects and asks for a WebSocket.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/websocket.hpp>
#endif
#ifndef SLUICE_WEB_WEBSOCKET_CONNECT_HPP
#define SLUICE_WEB_WEBSOCKET_CONNECT_HPP

#include <sluice/task.hpp>
#include <sluice/web/websocket/options.hpp>
#include <sluice/web/websocket/web_socket.hpp>
#include <string_view>

namespace sluice {

/// Opens a WebSocket at a URL of ws:// or wss://, on the awaiting coroutine's executor.
///
///     WebSocket ws = co_await connectWebSocket("wss://example.org/feed");
///
/// A user and password in the URL are sent as Basic authorization; its fragment is not sent.
///
/// named   an object with a name; one made in the same statement is refused on g++ before 13, which
///         would destroy it twice
/// throws  ERR_INVALID_URL, ERR_INVALID_PROTOCOL, ERR_INVALID_ARG_VALUE for a subprotocol that is
///         no token; as net::connect() and https::connect();
///         ERR_WEBSOCKET_HANDSHAKE if the server does not agree, with its status in what();
///         ETIMEDOUT after `handshakeTimeout`
/// cancel  terminal: operation_aborted, the connection is closed
task<WebSocket> connectWebSocket(std::string_view url);
task<WebSocket> connectWebSocket(std::string_view url, const WebSocketOptions& named);
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
task<WebSocket> connectWebSocket(std::string_view url, WebSocketOptions&&) = delete;
#endif

}  // namespace sluice

#endif
