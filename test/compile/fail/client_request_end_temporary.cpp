// SPDX-License-Identifier: BSL-1.0
//
// A request that is gone before it leaves.
// expected: deleted
#include <sluice/http.hpp>

void use(boost::asio::io_context& loop) {
  sluice::http::request(loop, "http://example.org/", {.method = "POST"}).end("body");
}
