// SPDX-License-Identifier: BSL-1.0
//
// The way for users to test their handlers: one request in, one response out, no sockets.
// [plain]: the connection is inject()'s own, and never encrypted.
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <sluice/test.hpp>
#include <stdexcept>
#include <string>
#include <support/catch.hpp>

using namespace sluice::http;
using namespace std::chrono_literals;
using sluice::task;
using sluice::test::inject;

namespace {

const auto echo = [](IncomingMessage& req, ServerResponse& res) -> task<> {
  const std::string body = co_await req.text();
  res.setHeader("x-seen", std::string(req.method()) + " " + std::string(req.url()));
  for (const auto& [name, value] : req.headers()) res.appendHeader("x-name", name);
  co_await res.end(body);
};

}  // namespace

TEST_CASE("inject brings status, headers, body and every byte", "[http][plain][test]") {
  const auto res =
      inject(echo, {.method = "POST", .url = "/x?y", .headers = {{"A", "1"}}, .body = "hello"});
  CHECK(res.statusCode == 200);
  CHECK(res.statusMessage == "OK");
  CHECK(res.headers["x-seen"] == "POST /x?y");
  CHECK(res.headers["x-name"] == "host, a, content-length");
  CHECK(res.body == "hello");
  CHECK(res.raw.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(res.raw.ends_with("\r\n\r\nhello"));
  CHECK(!res.error);
}

TEST_CASE("inject asks for / without a body where nothing else is said", "[http][plain][test]") {
  const auto res = inject(echo);
  CHECK(res.headers["x-seen"] == "GET /");
  CHECK(res.headers["x-name"] == "host");
  CHECK(res.body.empty());
}

TEST_CASE("inject takes chunks apart and brings trailers", "[http][plain][test]") {
  const auto res = inject([](IncomingMessage&, ServerResponse& out) -> task<> {
    out.writeProcessing();
    co_await out.write("one ");
    co_await out.write("two");
    out.addTrailers({{"t", "1"}});
  });
  CHECK(res.body == "one two");
  CHECK(res.trailers["t"] == "1");
  CHECK(res.raw.starts_with("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n"));
}

TEST_CASE("inject sends chunks where the request asks for them", "[http][plain][test]") {
  const auto res = inject(
      echo, {.method = "POST", .headers = {{"Transfer-Encoding", "chunked"}}, .body = "hello"});
  CHECK(res.body == "hello");
}

TEST_CASE("inject knows that HEAD has no body, and where a body runs to the close",
          "[http][plain][test]") {
  CHECK(inject(echo, {.method = "HEAD"}).statusCode == 200);
  const auto res = inject([](IncomingMessage&, ServerResponse& out) -> task<> {
    out.removeHeader("transfer-encoding");
    co_await out.write("to the end");
  });
  CHECK(res.body == "to the end");
}

TEST_CASE("inject tells what the handler threw", "[http][plain][test]") {
  const auto res = inject([](IncomingMessage&, ServerResponse&) -> task<> {
    throw std::runtime_error("out of paper");
    co_return;
  });
  CHECK(res.statusCode == 500);
  CHECK(res.error->what() == std::string("out of paper"));
}

TEST_CASE("inject waits for what a handler does behind its response", "[http][plain][test]") {
  bool done = false;
  inject([&](IncomingMessage&, ServerResponse& out) -> task<> {
    co_await out.end("hi");
    boost::asio::steady_timer timer(out.get_executor(), 1ms);
    co_await timer.async_wait(boost::asio::use_awaitable);
    done = true;
  });
  CHECK(done);
}

TEST_CASE("inject fails with the reason where no response comes", "[http][plain][test]") {
  CHECK_THROWS_WITH(inject([](IncomingMessage&, ServerResponse& out) -> task<> {
                      out.destroy();
                      co_return;
                    }),
                    "inject(): the connection was closed before the response was complete; "
                    "sent so far: ");
  boost::asio::io_context io;
  Server server = createServer(io, [](IncomingMessage&, ServerResponse& out) -> task<> {
    boost::asio::steady_timer timer(out.get_executor(),
                                    boost::asio::steady_timer::time_point::max());
    co_await timer.async_wait(boost::asio::use_awaitable);
  });
  CHECK_THROWS_WITH(inject(io, server, {}, 0ms),
                    "inject(): the handler has not ended in time; sent so far: ");
  const sluice::test::Clock still(io);
  CHECK_THROWS_WITH(
      inject(io, server, {}, 0ms),
      "inject(): the handler has not ended in time, in which sleepFor() and Timer stand "
      "still; sent so far: ");
}

TEST_CASE("inject brings what a server says to a request that is none", "[http][plain][test]") {
  const auto handler = [](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end(); };
  CHECK(inject(handler, {.method = "BREW"}).statusCode == 400);
  CHECK(inject(handler, {.headers = {{"X", std::string(20'000, 'x')}}}).statusCode == 431);
}

TEST_CASE("inject refuses a request that could not be sent", "[http][plain][test]") {
  CHECK_THROWS_AS(inject(echo, {.method = "G ET"}), Error);
  CHECK_THROWS_AS(inject(echo, {.url = "/a b"}), Error);
}

TEST_CASE("inject asks a server with all its listeners, as often as one wants",
          "[http][plain][test]") {
  boost::asio::io_context io;
  Server server = createServer(io, echo);
  server.on<"checkContinue">([](IncomingMessage&, ServerResponse& res) -> task<> {
    res.statusCode = 417;
    co_await res.end();
  });
  CHECK(inject(io, server, {.url = "/1"}).headers["x-seen"] == "GET /1");
  CHECK(inject(io, server, {.headers = {{"Expect", "100-continue"}}}).statusCode == 417);
  CHECK(server.getConnections() == 0);
}
