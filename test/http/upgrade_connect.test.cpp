// SPDX-License-Identifier: BSL-1.0
//
// Connections that stop being HTTP: Upgrade and CONNECT.
#include <memory>
#include <optional>
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

namespace {

const auto plain = [](IncomingMessage& req, ServerResponse& res) -> task<> {
  co_await res.end(req.upgrade() ? "upgrade" : "plain");
};

std::string upgrade(std::string_view behind = {}) {
  return "GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n" + std::string(behind);
}

}  // namespace

TEST_CASE("upgrade hands the socket over, with what was read behind the request",
          "[http][row:3.1/upgrade][row:11.6/hand-over][row:11.6/no-host-check-no-expect-handling]"
          "[row:6/upgrade]") {
  auto wire = serve(plain);
  std::string log;
  wire.server().on<"upgrade">(
      [&](IncomingMessage& req, net::Socket& socket, std::string_view head) -> task<> {
        CHECK(req.upgrade());
        CHECK(socket.timeout() == 0ms);
        CHECK(&req.socket() == &socket);
        log += std::string(req.method()) + " " + std::string(req.url()) + " " +
               std::string(req.headers()["upgrade"]) + " [" + std::string(head) + "]";
        co_await socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        while (auto piece = co_await socket.read()) co_await socket.write(*piece);
        CHECK(req.url() == "/chat");
      });
  SECTION("nothing behind it") { wire.send(upgrade()); }
  SECTION("something") { wire.send(upgrade("early")); }
  SECTION("an Expect that nobody answers") {
    wire.send("GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: echo\r\nExpect: x\r\n\r\n");
  }
  CHECK((log == "GET /chat echo []" || log == "GET /chat echo [early]"));
  CHECK(wire.take() == "HTTP/1.1 101 Switching Protocols\r\n\r\n");
  CHECK(wire.send("hello") == "hello");
  wire.advance(1000s);
  CHECK(!wire.closed());
  CHECK(wire.server().getConnections() == 1);
  wire.end();
  CHECK(wire.closed());
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("an upgrade request that was moved out keeps its head", "[http]") {
  std::optional<IncomingMessage> kept;
  auto wire = serve(plain);
  wire.server().on<"upgrade">(
      [&](IncomingMessage& req, net::Socket& socket, std::string_view) -> task<> {
        kept.emplace(std::move(req));
        socket.destroy();
        co_return;
      });
  wire.send(upgrade());
  REQUIRE(wire.closed());
  CHECK(kept->method() == "GET");
  CHECK(kept->url() == "/chat");
  REQUIRE(kept->rawHeaders().size() == 2);
  CHECK(kept->rawHeaders()[1].name == "Upgrade");
  CHECK(kept->rawHeaders()[1].value == "echo");
}

TEST_CASE("a listener of \"data\" of a connection gets what comes after its upgrade", "[http]") {
  auto wire = serve(plain);
  std::string heard;
  wire.server().on<"connection">([&](net::Socket& socket) {
    socket.on<"data">([&](std::string_view data) { heard += data; });
  });
  wire.server().on<"upgrade">(
      [](IncomingMessage&, net::Socket& socket, std::string_view) -> task<> {
        co_await socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        co_await socket.once<"end">();
      });
  wire.send(get());
  CHECK(heard.empty());
  wire.send(upgrade("early"));
  wire.send("hello");
  CHECK(heard == "hello");
  wire.end();
  CHECK(wire.closed());
}

TEST_CASE("an upgrade or a CONNECT with two hosts, or one that is none, is refused", "[http]") {
  const std::string first = GENERATE(as<std::string>{},
                                     "GET / HTTP/1.1\r\nConnection: Upgrade\r\n"
                                     "Upgrade: echo\r\n",
                                     "CONNECT a:443 HTTP/1.1\r\n");
  const std::string host = GENERATE(as<std::string>{}, "Host: a\r\nHost: b\r\n", "Host: a/b\r\n");
  CAPTURE(first, host);
  auto wire = serve(plain);
  const auto never = [](IncomingMessage&, net::Socket&, std::string_view) -> task<> {
    CHECK(false);
    co_return;
  };
  wire.server().on<"upgrade">(never);
  wire.server().on<"connect">(never);
  CHECK(wire.send(first + host + "\r\n").starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(wire.closed());
}

TEST_CASE("a request is no upgrade without a listener or without both headers",
          "[http][row:3.1/upgrade][row:11.6/when-is-it-an-upgrade]"
          "[row:13/unhandled upgrade]") {
  auto wire = serve(plain);
  bool listens = GENERATE(false, true);
  int upgrades = 0;
  if (listens) {
    wire.server().on<"upgrade">([&](IncomingMessage&, net::Socket&, std::string_view) -> task<> {
      ++upgrades;
      co_return;
    });
  }
  CHECK(wire.send(get("/", "Upgrade: echo\r\n") + get("/", "Connection: upgrade\r\n")) ==
        ok("plain") + ok("plain"));
  if (!listens) {
    CHECK(wire.send(get("/", "Upgrade: echo\r\nConnection: upgrade\r\n")) ==
          ok("plain") + ok("plain") + ok("plain"));
  }
  CHECK(upgrades == 0);
  CHECK(!wire.closed());
}

TEST_CASE("shouldUpgradeCallback decides, and an upgrade without a handler ends the connection",
          "[http][row:2/shouldUpgradeCallback]") {
  bool answer = false;
  auto wire = serve(plain, {.shouldUpgradeCallback = [&](IncomingMessage& req) {
                      CHECK(req.url() == "/chat");
                      return answer;
                    }});
  const std::string bytes = upgrade().replace(20, 0, "Host: a\r\n");
  SECTION("against it") { CHECK(wire.send(bytes) == ok("plain")); }
  SECTION("for it") {
    answer = true;
    CHECK(wire.send(bytes).empty());
    CHECK(wire.closed());
    CHECK(wire.server().getConnections() == 0);
  }
}

TEST_CASE("a request that shouldUpgradeCallback has destroyed is not handed over", "[http]") {
  auto wire = serve(plain, {.shouldUpgradeCallback = [](IncomingMessage& req) {
                      req.destroy();
                      return true;
                    }});
  int upgrades = 0;
  wire.server().on<"upgrade">([&](IncomingMessage&, net::Socket&, std::string_view) -> task<> {
    ++upgrades;
    co_return;
  });
  CHECK(wire.send(upgrade().replace(20, 0, "Host: a\r\n")).empty());
  CHECK(upgrades == 0);
  CHECK(wire.closed());
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("connect hands the socket over; without a handler it is destroyed",
          "[http][row:3.1/connect][row:11.6/hand-over]") {
  auto wire = serve(plain);
  const std::string bytes = "CONNECT example.com:80 HTTP/1.1\r\n\r\nfirst";
  SECTION("with one") {
    std::string log;
    wire.server().on<"connect">(
        [&](IncomingMessage& req, net::Socket& socket, std::string_view head) -> task<> {
          log = std::string(req.url()) + " " + std::string(head);
          co_await socket.end("HTTP/1.1 200 OK\r\n\r\nbye");
        });
    CHECK(wire.send(bytes) == "HTTP/1.1 200 OK\r\n\r\nbye");
    CHECK(log == "example.com:80 first");
  }
  SECTION("without") { CHECK(wire.send(bytes).empty()); }
  CHECK(wire.closed());
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("an upgrade behind other requests on the connection", "[http]") {
  auto wire = serve(plain);
  wire.server().on<"upgrade">(
      [&](IncomingMessage&, net::Socket& socket, std::string_view head) -> task<> {
        socket.write(head);
        while (auto piece = co_await socket.read()) co_await socket.write(*piece);
      });
  SECTION("pipelined") {
    CHECK(wire.send(get() + upgrade("ab")) == ok("plain") + "ab");
    CHECK(wire.send("cd") == ok("plain") + "abcd");
  }
  SECTION("later") {
    wire.send(get());
    wire.take();
    CHECK(wire.send(upgrade("ab")) == "ab");
    CHECK(wire.send("cd") == "abcd");
  }
}

TEST_CASE("a handler may take the socket with it; close() still waits for its end",
          "[http][row:11.6/not-counted]") {
  auto wire = serve(plain);
  std::unique_ptr<net::Socket> taken;
  bool closed = false;
  wire.server().listen(0, "127.0.0.1");
  wire.server().on<"close">([&] { closed = true; });
  wire.server().on<"upgrade">(
      [&](IncomingMessage&, net::Socket& socket, std::string_view) -> task<> {
        taken = std::make_unique<net::Socket>(std::move(socket));
        co_return;
      });
  wire.send(upgrade());
  REQUIRE(taken);
  taken->on<"data">([&](std::string_view data) { taken->write(data); });
  CHECK(wire.send("echo") == "echo");
  CHECK(wire.server().getConnections() == 1);
  SECTION("and the closing of all connections leaves it alone") {
    wire.server().closeAllConnections();
    wire.server().closeIdleConnections();
    CHECK(wire.send("again") == "echoagain");
    wire.server().close();
    wire.settle();
    CHECK(!closed);
    SECTION("it ends") { taken->destroy(); }
    SECTION("its handle goes") { taken.reset(); }
    SECTION("the client ends it") { wire.end(); }
    wire.settle();
    CHECK(closed);
    CHECK(wire.server().getConnections() == 0);
  }
  SECTION("also where the server is destroyed") {
    wire.server() = createServer(wire.io());
    CHECK(wire.send("again") == "echoagain");
    CHECK(!wire.closed());
    taken.reset();
    CHECK(wire.closed());
  }
}

TEST_CASE("closing all connections does not count what was upgraded; destroying the server does",
          "[http][row:3.2/closeAllConnections][row:11.6/not-counted]") {
  auto wire = serve(plain);
  std::string end;
  wire.server().on<"upgrade">(
      [&](IncomingMessage&, net::Socket& socket, std::string_view) -> task<> {
        try {
          while (auto piece = co_await socket.read()) co_await socket.write(*piece);
        } catch (const boost::system::system_error& error) {
          end = errorName(error.code());
        }
      });
  wire.send(upgrade());
  wire.server().closeAllConnections();
  CHECK(wire.send("still") == "still");
  wire.server() = createServer(wire.io());
  CHECK(wire.closed());
  CHECK((end == "ABORT_ERR" || end == "ERR_STREAM_DESTROYED"));
}

TEST_CASE("shutdown() tells upgraded sockets, and waits for them", "[http]") {
  auto wire = serve(plain);
  int told = 0;
  wire.server().on<"upgrade">(
      [&](IncomingMessage&, net::Socket& socket, std::string_view) -> task<> {
        socket.on<"shutdown">([&] {
          ++told;
          socket.write("bye");
        });
        while (auto piece = co_await socket.read()) co_await socket.write(*piece);
      });
  wire.server().listen(0, "127.0.0.1");
  bool done = false;
  const auto shutDown = [&] {
    asio::co_spawn(wire.io(), wire.server().shutdown(10s),
                   [&](std::exception_ptr) { done = true; });
  };
  SECTION("that are open") {
    wire.send(upgrade());
    shutDown();
  }
  SECTION("that come after it has begun") {
    wire.send(upgrade().substr(0, 20));
    shutDown();
    wire.settle();
    CHECK(told == 0);
    wire.send(upgrade().substr(20));
  }
  wire.settle();
  CHECK(told == 1);
  CHECK(wire.received() == "bye");
  CHECK(!done);
  wire.end();
  CHECK(done);
  CHECK(told == 1);
}

TEST_CASE("an upgrade that nobody takes is a request like any other: it needs a Host", "[http]") {
  const std::string bytes = "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
  auto wire = serve(plain);
  SECTION("nobody listens") { CHECK(wire.send(bytes).starts_with("HTTP/1.1 400 Bad Request\r\n")); }
  SECTION("somebody does") {
    bool taken = false;
    wire.server().on<"upgrade">([&](IncomingMessage&, net::Socket&, std::string_view) -> task<> {
      taken = true;
      co_return;
    });
    CHECK(wire.send(bytes).empty());
    CHECK(taken);
  }
}

TEST_CASE("what an upgrade handler throws is told by error, and ends the socket", "[http]") {
  auto wire = serve(plain);
  std::string error;
  wire.server().on<"error">([&](const Error& caught) { error = caught.what(); });
  wire.server().on<"upgrade">([](IncomingMessage&, net::Socket&, std::string_view) -> task<> {
    throw std::runtime_error("no luck");
    co_return;
  });
  wire.send(upgrade());
  CHECK(error.find("no luck") != std::string::npos);
  CHECK(wire.closed());
}

TEST_CASE("what an upgrade handler has written leaves before its socket goes", "[http]") {
  auto wire = serve(plain);
  wire.server().on<"upgrade">(
      [](IncomingMessage&, net::Socket& socket, std::string_view) -> task<> {
        co_await socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
      });
  CHECK(wire.send(upgrade()) == "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  CHECK(wire.closed());
}

TEST_CASE("an upgrade request with a body is an ordinary request",
          "[http][row:11.6/upgrade-request-with-a-body]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    co_await res.end(co_await req.text());
  });
  wire.server().on<"upgrade">(
      [](IncomingMessage&, net::Socket&, std::string_view) -> task<> { co_return; });
  CHECK(wire.send(post(2, "ab", "Connection: upgrade\r\nUpgrade: x\r\n")) == ok("ab"));
}
