// SPDX-License-Identifier: BSL-1.0
//
// The handler of a server's coroutine event, given with on(), that is no coroutine.
// expected: a handler is a coroutine: write -> sluice::task<>
// expected: co_await sluice::sleepFor(...)
// expected: co_await res.once<"close">()
#include <sluice/http.hpp>

void use(sluice::http::Server& server) {
  server.on<"request">(
      [](sluice::http::IncomingMessage&, sluice::http::ServerResponse& res) { res.end(); });
}
