// SPDX-License-Identifier: BSL-1.0
//
// A handler of other parameters than a request and a response.
// expected: a handler is called with (IncomingMessage&, ServerResponse&)
#include <sluice/http.hpp>

void use(boost::asio::io_context& loop) {
  auto server = sluice::http::createServer(
      loop,
      [](sluice::http::ServerResponse& res, sluice::http::IncomingMessage&) -> sluice::task<> {
        co_await res.end();
      });
}
