// SPDX-License-Identifier: BSL-1.0
//
// A server of WebSockets over a connection in memory, and its client.
#pragma once

#include <chrono>
#include <sluice/websocket.hpp>
#include <string>
#include <string_view>
#include <utility>
#include "support/catch.hpp"
#include "support/serve.hpp"
#include "websocket_frames.hpp"

namespace sluice::test {
inline std::string upgrade(std::string_view fields = {}) {
  return "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
         "Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         std::string(fields) + "\r\n";
}

// The key and its answer are those of RFC 6455 1.3.
constexpr std::string_view agreed =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nConnection: Upgrade\r\n";

/// A server whose WebSockets run `handler`, and one client of it.
class Site {
 public:
  template <class F>
  explicit Site(F handler, WebSocketOptions options = {}) : wire_(serve(okHandler)) {
    wire_.server().on<"upgrade">(webSocket(std::move(handler), std::move(options)));
    wire_.server().on<"error">([this](const http::Error& error) { errors += error.what(); });
  }

  Serving& wire() { return wire_; }
  http::Server& server() { return wire_.server(); }
  /// The opening handshake of the first client, and frames right after it.
  Site& open(std::string_view words = {}) {
    wire_.send(upgrade() + frames(words, true));
    const std::string answer = wire_.take();
    const std::size_t end = answer.find("\r\n\r\n");
    REQUIRE(end != std::string::npos);
    REQUIRE(answer.starts_with("HTTP/1.1 101 "));
    early_ = answer.substr(end + 4);
    return *this;
  }
  /// What the server has sent since it was last asked; "|" is the end of the connection.
  std::string send(std::string_view words) {
    wire_.send(frames(words, true));
    return received();
  }
  std::string received() {
    wire_.settle();
    std::string words = framesOf(std::exchange(early_, {}) + wire_.wire().takeReceived());
    if (wire_.ended()) words += words.empty() ? "|" : " |";
    return words;
  }
  void advance(std::chrono::milliseconds time) { wire_.advance(time); }

  std::string errors;

 private:
  Serving wire_;
  std::string early_;
};

inline task<> echo(WebSocket& ws, http::IncomingMessage&) {
  while (auto message = co_await ws.receive()) co_await ws.send(message->data);
}

/// Receives until the end, and says what it was.
inline auto logging(std::string& log) {
  return [&log](WebSocket& ws, http::IncomingMessage&) -> task<> {
    try {
      while (auto message = co_await ws.receive()) log += std::string(message->data) + ' ';
      log += "end ";
    } catch (const http::Error& error) {
      log += std::string(error.name()) + ' ';
    }
    log += std::to_string(ws.closeCode()) + std::string(ws.closeReason());
  };
}
}  // namespace sluice::test
