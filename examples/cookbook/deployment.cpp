// SPDX-License-Identifier: BSL-1.0
//
// The cookbook's recipes for programs that run for long. Each is cut into docs/cookbook/.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sluice/app.hpp>
#include <sluice/observe.hpp>
#include <sluice/test.hpp>
#include <string>
#include "check.hpp"

using namespace sluice;
using namespace std::chrono_literals;

// [shutdown]
task<> stopOnSignal(http::Server& server) {
  asio::signal_set signals(server.get_executor(), SIGINT, SIGTERM);
  co_await signals.async_wait(asio::use_awaitable);
  co_await server.shutdown(10s);  // no new connections; running requests have ten seconds
}
// [/shutdown]

// [port]
void listenAsTold(http::Server& server) {
  // In a container, "0.0.0.0" is what other containers can reach.
  const char* port = std::getenv("PORT");
  const char* host = std::getenv("HOST");
  const int number = port ? std::atoi(port) : 8080;
  server.listen(static_cast<std::uint16_t>(number), host ? host : "127.0.0.1");
}
// [/port]

// [socket_activation]
bool listenOnInheritedSocket(http::Server& server) {
  const char* count = std::getenv("LISTEN_FDS");
  if (!count || std::atoi(count) != 1) return false;
  http::ListenOptions options;
  options.fd = 3;  // systemd opens the socket, and it stays open while the program is restarted
  server.listen(options);
  return true;
}
// [/socket_activation]

// [health]
app::Router withHealth(http::Server& server, std::function<task<bool>()> databaseAnswers) {
  auto health = app::health();
  health.watch(server);                       // shutting down: /readyz is 503
  health.check("database", databaseAnswers);  // false or an exception: 503, with its name
  app::Router router;
  router.use(health);
  return router;
}
// [/health]

// [drain]
task<> leaveTheBalancer(http::Server& server, bool& leaving) {
  leaving = true;         // /readyz says no ...
  co_await sleepFor(5s);  // ... and the balancer needs some time to see it
  co_await server.shutdown(25s);
}
// [/drain]

// [hardening]
http::ServerOptions forTheOpenInternet() {
  http::ServerOptions options;
  options.headersTimeout = 10s;
  options.requestTimeout = 60s;
  options.connectionsCheckingInterval = 5s;
  return options;
}
// [/hardening]

// [observer]
struct Watch : observe::Observer {
  using Observer::Observer;

  void opened(const observe::Connection&) noexcept override { ++connections; }
  void closed(const observe::Connection&) noexcept override { --connections; }
  void ended(const observe::Request& request) noexcept override {
    ++answers[request.statusCode];  // 0: there was none
    bytes += request.bytesRead + request.bytesWritten;
    slowest = std::max(slowest, request.duration);
  }
  void failed(observe::Side, const Error& error) noexcept override { ++errors[error.code()]; }

  int connections = 0;
  std::map<int, std::uint64_t> answers;
  std::uint64_t bytes = 0;
  std::chrono::nanoseconds slowest{};
  std::map<error_code, std::uint64_t> errors;
};
// [/observer]

// [proxy_protocol]
void listenBehindBalancer(http::Server& server, std::uint16_t port) {
  http::ListenOptions options;
  options.port = port;
  options.host = "10.0.0.5";  // only the load balancer must reach it
  options.proxyProtocol = true;
  server.on<"drop">([](const net::DropInfo& info) {
    std::cerr << info.remoteAddress << ": " << errorName(info.reason) << '\n';
  });
  server.listen(options);
}
// [/proxy_protocol]

int main() {
  asio::io_context loop(1);
  auto server = http::createServer(loop, forTheOpenInternet());
  auto router = withHealth(server, []() -> task<bool> { co_return true; });
  check(test::inject(router, {.url = "/readyz"}).statusCode == 200, "health");
  ::setenv("PORT", "0", 1);
  check(!listenOnInheritedSocket(server), "socket_activation: there is none");
  Watch watch(loop);
  test::inject(loop, server);
  loop.restart();
  check(watch.answers[404] == 1 && watch.bytes != 0, "observer");
  listenAsTold(server);
  check(server.address().port != 0, "port");
  spawn(loop, stopOnSignal(server));
  asio::post(loop, [] { std::raise(SIGTERM); });
  loop.run();
  check(!server.listening(), "shutdown");
}
