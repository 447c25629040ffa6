// SPDX-License-Identifier: BSL-1.0
//
// Two answers by the path of the request: /ping brings pong, everything else a slash, and an error.
// Both bring a cookie. What was set, and what became of it, is printed. Try it:
//   curl -i localhost:8080/ping
//   curl -i localhost:8080/pong
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;

sluice::task<> handle(IncomingMessage& req, ServerResponse& res) {
  // "finish": the system has all of the answer. "close": nothing more comes of it, finished or not.
  res.on<"finish">([] { std::cout << "finish" << std::endl; });
  res.on<"close">([] { std::cout << "close" << std::endl; });

  res.setHeader("Content-Type", "text/plain");
  res.setHeader("Set-Cookie", {"seen=yes; Path=/", "last=ping; Max-Age=60"});
  const bool ping = req.url() == "/ping";
  if (!ping) res.statusCode = 400;
  for (const auto& [name, value] : res.getHeaders()) {
    std::cout << name << ": " << value << '\n';
  }
  co_await res.end(ping ? "pong" : "/");
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, handle);
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
