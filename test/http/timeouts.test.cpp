// SPDX-License-Identifier: BSL-1.0
//
// What takes too long: heads, requests, silence, and waiting for the next request. The clock is the
// test's.
#include <string>
#include <vector>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;
using namespace std::chrono_literals;

TEST_CASE("the defaults are those of the seeds, and of today where they have none",
          "[http][row:3.2/timeout][row:3.2/headersTimeout][row:3.2/requestTimeout]"
          "[row:3.2/keepAliveTimeout][row:3.2/keepAliveTimeoutBuffer]"
          "[row:13/server.timeout][row:13/server.requestTimeout]") {
  asio::io_context io;
  const auto server = createServer(io);
  CHECK(server.timeout == 120s);
  CHECK(server.headersTimeout == 60s);
  CHECK(server.requestTimeout == 300s);
  CHECK(server.keepAliveTimeout == 5s);
  CHECK(ServerOptions().keepAliveTimeoutBuffer == 1s);
  CHECK(createServer(io, {.requestTimeout = 30s}).headersTimeout == 30s);
  CHECK(createServer(io, {.requestTimeout = 0s}).headersTimeout == 0s);
}

TEST_CASE("a time as long as can be said does not come", "[http][row:11.13/setTimeout range]") {
  constexpr auto never = std::chrono::milliseconds::max();
  Gate gate;
  auto wire = serve(
      [&](IncomingMessage&, ServerResponse& res) -> task<> {
        res.setTimeout(never);
        co_await gate.wait();
        co_await res.end();
      },
      {.requestTimeout = never,
       .headersTimeout = never,
       .keepAliveTimeout = never,
       .keepAliveTimeoutBuffer = never,
       .connectionsCheckingInterval = never});
  wire.server().timeout = never;
  wire.send("GET / HTTP/1.1\r\n");
  wire.advance(std::chrono::hours(24 * 20));
  wire.send("Host: a\r\n\r\n");
  wire.advance(std::chrono::hours(24 * 20));
  gate.open();
  CHECK(wire.received().starts_with("HTTP/1.1 200 OK\r\n"));
  wire.advance(std::chrono::hours(24 * 20));
  CHECK(!wire.closed());
}

TEST_CASE("a head that takes too long is answered 408",
          "[http][row:3.2/headersTimeout][row:11.10/headerstimeout-start]"
          "[row:13/server.headersTimeout]") {
  auto wire = serve(okHandler, {.connectionsCheckingInterval = 1s});
  SECTION("also where nothing came at all") { wire.client(); }
  SECTION("with one byte") { wire.send("G"); }
  SECTION("with a byte now and then") {
    for (int i = 0; i < 5; ++i) {
      wire.send(std::string_view("GET /").substr(static_cast<std::size_t>(i), 1));
      wire.advance(10s);
    }
    wire.advance(9s);
    CHECK(!wire.ended());
    wire.advance(2s);
    CHECK(wire.received() == requestTimeout);
    CHECK(wire.ended());
    return;
  }
  wire.advance(59s);
  CHECK(!wire.ended());
  wire.advance(2s);
  CHECK(wire.received() == requestTimeout);
  CHECK(wire.ended());
}

TEST_CASE("the time of a later head starts with its first byte",
          "[http][row:11.10/headerstimeout-start]") {
  auto wire = serve(okHandler, {.keepAliveTimeout = 500s, .connectionsCheckingInterval = 1s});
  wire.server().timeout = 0s;
  wire.client();
  wire.advance(50s);
  wire.send(get());
  wire.advance(100s);
  wire.take();
  CHECK(!wire.ended());
  wire.send("GET");
  wire.advance(59s);
  CHECK(!wire.ended());
  wire.advance(2s);
  CHECK(wire.received() == requestTimeout);
}

