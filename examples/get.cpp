// SPDX-License-Identifier: BSL-1.0
//
// The first client: one request, its whole answer. Try it: get http://127.0.0.1:8080/
#include <iostream>
#include <sluice/http.hpp>

sluice::task<> show(const char* url) {
  auto res = co_await sluice::http::get(url);
  std::cout << res.statusCode() << '\n' << co_await res.text();
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  boost::asio::co_spawn(loop, show(argc > 1 ? argv[1] : "http://127.0.0.1:8080/"),
                        [](std::exception_ptr e) {
                          if (e) std::rethrow_exception(e);
                        });
  loop.run();
}
