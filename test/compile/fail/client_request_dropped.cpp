// SPDX-License-Identifier: BSL-1.0
//
// A request that nobody keeps would be aborted at once.
// expected: keep the request
#include <sluice/http.hpp>

void use(boost::asio::io_context& loop) {
  sluice::http::get(loop, "http://127.0.0.1/", [](sluice::http::IncomingMessage&) {});
}
