// SPDX-License-Identifier: BSL-1.0
//
// The server on sockets of the kernel: where it listens, and what it says if it cannot.
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/server.hpp>
#include <string>
#include <utility>
#include <vector>
#include "support/catch.hpp"
#include "support/loopback.hpp"

using namespace sluice;
using namespace sluice::http;
using loopback::finish;
using loopback::runUntil;

namespace {

task<> hello(IncomingMessage& req, ServerResponse& res) {
  const std::string body = co_await req.text();
  co_await res.end(std::string(req.method()) + " " + std::string(req.url()) + " " + body);
}

std::string base(const Server& server) {
  return "http://127.0.0.1:" + std::to_string(server.address().port);
}

/// What a client of ours gets for /x there.
std::string answerAt(asio::io_context& io, const std::string& url, RequestOptions options = {}) {
  std::string body;
  auto req = http::get(io, url + "/x", std::move(options),
                       [&](IncomingMessage& res) -> task<> { body = co_await res.text(); });
  runUntil(io, [&] { return !body.empty(); });
  return body;
}

}  // namespace

TEST_CASE("listening comes first, then the callback, and the address is there before both",
          "[net][row:3.1/listening][row:3.2/listen][row:3.2/listening][row:3.2/address]") {
  asio::io_context io;
  auto server = createServer(io, hello);
  std::vector<std::string> log;
  CHECK(server.address().port == 0);
  CHECK(!server.listening());
  server.on<"listening">([&] { log.emplace_back("listening"); });
  CHECK(&server.listen(0, "127.0.0.1", 16, [&] { log.emplace_back("callback"); }) == &server);
  CHECK(server.listening());
  CHECK(server.address().family == "IPv4");
  CHECK(server.address().address == "127.0.0.1");
  CHECK(server.address().port != 0);
  CHECK(log.empty());
  runUntil(io, [&] { return log.size() == 2; });
  CHECK(log == std::vector<std::string>{"listening", "callback"});
  bool closed = false;
  server.close([&](error_code ec) { closed = !ec; });
  CHECK(!server.listening());
  CHECK(server.address().port == 0);
  finish(io);
  CHECK(closed);
}

TEST_CASE("every form of listen() makes a server that answers", "[net][row:3.2/listen]") {
  asio::io_context io;
  auto server = createServer(io, hello);
  loopback::Folder folder;
  std::string url;
  RequestOptions request;
  SECTION("a port") {
    server.listen(0);
    url = base(server);
  }
  SECTION("a port of any integer type") {
    if (GENERATE(false, true)) {
      server.listen(0U);
    } else {
      server.listen(0L, "localhost", 16, [] {});
    }
    url = "http://localhost:" + std::to_string(server.address().port);
  }
  SECTION("a port and a callback") {
    server.listen(0, [] {});
    url = base(server);
  }
  SECTION("a host") {
    server.listen(0, "localhost");
    url = "http://localhost:" + std::to_string(server.address().port);
  }
  SECTION("a host and a callback") {
    server.listen(0, "localhost", [] {});
    url = "http://localhost:" + std::to_string(server.address().port);
  }
  SECTION("options") {
    ListenOptions options;
    options.port = 0;
    options.host = "127.0.0.1";
    server.listen(options);
    url = base(server);
  }
  SECTION("a Unix socket") {
    if (!loopback::haveUnixSockets()) return;
    server.listen(folder / "socket");
    CHECK(server.address().path == folder / "socket");
    url = "http://unix";
    request.socketPath = folder / "socket";
  }
  CHECK(answerAt(io, url, request) == "GET /x ");
  server.close();
  finish(io);
}

TEST_CASE("an address in use is an event where somebody listens, else an exception",
          "[net][row:3.1/error]") {
  asio::io_context io;
  auto first = createServer(io, hello);
  first.listen(0, "127.0.0.1");
  const std::uint16_t port = first.address().port;
  auto second = createServer(io, hello);
  bool closed = false;
  second.on<"close">([&] { closed = true; });
  SECTION("an exception") {
    std::string name;
    try {
      second.listen(port, "127.0.0.1");
    } catch (const Error& error) {
      name = error.name();
      CHECK(error.syscall() == "listen");
      CHECK(error.address() == "127.0.0.1");
      CHECK(error.port() == port);
    }
    CHECK(name == "EADDRINUSE");
  }
  SECTION("an event") {
    std::string name;
    second.on<"error">([&](const Error& error) { name = error.name(); });
    second.listen(port, "127.0.0.1");
    CHECK(name.empty());
    runUntil(io, [&] { return !name.empty(); });
    CHECK(name == "EADDRINUSE");
  }
  CHECK(!second.listening());
  CHECK(!closed);
  second.listen(0, "127.0.0.1");
  CHECK(second.listening());
}

TEST_CASE("listening twice and impossible ports are refused at once",
          "[net][row:3.2/listen-twice]") {
  asio::io_context io;
  auto server = createServer(io, hello);
  server.listen(0, "127.0.0.1");
  std::string name;
  const auto refused = [&](int port) {
    try {
      server.listen(port);
    } catch (const Error& error) {
      name = error.name();
    }
    return name;
  };
  CHECK(refused(0) == "ERR_SERVER_ALREADY_LISTEN");
  server.close();
  server.listen(0, "127.0.0.1");
  server.close();
  CHECK(refused(65536) == "ERR_SOCKET_BAD_PORT");
  CHECK(refused(-1) == "ERR_SOCKET_BAD_PORT");
}

TEST_CASE("connections beyond maxConnections are dropped",
          "[net][row:3.1/drop][row:3.2/maxConnections]"
          "[row:3.2/getConnections]") {
  asio::io_context io;
  auto server = createServer(io, hello);
  server.maxConnections = 1;
  std::vector<net::DropInfo> drops;
  server.on<"drop">([&](const net::DropInfo& info) { drops.push_back(info); });
  server.listen(0, "127.0.0.1");
  const asio::ip::tcp::endpoint place(asio::ip::address_v4::loopback(), server.address().port);
  asio::ip::tcp::socket first(io), second(io);
  first.connect(place);
  runUntil(io, [&] { return server.getConnections() == 1; });
  second.connect(place);
  runUntil(io, [&] { return !drops.empty(); });
  CHECK(drops[0].localPort == place.port());
  CHECK(drops[0].remotePort == second.local_endpoint().port());
  CHECK(drops[0].remoteFamily == "IPv4");
  CHECK(server.getConnections() == 1);
  first.close();
  runUntil(io, [&] { return server.getConnections() == 0; });
}

TEST_CASE("a loop ends by itself once its server is closed", "[net][row:3.2/close]") {
  asio::io_context io;
  auto server = createServer(io, hello);
  server.listen(0, "127.0.0.1");
  asio::ip::tcp::socket client(io);
  client.connect({asio::ip::address_v4::loopback(), server.address().port});
  asio::write(client, asio::buffer(std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n")));
  std::array<char, 1000> answer{};
  std::size_t count = 0;
  client.async_read_some(asio::buffer(answer), [&](error_code, std::size_t size) {
    count = size;
    server.close();
  });
  finish(io);
  CHECK(count != 0);
}
