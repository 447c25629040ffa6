// SPDX-License-Identifier: BSL-1.0
//
// The first program of a Node user: it keeps `res` for a timer's callback and returns.
// expected: a handler is a coroutine: write -> sluice::task<>
// expected: co_await sluice::sleepFor(...)
// expected: co_await res.once<"close">()
#include <sluice/http.hpp>

void use(boost::asio::io_context& loop) {
  auto server = sluice::http::createServer(
      loop, [](sluice::http::IncomingMessage&, sluice::http::ServerResponse& res) { res.end(); });
}
