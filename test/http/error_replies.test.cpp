// SPDX-License-Identifier: BSL-1.0
//
// What the server answers by itself, in exact bytes: requests it cannot read, has no time for, or
// will not serve.
#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif
#include <chrono>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>
#include <support/serve.hpp>
#include <vector>

using namespace sluice::http;
using namespace std::chrono_literals;
using sluice::task;
using sluice::test::answer;
using sluice::test::answerAndState;
using sluice::test::badRequest;
using sluice::test::chunked;
using sluice::test::get;
using sluice::test::ok;
using sluice::test::okChunked;
using sluice::test::post;
using sluice::test::requestTimeout;
using sluice::test::serve;

namespace {

constexpr std::string_view tooLarge =
    "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n";
constexpr std::string_view payloadTooLarge =
    "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n\r\n";

const auto end = [](ServerResponse& res) { res.end(); };
const auto readAll = [](IncomingMessage& req, ServerResponse& res) -> task<> {
  const std::string body = co_await req.text();
  co_await res.end(body);
};

std::string empty(std::string_view status) {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nDate: <D>\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
}

}  // namespace

TEST_CASE("what is no HTTP gets a bare 400 and the end of the connection",
          "[http][row:11.8/any parse error]"
          "[row:13/clientError default]") {
  for (const std::string_view request :
       {"garbage\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "get / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "\x16\x03\x01\x02\x01"}) {
    INFO(request);
    auto wire = serve(sluice::test::acting(end));
    CHECK(wire.send(request) == badRequest);
    CHECK(wire.ended());
    wire.end();
    CHECK(wire.closed());
  }
}

TEST_CASE("a chunk that is none is answered 400 while the response has not begun",
          "[http][row:11.8/any parse error]") {
  auto wire = serve(readAll);
  CHECK(wire.send(chunked("zz\r\n")) == badRequest);
  CHECK(wire.ended());
}

