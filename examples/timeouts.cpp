// SPDX-License-Identifier: BSL-1.0
//
// A TCP server that says goodbye to clients that are silent for three seconds. Try it:
//   nc localhost 8080
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <sluice/net.hpp>

namespace net = sluice::net;
using namespace std::chrono_literals;

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = net::createServer(loop, [](net::Socket& socket) -> sluice::task<> {
    // "timeout" only tells: whoever hears it ends the connection. The read below ends with it.
    socket.setTimeout(3s, [&socket] {
      socket.write("You are very quiet. Goodbye!\n");
      socket.destroySoon();
    });
    while (auto line = co_await socket.read()) co_await socket.write("I hear you.\n");
  });

  const int port = argc > 1 ? std::atoi(argv[1]) : 8080;
  server.listen(static_cast<std::uint16_t>(port), [&] {
    std::cout << "listening on tcp://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
