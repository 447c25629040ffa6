// SPDX-License-Identifier: BSL-1.0
//
// Another protocol on a connection that began as HTTP: after the handshake it belongs to the
// handler, which sends every byte back. Try it, and type:
//   nc -C localhost 8080
//   GET / HTTP/1.1
//   Host: localhost
//   Connection: Upgrade
//   Upgrade: echo
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, [](IncomingMessage&, ServerResponse& res) -> sluice::task<> {
    res.writeHead(426, {{"Connection", "Upgrade"}, {"Upgrade", "echo"}});
    co_await res.end("Ask for an upgrade to echo.\n");
  });
  server.on<"upgrade">([](IncomingMessage& req, sluice::net::Socket& socket,
                          std::string_view head) -> sluice::task<> {
    if (req.headers()["upgrade"] != "echo") {
      co_await socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
      co_return;
    }
    socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    // What came along with the handshake.
    co_await socket.write(head);
    co_await sluice::pipe(socket, socket);
  });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
