// SPDX-License-Identifier: BSL-1.0
//
// The first server: one handler, one answer.
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, [](IncomingMessage&, ServerResponse& res) -> sluice::task<> {
    co_await res.end("Hello, World!\n");
  });
  server.listen(static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 8080),
                [&] { std::cout << "http://localhost:" << server.address().port << std::endl; });
  loop.run();
}
