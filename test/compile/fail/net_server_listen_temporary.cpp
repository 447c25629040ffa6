// SPDX-License-Identifier: BSL-1.0
//
// A server of sockets that nobody keeps would end at once.
// expected: keep the server: auto server = createServer(...); server.listen(...);
#include <sluice/net.hpp>

void use(boost::asio::io_context& loop) {
  sluice::net::createServer(loop, [](sluice::net::Socket& socket) -> sluice::task<> {
    co_await socket.end("hi");
  }).listen(8080);
}
