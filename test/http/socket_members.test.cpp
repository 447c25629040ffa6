// SPDX-License-Identifier: BSL-1.0
//
// What a handler can do with the connection under its request.
#include <cstddef>
#include <optional>
#include <sluice/timer.hpp>
#include <span>
#include <string>
#include <string_view>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/request.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;
using namespace std::chrono_literals;

TEST_CASE("a handler sees its connection's addresses, counters and state",
          "[http][row:9/remoteAddress][row:9/address][row:9/bytesRead][row:9/connecting]"
          "[row:9/writableLength]"
          "[row:13/HWM]") {
  const std::string request = test::get();
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    net::Socket& socket = req.socket();
    CHECK(socket.address().address == "192.0.2.1");
    CHECK(socket.address().port == 80);
    CHECK(socket.address().family == "IPv4");
    CHECK(socket.bytesRead() == request.size());
    CHECK(socket.bytesWritten() == 0);
    CHECK(!socket.connecting());
    CHECK(!socket.destroyed());
    CHECK(socket.readyState() == "open");
    CHECK(socket.writableLength() == 0);
    CHECK(socket.writableHighWaterMark() == 16 * 1024);
    CHECK(socket.encrypted() == overTls());
    co_await res.end("x");
    CHECK(socket.bytesWritten() > 100);
    socket.destroy();
    CHECK(socket.destroyed());
    CHECK(socket.readyState() == "closed");
    CHECK(socket.remoteAddress().empty());
  });
  wire.send(request);
  CHECK(wire.closed());
}

TEST_CASE("options of the server and calls of a handler reach the connection",
          "[http][row:9/setNoDelay][row:9/setKeepAlive][row:9/setTimeout]") {
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    req.socket().setNoDelay(false).setKeepAlive(true, 3s).setTimeout(7s);
    CHECK(req.socket().timeout() == 7s);
    co_await res.end();
  });
  wire.send(test::get());
  CHECK(wire.wire().transport()->noDelay() == false);
  CHECK(wire.wire().transport()->keepAlive() == true);
  CHECK(wire.wire().transport()->keepAliveDelay() == 3s);
}

TEST_CASE("a handler may write past its response, and end, reset or close the connection",
          "[http][row:9/write][row:9/destroySoon][row:9/resetAndDestroy]") {
  int how = 0;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    net::Socket& socket = req.socket();
    if (how == 0) {
      socket.write("raw ");
      socket.end("bytes");
    } else if (how == 1) {
      socket.write("last");
      socket.destroySoon();
    } else {
      socket.resetAndDestroy();
    }
    co_return;
    static_cast<void>(res);
  });
  SECTION("end") {
    CHECK(wire.send(test::get()).starts_with("raw bytes"));
    CHECK(wire.ended());
  }
  SECTION("destroySoon") {
    how = 1;
    CHECK(wire.send(test::get()).starts_with("last"));
    CHECK(wire.closed());
  }
  SECTION("resetAndDestroy") {
    how = 2;
    wire.send(test::get());
    CHECK(wire.wire().wasReset());
  }
}

TEST_CASE("a socket that was moved away throws, and can still be destroyed", "[net.Socket]") {
  asio::io_context io;
  auto [ours, theirs] = connectedPair(io);
  net::Socket taken = std::move(ours);
  const auto isOver = [](auto call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code() == make_error_code(errc::ERR_STREAM_DESTROYED);
    }
    return false;
  };
  CHECK(isOver([&] { ours.write("x"); }));
  CHECK(isOver([&] { ours.end(); }));
  CHECK(isOver([&] { ours.drain(); }));
  CHECK(isOver([&] { ours.pause(); }));
  CHECK(isOver([&] { ours.setTimeout(1s); }));
  CHECK(isOver([&] { ours.setNoDelay(); }));
  CHECK(isOver([&] { ours.on<"data">([](std::string_view) {}); }));
  CHECK(isOver([&] { static_cast<void>(ours.remoteAddress()); }));
  CHECK(isOver([&] { static_cast<void>(ours.get_executor()); }));
  CHECK(isOver([&] { static_cast<void>(ours.read()); }));
  CHECK(ours.destroyed());
  CHECK(ours.readyState() == "closed");
  ours.destroy();
  ours.destroySoon();
  ours.resetAndDestroy();
  CHECK(!taken.destroyed());
}

TEST_CASE("the last piece of a socket may be bytes, or text in another encoding", "[net.Socket]") {
  asio::io_context io;
  const auto sent = [&](auto end) {
    Wire wire(io);
    net::Socket socket = wire.socket();
    end(socket);
    settleBounded(io);
    return wire.takeReceived() + (wire.ended() ? "." : "");
  };
  CHECK(sent([](net::Socket& socket) {
          socket.end(std::as_bytes(std::span<const char>("hi", 2)));
        }) == "hi.");
  CHECK(sent([](net::Socket& socket) { socket.end("6869", Encoding::hex); }) == "hi.");
  CHECK(sent([](net::Socket& socket) { socket.end("h\u00e9", Encoding::utf8); }) == "h\u00e9.");
  CHECK(sent([](net::Socket& socket) { socket.end("h\u00e9", Encoding::latin1); }) == "h\xe9.");
}

