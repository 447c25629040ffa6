// SPDX-License-Identifier: BSL-1.0
//
// ListenOptions::proxyProtocol: who sees a connection and when, over memory; and whole servers over
// loopback.
#include <boost/asio/io_context.hpp>
#include <memory>
#include <sluice/http.hpp>
#include <sluice/net/detail/proxy_gate.hpp>
#include <sluice/test/clock.hpp>
#include <sluice/test/wire.hpp>
#include <string>
#include <vector>
#include "support/catch.hpp"
#include "support/loopback.hpp"
#include "support/run.hpp"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

constexpr std::string_view line = "PROXY TCP4 192.0.2.9 198.51.100.2 56324 443\r\n";

std::string where(const net::Address& address) {
  return address.address + ':' + std::to_string(address.port);
}

// A gate, and connections in memory that come to it.
struct Gated : net::detail::ProxyGate::User {
  void onHeader(boost::intrusive_ptr<net::detail::Transport> transport) override {
    events.push_back(where(transport->remoteAddress()) + " > " + where(transport->localAddress()));
    open.push_back(std::move(transport));
  }
  void onNoHeader(const net::detail::Transport& transport, const error_code& reason) override {
    CHECK(transport.isOpen());
    events.push_back(where(transport.remoteAddress()) + ' ' + std::string(errorName(reason)));
  }

  test::Wire& connect(std::chrono::milliseconds patience = 5s) {
    wires.push_back(std::make_unique<test::Wire>(io));
    gate->add(wires.back()->transport(), patience);
    return *wires.back();
  }

  asio::io_context io;
  test::Clock clock{io};
  std::vector<std::unique_ptr<test::Wire>> wires;
  std::vector<boost::intrusive_ptr<net::detail::Transport>> open;
  Words events;
  std::shared_ptr<net::detail::Loop> loop = net::detail::Loop::of(io.get_executor());
  std::unique_ptr<net::detail::ProxyGate> gate =
      std::make_unique<net::detail::ProxyGate>(*loop, static_cast<User&>(*this));
};

}  // namespace

TEST_CASE("a connection is seen once its PROXY header is there", "[proxyProtocol]") {
  for (const std::size_t step : {1000U, 7U, 1U}) {
    INFO("in pieces of " << step);
    Gated gated;
    test::Wire& wire = gated.connect();
    wire.chop(step).deliver(line.substr(0, 40));
    test::settle(gated.io);
    CHECK(gated.events.empty());
    CHECK(gated.gate->size() == 1);
    wire.deliver(line.substr(40)).deliver("hello");
    test::settle(gated.io);
    REQUIRE(gated.events == Words{"192.0.2.9:56324 > 198.51.100.2:443"});
    CHECK(gated.gate->size() == 0);
    // What follows the header is there for the next reader.
    net::Socket socket = test::socketOver(gated.io, gated.open[0]);
    CHECK(socket.remoteAddress() == "192.0.2.9");
    CHECK(socket.remotePort() == 56324);
    CHECK(socket.localAddress() == "198.51.100.2");
    CHECK(socket.localPort() == 443);
    std::string text;
    while (text.size() < 5) text += *test::run(gated.io, socket.read());
    CHECK(text == "hello");
    socket.write("bye");
    test::settle(gated.io);
    CHECK(wire.received() == "bye");
    socket.destroy();
    CHECK(wire.closed());
  }
}

TEST_CASE("a proxy that speaks for itself is seen as it is", "[proxyProtocol]") {
  Gated gated;
  gated.connect().deliver("PROXY UNKNOWN\r\n");
  test::settle(gated.io);
  CHECK(gated.events == Words{"192.0.2.2:50000 > 192.0.2.1:80"});
}

TEST_CASE("a connection without a PROXY header is closed, and the error has a name",
          "[proxyProtocol]") {
  Gated gated;
  test::Wire& wrong = gated.connect();
  wrong.deliver("GET / HTTP/1.1\r\n\r\n");
  test::settle(gated.io);
  CHECK(gated.events == Words{"192.0.2.2:50000 ERR_PROXY_PROTOCOL_HEADER"});
  CHECK(wrong.closed());
  CHECK(wrong.received().empty());

  gated.connect().deliver("PROX").deliverEnd();
  gated.connect().deliver("PROX").reset();
  gated.connect().deliverEnd();
  test::settle(gated.io);
  CHECK(gated.events == Words{"192.0.2.2:50000 ERR_PROXY_PROTOCOL_HEADER",
                              "192.0.2.2:50000 ERR_PROXY_PROTOCOL_HEADER",
                              "192.0.2.2:50000 ECONNRESET",
                              "192.0.2.2:50000 ERR_PROXY_PROTOCOL_HEADER"});
  for (const auto& wire : gated.wires) CHECK(wire->closed());
  CHECK(gated.gate->size() == 0);
}

