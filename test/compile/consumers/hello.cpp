// SPDX-License-Identifier: BSL-1.0
//
// A user's program of two files, the one with the handler.
#include <sluice/http.hpp>

namespace http = sluice::http;

sluice::task<> hello(http::IncomingMessage&, http::ServerResponse& res) {
  co_await res.end("Hello, World!");
}
