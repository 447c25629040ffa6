// SPDX-License-Identifier: BSL-1.0
//
// Reads a request to its end and answers two bytes: what tools/conformance compares with other
// people's servers, and what tools/garden puts after other people's proxies. It prints each request
// that it has understood, and names it in the answer. The port is its argument.
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>
#include <string>

using namespace sluice::http;

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, [](IncomingMessage& req, ServerResponse& res) -> sluice::task<> {
    while (co_await req.read()) {
    }
    const std::string seen = std::string(req.method()) + ' ' + std::string(req.url());
    std::cout << seen << std::endl;
    res.setHeader("Seen", seen);
    res.setHeader("Content-Length", 2);
    co_await res.end("ok");
  });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 0, "127.0.0.1");
  loop.run();
}
