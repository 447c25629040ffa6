// SPDX-License-Identifier: BSL-1.0
//
// A request that is gone before it leaves.
// expected: deleted
#include <sluice/http.hpp>

void use(boost::asio::io_context& loop) {
  auto& req = sluice::http::get(loop, "http://example.org/").setHeader("Accept", "text/html");
  req.shouldKeepAlive = false;
}
