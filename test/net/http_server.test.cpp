// SPDX-License-Identifier: BSL-1.0
//
// The server on sockets of the kernel: where it listens, what it says where it cannot, and other
// people's clients.
#include <sys/socket.h>
#include <unistd.h>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sluice/http/server.hpp>
#include <string>
#include <thread>
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

struct Outcome {
  std::string output;
  bool ended = false;
};

/// Runs a command of the shell beside the loop, which it may talk to, until both are done.
std::string beside(asio::io_context& io, const std::string& command) {
  Outcome outcome;
  std::thread other([&] {
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>&1").c_str(), "r"),
                                               [](FILE* file) { return ::pclose(file); });
    std::array<char, 4096> buffer;
    while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
      outcome.output.append(buffer.data(), count);
    }
    pipe.reset();
    asio::post(io, [&] { outcome.ended = true; });
  });
  runUntil(io, [&] { return outcome.ended; });
  other.join();
  return outcome.output;
}

bool have(const char* tool) {
  const bool found =
      std::system((std::string("command -v ") + tool + " >/dev/null 2>&1").c_str()) == 0;
  if (!found) WARN("SKIPPED: there is no " << tool << " on this machine");
  return found;
}

std::string base(const Server& server) {
  return "http://127.0.0.1:" + std::to_string(server.address().port);
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
  if (!have("curl")) return;
  asio::io_context io;
  auto server = createServer(io, hello);
  loopback::Folder folder;
  std::string arguments;
  SECTION("a port") {
    server.listen(0);
    arguments = base(server);
  }
  SECTION("a port of any integer type") {
    if (GENERATE(false, true)) {
      server.listen(0U);
    } else {
      server.listen(0L, "localhost", 16, [] {});
    }
    arguments = "http://localhost:" + std::to_string(server.address().port);
  }
  SECTION("a port and a callback") {
    server.listen(0, [] {});
    arguments = base(server);
  }
  SECTION("a host") {
    server.listen(0, "localhost");
    arguments = "http://localhost:" + std::to_string(server.address().port);
  }
  SECTION("a host and a callback") {
    server.listen(0, "localhost", [] {});
    arguments = "http://localhost:" + std::to_string(server.address().port);
  }
  SECTION("a Unix socket") {
    server.listen(folder / "socket");
    CHECK(server.address().path == folder / "socket");
    arguments = "--unix-socket " + (folder / "socket") + " http://unix";
  }
  SECTION("options") {
    ListenOptions options;
    options.port = 0;
    options.host = "127.0.0.1";
    options.reusePort = true;
    server.listen(options);
    auto second = createServer(io, hello);
    options.port = server.address().port;
    second.listen(options);
    arguments = base(server);
    CHECK(beside(io, "curl -s " + arguments + "/x") == "GET /x ");
    return;
  }
  SECTION("a descriptor") {
    asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    ListenOptions options;
    options.fd = ::dup(acceptor.native_handle());
    acceptor.close();
    server.listen(options);
    arguments = base(server);
  }
  CHECK(beside(io, "curl -s " + arguments + "/x") == "GET /x ");
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

TEST_CASE("curl is served: bodies, kept connections, Expect, HEAD, HTTP/1.0", "[net]") {
  if (!have("curl")) return;
  asio::io_context io;
  auto server = createServer(io, hello);
  server.listen(0, "127.0.0.1");
  loopback::Folder folder;
  const std::string url = base(server);
  CHECK(beside(io, "curl -s " + url + "/a " + url + "/b") == "GET /a GET /b ");
  CHECK(beside(io, "curl -s -d body " + url + "/p") == "POST /p body");
  CHECK(beside(io, "curl -s -H 'Transfer-Encoding: chunked' -d body " + url + "/c") ==
        "POST /c body");
  CHECK(beside(io, "curl -s -H 'Expect: 100-continue' -d body " + url + "/e") == "POST /e body");
  CHECK(beside(io, "curl -s -0 " + url + "/0") == "GET /0 ");
  CHECK(beside(io, "curl -s -I " + url + "/h").starts_with("HTTP/1.1 200 OK\r\n"));
  std::ofstream(folder / "large") << std::string(5000000, 'x');
  CHECK(beside(io, "curl -s -T " + (folder / "large") + " " + url + "/l").size() ==
        std::string("PUT /l ").size() + 5000000);
}

TEST_CASE("Node's client is served", "[net]") {
  if (!have("node")) return;
  asio::io_context io;
  auto server = createServer(io, hello);
  server.listen(0, "127.0.0.1");
  const std::string script =
      "const http = require('http');"
      "const agent = new http.Agent({keepAlive: true, maxSockets: 1});"
      "let left = 20;"
      "const next = () => {"
      "  if (left-- === 0) { agent.destroy(); return; }"
      "  const req = http.request('" +
      base(server) +
      "/' + left, {agent, method: 'POST'}, res => {"
      "    let body = ''; res.setEncoding('utf8');"
      "    res.on('data', d => body += d);"
      "    res.on('end', () => {"
      "      process.stdout.write(body === 'POST /' + left + ' ' + 'y'.repeat(3000 * left) ? '.' : "
      "'F');"
      "      next(); });"
      "  });"
      "  req.on('error', e => process.stdout.write(e.code));"
      "  for (let i = 0; i < left; ++i) req.write('y'.repeat(3000));"
      "  req.end(); };"
      "next();";
  CHECK(beside(io, "node -e \"" + script + "\"") == std::string(20, '.'));
  CHECK(server.getConnections() <= 1);
}
