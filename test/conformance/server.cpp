// SPDX-License-Identifier: BSL-1.0
//
// Reads a request to its end and answers two bytes: what tools/conformance compares with other
// people's servers. The port is its argument.
#include <cstdlib>
#include <sluice/http.hpp>

using namespace sluice::http;

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, [](IncomingMessage& req, ServerResponse& res) -> sluice::task<> {
    while (co_await req.read()) {
    }
    res.setHeader("Content-Length", 2);
    co_await res.end("ok");
  });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 0, "127.0.0.1");
  loop.run();
}
