// SPDX-License-Identifier: BSL-1.0
//
// Asks again where it is of use: after a refused or broken connection and after 502, 503 and 504,
// each time twice as late, and no earlier than Retry-After says. Try it: retry
// http://localhost:8080/
#include <boost/asio/steady_timer.hpp>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sluice/http.hpp>

using namespace sluice::http;
using namespace std::chrono_literals;

bool mayPass(int status) { return status == 502 || status == 503 || status == 504; }

std::chrono::milliseconds retryAfter(const IncomingMessage& res) {
  // The other form, a date, is not worth its code here.
  return std::chrono::seconds(std::atoi(std::string(res.headers()["retry-after"]).c_str()));
}

sluice::task<std::string> fetchPatiently(std::string url, int attempts) {
  boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor);
  for (std::chrono::milliseconds wait = 100ms;; wait *= 2) {
    std::chrono::milliseconds asked{};
    try {
      IncomingMessage res = co_await get(url);
      if (!mayPass(res.statusCode()) || attempts == 1) co_return co_await res.text();
      asked = retryAfter(res);
      std::cerr << "status " << res.statusCode() << ", asking again\n";
    } catch (const Error& error) {
      // A parse error or a bad URL would come again; what ends a connection may not.
      const bool passing = error.name() == "ECONNREFUSED" || error.name() == "ECONNRESET" ||
                           error.name() == "ETIMEDOUT" || error.name() == "EAI_AGAIN";
      if (!passing || attempts == 1) throw;
      std::cerr << error.what() << ", asking again\n";
    }
    --attempts;
    pause.expires_after(std::max(wait, asked));
    co_await pause.async_wait(boost::asio::use_awaitable);
  }
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  int result = 0;
  boost::asio::co_spawn(loop, fetchPatiently(argc > 1 ? argv[1] : "http://localhost:8080/", 5),
                        [&](std::exception_ptr failure, std::string body) {
                          try {
                            if (failure) std::rethrow_exception(failure);
                            std::cout << body;
                          } catch (const std::exception& error) {
                            std::cerr << error.what() << '\n';
                            result = 1;
                          }
                        });
  loop.run();
  return result;
}
