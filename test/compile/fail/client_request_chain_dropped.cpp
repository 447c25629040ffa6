// SPDX-License-Identifier: BSL-1.0
//
// A request that is gone before its events, though something hangs on it.
// expected: keep the object, or it is gone before its events
#include <sluice/http.hpp>

void use(boost::asio::io_context& loop) {
  sluice::http::get(loop, "http://example.org/").on<"response">([](sluice::http::IncomingMessage&) {
  });
}