TEST_CASE("a body that takes too long is answered 408 where nothing was answered yet",
          "[http][row:3.2/requestTimeout][row:11.10/requesttimeout]") {
  std::string error;
  bool answers = false;
  auto wire = serve(
      [&](IncomingMessage& req, ServerResponse& res) -> task<> {
        if (answers) co_await res.write("some");
        try {
          co_await req.text();
        } catch (const boost::system::system_error& caught) {
          error = errorName(caught.code());
        }
      },
      {.requestTimeout = 20s, .connectionsCheckingInterval = 1s});
  SECTION("not yet") {
    wire.send(post(10, "12"));
    wire.advance(19s);
    CHECK(!wire.ended());
    wire.advance(2s);
    CHECK(wire.received() == requestTimeout);
    CHECK(wire.ended());
  }
  SECTION("already: the connection is destroyed") {
    answers = true;
    const std::string before = wire.send(post(10, "12"));
    wire.advance(21s);
    CHECK(wire.received() == before);
    CHECK(wire.closed());
  }
  CHECK(error == "ECONNRESET");
}

TEST_CASE("a slow response is never limited by requestTimeout",
          "[http][row:11.10/requesttimeout]") {
  Gate gate;
  auto wire = serve(
      [&](IncomingMessage&, ServerResponse& res) -> task<> {
        co_await gate.wait();
        co_await res.end("late");
      },
      {.requestTimeout = 20s, .timeout = 0s, .connectionsCheckingInterval = 1s});
  wire.send(get());
  wire.advance(1000s);
  gate.open();
  CHECK(wire.received() == ok("late"));
}

TEST_CASE("timeouts of 0 are never", "[http][row:3.2/requestTimeout]") {
  auto wire = serve(okHandler, {.requestTimeout = 0s, .keepAliveTimeout = 0s, .timeout = 0s});
  wire.send("GET");
  wire.advance(100000s);
  CHECK(!wire.ended());
  CHECK(wire.send(get().substr(3)) ==
        "HTTP/1.1 200 OK\r\nDate: <D>\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
  wire.advance(100000s);
  CHECK(!wire.ended());
}

TEST_CASE("clientError hears of a request that takes too long and closes the socket itself",
          "[http][row:3.1/clientError]") {
  std::string error;
  auto wire = serve(okHandler, {.connectionsCheckingInterval = 1s});
  wire.server().on<"clientError">([&](const Error& caught, net::Socket& socket) {
    error = std::string(caught.name()) + ": " + caught.what();
    socket.end("HTTP/1.1 418 Slow\r\n\r\n");
  });
  wire.send("GET");
  wire.advance(61s);
  CHECK(error.starts_with("ERR_HTTP_REQUEST_TIMEOUT: "));
  CHECK(wire.received() == "HTTP/1.1 418 Slow\r\n\r\n");
  CHECK(wire.ended());
  CHECK(!wire.wire().closed());
  wire.end();
  CHECK(wire.closed());
}

TEST_CASE(
    "a connection that waits for its next request is closed after keepAliveTimeout and a second",
    "[http][row:3.2/keepAliveTimeout][row:3.2/keepAliveTimeoutBuffer][row:11.10/keep-alive-idle]") {
  auto wire = serve(okHandler);
  wire.send(get());
  wire.advance(5999ms);
  CHECK(!wire.closed());
  SECTION("which begins anew with each request") {
    wire.take();
    CHECK(wire.send(get()) == ok());
    wire.advance(5999ms);
    CHECK(!wire.closed());
  }
  SECTION("and is not the one of a request that has begun") {
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n");
    wire.advance(5999ms);
    wire.take();
    CHECK(wire.send("\r\n") == ok());
    wire.advance(5999ms);
    CHECK(!wire.closed());
  }
  SECTION("also where an empty line came") {
    wire.send("\r\n");
    wire.advance(5999ms);
  }
  wire.advance(1ms);
  CHECK(wire.closed());
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("while a request is answered the server's timeout is in the place of keepAliveTimeout",
          "[http][row:11.10/keep-alive-idle]") {
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/slow") co_await gate.wait();
    co_await res.end();
  });
  wire.send(get());
  wire.take();
  wire.send(get("/slow"));
  wire.advance(119s);
  CHECK(!wire.closed());
  gate.open();
  CHECK(wire.received() == ok());
}

