// SPDX-License-Identifier: BSL-1.0
//
// connectWebSocket(): against a server of ours over a connection in memory, and against one that
// answers what the test says.
#include <functional>
#include <memory>
#include <optional>
#include <sluice/websocket.hpp>
#include <string>
#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/serve.hpp"
#include "support/websocket_key.hpp"
#include "websocket_frames.hpp"

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

/// A client whose server is the test.
class Dial {
 public:
  explicit Dial(WebSocketOptions options = {},
                std::string_view url = "ws://example.org/feed?a=1#x") {
    options.createConnection = [this](const net::ConnectionOptions& to) -> task<net::Socket> {
      place = to.host + ':' + std::to_string(to.port);
      co_return wire.socket();
    };
    started_.emplace(io, connectWebSocket(url, options));
    settleBounded(io);
    request = wire.takeReceived();
  }

  std::string agreement(std::string_view fields = {}) const {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: " +
           answerToKey(request) + "\r\n" + std::string(fields) + "\r\n";
  }
  WebSocket answer(std::string_view bytes) {
    wire.deliver(bytes);
    return started_->result();
  }
  std::string failure(std::string_view bytes) {
    try {
      answer(bytes);
    } catch (const http::Error& error) {
      return std::string(error.name()) + ": " + error.what();
    }
    return "none";
  }
  bool done() const { return started_->done(); }
  std::string received() {
    settleBounded(io);
    std::string words = framesOf(wire.takeReceived());
    if (wire.ended() || wire.closed()) words += words.empty() ? "|" : " |";
    return words;
  }

  asio::io_context io;
  test::Clock clock{io, [this] { settleBounded(io); }};
  Wire wire{io};
  std::string place, request;

 private:
  std::optional<Started<WebSocket>> started_;
};

}  // namespace

