// SPDX-License-Identifier: BSL-1.0
//
// A ticker: every client gets 25 lines of 1 KiB each 10 ms, for as long as it stays.
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;
using namespace std::chrono_literals;

int main() {
  boost::asio::io_context loop(1);
  const std::string line(1023, 'x');
  auto server = createServer(loop, [&](IncomingMessage&, ServerResponse& res) -> sluice::task<> {
    while (true) {
      for (int i = 0; i < 25; ++i) co_await res.write(line + '\n');
      co_await sluice::sleepFor(10ms);
    }
  });
  server.listen(0, "127.0.0.1", [&] { std::cout << server.address().port << std::endl; });
  loop.run();
}
