// SPDX-License-Identifier: BSL-1.0
//
// The test of docs/quick_start.md: a whole program that calls a handler without a socket.
#undef NDEBUG
#include <cassert>
#include <iostream>
#include <sluice/http.hpp>
#include <sluice/test.hpp>

using namespace sluice;

task<> greet(http::IncomingMessage& req, http::ServerResponse& res) {
  const std::string name = co_await req.text(100);
  if (name.empty()) res.statusCode = 422;
  co_await res.end("Hello, " + name + "!");
}

int main() {
  const auto res = test::inject(greet, {.method = "POST", .body = "Ada"});
  assert(res.statusCode == 200);
  assert(res.body == "Hello, Ada!");
  assert(test::inject(greet, {.method = "POST"}).statusCode == 422);
  std::cout << "passed" << std::endl;
}