TEST_CASE("silence on a connection: timeout tells, and without a listener it is closed",
          "[http][row:3.1/timeout][row:3.2/timeout][row:3.2/setTimeout][row:6/timeout]"
          "[row:6/setTimeout][row:9/setTimeout][row:11.10/server.timeout]") {
  std::vector<std::string> log;
  bool request = false, response = false, body = true, closes = false;
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (request) req.setTimeout(10s, [&] { log.emplace_back("req"); });
    if (response) res.setTimeout(10s, [&] { log.emplace_back("res"); });
    co_await gate.wait();
  });
  const auto start = [&] { wire.send(body ? post(10, "12") : get()); };
  SECTION("nobody listens") {
    start();
    wire.advance(119999ms);
    CHECK(!wire.closed());
    wire.advance(1ms);
    CHECK(wire.received().empty());
    closes = true;
  }
  SECTION("the request does, as long as it is not complete") {
    request = true;
    start();
    wire.advance(10s);
    CHECK(log == std::vector<std::string>{"req"});
  }
  SECTION("a complete request is as if nobody listened") {
    request = true;
    body = false;
    start();
    wire.advance(10s);
    CHECK(log.empty());
    closes = true;
  }
  SECTION("request, response and server in this order") {
    request = response = true;
    wire.server().setTimeout(10s, [&](net::Socket& socket) {
      CHECK(!socket.destroyed());
      log.emplace_back("server");
    });
    CHECK(wire.server().timeout == 10s);
    start();
    wire.advance(10s);
    CHECK(log == std::vector<std::string>{"req", "res", "server"});
  }
  SECTION("the socket does, which only hears of it") {
    wire.server().on<"connection">([&](net::Socket& socket) {
      socket.setTimeout(10s,
                        [&] { log.emplace_back(socket.destroyed() ? "destroyed" : "socket"); });
    });
    SECTION("before a request") { wire.client(); }
    SECTION("in a request") { start(); }
    wire.advance(10s);
    CHECK(log == std::vector<std::string>{"destroyed"});
    closes = true;
  }
  SECTION("the socket and the response do") {
    response = true;
    wire.server().on<"connection">(
        [&](net::Socket& socket) { socket.on<"timeout">([&] { log.emplace_back("socket"); }); });
    start();
    wire.advance(10s);
    CHECK(log == std::vector<std::string>{"res", "socket"});
  }
  CHECK(wire.closed() == closes);
}

TEST_CASE("a timeout is told once for each silence", "[http][row:9/setTimeout]") {
  int request = 0, response = 0;
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    req.setTimeout(10s, [&] { ++request; });
    res.setTimeout(10s, [&] { ++response; });
    co_await gate.wait();
  });
  wire.send(post(10, "12"));
  wire.advance(60s);
  CHECK(request == 1);
  CHECK(response == 1);
  wire.send("3");
  wire.advance(60s);
  CHECK(request == 2);
  CHECK(response == 2);
}

TEST_CASE("bytes in either direction start the silence anew", "[http][row:3.2/timeout]") {
  Gate gate;
  auto wire = serve(
      [&](IncomingMessage&, ServerResponse& res) -> task<> {
        while (true) {
          co_await gate.wait();
          res.write("x");
        }
      },
      {.requestTimeout = 0s});
  wire.send(post(10));
  for (int i = 0; i < 5; ++i) {
    wire.advance(100s);
    wire.send("x");
    wire.advance(100s);
    gate.open();
    wire.settle();
  }
  CHECK(!wire.closed());
  wire.advance(120s);
  CHECK(wire.closed());
}

TEST_CASE("server.timeout holds for connections that are made later", "[http][row:3.2/timeout]") {
  auto wire = serve(okHandler);
  wire.received();
  wire.server().timeout = 1s;
  wire.advance(10s);
  CHECK(!wire.closed());
  auto& later = wire.connect();
  wire.advance(1s);
  CHECK(later.closed());
}

TEST_CASE("a listener that is told of a late request may end other connections", "[http]") {
  net::Socket taken;
  auto wire = serve(okHandler, {.connectionsCheckingInterval = 1s});
  wire.server().on<"upgrade">(
      [&](IncomingMessage&, net::Socket& socket, std::string_view) -> task<> {
        taken = std::move(socket);
        co_return;
      });
  Client& first = wire.connect();
  wire.connect().send("GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
  Client& last = wire.connect();
  REQUIRE(taken);
  int told = 0;
  wire.server().on<"clientError">([&](const Error&, net::Socket& socket) {
    ++told;
    taken.destroy();
    socket.destroy();
  });
  wire.advance(61s);
  CHECK(told == 2);
  CHECK(first.closed());
  CHECK(last.closed());
  CHECK(wire.server().getConnections() == 0);
}
