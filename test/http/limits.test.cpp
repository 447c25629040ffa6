// SPDX-License-Identifier: BSL-1.0
//
// What a server takes at most, and what a client hears that wants more.
#include <string>
#include <vector>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

constexpr std::string_view tooLarge =
    "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n";
constexpr std::string_view payloadTooLarge =
    "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n\r\n";

const std::string unavailable =
    "HTTP/1.1 503 Service Unavailable\r\nDate: <D>\r\nConnection: close\r\n"
    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";

}  // namespace

TEST_CASE("a head that is too large is answered 431", "[http][row:11.9/head-size-limit]") {
  auto wire = serve(okHandler);
  SECTION("in one field") {
    CHECK(wire.send(get("/", "X: " + std::string(9000, 'x') + "\r\n")) == tooLarge);
  }
  SECTION("in many") {
    std::string fields;
    for (int i = 0; i < 1000; ++i) fields += "X-" + std::to_string(i) + ": y\r\n";
    CHECK(wire.send(get("/", fields)) == tooLarge);
  }
  SECTION("in the target") { CHECK(wire.send(get("/" + std::string(9000, 'x'))) == tooLarge); }
  SECTION("that never ends") {
    CHECK(wire.send("GET / HTTP/1.1\r\nX: " + std::string(9000, 'x')) == tooLarge);
  }
  SECTION("in pieces that end one byte into the next line") {
    wire.send("GET / HTTP/1.1\r\n");
    for (int i = 0; i < 200 && !wire.ended(); ++i) {
      wire.send("X-" + std::to_string(i) + ": " + std::string(100, 'y') + "\r\nX");
    }
    CHECK(wire.received() == tooLarge);
  }
  CHECK(wire.ended());
}

TEST_CASE("trailers have the same limit", "[http]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    co_await res.end(co_await req.text());
  });
  CHECK(wire.send(chunked("0\r\nX: " + std::string(9000, 'x') + "\r\n\r\n")) == tooLarge);
  CHECK(wire.ended());
}

TEST_CASE("the limit of a head is the server's option", "[http]") {
  auto wire = serve(okHandler, {.maxHeaderSize = 64 * 1024});
  CHECK(wire.send(get("/" + std::string(60000, 'x'))) == ok());
  wire.take();
  CHECK(wire.send(get("/" + std::string(70000, 'x'))) == tooLarge);
}

TEST_CASE("a head may be without a limit", "[http]") {
  auto wire =
      serve(okHandler,
            {.maxHeaderSize = GENERATE(as<std::size_t>{}, http::unlimited, http::unlimited - 1)});
  wire.send("GET / HTTP/1.1\r\nHost: a\r\n");
  wire.send("X: " + std::string(100000, 'x') + "\r\n");
  CHECK(wire.send("\r\n") == ok());
}

TEST_CASE("more header lines than maxHeadersCount are dropped, and never from the framing",
          "[http][row:3.2/maxHeadersCount]"
          "[row:13/maxHeadersCount]") {
  std::vector<std::string> names;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    for (const auto& line : req.rawHeaders()) names.emplace_back(line.name);
    co_await res.end(co_await req.text());
  });
  CHECK(wire.server().maxHeadersCount == 2000);
  wire.server().maxHeadersCount = 2;
  CHECK(wire.send("POST / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nContent-Length: 2\r\n\r\nok") ==
        ok("ok"));
  CHECK(names == std::vector<std::string>{"Host", "A"});
  SECTION("0 is no limit") {
    wire.server().maxHeadersCount = 0;
    std::string fields;
    for (int i = 0; i < 2500; ++i) fields += "a:\r\n";
    auto& other = wire.connect();
    names.clear();
    CHECK(other.send("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n").starts_with("HTTP/1.1 "));
    CHECK((names.size() == 2501 || names.empty()));
  }
}

TEST_CASE("the extensions of a chunk are limited, and beyond that 413", "[http][row:11.9/chunks]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    co_await res.end(co_await req.text());
  });
  SECTION("below") {
    CHECK(wire.send(chunked("1;" + std::string(16000, 'x') + "\r\na\r\n1;" +
                            std::string(16000, 'y') + "\r\nb\r\n0\r\n\r\n")) == ok("ab"));
  }
  SECTION("above") {
    CHECK(wire.send(chunked("1;" + std::string(17000, 'x') + "\r\na\r\n0\r\n\r\n")) ==
          payloadTooLarge);
    CHECK(wire.ended());
  }
}

TEST_CASE(
    "the last request that maxRequestsPerSocket allows is answered with close, "
    "and what has arrived behind it gets 503",
    "[http][row:3.2/maxRequestsPerSocket][row:3.1/dropRequest]") {
  std::vector<std::string> dropped;
  auto wire = serve(
      [](IncomingMessage& req, ServerResponse& res) -> task<> { co_await res.end(req.url()); });
  wire.server().maxRequestsPerSocket = 2;
  wire.server().on<"dropRequest">([&](IncomingMessage& req, net::Socket& socket) {
    CHECK(&req.socket() == &socket);
    dropped.emplace_back(req.url());
  });
  const std::string first =
      "HTTP/1.1 200 OK\r\nDate: <D>\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5, max=2\r\n"
      "Content-Length: 2\r\n\r\n/1";
  SECTION("one by one") {
    CHECK(wire.send(get("/1")) == first);
    CHECK(wire.send(get("/2")) == first + okAndClose("/2"));
    CHECK(dropped.empty());
  }
  SECTION("pipelined") {
    CHECK(wire.send(get("/1") + get("/2") + get("/3") + get("/4")) ==
          first + okAndClose("/2") + unavailable + unavailable);
    CHECK(dropped == std::vector<std::string>{"/3", "/4"});
  }
  CHECK(wire.ended());
}

TEST_CASE(
    "where the body of the last response ends with the connection, nothing gets 503 behind it",
    "[http]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> {
    res.write("one ");
    co_await res.end("body");
  });
  wire.server().maxRequestsPerSocket = 1;
  bool dropped = false;
  wire.server().on<"dropRequest">([&](IncomingMessage&, net::Socket&) { dropped = true; });
  CHECK(wire.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get("/2")) ==
        "HTTP/1.1 200 OK\r\nDate: <D>\r\nConnection: close\r\n\r\none body");
  CHECK(wire.ended());
  CHECK_FALSE(dropped);
}

TEST_CASE("the body of a request has no limit but the reader's", "[http]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    std::size_t size = 0;
    while (auto piece = co_await req.read()) size += piece->size();
    co_await res.end(std::to_string(size));
  });
  wire.send(post(20000000));
  CHECK(wire.send(std::string(20000000, 'x')) == ok("20000000"));
}

TEST_CASE("empty lines before a request do not go on for ever", "[http]") {
  auto wire = serve(okHandler);
  std::string lines;
  for (int i = 0; i < 10000; ++i) lines += "\r\n";
  CHECK(wire.send(lines) == badRequest);
  CHECK(wire.ended());
}