TEST_CASE("a handler may read the connection itself, and HTTP reads on after it", "[http]") {
  bool putsBack = false;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() != "/raw") {
      co_await res.end("plain");
      co_return;
    }
    const auto piece = co_await req.socket().read();
    const std::string text(piece.value_or("end"));
    if (putsBack) req.socket().unshift(text);
    co_await res.end(text);
  });
  SECTION("what is no request") {
    CHECK(wire.send(test::get("/raw")).empty());
    CHECK(wire.send("raw") == ok("raw"));
    CHECK(wire.send(test::get()) == ok("raw") + ok("plain"));
  }
  SECTION("the next request, which it puts back") {
    putsBack = true;
    wire.send(test::get("/raw"));
    CHECK(wire.send(test::get()) == ok(test::get()) + ok("plain"));
    CHECK(wire.send(test::get()) == ok(test::get()) + ok("plain") + ok("plain"));
  }
  SECTION("the end") {
    wire.send(test::get("/raw"));
    CHECK(wire.end().ends_with("\r\n\r\nend"));
    CHECK(wire.closed());
  }
  SECTION("an error") {
    wire.send(test::get("/raw"));
    wire.wire().failRead(asio::error::connection_reset);
    CHECK(wire.closed());
    CHECK(wire.server().getConnections() == 0);
  }
}

TEST_CASE("a read that a handler leaves behind gets its bytes, and HTTP those after them",
          "[http]") {
  std::string text;
  const auto read = [&](net::Socket& socket) -> task<> {
    const auto piece = co_await socket.read();
    text = piece.value_or("end");
  };
  std::optional<Started<>> reading;
  asio::io_context* io = nullptr;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/leave") {
      reading.emplace(*io, read(req.socket()));
      co_await sleepFor(1s);
    }
    co_await res.end("plain");
  });
  io = &wire.io();
  std::string upgraded;
  wire.server().on<"upgrade">(
      [&](IncomingMessage&, net::Socket& socket, std::string_view head) -> task<> {
        upgraded = head;
        co_await socket.write("101");
        co_await sleepFor(1s);
      });
  SECTION("the connection goes on") {
    wire.send(test::get("/leave"));
    wire.advance(1s);
    CHECK(wire.take() == ok("plain"));
    wire.advance(3s);
    CHECK(!wire.closed());
    wire.send("bytes");
    CHECK(text == "bytes");
    CHECK(wire.send(test::get()) == ok("plain"));
  }
  SECTION("the connection is handed over") {
    wire.send(test::get("/leave") +
              "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhead");
    wire.advance(1s);
    CHECK(wire.take() == ok("plain") + "101");
    CHECK(upgraded == "head");
    wire.send("bytes");
    CHECK(text == "bytes");
  }
  SECTION("the connection ends") {
    wire.send(test::get("/leave"));
    wire.server().closeAllConnections();
    wire.settle();
    CHECK(thrownBy([&] { reading->result(); }) == "ERR_STREAM_DESTROYED");
  }
}

TEST_CASE("bytes that wait in a socket are the first that a server reads", "[http][plain]") {
  auto wire = serve(
      [](IncomingMessage& req, ServerResponse& res) -> task<> { co_await res.end(req.url()); });
  Client client(wire.io());
  net::Socket socket = client.socket();
  std::string data;
  SECTION("put back by a program") {
    const std::string request = test::get("/held");
    SECTION("as a whole") {
      socket.unshift(request);
      wire.server().serve(std::move(socket));
      CHECK(client.received() == ok("/held"));
    }
    SECTION("in part") {
      const std::size_t half = request.size() / 2;
      socket.unshift(std::string_view(request).substr(0, half));
      wire.server().serve(std::move(socket));
      wire.settle();
      CHECK(client.send(std::string_view(request).substr(half)) == ok("/held"));
    }
    SECTION("many, with one that comes after them") {
      std::string answers;
      std::string requests;
      for (int number = 0; number < 3000; ++number) {
        const std::string url = "/" + std::to_string(number);
        requests += test::get(url);
        answers += ok(url);
      }
      socket.unshift(requests);
      client.wire().deliver(test::get("/last"));
      wire.server().serve(std::move(socket));
      CHECK(client.received() == answers + ok("/last"));
    }
  }
  SECTION("read for a listener of \"data\"") {
    socket.on<"data">([&](std::string_view bytes) { data += bytes; });
    wire.settle();
    SECTION("which had its turn") {
      wire.server().serve(std::move(socket));
      wire.settle();
      CHECK(client.send(test::get("/data")) == ok("/data"));
      CHECK(data.empty());
    }
    SECTION("and then paused") {
      socket.pause();
      CHECK(client.send(test::get("/paused")).empty());
      wire.server().serve(std::move(socket));
      CHECK(client.received() == ok("/paused"));
    }
  }
  CHECK(client.send(test::get("/next")).ends_with(ok("/next")));
}