TEST_CASE("connectWebSocket(): the request is that of RFC 6455", "[websocket]") {
  SECTION("with what the URL says") {
    Dial dial;
    CHECK(dial.place == "example.org:80");
    CHECK(dial.request.starts_with("GET /feed?a=1 HTTP/1.1\r\nHost: example.org\r\n"));
    for (const char* line : {"\r\nUpgrade: websocket\r\n", "\r\nConnection: Upgrade\r\n",
                             "\r\nSec-WebSocket-Version: 13\r\n", "\r\nSec-WebSocket-Key: "}) {
      CHECK(dial.request.find(line) != std::string::npos);
    }
    for (const char* line :
         {"Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "uthorization"}) {
      CHECK(dial.request.find(line) == std::string::npos);
    }
  }
  SECTION("with what the options say") {
    WebSocketOptions options;
    options.protocols = {"a", "b"};
    options.deflate = true;
    options.headers.set("Cookie", "x=1");
    Dial dial(options, "wss://me:se%20cret@[::1]:8443");
    CHECK(dial.place == "::1:8443");
    CHECK(dial.request.starts_with("GET / HTTP/1.1\r\nHost: [::1]:8443\r\n"));
    CHECK(dial.request.find("\r\nSec-WebSocket-Protocol: a, b\r\n") != std::string::npos);
    CHECK(dial.request.find("\r\nSec-WebSocket-Extensions: permessage-deflate") !=
          std::string::npos);
    CHECK(dial.request.find("cookie: x=1\r\n") != std::string::npos);
    CHECK(dial.request.find("uthorization: Basic bWU6c2UgY3JldA==\r\n") != std::string::npos);
  }
}

TEST_CASE("connectWebSocket(): a subprotocol is a token", "[websocket]") {
  for (const char* name : {"", "a b", "a,b", "a\r\nX: y"}) {
    INFO(name);
    asio::io_context io;
    WebSocketOptions options;
    options.protocols = {"chat", name};
    CHECK_THROWS_AS(run(io, connectWebSocket("ws://example.org/", options)), http::Error);
  }
}

TEST_CASE("connectWebSocket(): an extension is one that was offered", "[websocket]") {
  const auto outcome = [](bool deflate, std::string extensions) {
    WebSocketOptions options;
    options.deflate = deflate;
    Dial dial(options);
    return dial.failure(dial.agreement("Sec-WebSocket-Extensions: " + extensions + "\r\n"))
        .substr(0, 23);
  };
  CHECK(outcome(false, "") == "none");
  CHECK(outcome(true, "permessage-deflate") == "none");
  CHECK(outcome(true,
                "permessage-deflate; server_max_window_bits=\"10\"; "
                "client_no_context_takeover") == "none");
  CHECK(outcome(false, "permessage-deflate") == "ERR_WEBSOCKET_HANDSHAKE");
  for (const char* extensions :
       {"x-other", "permessage-deflate, x-other", "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits", "permessage-deflate; other=1",
        "permessage-deflate; client_no_context_takeover=1"}) {
    INFO(extensions);
    CHECK(outcome(true, extensions) == "ERR_WEBSOCKET_HANDSHAKE");
  }
}

TEST_CASE("connectWebSocket(): a server that agrees", "[websocket]") {
  WebSocketOptions options;
  options.protocols = {"chat", "super"};
  Dial dial(options);
  WebSocket ws =
      dial.answer(dial.agreement("Sec-WebSocket-Protocol: super\r\n") + frames("t:early", false));
  CHECK(ws.protocol() == "super");
  const auto first = run(dial.io, ws.receive());
  CHECK((first && first->data == "early" && !first->binary));
  SECTION("gets masked frames") {
    ws.send("hello");
    ws.send(std::as_bytes(std::span(std::string_view("\xff"))));
    ws.send(std::string(70'000, 'm'));
    settleBounded(dial.io);
    const std::string_view bytes = dial.wire.received();
    CHECK((static_cast<unsigned char>(bytes[1]) & 0x80) != 0);
    CHECK(bytes.find("hello") == std::string_view::npos);
    CHECK(dial.received() == "t:hello b:<ff> t:{70000*m}");
  }
  SECTION("closes, and is answered") {
    dial.wire.deliver(frames("x:1001,later", false));
    CHECK(!run(dial.io, ws.receive()));
    CHECK(ws.closeCode() == 1001);
    CHECK(ws.closeReason() == "later");
    CHECK(dial.received() == "x:1001 |");
  }
  SECTION("sends a mask, which it may not") {
    dial.wire.deliver(frames("t:masked", true));
    CHECK_THROWS_AS(run(dial.io, ws.receive()), http::Error);
    CHECK(ws.closeCode() == 1002);
    CHECK(dial.received() == "x:1002 |");
  }
  SECTION("is told of the end of the handle") {
    ws = WebSocket();
    CHECK(dial.received() == "x:1001");
  }
}

TEST_CASE("connectWebSocket(): frames that come with the answer", "[websocket]") {
  const std::size_t chop = GENERATE(std::size_t{test::unlimited}, std::size_t{1}, std::size_t{7},
                                    std::size_t{100}, std::size_t{150});
  WebSocketOptions options;
  options.deflate = true;
  Dial dial(options);
  dial.wire.chop(chop);
  std::string received;
  const auto receiveAll = [&](WebSocket& ws) -> task<> {
    while (auto message = co_await ws.receive()) {
      received += test::detail::shownText(message->data) + ' ';
    }
  };
  SECTION("compressed") {
    // 3,073 times the letter a, by zlib. The second one refers to the first.
    WebSocket ws = dial.answer(
        dial.agreement("Sec-WebSocket-Extensions: permessage-deflate\r\n") +
        frames("r4t:<ecc18100000000c320d6f94b1ce4550100003706> p:1 -r4t:<ecc101010000008090> p:2 "
               "c:<ffaf1b120000809100> t:x x:1000",
               false));
    run(dial.io, receiveAll(ws));
    CHECK(received == "{3073*a} {3073*a} x ");
    CHECK(ws.closeCode() == 1000);
    CHECK(dial.received() == "o:1 o:2 x:1000 |");
  }
  SECTION("of a server that compresses nothing") {
    WebSocket ws = dial.answer(dial.agreement() + frames("t:one -t:tw p:1 c:o x:1000", false));
    run(dial.io, receiveAll(ws));
    CHECK(received == "one two ");
    CHECK(dial.received() == "o:1 x:1000 |");
  }
  SECTION("and then the end of the connection") {
    dial.wire.deliver(dial.agreement("Sec-WebSocket-Extensions: permessage-deflate\r\n") +
                      frames("r4t:<ecc18100000000c320d6f94b1ce4550100003706>", false));
    dial.wire.deliverEnd();
    WebSocket ws = dial.answer("");
    CHECK_THROWS_AS(run(dial.io, receiveAll(ws)), http::Error);
    CHECK(received == "{3073*a} ");
    CHECK(ws.closeCode() == 1006);
  }
  SECTION("but it declines, and has a body with empty lines") {
    CHECK(
        dial.failure("HTTP/1.1 403 Forbidden\r\nContent-Length: 12\r\n\r\n1\r\n\r\n2\r\n\r\n34") ==
        "ERR_WEBSOCKET_HANDSHAKE: The server answered 403 Forbidden");
  }
}

TEST_CASE("connectWebSocket(): a server that does not agree", "[websocket]") {
  Dial dial;
  SECTION("with a status") {
    CHECK(dial.failure("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") ==
          "ERR_WEBSOCKET_HANDSHAKE: The server answered 403 Forbidden");
  }
  SECTION("with a redirect") {
    CHECK(dial.failure("HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n") ==
          "ERR_WEBSOCKET_HANDSHAKE: The server answered 301 Moved");
  }
  const auto without = [&](std::string_view from, std::string_view to) {
    std::string bytes = dial.agreement();
    bytes.replace(bytes.find(from), from.size(), to);
    return dial.failure(bytes).substr(0, 23);
  };
  SECTION("with another key's answer") {
    CHECK(without("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x") ==
          "ERR_WEBSOCKET_HANDSHAKE");
  }
  SECTION("without an answer to the key") {
    CHECK(without("Sec-WebSocket-Accept", "X-Accept") == "ERR_WEBSOCKET_HANDSHAKE");
  }
  SECTION("without an upgrade") {
    CHECK(without("Upgrade: w", "X: w") == "ERR_WEBSOCKET_HANDSHAKE");
  }
  SECTION("with HTTP/1.0") { CHECK(without("HTTP/1.1", "HTTP/1.0") == "ERR_WEBSOCKET_HANDSHAKE"); }
  SECTION("with a subprotocol that nobody offered") {
    CHECK(dial.failure(dial.agreement("Sec-WebSocket-Protocol: chat\r\n"))
              .starts_with("ERR_WEBSOCKET_HANDSHAKE"));
  }
  SECTION("with what is no HTTP") {
    CHECK(dial.failure("SSH-2.0-OpenSSH\r\n\r\n").starts_with("ERR_WEBSOCKET_HANDSHAKE"));
  }
  SECTION("but ends") {
    dial.wire.deliverEnd();
    CHECK(dial.failure("").starts_with("ECONNRESET"));
  }
  SECTION("and says nothing") {
    dial.clock.advance(29s);
    CHECK(!dial.done());
    dial.clock.advance(1s);
    CHECK(dial.failure("").starts_with("ETIMEDOUT"));
    CHECK(dial.wire.closed());
  }
  settleBounded(dial.io);
  CHECK(dial.wire.closed());
}

TEST_CASE("connectWebSocket(): URLs that are none of a WebSocket", "[websocket]") {
  asio::io_context io;
  const auto failure = [&](std::string_view url) {
    try {
      run(io, connectWebSocket(url));
    } catch (const http::Error& error) {
      return std::string(error.name());
    }
    return std::string();
  };
  CHECK(failure("http://a/") == "ERR_INVALID_PROTOCOL");
  CHECK(failure("/relative") == "ERR_INVALID_URL");
  CHECK(failure("") == "ERR_INVALID_URL");
}

TEST_CASE("WebSocket: both ends are ours, with and without compression", "[websocket]") {
  const bool deflate = GENERATE(false, true);
  asio::io_context io;
  test::Clock clock(io, [&] { settleBounded(io); });
  http::Server server = http::createServer(io);
  server.on<"upgrade">(webSocket(
      [](WebSocket& ws, http::IncomingMessage&) -> task<> {
        while (auto message = co_await ws.receive()) co_await ws.send(message->data);
      },
      {.deflate = deflate}));
  WebSocketOptions options;
  options.deflate = deflate;
  options.createConnection = [&](const net::ConnectionOptions&) -> task<net::Socket> {
    SocketPair pair = connectedPair(io);
    server.serve(std::move(pair.second));
    co_return std::move(pair.first);
  };
  WebSocket ws = run(io, connectWebSocket("ws://a/", options));
  const auto before = ws.socket().bytesWritten();
  std::size_t sent = 0;
  std::string noise;
  for (unsigned i = 0, seed = 1; i < 100'000; ++i)
    noise += static_cast<char>('a' + ((seed = seed * 1664525U + 1013904223U) >> 28));
  for (const std::size_t size :
       {0U, 1U, 63U, 64U, 125U, 126U, 5'000U, 65'535U, 65'536U, 100'000U}) {
    for (const std::string& text : {noise.substr(0, size), std::string(size, 'r')}) {
      const auto talk = [&]() -> task<std::string> {
        co_await ws.send(text);
        const auto answer = co_await ws.receive();
        co_return std::string(answer ? answer->data : "end");
      };
      CHECK((run(io, talk()) == text));
      sent += size;
    }
  }
  const auto wireBytes = ws.socket().bytesWritten() - before;
  CHECK((deflate ? wireBytes < sent / 2 : wireBytes > sent));
  run(io, ws.close(1000, "bye"));
  CHECK(ws.closeCode() == 1000);
}

TEST_CASE("WebSocket: what inflates beyond the limit is not inflated", "[websocket]") {
  asio::io_context io;
  test::Clock clock(io, [&] { settleBounded(io); });
  http::Server server = http::createServer(io);
  std::string error;
  server.on<"upgrade">(webSocket(
      [&](WebSocket& ws, http::IncomingMessage&) -> task<> {
        try {
          co_await ws.receive();
        } catch (const http::Error& thrown) {
          error = thrown.name();
        }
      },
      {.maxMessage = 100'000, .deflate = true}));
  WebSocketOptions options;
  options.deflate = true;
  options.createConnection = [&](const net::ConnectionOptions&) -> task<net::Socket> {
    SocketPair pair = connectedPair(io);
    server.serve(std::move(pair.second));
    co_return std::move(pair.first);
  };
  WebSocket ws = run(io, connectWebSocket("ws://a/", options));
  const auto before = ws.socket().bytesWritten();
  ws.send(std::string(10'000'000, '0'));
  CHECK(ws.socket().bytesWritten() - before < 100'000);
  CHECK(!run(io, ws.receive()));
  CHECK(ws.closeCode() == 1009);
  CHECK(error == "ERR_WEBSOCKET_MESSAGE_TOO_LARGE");
}
