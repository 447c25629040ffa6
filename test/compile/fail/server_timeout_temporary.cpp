// SPDX-License-Identifier: BSL-1.0
//
// A server that nobody keeps would end at once.
// expected: deleted
#include <sluice/http.hpp>

void use(boost::asio::io_context& loop) {
  sluice::http::createServer(loop).setTimeout(std::chrono::seconds(5)).listen(8080);
}
