// SPDX-License-Identifier: BSL-1.0
//
// The cookbook's recipes for tests with <sluice/test.hpp>. Each is cut into docs/cookbook/. They
// use assert; write what your test framework has.
#undef NDEBUG
#include <cassert>
#include <chrono>
#include <sluice/http.hpp>
#include <sluice/test.hpp>
#include <string>
#include "check.hpp"

using namespace sluice;
using namespace std::chrono_literals;

// [handler]
task<> greet(http::IncomingMessage& req, http::ServerResponse& res) {
  const std::string name = co_await req.text(100);
  if (name.empty()) res.statusCode = 422;
  co_await res.end("Hello, " + name + "!");
}

void testGreeting() {
  const auto res = test::inject(greet, {.method = "POST", .body = "Ada"});  // no socket, no port
  assert(res.statusCode == 200);
  assert(res.body == "Hello, Ada!");
}
// [/handler]

// [clock]
void testTimeout() {
  asio::io_context loop;
  test::Clock clock(loop);  // stands still until the test moves it
  auto server =
      http::createServer(loop, [](http::IncomingMessage&, http::ServerResponse& res) -> task<> {
        co_await sleepFor(1h);
        co_await res.end("late");
      });
  server.timeout = 0ms;  // 120 seconds in which nothing moves would end it
  test::Wire wire(loop);
  wire.deliver("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  server.serve(wire.socket());
  clock.advance(59min);
  assert(wire.received().empty());
  clock.advance(2min);
  assert(wire.received().ends_with("late"));
}
// [/clock]

// [slow_reader]
void testSlowReader() {
  asio::io_context loop;
  test::Clock clock(loop);
  int written = 0;
  auto server = http::createServer(
      loop, [&written](http::IncomingMessage&, http::ServerResponse& res) -> task<> {
        for (; written < 1000; ++written) co_await res.write(std::string(1024, 'x'));
      });
  test::Wire wire(loop);
  wire.room(10'000);  // what the peer's kernel takes; then it takes nothing
  wire.deliver("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  server.serve(wire.socket());
  clock.advance(1s);
  assert(written > 0 && written < 100);  // the handler waits, and memory does not grow
}
// [/slow_reader]

// [raw_bytes]
void testRawBytes() {
  asio::io_context loop;
  test::Clock clock(loop);
  auto server = http::createServer(loop, greet);
  test::Wire wire(loop);
  wire.chop(1);  // every byte arrives by itself
  wire.deliver("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nAda");
  server.serve(wire.socket());
  clock.advance(1ms);
  assert(wire.received().starts_with("HTTP/1.1 200 OK\r\n"));
}
// [/raw_bytes]

// [client]
task<std::string> weather(http::RequestOptions options) {  // the code under test
  options.host = "weather.example";
  auto res = co_await http::get(options);
  co_return co_await res.text();
}

void testClient() {
  asio::io_context loop;
  auto server =
      http::createServer(loop, [](http::IncomingMessage&, http::ServerResponse& res) -> task<> {
        co_await res.end("sunny");
      });
  http::RequestOptions options;
  // The request gets a connection in memory. Its other end is a server of the test.
  options.createConnection = [&](const net::ConnectionOptions&) -> task<net::Socket> {
    auto pair = test::connectedPair(loop);
    server.serve(std::move(pair.second));
    co_return std::move(pair.first);
  };
  std::string answer;
  asio::co_spawn(loop, weather(options), [&](std::exception_ptr failure, std::string text) {
    assert(!failure);
    answer = text;
  });
  loop.run();
  assert(answer == "sunny");
}
// [/client]

// [failure]
void testFailure() {
  const auto res = test::inject([](http::IncomingMessage&, http::ServerResponse&) -> task<> {
    throw std::runtime_error("no database");
    co_return;
  });
  assert(res.statusCode == 500);
  assert(res.error.has_value());  // what the handler threw
}
// [/failure]

int main() {
  testGreeting();
  testTimeout();
  testSlowReader();
  testRawBytes();
  testClient();
  testFailure();
}
