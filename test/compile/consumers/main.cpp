// SPDX-License-Identifier: BSL-1.0
//
// A user's program of two files, the one with main(): what depends on the library in each of the
// ways of tools/consumers is built from it and hello.cpp.
#include <sluice/http.hpp>
#if defined(SLUICE_SEPARATE_COMPILATION) && !defined(CONSUMER_HAS_A_COMPILED_SLUICE)
#include <sluice/src.hpp>
#endif

namespace http = sluice::http;

sluice::task<> hello(http::IncomingMessage&, http::ServerResponse&);

int main() {
  boost::asio::io_context loop(1);
  auto server = http::createServer(loop, hello);
  server.listen(0, "127.0.0.1", 511, [&] { server.close(); });
  loop.run();
}
