// SPDX-License-Identifier: BSL-1.0
//
// WebSockets of a server over a connection in memory: handshakes, sending and waiting.
#include <sluice/websocket.hpp>
#include <string>
#include <vector>
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/serve.hpp"
#include "websocket_site.hpp"

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;

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
  for (const char* wrong :
       {"unknown", "server_max_window_bits", "server_max_window_bits=16",
        "server_no_context_takeover=1", "client_max_window_bits=10; client_max_window_bits=10"}) {
    CAPTURE(wrong);
    const std::string offer = std::string("permessage-deflate; ") + wrong;
    CHECK(answered(offer).empty());
    CHECK(answered("x-other, " + offer + ", permessage-deflate; server_no_context_takeover") ==
          "permessage-deflate; server_no_context_takeover");
  }
  CHECK(answered("permessage-deflate; client_max_window_bits") == "permessage-deflate");
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

TEST_CASE("WebSocket: fragments without bytes cost no memory, and end no message", "[websocket]") {
  std::string log;
  Site site(logging(log));
  site.open();
  CHECK(site.send("-t:ab") == "");
  const std::string empty = frames("-c", true);
  test::Allocations heap;
  for (int round = 0; round < 100; ++round) {
    std::string many;
    for (int i = 0; i < 1000; ++i) many += empty;
    site.wire().wire().deliver(many);
    site.wire().settle();
  }
  CHECK(heap.live() < 100'000);
  CHECK(log.empty());
  CHECK(site.send("c:cd") == "");
  CHECK(log == "abcd ");
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

TEST_CASE("WebSocket: a peer that reads slowly is there, one that stops is gone", "[websocket]") {
  std::string log;
  Site site([&](WebSocket& ws, http::IncomingMessage& req) -> task<> {
    ws.send(std::string(100'000, 's'));
    co_await logging(log)(ws, req);
  });
  site.wire().wire().room(50'000);
  site.open();
  for (int i = 0; i < 3; ++i) {
    site.advance(30s);
    CHECK(log.empty());
    site.wire().wire().room(10'000);
    site.wire().settle();
  }
  // The last piece was taken after the last ping.
  site.advance(30s);
  CHECK(log.empty());
  site.advance(30s);
  CHECK(log == "ECONNRESET 1006");
}

TEST_CASE("WebSocket: pingInterval 0 sends none", "[websocket]") {
  Site site(&echo, {.pingInterval = 0ms});
  site.open();
  site.advance(1000s);
  CHECK(site.received() == "");
  CHECK(site.send("t:still") == "t:still");
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