TEST_CASE("a request that turns out wrong is answered, though its response is corked", "[http]") {
  const bool listens = GENERATE(false, true);
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    res.cork();
    res.cork();
    co_await req.text();
  });
  if (listens) {
    wire.server().on<"clientError">([](const Error&, sluice::net::Socket& socket) {
      socket.write("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
      socket.end();
    });
  }
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  SECTION("a chunk that is none") {
    CHECK(wire.send(head + "x\r\n") == "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  }
  SECTION("an end inside the body") {
    wire.send(head);
    CHECK(wire.end() == "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  }
  CHECK(wire.ended());
}

TEST_CASE("what a refused peer goes on to send does not stand in for the head of its request",
          "[http]") {
  sluice::test::Gate gate;
  IncomingMessage* request = nullptr;
  ServerOptions options;
  options.cancelOnDisconnect = false;
  auto wire = serve(
      [&](IncomingMessage& req, ServerResponse&) -> task<> {
        request = &req;
        req.on<"data">([](std::string_view) {});
        co_await gate.wait();
      },
      options);
  wire.wire().room(0);
  wire.send("POST /mine HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
  for (int i = 0; i != 3; ++i) wire.send("GET /another HTTP/1.1\r\nHost: b\r\n\r\n");
  REQUIRE(request != nullptr);
  CHECK(request->url() == "/mine");
  CHECK(request->headers()["host"] == "a");
}

TEST_CASE("a head above the limit gets 431, whichever part of it is large",
          "[http][row:11.8/head too large][row:1/maxHeaderSize]"
          "[row:13/maxHeaderSize][row:13/clientError default]") {
  CHECK(maxHeaderSize == 8192);
  CHECK(answer("GET /" + std::string(9000, 'x'), end) == tooLarge);
  CHECK(answer("GET / HTTP/1.1\r\nHost: a\r\nx: " + std::string(9000, 'x'), end) == tooLarge);
  CHECK(answer("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(9000, 'x'), end) == tooLarge);
  CHECK(answer(get("/", "x: " + std::string(9000, 'x') + "\r\n"), end) == tooLarge);
  CHECK(answer(get("/", "x: " + std::string(8000, 'x') + "\r\n"), end) == ok());
}

TEST_CASE("the limit of a head can be set for one server", "[http][row:2/maxHeaderSize]") {
  const std::string request = get("/", "x: " + std::string(9000, 'x') + "\r\n");
  CHECK(answer(request, end, {.maxHeaderSize = 16384}) == ok());
  CHECK(answer(request, end, {.maxHeaderSize = 0}) == tooLarge);
  CHECK(answer(get(), end, {.maxHeaderSize = 20}) == tooLarge);
  const std::string exact = get();
  CHECK(answer(exact, end, {.maxHeaderSize = exact.size()}) == ok());
  CHECK(answer(exact, end, {.maxHeaderSize = exact.size() - 1}) == tooLarge);
}

TEST_CASE("more than 16 KiB of chunk extensions get 413",
          "[http][row:11.8/chunk extensions over 16 KiB in one chunk]") {
  auto wire = serve(readAll);
  CHECK(wire.send(chunked("1;" + std::string(17000, 'x'))) == payloadTooLarge);
  CHECK(wire.ended());
  auto fine = serve(readAll);
  CHECK(fine.send(chunked("1;" + std::string(16000, 'x') + "\r\na\r\n0\r\n\r\n")) == ok("a"));
}

TEST_CASE("a head or a request that takes too long gets 408",
          "[http][row:11.8/headersTimeout][row:12/ERR_HTTP_REQUEST_TIMEOUT]") {
  const ServerOptions options{
      .requestTimeout = 20s, .headersTimeout = 10s, .connectionsCheckingInterval = 1s};
  auto head = serve(readAll, options);
  CHECK(head.send("GET / HT") == "");
  head.advance(9s);
  CHECK(head.received() == "");
  head.advance(2s);
  CHECK(head.received() == requestTimeout);
  CHECK(head.ended());

  auto body = serve(readAll, options);
  CHECK(body.send(post(3, "a")) == "");
  body.advance(19s);
  CHECK(body.received() == "");
  body.advance(2s);
  CHECK(body.received() == requestTimeout);
  CHECK(body.ended());
}

TEST_CASE("clientError is told of a timeout by name", "[http][row:12/ERR_HTTP_REQUEST_TIMEOUT]") {
  std::string told;
  auto wire = serve(readAll, {.headersTimeout = 1s, .connectionsCheckingInterval = 1s});
  wire.server().on<"clientError">([&](const Error& error, sluice::net::Socket& socket) {
    told = std::string(error.name()) + ": " + error.what();
    socket.destroy();
  });
  wire.send("GET");
  wire.advance(3s);
  CHECK(told == "ERR_HTTP_REQUEST_TIMEOUT: Request timeout");
  CHECK(wire.received() == "");
  CHECK(wire.closed());
}

TEST_CASE("a request without Host gets an ordinary 400, an empty Host is fine",
          "[http][row:11.8/missing Host (HTTP/1.1)][row:2/requireHostHeader]"
          "[row:13/Host requirement]") {
  CHECK(answerAndState("GET / HTTP/1.1\r\n\r\n", end) ==
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nDate: <D>\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n<closed>");
  CHECK(answer("GET / HTTP/1.1\r\nHost:\r\n\r\n", end) == ok());
  CHECK(answer("GET / HTTP/1.0\r\n\r\n", end).starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer("GET / HTTP/1.1\r\n\r\n", end, {.requireHostHeader = false}) == ok());
}

TEST_CASE("the request that reaches the limit of a socket closes, those behind it get 503",
          "[http][row:11.8/over maxRequestsPerSocket]") {
  auto wire = serve(sluice::test::acting(end));
  wire.server().maxRequestsPerSocket = 2;
  std::vector<std::string> dropped;
  wire.server().on<"dropRequest">(
      [&](IncomingMessage& req, sluice::net::Socket&) { dropped.emplace_back(req.url()); });
  const std::string first =
      "HTTP/1.1 200 OK\r\nDate: <D>\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5, max=2\r\n"
      "Content-Length: 0\r\n\r\n";
  CHECK(wire.send(get("/1") + get("/2") + get("/3")) ==
        first + "HTTP/1.1 200 OK\r\nDate: <D>\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" +
            empty("503 Service Unavailable"));
  CHECK(dropped == std::vector<std::string>{"/3"});
  CHECK(wire.ended());
}

TEST_CASE("CONNECT that nobody handles is cut without a byte, and so is an upgrade",
          "[http][row:11.8/CONNECT without listener]") {
  CHECK(answerAndState("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", end) == "<closed>");
  CHECK(answerAndState(get("/", "Connection: Upgrade\r\nUpgrade: x\r\n"), end,
                       {.shouldUpgradeCallback = [](IncomingMessage&) { return true; }}) ==
        "<closed>");
  CHECK(answer("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", end) == badRequest);
}

TEST_CASE("a request that turns out wrong after its response began is cut without a word",
          "[http][row:11.8/response already started]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    res.write("begun");
    co_await req.text();
    co_await res.end("never");
  });
  const std::string begun = std::string(okChunked) + "5\r\nbegun\r\n";
  CHECK(wire.send(chunked("1\r\na\r\n")) == begun);
  CHECK(wire.send("zz\r\n") == begun);
  CHECK(wire.closed());
}

TEST_CASE("a client that ends inside a request gets 400, before any byte a quiet close",
          "[http][row:11.8/client FIN inside a request]") {
  for (const std::string& request : {std::string("GET / HTTP/1.1\r\nHo"), post(3, "a"),
                                     chunked("5\r\nab"), chunked("1\r\na\r\n")}) {
    INFO(request);
    auto wire = serve(readAll);
    std::string named;
    CHECK(wire.send(request) == "");
    CHECK(wire.end() == badRequest);
    CHECK(wire.closed());
  }
  auto quiet = serve(readAll);
  CHECK(quiet.end() == "");
  CHECK(quiet.closed());
  auto behind = serve(readAll);
  CHECK(behind.send(get()) == ok());
  CHECK(behind.end() == ok());
  CHECK(behind.closed());
}

TEST_CASE("a listener of clientError that ends its half ends the connection of who has gone",
          "[http][row:3.1/clientError]") {
  auto wire = serve(readAll);
  std::function<void(sluice::net::Socket&)> answer;
  SECTION("with an answer") {
    answer = [](sluice::net::Socket& socket) { socket.end("HTTP/1.1 499 Gone\r\n\r\n"); };
  }
  SECTION("without one") {
    answer = [](sluice::net::Socket& socket) { socket.end(); };
  }
  wire.server().on<"clientError">([&](const Error& error, sluice::net::Socket& socket) {
    CHECK(error.name() == "HPE_INVALID_EOF_STATE");
    answer(socket);
  });
  wire.send("GET / HTTP/1.1\r\nHo");
  wire.end();
  CHECK(wire.closed());
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("clientError brings code, reason, how far the bytes were read, and the bytes",
          "[http][row:11.8/clientError err fields][row:12/HPE_*]") {
  std::vector<std::string> told;
  auto wire = serve(readAll);
  wire.server().on<"clientError">([&](const Error& error, sluice::net::Socket& socket) {
    told.emplace_back(error.name());
    told.emplace_back(error.what());
    CHECK("Parse Error: " + std::string(error.reason()) == error.what());
    CHECK(error.rawPacket() == "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n");
    CHECK(error.bytesParsed() == 25);
    socket.write("mine");
    socket.end();
  });
  CHECK(wire.send("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n") == "mine");
  CHECK(told.front() == "HPE_INVALID_HEADER_TOKEN");
  CHECK(wire.ended());
}

TEST_CASE("an expectation that nobody knows gets 417, a request that nobody handles 404",
          "[http][row:5/creation]") {
  CHECK(answer(get("/", "Expect: magic\r\n"), end) ==
        "HTTP/1.1 417 Expectation Failed\r\nDate: <D>\r\nConnection: keep-alive\r\n"
        "Keep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  auto wire = serve(Handler());
  CHECK(wire.send(get()).starts_with("HTTP/1.1 404 Not Found\r\n"));
}

TEST_CASE("an error reply does not disturb the responses before it",
          "[http][row:11.8/any parse error]") {
  CHECK(answer(get() + get() + "garbage\r\n\r\n", end) == ok() + ok() + std::string(badRequest));
}

TEST_CASE("'error' of a server says which request it belongs to", "[http][row:3.1/error]") {
  std::vector<std::string> errors;
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/late") co_await res.write("some");
    if (req.url() == "/code") throw Error(errc::ERR_BODY_TOO_LARGE);
    throw std::runtime_error("boom");
  });
  wire.server().on<"upgrade">(
      [](IncomingMessage&, sluice::net::Socket&, std::string_view) -> task<> {
        throw std::runtime_error("upgraded");
      });
  wire.server().on<"error">([&](const Error& error) {
    errors.push_back(std::string(error.name()) + ' ' + std::string(error.method()) + ' ' +
                     std::string(error.url()) + ' ' + error.what());
  });
  wire.send(get("/early") + get("/code") + get("/late"));
  wire.connect().send("GET /up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
  CHECK(errors ==
        std::vector<std::string>{
            "ERR_UNHANDLED_ERROR GET /early boom",
            "ERR_BODY_TOO_LARGE GET /code " + make_error_code(errc::ERR_BODY_TOO_LARGE).message(),
            "ERR_UNHANDLED_ERROR GET /late boom", "ERR_UNHANDLED_ERROR GET /up upgraded"});
}

namespace {

// What is written to stderr while `act` runs.
template <class F>
std::string saidBy(F act) {
  std::fflush(stderr);
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  const int before = dup(fileno(stderr));
  dup2(fileno(file), fileno(stderr));
  act();
  std::fflush(stderr);
  dup2(before, fileno(stderr));
  close(before);
  std::rewind(file);
  std::string text;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

}  // namespace

TEST_CASE("a handler that throws while nobody listens says one line on stderr", "[http]") {
  auto wire = serve([](IncomingMessage&, ServerResponse&) -> task<> {
    throw std::runtime_error("first line\nsecond line");
    co_return;
  });
  const std::string said = saidBy([&] { wire.send(get("/path?q=1")); });
  CHECK(said == "sluice: a handler threw at GET /path?q=1: first line?second line\n");
  wire.server().on<"error">([] {});
  CHECK(saidBy([&] { wire.send(get()); }).empty());
}

TEST_CASE("a client that goes away is no line on stderr", "[http]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    co_await req.text();
    co_await res.end();
  });
  CHECK(saidBy([&] {
          wire.send(post(10, "123"));
          wire.end();
          wire.connect().send("nonsense\r\n\r\n");
        }).empty());
}
