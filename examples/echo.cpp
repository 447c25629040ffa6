// SPDX-License-Identifier: BSL-1.0
//
// A TCP server that sends everything back, no faster than its clients read. Try it:
//   nc localhost 8080
#include <cstdlib>
#include <iostream>
#include <sluice/net.hpp>

namespace net = sluice::net;

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = net::createServer(
      loop, [](net::Socket& socket) -> sluice::task<> { co_await sluice::pipe(socket, socket); });
  server.on<"error">([](const sluice::http::Error& error) { std::cerr << error.what() << '\n'; });

  const int port = argc > 1 ? std::atoi(argv[1]) : 8080;
  server.listen(static_cast<std::uint16_t>(port), [&] {
    std::cout << "listening on tcp://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
