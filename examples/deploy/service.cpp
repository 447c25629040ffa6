// SPDX-License-Identifier: BSL-1.0
//
// A server as it is deployed: it takes its socket from systemd where there is one, says whether it
// is ready, believes the proxy before it, and ends without cutting anybody off. SIGTERM makes it
// unready first, so that a load balancer looks elsewhere, and then stops it.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <sluice/app.hpp>
#include <sluice/timer.hpp>

namespace app = sluice::app;
namespace asio = boost::asio;
namespace http = sluice::http;
using namespace std::chrono_literals;

bool leaving = false;

sluice::task<bool> stays() { co_return !leaving; }

sluice::task<> answer(app::Request& req, app::Response& res) {
  // Whom a load balancer sends elsewhere must not come back on a kept connection.
  if (leaving) res.setHeader("Connection", "close");
  co_await res.text("Hello, " + req.ip() + "!\n");
}

sluice::task<> stopOnSignal(http::Server& server) {
  asio::signal_set signals(server.get_executor(), SIGINT, SIGTERM);
  co_await signals.async_wait(asio::use_awaitable);
  leaving = true;
  const char* delay = std::getenv("LEAVE_MS");
  const int wait = delay ? std::atoi(delay) : 5000;
  if (wait > 0) co_await sluice::sleepFor(std::chrono::milliseconds(wait));
  co_await server.shutdown(30s);
}

int main(int argc, char* argv[]) {
  asio::io_context loop(1);
  app::Health health = app::health();
  health.check("stays", stays);
  app::Router router;
  router.trustProxy({"127.0.0.0/8"});
  router.use(health);
  router.get("/", answer);
  auto server = http::createServer(loop, router);
  server.on<"listening">([&] { std::cout << "listening" << std::endl; });
  asio::co_spawn(loop, stopOnSignal(server), asio::detached);
  http::ListenOptions options;
  // Only where nobody but a proxy reaches the port: see haproxy-tcp.cfg.
  options.proxyProtocol = std::getenv("PROXY_PROTOCOL") != nullptr;
  const char* inherited = std::getenv("LISTEN_FDS");
  if (inherited && std::atoi(inherited) == 1) {
    options.fd = 3;
  } else {
    options.port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 8080);
    options.reusePort = true;  // the next process may listen before this one has ended
  }
  server.listen(options);
  loop.run();
}
