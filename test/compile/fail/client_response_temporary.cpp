// SPDX-License-Identifier: BSL-1.0
//
// A request that is gone before its response.
// expected: deleted
#include <sluice/http.hpp>

sluice::task<> use(boost::asio::io_context& loop) {
  auto res = co_await sluice::http::get(loop, "http://example.org/").response();
}
