// SPDX-License-Identifier: BSL-1.0
//
// The cases of websocket_cases.hpp, however their bytes arrive.
#include "websocket_cases.hpp"
#include <sluice/websocket.hpp>
#include <string>
#include "support/catch.hpp"
#include "support/serve.hpp"
#include "websocket_frames.hpp"

using namespace sluice;
using namespace sluice::test;

namespace {

std::string upgrade(ServedAs how) {
  std::string request =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
  if (how == ServedAs::deflate) request += "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  return request + "\r\n";
}

task<> echo(WebSocket& ws, http::IncomingMessage&) {
  while (auto message = co_await ws.receive()) {
    if (message->binary) {
      co_await ws.send(std::as_bytes(std::span(message->data)));
    } else {
      co_await ws.send(message->data);
    }
  }
}

/// A server that serves one case, in one piece, in pieces of one size, or in two pieces.
class Run {
 public:
  explicit Run(const WebSocketCase& what)
      : server_(http::createServer(io_)), how_(what.how), ends_(what.sent.ends_with('|')) {
    WebSocketOptions options;
    options.deflate = how_ == ServedAs::deflate;
    if (how_ == ServedAs::limited) options.maxMessage = 1024;
    server_.on<"upgrade">(webSocket(&echo, options));
    server_.serve(wire_.socket());
    wire_.deliver(upgrade(how_));
    settleBounded(io_);
    const std::string answer = wire_.takeReceived();
    REQUIRE(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    REQUIRE(answer.ends_with("\r\n\r\n"));
  }

  Wire& wire() { return wire_; }
  void settle() { settleBounded(io_); }
  std::string result() {
    if (ends_) wire_.deliverEnd();
    settle();
    std::string words = framesOf(wire_.received());
    if (wire_.ended() || wire_.closed()) words += words.empty() ? "|" : " |";
    return words;
  }

 private:
  asio::io_context io_;
  test::Clock clock_{io_, [this] { settleBounded(io_); }};
  Wire wire_{io_};
  http::Server server_;
  ServedAs how_;
  bool ends_;
};

std::string whole(const WebSocketCase& what, std::size_t chop = test::unlimited) {
  Run run(what);
  run.wire().chop(chop).deliver(frames(what.sent, true));
  return run.result();
}

std::string inTwo(const WebSocketCase& what, std::string_view bytes, std::size_t at) {
  Run run(what);
  run.wire().deliver(bytes.substr(0, at));
  run.settle();
  run.wire().deliver(bytes.substr(at));
  return run.result();
}

}  // namespace

TEST_CASE("WebSocket cases: what a server makes of frames", "[websocket]") {
  STATIC_REQUIRE(std::size(webSocketCases) >= 150);
  for (const WebSocketCase& each : webSocketCases) {
    INFO(each.name << ": " << each.sent.substr(0, 100));
    CHECK(whole(each) == each.received);
  }
}

TEST_CASE("WebSocket cases: byte by byte, and in two pieces", "[websocket]") {
  for (const WebSocketCase& each : webSocketCases) {
    const std::string bytes = frames(each.sent, true);
    if (bytes.size() > 2000) continue;
    INFO(each.name << ": " << each.sent.substr(0, 100));
    CHECK(whole(each, 1) == each.received);
    if (bytes.size() > 60) continue;
    for (std::size_t at = 1; at < bytes.size(); ++at) {
      INFO("in two pieces, the first of " << at << " bytes");
      CHECK(inTwo(each, bytes, at) == each.received);
    }
  }
}

TEST_CASE("WebSocket cases: text that is cut in two fragments at every byte", "[websocket]") {
  std::size_t cuts = 0;
  for (const WebSocketCase& each : webSocketCases) {
    if (!each.sent.starts_with("t:<") || each.sent.find(' ') != std::string_view::npos) continue;
    const std::string text = test::detail::frameText(each.sent.substr(2));
    for (std::size_t at = 0; at <= text.size(); ++at, ++cuts) {
      const std::string words = "-t:" + test::detail::shownText(text.substr(0, at)) +
                                " p:between c:" + test::detail::shownText(text.substr(at));
      INFO(each.name << ": " << words);
      const WebSocketCase cut{each.name, words, each.received};
      const std::string got = whole(cut);
      // What is wrong may be known before the ping is read.
      const std::string after = got.starts_with("o:between ") ? got.substr(10) : got;
      CHECK(after == each.received);
    }
  }
  CHECK(cuts > 150);
}
