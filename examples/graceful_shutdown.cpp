// SPDX-License-Identifier: BSL-1.0
//
// Stops on Ctrl-C or SIGTERM without cutting anybody off: no new connections, the answers that are
// being sent get ten seconds to end. A second signal ends them at once. Try it, and press Ctrl-C
// where the server runs while this is counting:
//   curl -N localhost:8080
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;
using namespace std::chrono_literals;
namespace asio = boost::asio;

sluice::task<> count(IncomingMessage&, ServerResponse& res) {
  asio::steady_timer timer(res.get_executor());
  for (int i = 1; i <= 5; ++i) {
    co_await res.write(std::to_string(i) + "\n");
    timer.expires_after(500ms);
    co_await timer.async_wait(asio::use_awaitable);
  }
  co_await res.end("done\n");
}

sluice::task<> stopOnSignal(Server& server) {
  asio::signal_set signals(server.get_executor(), SIGINT, SIGTERM);
  co_await signals.async_wait(asio::use_awaitable);
  std::cout << "stopping" << std::endl;
  signals.async_wait([&server](const sluice::error_code& ec, int) {
    if (!ec) server.closeAllConnections();
  });
  co_await server.shutdown(10s);
}

int main(int argc, char* argv[]) {
  asio::io_context loop(1);
  auto server = createServer(loop, count);
  asio::co_spawn(loop, stopOnSignal(server), asio::detached);
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  // Returns when there is nothing left to do.
  loop.run();
  std::cout << "stopped" << std::endl;
}
