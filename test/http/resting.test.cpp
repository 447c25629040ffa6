// SPDX-License-Identifier: BSL-1.0
//
// Connections that have been quiet for a while: they hold next to nothing, and nobody can tell.
#include <boost/system/errc.hpp>
#include <cstddef>
#include <sluice/net/detail/loop.hpp>
#include <string>
#include <vector>
#include "support/allocations.hpp"
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

// Quiet for so long that it rests.
constexpr auto longEnough = 2500ms;

Serving serveAt(Gate& gate) {
  return serve([&gate](IncomingMessage&, ServerResponse& res) -> task<> {
    co_await gate.wait();
    co_await res.end();
  });
}

auto untilNextTimer(Serving& wire) {
  const auto loop = net::detail::Loop::of(wire.io().get_executor());
  return *loop->nearestTimer() - loop->now();
}

}  // namespace

TEST_CASE("a connection that rests answers the next request", "[http][resting]") {
  auto wire = serve(okHandler);
  for (int i = 0; i < 3; ++i) {
    CHECK(wire.send(get()) == ok());
    wire.take();
    wire.advance(longEnough);
  }
  SECTION("that comes byte by byte") {
    for (const char byte : get()) {
      wire.advance(1s);
      wire.send(std::string_view(&byte, 1));
    }
    CHECK(wire.received() == ok());
  }
  SECTION("and those that come with it") { CHECK(wire.send(get() + get()) == ok() + ok()); }
}

TEST_CASE("a new connection rests until its first byte, and then has the whole time for a head",
          "[http][resting]") {
  auto wire = serve(okHandler);
  wire.client();
  wire.advance(longEnough);
  wire.send("GET / HTTP/1.1\r\n");
  wire.advance(longEnough);
  CHECK(wire.send("Host: a\r\n\r\n") == ok());
}

TEST_CASE("a peer that ends or resets a connection that rests ends it", "[http][resting]") {
  std::vector<std::string> errors;
  auto wire = serve(okHandler);
  wire.server().on<"clientError">(
      [&](const Error& error, net::Socket&) { errors.emplace_back(error.name()); });
  wire.send(get());
  wire.advance(longEnough);
  SECTION("an end") { wire.end(); }
  SECTION("a reset") {
    wire.wire().reset();
    wire.settle();
    CHECK(errors == std::vector<std::string>{"ECONNRESET"});
  }
  SECTION("an error of the system's") {
    wire.wire().failRead(asio::error::connection_reset);
    wire.settle();
    CHECK(errors == std::vector<std::string>{"ECONNRESET"});
  }
  CHECK(wire.closed());
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("a connection that cannot even wait for its first byte ends with the error",
          "[http][resting][plain]") {
  std::vector<std::string> errors;
  auto wire = serve(okHandler);
  wire.server().on<"clientError">(
      [&](const Error& error, net::Socket&) { errors.emplace_back(error.name()); });
  Client client(wire.io());
  client.wire().failAt(1, make_error_code(boost::system::errc::no_space_on_device));
  wire.server().serve(client.socket());
  CHECK(client.closed());
  CHECK(errors == std::vector<std::string>{"ENOSPC"});
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("what is no request is refused on a connection that rests", "[http][resting]") {
  auto wire = serve(okHandler);
  wire.send(get());
  wire.advance(longEnough);
  wire.take();
  CHECK(wire.send("nonsense\r\n\r\n") == badRequest);
  CHECK(wire.ended());
}

TEST_CASE("a connection that rests is closed when its time is over", "[http][resting]") {
  auto wire = serve(okHandler);
  wire.send(get());
  wire.advance(5900ms);
  CHECK(!wire.closed());
  wire.advance(200ms);
  CHECK(wire.closed());
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("a connection that rests is idle to those who close idle ones", "[http][resting]") {
  auto wire = serve(okHandler);
  wire.send(get());
  wire.advance(longEnough);
  SECTION("closeIdleConnections()") { wire.server().closeIdleConnections(); }
  SECTION("closeAllConnections()") { wire.server().closeAllConnections(); }
  SECTION("close()") { wire.server().close(); }
  CHECK(wire.closed());
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("a server may go while connections rest", "[http][resting]") {
  asio::io_context io;
  Clock clock(io, [&] { settleBounded(io); });
  Client client(io);
  {
    auto server = makeServer(io, {}, okHandler);
    server.serve(client.socket());
    CHECK(client.send(get()) == ok());
    clock.advance(longEnough);
    CHECK(server.getConnections() == 1);
  }
  CHECK(client.closed());
}

TEST_CASE("a listener of \"connection\" has a socket that works while it rests",
          "[http][resting]") {
  net::Socket* socket = nullptr;
  auto wire = serve(okHandler);
  wire.server().on<"connection">([&](net::Socket& each) { socket = &each; });
  wire.send(get());
  wire.take();
  wire.advance(longEnough);
  REQUIRE(socket != nullptr);
  constexpr std::size_t date = sizeof "Fri, 27 Nov 2026 20:00:00 GMT" - sizeof "<D>";
  CHECK(socket->bytesWritten() == ok().size() + date);
  CHECK(socket->writableLength() == 0);
  CHECK(static_cast<bool>(socket->write("HTTP/1.1 100 Continue\r\n\r\n")));
  CHECK(wire.received() == "HTTP/1.1 100 Continue\r\n\r\n");
  socket->destroy();
  CHECK(wire.closed());
}

TEST_CASE("a connection whose handler waited rests as soon as its answer has left",
          "[http][resting]") {
  Gate gate;
  auto wire = serveAt(gate);
  const auto nextLook = [&] { return untilNextTimer(wire); };
  CHECK(wire.send(get()).empty());
  CHECK(nextLook() <= 1s);
  SECTION("and nothing came meanwhile") {
    gate.open();
    CHECK(wire.take() == ok());
    CHECK(nextLook() > 1s);
    CHECK(wire.send(get()).empty());
    gate.open();
    CHECK(wire.take() == ok());
  }
  SECTION("but not if a request came meanwhile") {
    CHECK(wire.send(get()).empty());
    gate.open();
    CHECK(wire.take() == ok());
    gate.open();
    CHECK(wire.take() == ok());
    CHECK(nextLook() <= 1s);
  }
}

TEST_CASE("nobody looks for connections to rest while all of them wait for their handlers",
          "[http][resting]") {
  Gate gate;
  auto wire = serveAt(gate);
  const auto nextLook = [&] { return untilNextTimer(wire); };
  wire.send(get());
  gate.open();
  wire.take();
  // It comes at once after the first one, so its connection stays awake after the answer.
  wire.send(get());
  CHECK(nextLook() <= 1s);
  wire.advance(longEnough);
  CHECK(nextLook() > 1s);
  gate.open();
  CHECK(wire.take() == ok());
  CHECK(nextLook() <= 1s);
  wire.advance(longEnough);
  CHECK(nextLook() > 1s);
}

TEST_CASE("a connection that is not quiet yet keeps no room for a large answer",
          "[http][resting][plain]") {
  constexpr std::size_t size = 100'000;
  const bool chunked = GENERATE(false, true);
  const bool leaves = GENERATE(true, false);
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/large") {
      if (!chunked) res.setHeader("Content-Length", size);
      res.cork();
      for (std::size_t written = 0; written < size; written += 1000) {
        res.write(std::string(1000, 'x'));
      }
      if (!leaves) res.destroy();
    }
    co_await res.end();
  });
  wire.send(get());
  wire.take();
  const Allocations heap;
  wire.send(get("/large"));
  CHECK((wire.take().size() > size) == leaves);
  CHECK(heap.live() < 20'000);
}
