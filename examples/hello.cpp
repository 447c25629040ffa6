// SPDX-License-Identifier: BSL-1.0
//
// The first server: one handler, one answer. Try it: curl -i localhost:8080
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, [](IncomingMessage&, ServerResponse& res) -> sluice::task<> {
    co_await res.end("Hello, World!\n");
  });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
