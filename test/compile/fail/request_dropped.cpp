// SPDX-License-Identifier: BSL-1.0
//
// A request that nobody keeps is aborted at once: the first lines of every tutorial about Node.
#include <sluice/http.hpp>

// expected: a request that is dropped does nothing
void ask(boost::asio::io_context& loop) {
  sluice::http::get(loop, "http://example.org/", [](sluice::http::IncomingMessage&) {});
}
