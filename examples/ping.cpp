// SPDX-License-Identifier: BSL-1.0
//
// Two answers by the path of the request: /ping brings pong, everything else 404. Try it:
//   curl -i localhost:8080/ping
//   curl -i localhost:8080/pong
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;

sluice::task<> handle(IncomingMessage& req, ServerResponse& res) {
  if (req.url() == "/ping") {
    res.writeHead(200, {{"Content-Type", "text/plain"}});
    co_await res.end("pong");
  } else {
    res.writeHead(404);
    co_await res.end();
  }
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, handle);
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
