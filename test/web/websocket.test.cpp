// SPDX-License-Identifier: BSL-1.0
//
// WebSockets of a server over a connection in memory: handshakes, sending, waiting, and every way
// in which one can end.
#include <memory>
#include <optional>
#include <sluice/websocket.hpp>
#include <string>
#include <vector>
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/run.hpp"
#include "support/serve.hpp"
#include "websocket_frames.hpp"

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

std::string upgrade(std::string_view fields = {}) {
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

task<> echo(WebSocket& ws, http::IncomingMessage&) {
  while (auto message = co_await ws.receive()) co_await ws.send(message->data);
}

/// Receives until the end, and says what it was.
auto logging(std::string& log) {
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

}  // namespace

TEST_CASE("webSocket() agrees to a handshake, and nothing else", "[websocket]") {
  Site site(&echo, {.protocols = {"chat", "super"}});
  Serving& wire = site.wire();
  SECTION("the one of RFC 6455") {
    CHECK(wire.send(upgrade()) == std::string(agreed) + "\r\n");
    CHECK(!wire.closed());
  }
  SECTION("with a subprotocol: the first of the client's that is known") {
    CHECK(wire.send(upgrade("Sec-WebSocket-Protocol: other, super\r\n"
                            "Sec-WebSocket-Protocol: chat\r\n")) ==
          std::string(agreed) + "Sec-WebSocket-Protocol: super\r\n\r\n");
  }
  SECTION("with subprotocols that are not known") {
    CHECK(wire.send(upgrade("Sec-WebSocket-Protocol: CHAT, x\r\n")) ==
          std::string(agreed) + "\r\n");
  }
  SECTION("with compression, which was not switched on") {
    CHECK(wire.send(upgrade("Sec-WebSocket-Extensions: permessage-deflate\r\n")) ==
          std::string(agreed) + "\r\n");
  }
  const auto refused = [&](std::string_view from, std::string_view to, std::string_view status) {
    std::string bytes = upgrade();
    bytes.replace(bytes.find(from), from.size(), to);
    const std::string answer = wire.send(bytes);
    CHECK(answer.starts_with(status));
    CHECK(answer.find("\r\nConnection: ") != std::string::npos);
    CHECK(wire.closed());
    return answer;
  };
  SECTION("not to a POST") { refused("GET", "POST", "HTTP/1.1 400 Bad Request\r\n"); }
  SECTION("not to another upgrade") { refused("WebSocket", "h2c", "HTTP/1.1 400 Bad Request\r\n"); }
  SECTION("not without a key") { refused("Sec-WebSocket-Key", "X-Key", "HTTP/1.1 400 "); }
  SECTION("not to a short key") { refused("dGhl", "dGh", "HTTP/1.1 400 "); }
  SECTION("not to a key that is no base64") { refused("dGhl", "d!hl", "HTTP/1.1 400 "); }
  SECTION("not to an older version") {
    const std::string answer =
        refused("Version: 13", "Version: 8", "HTTP/1.1 426 Upgrade Required\r\n");
    CHECK(answer.find("\r\nSec-WebSocket-Version: 13\r\n") != std::string::npos);
    CHECK(answer.find("\r\nUpgrade: websocket\r\n") != std::string::npos);
  }
  SECTION("not without a version") {
    refused("Sec-WebSocket-Version", "X-Version", "HTTP/1.1 426 Upgrade Required\r\n");
  }
}

TEST_CASE("webSocket(): an offer of compression is taken as it is, or declined", "[websocket]") {
  const auto answered = [](std::string_view offers) {
    Site site(&echo, {.deflate = true});
    const std::string answer =
        site.wire().send(upgrade("Sec-WebSocket-Extensions: " + std::string(offers) + "\r\n"));
    constexpr std::string_view name = "Sec-WebSocket-Extensions: ";
    const std::size_t at = answer.find(name);
    if (at == std::string::npos) return std::string();
    return answer.substr(at + name.size(), answer.find("\r\n", at) - at - name.size());
  };
  CHECK(answered("permessage-deflate; server_max_window_bits=10") ==
        "permessage-deflate; server_max_window_bits=10");
  // No encoder here has so small a window, and one that is larger could not be inflated.
  CHECK(answered("permessage-deflate; server_max_window_bits=8").empty());
  CHECK(answered("permessage-deflate ; Server_Max_Window_Bits = \"8\"; x").empty());
  CHECK(answered("permessage-deflate; server_max_window_bits=8, permessage-deflate") ==
        "permessage-deflate");
}

TEST_CASE("webSocket(): verify decides, and 403 is its no", "[websocket]") {
  bool called = false;
  Site site(
      [&](WebSocket&, http::IncomingMessage&) -> task<> {
        called = true;
        co_return;
      },
      {.verify = [](http::IncomingMessage& req) { return req.headers()["origin"] == "http://a"; }});
  SECTION("no") {
    CHECK(site.wire()
              .send(upgrade("Origin: http://b\r\n"))
              .starts_with("HTTP/1.1 403 Forbidden\r\n"));
    CHECK(site.wire().closed());
    CHECK(!called);
  }
  SECTION("yes") {
    CHECK(site.wire().send(upgrade("Origin: http://a\r\n")).starts_with(agreed));
    CHECK(called);
  }
}

TEST_CASE("webSocket(): the request is there while the handler runs", "[websocket]") {
  std::string seen;
  Site site([&](WebSocket& ws, http::IncomingMessage& req) -> task<> {
    co_await ws.receive();
    seen = std::string(req.url()) + ' ' + req.socket().remoteAddress() + ' ' +
           ws.socket().remoteAddress();
  });
  const std::string words = site.open("t:first").received();
  CHECK(words == "x:1001");
  CHECK(seen.starts_with("/chat "));
  CHECK(seen.size() > 10);
}

TEST_CASE("WebSocket: frames that came with the handshake are read", "[websocket]") {
  Site site(&echo);
  CHECK(site.open("t:one t:two").received() == "t:one t:two");
  CHECK(site.send("t:three") == "t:three");
}

TEST_CASE("WebSocket: pings and closes are answered while nobody receives", "[websocket]") {
  Gate gate;
  Site site([&](WebSocket& ws, http::IncomingMessage&) -> task<> {
    co_await gate.wait();
    const auto message = co_await ws.receive();
    CHECK(!message);
    CHECK(ws.closeCode() == 4000);
    CHECK(ws.closeReason() == "why");
  });
  site.open();
  CHECK(site.send("p:1 o p:2") == "o:1 o:2");
  CHECK(site.send("x:4000,why") == "x:4000 |");
  gate.open();
  CHECK(site.received() == "|");
  CHECK(site.errors.empty());
}

TEST_CASE("WebSocket: one message is read ahead, and no more", "[websocket]") {
  Gate gate;
  std::string log;
  Site site([&](WebSocket& ws, http::IncomingMessage&) -> task<> {
    const auto first = co_await ws.receive();
    co_await gate.wait();
    log += std::string(first->data);
    while (auto message = co_await ws.receive()) log += std::string(message->data);
  });
  site.open("t:a");
  CHECK(site.send("t:b p:seen") == "");
  for (int i = 0; i < 100; ++i) site.wire().wire().deliver(frames("t:{1000*c}", true));
  site.wire().settle();
  CHECK(site.wire().wire().unread().size() > 90'000);
  gate.open();
  CHECK(site.received() == "o:seen");
  CHECK(log.size() == 100'002);
  CHECK(log.starts_with("abccc"));
}

TEST_CASE("WebSocket: messages of several coroutines leave whole and in order", "[websocket]") {
  std::vector<std::string> ended;
  Site site([&](WebSocket& ws, http::IncomingMessage&) -> task<> {
    const auto send = [&ws, &ended](char letter) -> task<> {
      for (int i = 0; i < 5; ++i) co_await ws.send(std::string(30'000, letter));
      ended.push_back(std::string(1, letter));
    };
    const auto executor = co_await asio::this_coro::executor;
    asio::co_spawn(executor, send('a'), asio::detached);
    asio::co_spawn(executor, send('b'), asio::detached);
    co_await send('c');
    co_await ws.receive();
  });
  site.wire().wire().room(1000);
  site.wire().send(upgrade());
  std::string bytes = site.wire().wire().takeReceived();
  for (int i = 0; i < 500 && ended.size() < 3; ++i) {
    site.wire().wire().room(1000);
    site.wire().settle();
    bytes += site.wire().wire().takeReceived();
  }
  site.wire().wire().room(test::unlimited);
  site.wire().settle();
  bytes += site.wire().wire().takeReceived();
  const std::string words = framesOf(std::string_view(bytes).substr(bytes.find("\r\n\r\n") + 4));
  std::size_t count = 0;
  for (const char letter : {'a', 'b', 'c'}) {
    const std::string word = std::string("t:{30000*") + letter + '}';
    for (std::size_t at = words.find(word); at != std::string::npos; at = words.find(word, at + 1))
      ++count;
  }
  CHECK(count == 15);
  CHECK(words.size() == 15 * 12 - 1);
  CHECK(words.find("half") == std::string::npos);
}

TEST_CASE("WebSocket: a peer that does not read holds the sender at the high-water mark",
          "[websocket]") {
  int sent = 0;
  std::size_t most = 0;
  Site site([&](WebSocket& ws, http::IncomingMessage&) -> task<> {
    for (; sent < 1000; ++sent) {
      co_await ws.send(std::string(1000, 'm'));
      most = std::max(most, ws.bufferedAmount());
    }
  });
  site.wire().wire().room(2000);
  site.wire().send(upgrade());
  CHECK(sent < 20);
  const int before = sent;
  site.wire().wire().takeReceived();
  site.wire().wire().room(10'000);
  site.wire().settle();
  CHECK(sent > before);
  CHECK(sent < 40);
  site.wire().wire().room(test::unlimited);
  site.wire().settle();
  CHECK(sent == 1000);
  CHECK(most <= 17'100);
}

TEST_CASE("WebSocket: a peer that sends pings and reads no pongs costs no more memory",
          "[websocket]") {
  std::size_t buffered = 0;
  WebSocket* open = nullptr;
  Site site([&](WebSocket& ws, http::IncomingMessage&) -> task<> {
    open = &ws;
    co_await ws.receive();
  });
  site.open();
  site.wire().wire().room(0);
  const std::string ping = frames("p:{125*p}", true);
  for (int i = 0; i < 1000; ++i) site.wire().wire().deliver(ping);
  site.wire().settle();
  buffered = open->bufferedAmount();
  CHECK(buffered < 17'000);
  CHECK(site.wire().wire().unread().size() > 100'000);
}

TEST_CASE("WebSocket: the peer is pinged, and gone if nothing comes from it", "[websocket]") {
  std::string log;
  Site site(logging(log));
  site.open();
  site.advance(29s);
  CHECK(site.received() == "");
  site.advance(1s);
  CHECK(site.received() == "p");
  SECTION("it answers") {
    CHECK(site.send("o") == "");
    site.advance(30s);
    CHECK(site.received() == "p");
    CHECK(log.empty());
  }
  SECTION("it says something else") {
    CHECK(site.send("t:busy") == "");
    site.advance(30s);
    CHECK(site.received() == "p");
    CHECK(log == "busy ");
  }
  SECTION("it is silent") {
    site.advance(29s);
    CHECK(log.empty());
    site.advance(1s);
    CHECK(log == "ECONNRESET 1006");
    CHECK(site.wire().closed());
    CHECK(site.server().getConnections() == 0);
  }
}

TEST_CASE("WebSocket: an answer that waits behind a message counts for nobody", "[websocket]") {
  Gate gate;
  std::string log;
  Site site([&](WebSocket& ws, http::IncomingMessage& req) -> task<> {
    co_await gate.wait();
    co_await logging(log)(ws, req);
  });
  site.open("t:held");
  site.advance(30s);
  CHECK(site.received() == "p");
  site.send("o");
  site.advance(60s);
  CHECK(site.received() == "p p");
  CHECK(!site.wire().closed());
  gate.open();
  site.wire().settle();
  CHECK(log == "held ");
}

TEST_CASE("WebSocket: pingInterval 0 sends none", "[websocket]") {
  Site site(&echo, {.pingInterval = 0ms});
  site.open();
  site.advance(1000s);
  CHECK(site.received() == "");
  CHECK(site.send("t:still") == "t:still");
}

TEST_CASE("WebSocket: receive() says how it ended", "[websocket]") {
  std::string log;
  Site site(logging(log), {.maxMessage = 100});
  site.open();
  SECTION("the peer closes") {
    CHECK(site.send("t:a x:1000,bye") == "x:1000 |");
    CHECK(log == "a end 1000bye");
  }
  SECTION("the peer closes without a code") {
    CHECK(site.send("x") == "x:1000 |");
    CHECK(log == "end 1005");
  }
  SECTION("no mask") {
    CHECK(site.send("ut:a") == "x:1002 |");
    CHECK(log == "ERR_WEBSOCKET_PROTOCOL 1002");
  }
  SECTION("a code that is none") {
    CHECK(site.send("x:1005") == "x:1002 |");
    CHECK(log == "ERR_WEBSOCKET_PROTOCOL 1002");
  }
  SECTION("no UTF-8") {
    CHECK(site.send("t:<ff>") == "x:1007 |");
    CHECK(log == "ERR_WEBSOCKET_INVALID_UTF8 1007");
  }
  SECTION("too much") {
    CHECK(site.send("t:{101*a}") == "x:1009 |");
    CHECK(log == "ERR_WEBSOCKET_MESSAGE_TOO_LARGE 1009");
  }
  SECTION("the connection ends") {
    site.wire().end();
    CHECK(log == "ECONNRESET 1006");
  }
  SECTION("the connection breaks") {
    site.wire().wire().reset();
    site.wire().settle();
    CHECK(log == "ECONNRESET 1006");
  }
  CHECK(site.errors.empty());
  site.wire().end();
  CHECK(site.wire().closed());
  CHECK(site.server().getConnections() == 0);
}

TEST_CASE("WebSocket: close() waits for the peer, and no longer than closeTimeout", "[websocket]") {
  bool closed = false;
  int code = 0;
  Site site(
      [&](WebSocket& ws, http::IncomingMessage&) -> task<> {
        co_await ws.receive();
        co_await ws.close(4321, "enough");
        closed = true;
        code = ws.closeCode();
        const auto message = co_await ws.receive();
        CHECK(!message);
        try {
          co_await ws.send("late");
          CHECK(false);
        } catch (const http::Error& error) {
          CHECK((error.code() == http::errc::ERR_STREAM_WRITE_AFTER_END ||
                 error.code() == http::errc::ERR_STREAM_DESTROYED));
        }
        co_await ws.close();
      },
      {.closeTimeout = 5s});
  CHECK(site.open("t:go").received() == "x:4321,enough");
  CHECK(!closed);
  SECTION("which answers, after some messages and pings that nobody wants any more") {
    CHECK(site.send("t:old p:old -t:ab c:cd x:4321") == "|");
    CHECK(code == 4321);
  }
  SECTION("which ends the connection instead") {
    site.wire().end();
    CHECK(code == 1006);
  }
  SECTION("which does nothing") {
    site.advance(4999ms);
    CHECK(!closed);
    site.advance(1ms);
    CHECK(code == 1006);
    CHECK(site.wire().closed());
  }
  CHECK(closed);
  CHECK(site.errors.empty());
}

TEST_CASE("WebSocket: what may not be sent is refused on the spot", "[websocket]") {
  std::string log;
  Site site([&](WebSocket& ws, http::IncomingMessage&) -> task<> {
    for (const int code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000}) {
      try {
        co_await ws.close(code);
      } catch (const http::Error& error) {
        log += error.name() == "ERR_OUT_OF_RANGE" ? '.' : '!';
      }
    }
    const std::string reason(124, 'r');
    try {
      co_await ws.close(1000, reason);
    } catch (const http::Error& error) {
      log += error.name() == "ERR_OUT_OF_RANGE" ? '.' : '!';
    }
    CHECK_THROWS_AS(ws.ping(std::string(126, 'p')), http::Error);
    ws.ping(std::string(125, 'p'));
    co_await ws.close(1000, std::string_view(reason).substr(1));
  });
  CHECK(site.open().received() == "p:{125*p} x:1000,{123*r}");
  CHECK(log == ".........");
}

TEST_CASE("WebSocket: when its handle goes, it closes with 1001", "[websocket]") {
  SECTION("as the handler returns") {
    Site site([](WebSocket& ws, http::IncomingMessage&) -> task<> {
      ws.send("last words");
      co_return;
    });
    CHECK(site.open().received() == "t:last<20>words x:1001");
    CHECK(site.server().getConnections() == 1);
    CHECK(site.send("x:1001") == "|");
    site.wire().end();
    CHECK(site.wire().closed());
    CHECK(site.server().getConnections() == 0);
  }
  SECTION("as the handler throws: 1011, and the server is told") {
    Site site([](WebSocket&, http::IncomingMessage&) -> task<> {
      throw std::runtime_error("no luck");
      co_return;
    });
    CHECK(site.open().received() == "x:1011");
    CHECK(site.errors.find("no luck") != std::string::npos);
  }
  SECTION("as it is assigned to") {
    Site site([](WebSocket& ws, http::IncomingMessage&) -> task<> {
      ws = WebSocket();
      co_return;
    });
    CHECK(site.open().received() == "x:1001");
  }
  SECTION("and the peer has closeTimeout to answer") {
    Site site([](WebSocket&, http::IncomingMessage&) -> task<> { co_return; });
    CHECK(site.open().received() == "x:1001");
    site.advance(10s);
    CHECK(site.wire().closed());
    CHECK(site.server().getConnections() == 0);
  }
}

TEST_CASE("WebSocket: a peer's fault ends its handler quietly, and only that", "[websocket]") {
  SECTION("it breaks the protocol") {
    Site site(&echo);
    CHECK(site.open().send("r1t:a") == "x:1002 |");
    CHECK(site.errors.empty());
  }
  SECTION("its text is none") {
    Site site(&echo);
    CHECK(site.open().send("t:<ff>") == "x:1007 |");
    CHECK(site.errors.empty());
  }
  SECTION("its message is too large") {
    Site site(&echo, {.maxMessage = 100});
    CHECK(site.open().send("t:{101*a}") == "x:1009 |");
    CHECK(site.errors.empty());
  }
  SECTION("it goes away") {
    Site site(&echo);
    site.open().wire().wire().reset();
    site.wire().settle();
    CHECK(site.errors.empty());
    CHECK(site.wire().closed());
  }
  SECTION("it has closed, and the handler sends all the same") {
    Site site([](WebSocket& ws, http::IncomingMessage&) -> task<> {
      co_await ws.receive();
      co_await ws.send("too late");
    });
    CHECK(site.open().send("x:1000") == "x:1000 |");
    CHECK(site.errors.empty());
  }
  SECTION("what the handler throws by itself is told, whatever the peer did") {
    Site site([](WebSocket& ws, http::IncomingMessage&) -> task<> {
      co_await ws.receive();
      throw std::runtime_error("no luck");
    });
    CHECK(site.open().send("x:1000") == "x:1000 |");
    CHECK(site.errors.find("no luck") != std::string::npos);
  }
  SECTION("a call after the handler's own close() is told") {
    Site site([](WebSocket& ws, http::IncomingMessage&) -> task<> {
      co_await ws.close();
      co_await ws.send("too late");
    });
    CHECK(site.open().received() == "x:1000");
    CHECK(site.send("x:1000") == "|");
    CHECK(!site.errors.empty());
  }
}

TEST_CASE("WebSocket: moved out of its handler it lives on", "[websocket]") {
  std::optional<WebSocket> kept;
  Site site([&](WebSocket& ws, http::IncomingMessage&) -> task<> {
    kept.emplace(std::move(ws));
    co_return;
  });
  CHECK(site.open().received() == "");
  kept->send("hello");
  CHECK(site.received() == "t:hello");
  CHECK(site.server().getConnections() == 1);
  SECTION("until it is destroyed") {
    kept.reset();
    CHECK(site.received() == "x:1001");
  }
  SECTION("also if the server goes") {
    site.server() = http::createServer(site.wire().io());
    kept->send("still here");
    CHECK(site.received() == "t:still<20>here");
  }
}

TEST_CASE("WebSocket: shutdown() of the server closes with 1001 and waits", "[websocket]") {
  std::string log;
  Site site(logging(log));
  Serving& wire = site.wire();
  wire.server().listen(0, "127.0.0.1");
  site.open();
  Client& other = wire.connect();
  other.send(upgrade());
  other.take();
  bool done = false;
  asio::co_spawn(wire.io(), wire.server().shutdown(60s), [&](std::exception_ptr) { done = true; });
  CHECK(site.received() == "x:1001");
  wire.settle();
  CHECK(framesOf(other.wire().takeReceived()) == "x:1001");
  CHECK(!done);
  CHECK(site.send("x:1001") == "|");
  CHECK(log == "end 1001");
  site.wire().end();
  CHECK(!done);
  other.send(frames("x:1001", true));
  other.end();
  CHECK(done);
  CHECK(log == "end 1001end 1001");
}

TEST_CASE("WebSocket: receive() can be cancelled, and no message is lost", "[websocket]") {
  WebSocket* open = nullptr;
  Gate gate;
  Site site([&](WebSocket& ws, http::IncomingMessage&) -> task<> {
    open = &ws;
    co_await gate.wait();
  });
  site.open();
  asio::cancellation_signal cancel;
  std::string log;
  const auto receive = [&]() -> task<> {
    try {
      const auto message = co_await open->receive();
      log += message ? std::string(message->data) : "end";
    } catch (const boost::system::system_error& error) {
      log += http::errorName(error.code());
    }
  };
  asio::co_spawn(site.wire().io(), receive(),
                 asio::bind_cancellation_slot(cancel.slot(), asio::detached));
  site.wire().settle();
  SECTION("a second one at the same time is refused") {
    asio::co_spawn(site.wire().io(), receive(), asio::detached);
    site.wire().settle();
    CHECK(log == "ERR_INVALID_STATE");
    log.clear();
  }
  cancel.emit(asio::cancellation_type::terminal);
  site.wire().settle();
  CHECK(log == "ABORT_ERR");
  log.clear();
  site.send("t:late");
  asio::co_spawn(site.wire().io(), receive(), asio::detached);
  site.wire().settle();
  CHECK(log == "late");
}

TEST_CASE("WebSocket: a server that goes ends its handlers", "[websocket]") {
  std::string log;
  Site site([&](WebSocket& ws, http::IncomingMessage&) -> task<> {
    try {
      co_await ws.receive();
    } catch (const http::Error& error) {
      log = error.name();
    }
  });
  site.open();
  site.server() = http::createServer(site.wire().io());
  site.wire().settle();
  CHECK((log == "ABORT_ERR" || log == "ECONNRESET"));
  CHECK(site.wire().closed());
}

TEST_CASE("WebSocket: the context may go with everything at work", "[websocket]") {
  std::optional<WebSocket> kept;
  Wire* theirs = nullptr;
  {
    asio::io_context io;
    Wire wire(io);
    theirs = &wire;
    http::Server server = http::createServer(io);
    const bool keep = GENERATE(false, true);
    server.on<"upgrade">(webSocket([&](WebSocket& ws, http::IncomingMessage&) -> task<> {
      if (keep) {
        kept.emplace(std::move(ws));
        co_await kept->receive();
      } else {
        co_await ws.receive();
      }
    }));
    server.serve(wire.socket());
    wire.deliver(upgrade());
    settleBounded(io);
    CHECK(theirs->received().starts_with(agreed));
  }
  if (kept) {
    CHECK(kept->protocol().empty());
    CHECK(!kept->send("nobody"));
  }
}

TEST_CASE("WebSocket: a handle may outlive its context, also when its connection has ended",
          "[websocket]") {
  std::optional<WebSocket> kept;
  {
    asio::io_context io;
    Wire wire(io);
    http::Server server = http::createServer(io);
    server.on<"upgrade">(webSocket([&](WebSocket& ws, http::IncomingMessage&) -> task<> {
      kept.emplace(std::move(ws));
      co_return;
    }));
    server.serve(wire.socket());
    wire.deliver(upgrade() + frames("x:1000", true));
    wire.deliverEnd();
    settleBounded(io);
    CHECK(wire.closed());
  }
  CHECK(kept->closeCode() == 1000);
  CHECK(!kept->send("nobody"));
}