TEST_CASE("a PROXY header has so long to come, however it comes", "[proxyProtocol]") {
  Gated gated;
  test::Wire& slow = gated.connect();
  test::Wire& patient = gated.connect(0s);
  for (int i = 0; i < 4; ++i) {
    slow.deliver(line.substr(static_cast<std::size_t>(i), 1));
    gated.clock.advance(1200ms);
  }
  CHECK(gated.events.empty());
  gated.clock.advance(200ms);
  CHECK(gated.events == Words{"192.0.2.2:50000 ERR_PROXY_PROTOCOL_TIMEOUT"});
  CHECK(slow.closed());
  gated.clock.advance(1h);
  CHECK(!patient.closed());
}

TEST_CASE("connections that wait for their PROXY header end with the gate", "[proxyProtocol]") {
  Gated gated;
  test::Wire& silent = gated.connect();
  test::Wire& partial = gated.connect();
  partial.deliver("PROXY ");
  test::settle(gated.io);
  gated.gate.reset();
  CHECK(silent.closed());
  CHECK(partial.closed());
  partial.deliver(line);
  test::settle(gated.io);
  CHECK(gated.events.empty());
}

TEST_CASE("a server behind a proxy knows its clients", "[net.Server][proxyProtocol]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    Words events;
    auto server = net::createServer(loop, [&](net::Socket& socket) -> task<> {
      events.push_back(std::string(socket.remoteAddress()) + ' ' +
                       std::to_string(socket.remotePort()));
      co_await sluice::pipe(socket, socket);
    });
    server.on<"drop">([&](const net::DropInfo& info) {
      events.push_back(info.remoteAddress + ' ' + std::string(errorName(info.reason)));
    });
    server.listen({.port = 0, .host = "127.0.0.1", .proxyProtocol = true});
    const net::ConnectionOptions options{.host = "127.0.0.1", .port = server.address().port};
    net::Socket client = co_await net::connect(options);
    client.write(line);
    client.write("hello");
    const auto echo = co_await client.read();
    CHECK(echo.value_or("") == "hello");
    client.destroy();

    net::Socket stranger = co_await net::connect(options);
    stranger.write("hello");
    const auto nothing = co_await stranger.read();
    CHECK(!nothing);
    CHECK(events == Words{"192.0.2.9 56324", "127.0.0.1 ERR_PROXY_PROTOCOL_HEADER"});

    // Those that wait count, and close() does not wait for them.
    server.maxConnections = 1;
    net::Socket silent = co_await net::connect(options);
    net::Socket surplus = co_await net::connect(options);
    const auto dropped = co_await surplus.read();
    CHECK(!dropped);
    CHECK(events.back() == "127.0.0.1 ");
    CHECK(server.getConnections() == 0);
    server.close();
    co_await server.closed();
    const auto closed = co_await silent.read();
    CHECK(!closed);
  });
}

TEST_CASE("req.socket() is the client that the proxy names", "[Server][proxyProtocol]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto server = http::createServer(
        loop, [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
          co_await res.end(std::string(req.socket().remoteAddress()));
        });
    server.listen({.port = 0, .host = "127.0.0.1", .proxyProtocol = true});
    const net::ConnectionOptions options{.host = "127.0.0.1", .port = server.address().port};
    net::Socket client = co_await net::connect(options);
    client.write(std::string(line) + "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    std::string all;
    while (auto piece = co_await client.read()) all += *piece;
    CHECK(all.substr(0, 15) == "HTTP/1.1 200 OK");
    CHECK(all.substr(all.size() - 9) == "192.0.2.9");
    co_await server.shutdown(0s);
  });
}

TEST_CASE("headersTimeout bounds the wait for a PROXY header", "[Server][proxyProtocol]") {
  asio::io_context loop(1);
  loopback::Clock clock(loop);
  Words events;
  auto server = http::createServer(loop, {.headersTimeout = 3s});
  server.on<"drop">(
      [&](const net::DropInfo& info) { events.emplace_back(errorName(info.reason)); });
  server.on<"connection">([&](net::Socket&) { events.emplace_back("connection"); });
  server.listen({.port = 0, .host = "127.0.0.1", .proxyProtocol = true});
  asio::ip::tcp::socket client(loop);
  client.connect({asio::ip::address_v4::loopback(), server.address().port});
  for (int i = 0; i < 100 && events.empty(); ++i) {
    loop.restart();
    loop.poll();
    clock.advance(1s);
  }
  CHECK(events == Words{"ERR_PROXY_PROTOCOL_TIMEOUT"});
}
