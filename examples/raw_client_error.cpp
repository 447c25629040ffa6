// SPDX-License-Identifier: BSL-1.0
//
// What is said to those who speak no HTTP, by hand: a listener for "clientError" has the connection
// to itself, writes what it likes, and ends it. Without one the server answers. Try it:
//   printf 'Hello?\r\n\r\n' | nc localhost 8080
//   curl -i localhost:8080 -H "X-Large: $(head -c 9000 /dev/zero | tr '\0' x)"
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;

std::string_view statusOf(const Error& error) {
  if (error.code() == errc::HPE_HEADER_OVERFLOW) return "431 Request Header Fields Too Large";
  if (error.code() == errc::ERR_HTTP_REQUEST_TIMEOUT) return "408 Request Timeout";
  return "400 Bad Request";
}

void answer(const Error& error, sluice::net::Socket& socket) {
  std::cout << error.name() << std::endl;
  // Who is gone, or has half of an answer already, gets nothing more.
  if (socket.destroyed() || socket.bytesWritten() > 0) {
    socket.destroy();
    return;
  }
  std::string body("This is no request that I understand: ");
  body.append(error.name()) += '\n';
  std::string reply("HTTP/1.1 ");
  reply.append(statusOf(error)).append("\r\nContent-Type: text/plain\r\nConnection: close\r\n");
  reply.append("Content-Length: " + std::to_string(body.size()) + "\r\n\r\n").append(body);
  socket.end(reply);
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, [](IncomingMessage&, ServerResponse& res) -> sluice::task<> {
    co_await res.end("That was HTTP.\n");
  });
  server.on<"clientError">(answer);
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
