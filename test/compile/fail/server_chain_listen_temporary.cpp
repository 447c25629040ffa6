// SPDX-License-Identifier: BSL-1.0
//
// A server that nobody keeps would end at once, though something hangs on it.
// expected: keep the object, or it is gone before its events
#include <sluice/http.hpp>

void use(boost::asio::io_context& loop) {
  sluice::http::createServer(loop).on<"listening">([] {}).listen(8080);
}
