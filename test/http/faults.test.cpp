// SPDX-License-Identifier: BSL-1.0
//
// Sweeps: the connection breaks at every operation, the client leaves and the server goes at every
// step, and nothing hangs, leaks or is left behind.
#include <boost/asio/error.hpp>
#include <memory>
#include <optional>
#include <string>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

// Bodies both ways, sized and chunked, on one connection that is kept.
task<> scenario(IncomingMessage& req, ServerResponse& res) {
  if (req.url() == "/stream") {
    while (auto piece = co_await req.read()) co_await res.write(*piece);
    res.addTrailers(Headers{{"X-End", "yes"}});
    co_await res.end();
  } else if (req.url() == "/events") {
    req.on<"data">([](std::string_view) {});
    co_await req.once<"end">();
    res.write("one");
    co_await res.drain();
    co_await res.end("two");
  } else {
    co_await res.end(co_await req.text());
  }
}

const std::string& scenarioBytes() {
  static const std::string bytes =
      get() + post(20000, std::string(20000, 'a')) +
      chunked("5\r\nhello\r\n5\r\nworld\r\n0\r\nX: y\r\n\r\n").replace(5, 1, "/stream") +
      post(6, "events").replace(5, 1, "/events") + get("/", "Connection: close\r\n");
  return bytes;
}

// Sends the scenario in pieces, and lets the client read slowly.
std::string play(Client& client, std::size_t steps = test::unlimited) {
  client.wire().acceptAtMost(777);
  client.wire().room(1000);
  const std::string_view bytes = scenarioBytes();
  const std::size_t piece = 1999;
  std::string received;
  for (std::size_t at = 0; at < bytes.size() && steps != 0; at += piece, --steps) {
    client.wire().deliver(bytes.substr(at, piece));
    client.received();
    received += client.take();
    client.wire().room(1000);
  }
  for (int i = 0; i < 100 && steps != 0; ++i) {
    received += client.take();
    client.wire().room(1000);
  }
  return received;
}

}  // namespace

TEST_CASE("the scenario of the sweeps passes where nothing fails", "[http]") {
  auto wire = serve(scenario);
  const std::string answer = play(wire.client());
  CHECK(answer == ok() + ok(std::string(20000, 'a')) + std::string(okChunked) +
                      "5\r\nhello\r\n5\r\nworld\r\n0\r\nX-End: yes\r\n\r\n" +
                      std::string(okChunked) + "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n" + okAndClose());
  CHECK(wire.closed());
}

TEST_CASE("an error at any read or write ends the connection, and nothing else", "[http]") {
  const error_code failure =
      GENERATE(true, false) ? asio::error::connection_reset : asio::error::broken_pipe;
  std::size_t n = 1;
  for (bool reached = true; reached; ++n) {
    auto wire = serve(scenario);
    Client& client = wire.client();
    client.wire().failAt(n, failure);
    play(client);
    INFO("at operation " << n);
    REQUIRE(client.closed());
    REQUIRE(wire.server().getConnections() == 0);
    reached = client.wire().calls().operations() >= n;
    REQUIRE(wire.connect().send(get()) == ok());
  }
  CHECK(n > 20);
}

TEST_CASE("a client may leave at any step", "[http]") {
  const bool resets = GENERATE(false, true);
  for (std::size_t steps = 0; steps < 16; ++steps) {
    auto wire = serve(scenario);
    Client& client = wire.client();
    play(client, steps);
    if (resets) {
      client.wire().reset();
    } else {
      client.wire().deliverEnd();
      client.wire().room(test::unlimited);
    }
    INFO("after " << steps << " steps");
    REQUIRE(client.closed());
    REQUIRE(wire.server().getConnections() == 0);
  }
}

TEST_CASE("a server may close all connections, go, or lose its loop at any step", "[http]") {
  const int how = GENERATE(0, 1, 2);
  for (std::size_t steps = 0; steps < 16; ++steps) {
    auto io = std::make_unique<asio::io_context>();
    std::optional<Server> server(makeServer(*io, {}, scenario));
    Client client(*io);
    server->serve(client.socket());
    play(client, steps);
    INFO("after " << steps << " steps");
    if (how == 0) {
      server->closeAllConnections();
      REQUIRE(client.closed());
      REQUIRE(server->getConnections() == 0);
    } else if (how == 1) {
      server.reset();
      REQUIRE(client.closed());
    } else {
      io.reset();
      REQUIRE(server->getConnections() == 0);
    }
  }
}

TEST_CASE("a handler is cancelled in any of its waits", "[http]") {
  const int where = GENERATE(0, 1, 2, 3, 4, 5, 6);
  std::string end;
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    try {
      if (where == 0) co_await gate.wait();
      if (where == 1) co_await req.read();
      if (where == 2) co_await req.text();
      if (where == 3) co_await req.once<"end">();
      if (where == 4) co_await res.write(std::string(100000, 'x'));
      if (where == 5) co_await res.end(std::string(100000, 'x'));
      if (where == 6) {
        res.write(std::string(100000, 'x'));
        co_await res.drain();
      }
      end = "went on";
    } catch (const boost::system::system_error& error) {
      end = errorName(error.code());
    }
  });
  wire.wire().room(10);
  wire.send(post(10, where == 1 ? "" : "12"));
  CHECK(end.empty());
  wire.server().closeAllConnections();
  CHECK(wire.closed());
  INFO("wait " << where);
  CHECK((end == "ABORT_ERR" || end == "ECONNRESET" || end == "ERR_STREAM_DESTROYED"));
  CHECK(wire.server().getConnections() == 0);
}
