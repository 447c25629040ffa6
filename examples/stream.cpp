// SPDX-License-Identifier: BSL-1.0
//
// A body that never fits into memory, at the pace of whoever reads it. Try it, and slow it down:
//   curl -N --limit-rate 100k localhost:8080 | tail -1
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, [](IncomingMessage&, ServerResponse& res) -> sluice::task<> {
    res.setHeader("Content-Type", "text/plain");
    for (int i = 1; i <= 10'000'000; ++i) {
      // Waits where the client is slower: at most the high-water mark is held, 16 KiB.
      co_await res.write(std::to_string(i) + " green bottles\n");
    }
    co_await res.end();
  });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
