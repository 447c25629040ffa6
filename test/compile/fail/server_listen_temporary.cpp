// SPDX-License-Identifier: BSL-1.0
//
// A server that nobody keeps would end at once.
// expected: keep the server: auto server = createServer(...); server.listen(...);
#include <sluice/http.hpp>

void use(boost::asio::io_context& loop) {
  sluice::http::createServer(
      loop,
      [](sluice::http::IncomingMessage&, sluice::http::ServerResponse& res) -> sluice::task<> {
        co_await res.end("hi");
      })
      .listen(8080);
}
