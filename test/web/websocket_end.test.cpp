// SPDX-License-Identifier: BSL-1.0
//
// Every way in which a WebSocket of a server can end.
#include <optional>
#include <sluice/websocket.hpp>
#include <string>
#include "support/catch.hpp"
#include "support/serve.hpp"
#include "websocket_site.hpp"

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;

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
  SECTION("a code above all codes") {
    CHECK(site.send("x:5000,bye") == "x:1002 |");
    CHECK(log == "ERR_WEBSOCKET_PROTOCOL 1002");
  }
  SECTION("a reason that is no UTF-8") {
    CHECK(site.send("x:1000,<ff>") == "x:1007 |");
    CHECK(log == "ERR_WEBSOCKET_INVALID_UTF8 1007");
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

TEST_CASE("WebSocket: one that ends and does not read is cut off after closeTimeout",
          "[websocket]") {
  const std::string last = GENERATE("x:1000", "ut:a", "t:<ff>");
  CAPTURE(last);
  Site site([](WebSocket& ws, http::IncomingMessage&) -> task<> {
    ws.send(std::string(100'000, 's'));
    while (co_await ws.receive()) continue;
  });
  site.wire().wire().room(5'000);
  site.open();
  site.send(last);
  site.advance(9s);
  CHECK(!site.wire().closed());
  site.advance(1s);
  CHECK(site.wire().closed());
  CHECK(site.server().getConnections() == 0);
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
