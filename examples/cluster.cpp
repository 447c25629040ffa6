// SPDX-License-Identifier: BSL-1.0
//
// One loop and one thread for each CPU, on one port. SIGINT ends them in good order. Try it:
//   for i in 1 2 3 4; do curl localhost:8080; done
#include <cstdlib>
#include <iostream>
#include <sluice/cluster.hpp>
#include <sluice/http.hpp>

using namespace sluice::http;

sluice::task<> serve(boost::asio::io_context& loop, int port, unsigned worker) {
  auto server =
      createServer(loop, [worker](IncomingMessage&, ServerResponse& res) -> sluice::task<> {
        co_await res.end("worker " + std::to_string(worker) + "\n");
      });
  server.listen(port);
  if (worker == 0) std::cout << "listening on http://127.0.0.1:" << port << '/' << std::endl;
  co_await server.closed();
}

int main(int argc, char* argv[]) {
  const int port = argc > 1 ? std::atoi(argv[1]) : 8080;
  sluice::cluster(0, [port](boost::asio::io_context& loop, unsigned worker) {
    boost::asio::co_spawn(loop, serve(loop, port, worker), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
  });
}
