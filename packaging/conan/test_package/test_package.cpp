// SPDX-License-Identifier: BSL-1.0
//
// Listens on a port that is free, and ends.
#include <sluice/http.hpp>

using namespace sluice::http;

int main() {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, [](IncomingMessage&, ServerResponse& res) -> sluice::task<> {
    co_await res.end("Hello, World!\n");
  });
  server.listen(0, "127.0.0.1", 511, [&] { server.close(); });
  loop.run();
}
