// SPDX-License-Identifier: BSL-1.0
//
// What becomes of an answer that takes longer than its timeout: with a listener for it nothing,
// which is told and goes on; without one the connection is closed. Try it:
//   curl -i localhost:8080/heard
//   curl -i localhost:8080/unheard
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;
using namespace std::chrono_literals;

sluice::task<> handle(IncomingMessage& req, ServerResponse& res) {
  if (req.url() == "/heard") {
    res.setTimeout(200ms, [] { std::cout << "timeout" << std::endl; });
  } else {
    res.setTimeout(200ms);
  }
  res.on<"close">([&res] {
    std::cout << (res.writableFinished() ? "answered" : "closed without an answer") << std::endl;
  });
  // Stands for slow work. It is cancelled where the connection is closed meanwhile.
  boost::asio::steady_timer work(res.get_executor(), 1500ms);
  co_await work.async_wait(boost::asio::use_awaitable);
  co_await res.end("It took a while.\n");
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, handle);
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
