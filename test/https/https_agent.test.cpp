// SPDX-License-Identifier: BSL-1.0
//
// What an https::Agent must not mix up, and what its listeners may do to it; and its way through a
// proxy.
#include <chrono>
#include <memory>
#include <sluice/https.hpp>
#include <sluice/test/clock.hpp>
#include <string>
#include <utility>
#include <vector>
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/loopback.hpp"
#include "support/run.hpp"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

https::Server siteOn(asio::io_context& loop, int& connections) {
  https::ServerOptions options;
  options.key = test::localhost().key();
  options.cert = test::localhost().cert();
  auto server = https::createServer(
      loop, options, [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
        co_await res.end(req.url());
      });
  server.on<"secureConnection">([&](net::Socket&) { ++connections; });
  server.listen(0, "127.0.0.1");
  return server;
}

https::RequestOptions through(https::Agent& agent) {
  https::RequestOptions options;
  options.agent = agent;
  options.ca = test::authority().cert();
  options.family = 4;
  return options;
}

task<std::string> fetch(std::string url, https::RequestOptions options) {
  try {
    auto res = co_await https::get(url, options);
    co_return co_await res.text();
  } catch (const http::Error& error) {
    co_return '!' + std::string(error.name());
  }
}

}  // namespace

TEST_CASE("a request that checks the server itself has a connection of its own", "[https]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    int connections = 0;
    auto server = siteOn(loop, connections);
    const std::string url = "https://localhost:" + std::to_string(server.address().port) + '/';
    https::Agent agent(loop, {.keepAlive = true});
    const auto lax = through(agent);
    const auto first = co_await fetch(url, lax);
    CHECK(first == "/");
    int asked = 0;
    auto pinned = lax;
    pinned.checkServerIdentity = [&](std::string_view, const net::PeerCertificate&) {
      ++asked;
      return make_error_code(http::errc::CERT_UNTRUSTED);
    };
    const auto refused = co_await fetch(url, pinned);
    CHECK(refused == "!CERT_UNTRUSTED");
    CHECK(asked == 1);
    pinned.checkServerIdentity = [&](std::string_view, const net::PeerCertificate&) {
      ++asked;
      return error_code();
    };
    for (int i = 0; i < 2; ++i) {
      const auto accepted = co_await fetch(url, pinned);
      CHECK(accepted == "/");
    }
    CHECK(asked == 3);
    const int before = connections;
    const auto again = co_await fetch(url, lax);
    CHECK(again == "/");
    CHECK(connections == before);
    CHECK(agent.totalSocketCount() == 1);
    agent.destroy();
  });
}

TEST_CASE("an agent may be destroyed by a listener of its keylog", "[https]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    int connections = 0;
    auto server = siteOn(loop, connections);
    const std::string url = "https://localhost:" + std::to_string(server.address().port) + '/';
    auto agent = std::make_unique<https::Agent>(loop);
    agent->on<"keylog">([&](std::string_view, net::Socket&) { agent.reset(); });
    const auto options = through(*agent);
    const auto answer = co_await fetch(url, options);
    CHECK(answer.starts_with('!'));
    CHECK(agent == nullptr);
  });
}

TEST_CASE("an agent opens a tunnel through the proxy that the environment names",
          "[https][row:8/proxyEnv][row:14/proxy support for https requests]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    int connections = 0;
    auto server = siteOn(loop, connections);
    const std::string host = "localhost:" + std::to_string(server.address().port);
    std::string asked;
    bool opens = true;
    auto proxy = http::createServer(loop);
    std::vector<net::Socket> ends;
    ends.reserve(2);
    proxy.on<"connect">(
        [&](http::IncomingMessage& req, net::Socket& socket, std::string_view) -> task<> {
          asked = std::string(req.url()) + ' ' +
                  std::string(req.headers().get("proxy-authorization").value_or("none"));
          net::Socket client = std::move(socket);
          if (!opens) {
            co_await client.write("HTTP/1.1 403 Forbidden\r\n\r\n");
            co_return;
          }
          net::ConnectionOptions to;
          to.host = "127.0.0.1";
          to.port = server.address().port;
          ends.push_back(co_await net::connect(to));
          ends.push_back(std::move(client));
          ends[0].on<"data">([&](std::string_view piece) { ends[1].write(piece); });
          ends[1].on<"data">([&](std::string_view piece) { ends[0].write(piece); });
          ends[1].write("HTTP/1.1 200 OK\r\n\r\n");
        });
    proxy.listen(0, "127.0.0.1");
    const std::string way = "http://u:p@127.0.0.1:" + std::to_string(proxy.address().port);
    https::Agent agent(loop, {.proxyEnv = {{"HTTPS_PROXY", way}}});
    const auto options = through(agent);
    opens = false;
    const auto refused = co_await fetch("https://" + host + "/a", options);
    CHECK(refused == "!ERR_PROXY_TUNNEL");
    CHECK(asked == host + " Basic dTpw");
    opens = true;
    const auto answer = co_await fetch("https://" + host + "/b", options);
    CHECK(answer == "/b");
    CHECK(connections == 1);
    ends.clear();
    proxy.closeAllConnections();
    proxy.close();
  });
}

TEST_CASE("a proxy has handshakeTimeout for all of its answer", "[https]") {
  asio::io_context loop(1);
  test::Clock clock(loop);
  net::Socket asked;
  auto proxy = net::createServer(loop, [&](net::Socket& socket) -> task<> {
    asked = std::move(socket);
    co_return;
  });
  proxy.listen(0, "127.0.0.1");
  const std::string way = "http://127.0.0.1:" + std::to_string(proxy.address().port);
  https::Agent agent(loop, {.proxyEnv = {{"HTTPS_PROXY", way}}});
  auto options = through(agent);
  options.handshakeTimeout = 2s;
  auto answer = test::start(loop, fetch("https://localhost:1/", options));
  loopback::runUntil(loop, [&] { return bool(asked); });
  for (const char* piece : {"HTTP/1.1 ", "200 OK\r\n", "Name: ", "value\r\n"}) {
    asked.write(piece);
    clock.advance(1s);
  }
  REQUIRE(answer.done());
  CHECK(answer.result() == "!ETIMEDOUT");
}
