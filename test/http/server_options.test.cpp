// SPDX-License-Identifier: BSL-1.0
//
// What a server can be told when it is made, and what the module offers beside servers.
#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>
#include <support/serve.hpp>
#include <type_traits>
#include <vector>

using namespace sluice::http;
using namespace std::chrono_literals;
using sluice::task;
using sluice::test::answer;
using sluice::test::badRequest;
using sluice::test::chunked;
using sluice::test::get;
using sluice::test::makeServer;
using sluice::test::ok;
using sluice::test::okChunked;
using sluice::test::post;
using sluice::test::requestTimeout;
using sluice::test::serve;
using sluice::test::serverEnd;

namespace {

const auto end = [](ServerResponse& res) { res.end(); };
const auto endAtOnce = sluice::test::acting(end);

class MyRequest : public IncomingMessage {
 public:
  std::string user = "nobody";
};
class MyResponse : public ServerResponse {
 public:
  void json(std::string_view text) { setHeader("Content-Type", "application/json").end(text); }
};

}  // namespace

TEST_CASE("createServer takes a handler, options, both or neither",
          "[http][row:1/createServer][row:1/Agent, ClientRequest, IncomingMessage]") {
  sluice::asio::io_context io;
  Server bare = createServer(io);
  Server withHandler = createServer(io, endAtOnce);
  Server withOptions = createServer(io, ServerOptions{.keepAliveTimeout = 7s});
  Server withBoth = createServer(io, {.keepAliveTimeout = 8s}, endAtOnce);
  Server constructed(io, {.keepAliveTimeout = 9s});
  CHECK(!bare.listening());
  CHECK(bare.listenerCount<"request">() == 0);
  CHECK(withHandler.listenerCount<"request">() == 1);
  CHECK(withOptions.keepAliveTimeout == 7s);
  CHECK(withBoth.keepAliveTimeout == 8s);
  CHECK(constructed.keepAliveTimeout == 9s);
  const Server without[] = {createServer(io, nullptr), createServer(io, {}),
                            createServer(io, {}, {}), createServer(io, {}, nullptr),
                            createServer(io, ServerOptions(), Handler())};
  for (const Server& each : without) CHECK(each.listenerCount<"request">() == 0);
  withHandler.on<"request">(Handler());
  CHECK(withHandler.listenerCount<"request">() == 0);
}

TEST_CASE("messages that are sent have one common base", "[http][row:1/OutgoingMessage]") {
  CHECK(std::is_base_of_v<OutgoingMessage, ServerResponse>);
  CHECK(!std::is_copy_constructible_v<ServerResponse>);
}

TEST_CASE("a handler is given the classes that its parameters name",
          "[http][row:2/IncomingMessage][row:2/ServerResponse]") {
  auto wire = serve([](MyRequest& req, MyResponse& res) -> task<> {
    const std::string before = std::exchange(req.user, "somebody");
    res.json('"' + before + '"');
    co_return;
  });
  const std::string expected =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: <D>\r\n"
      "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 8\r\n\r\n\"nobody\"";
  CHECK(wire.send(get() + get()) == expected + expected);
}

TEST_CASE("insecureHTTPParser lets pass what else is refused", "[http][row:2/insecureHTTPParser]") {
  const std::string_view request = "GET / HTTP/1.1\nHost: a\n\n";
  CHECK(answer(request, end) == badRequest);
  CHECK(answer(request, end, {.insecureHTTPParser = true}) == ok());
}

TEST_CASE("headers of which the first wins are joined with joinDuplicateHeaders",
          "[http][row:2/joinDuplicateHeaders]") {
  std::string agent;
  const auto look = [&](ServerResponse& res) {
    agent = res.req().headers()["user-agent"];
    res.end();
  };
  const std::string request = get("/", "User-Agent: x\r\nUser-Agent: y\r\n");
  answer(request, look);
  CHECK(agent == "x");
  answer(request, look, {.joinDuplicateHeaders = true});
  CHECK(agent == "x, y");
}

TEST_CASE("unique headers go out on one line", "[http][row:2/uniqueHeaders]") {
  CHECK(answer(get(),
               [](ServerResponse& res) {
                 res.setHeader("X-Tag", {"a", "b"}).end();
               },
               {.uniqueHeaders = {"x-tag"}}) ==
        "HTTP/1.1 200 OK\r\nX-Tag: a; b\r\nDate: <D>\r\nConnection: keep-alive\r\n"
        "Keep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("highWaterMark is that of responses and sockets",
          "[http][row:2/highWaterMark][row:4/writableHighWaterMark]") {
  std::size_t message = 0, socket = 0;
  const auto look = [&](ServerResponse& res) {
    message = res.writableHighWaterMark();
    socket = res.socket()->writableHighWaterMark();
    res.end();
  };
  const auto sizes = [&](ServerOptions options) {
    sluice::asio::io_context io;
    Server server = makeServer(io, options, sluice::test::acting(look));
    sluice::test::Wire wire(io);
    wire.deliver(get());
    server.serve(serverEnd(wire, options.highWaterMark));
    io.poll();
    return std::pair(message, socket);
  };
  CHECK(sizes({}) == std::pair<std::size_t, std::size_t>(16384, 16384));
  CHECK(sizes({.highWaterMark = 1000}) == std::pair<std::size_t, std::size_t>(1000, 1000));
}

TEST_CASE("a connection that waits for its next request is kept for the timeout and its buffer",
          "[http][row:2/keepAliveTimeout][row:2/keepAliveTimeoutBuffer]") {
  const auto closedAfter = [](ServerOptions options) {
    auto wire = serve(endAtOnce, std::move(options));
    wire.send(get());
    auto waited = 0ms;
    while (!wire.closed() && waited < 200s) {
      wire.advance(100ms);
      waited += 100ms;
    }
    return waited;
  };
  CHECK(closedAfter({}) == 6s);
  CHECK(closedAfter({.keepAliveTimeout = 2s}) == 3s);
  CHECK(closedAfter({.keepAliveTimeout = 2s, .keepAliveTimeoutBuffer = 0ms}) == 2s);
  CHECK(closedAfter({.keepAliveTimeout = 0ms}) == 120s);
}

TEST_CASE("a timeout that is set on the socket gives way to the keep-alive timer",
          "[http][row:11.13/'connection' + socket.setTimeout]") {
  auto wire = serve(endAtOnce);
  int timeouts = 0;
  wire.server().on<"connection">(
      [&](sluice::net::Socket& socket) { socket.setTimeout(1s, [&] { ++timeouts; }); });
  wire.client();
  wire.advance(999ms);
  CHECK(wire.send(get()) == ok());
  wire.advance(5999ms);
  CHECK(timeouts == 0);
  CHECK(!wire.closed());
  wire.advance(1ms);
  CHECK(timeouts == 1);
  CHECK(wire.closed());
}

TEST_CASE("headersTimeout is at most requestTimeout, and unset never more than 60 s",
          "[http][row:2/headersTimeout][row:2/requestTimeout][row:12/ERR_INVALID_ARG_TYPE]") {
  sluice::asio::io_context io;
  CHECK(Server(io).headersTimeout == 60s);
  CHECK(Server(io).requestTimeout == 300s);
  CHECK(Server(io, {.requestTimeout = 10s}).headersTimeout == 10s);
  CHECK(Server(io, {.requestTimeout = 0s}).headersTimeout == 0s);
  CHECK(Server(io, {.requestTimeout = 0s, .headersTimeout = 9s}).headersTimeout == 9s);
  try {
    const Server server(io, {.requestTimeout = 1s, .headersTimeout = 2s});
    FAIL("a head that takes longer than its request is accepted");
  } catch (const Error& error) {
    CHECK(error.name() == "ERR_OUT_OF_RANGE");
  }
}

TEST_CASE("a server refuses times below 0, in Node's words",
          "[http][row:2/requestTimeout][row:2/headersTimeout][row:2/keepAliveTimeout]"
          "[row:2/connectionsCheckingInterval][row:12/ERR_INVALID_ARG_TYPE]") {
  sluice::asio::io_context io;
  const auto refusal = [&](ServerOptions options) -> std::string {
    try {
      const Server server(io, std::move(options));
    } catch (const Error& error) {
      CHECK(error.name() == "ERR_OUT_OF_RANGE");
      return error.what();
    }
    return "none";
  };
  const auto words = [](const std::string& name) {
    return "The value of \"" + name +
           "\" is out of range. It must be >= 0 && <= 9007199254740991. Received -1";
  };
  CHECK(refusal({.requestTimeout = -1ms}) == words("requestTimeout"));
  CHECK(refusal({.headersTimeout = -1ms}) == words("headersTimeout"));
  CHECK(refusal({.keepAliveTimeout = -1ms}) == words("keepAliveTimeout"));
  CHECK(refusal({.keepAliveTimeoutBuffer = -1ms}) == words("keepAliveTimeoutBuffer"));
  CHECK(refusal({.timeout = -1ms}) == words("timeout"));
  CHECK(refusal({.connectionsCheckingInterval = -1ms}) == words("connectionsCheckingInterval"));
  CHECK(refusal({.requestTimeout = 5ms, .headersTimeout = 10ms}) ==
        "The value of \"headersTimeout\" is out of range. It must be <= requestTimeout. "
        "Received 10");
  CHECK(refusal({.requestTimeout = 0ms,
                 .headersTimeout = 0ms,
                 .keepAliveTimeout = 0ms,
                 .timeout = 0ms,
                 .connectionsCheckingInterval = 0ms}) == "none");
}

TEST_CASE("timeouts are looked at every connectionsCheckingInterval",
          "[http][row:2/connectionsCheckingInterval][row:2/headersTimeout]"
          "[row:2/requestTimeout]") {
  const auto answeredAfter = [](std::string_view bytes, ServerOptions options) {
    auto wire = serve([](IncomingMessage& req, ServerResponse&) -> task<> { co_await req.text(); },
                      std::move(options));
    wire.send(bytes);
    auto waited = 0s;
    while (wire.received() != requestTimeout && waited < 500s) {
      wire.advance(1s);
      waited += 1s;
    }
    return waited;
  };
  const ServerOptions options{.requestTimeout = 40s, .headersTimeout = 35s, .timeout = 0s};
  CHECK(answeredAfter("GET", options) == 60s);
  CHECK(answeredAfter("GET", {.requestTimeout = 40s,
                              .headersTimeout = 35s,
                              .timeout = 0s,
                              .connectionsCheckingInterval = 7s}) == 35s);
  CHECK(answeredAfter("GET", {.requestTimeout = 40s,
                              .headersTimeout = 35s,
                              .timeout = 0s,
                              .connectionsCheckingInterval = 10s}) == 40s);
  CHECK(answeredAfter(post(2, "a"), {.requestTimeout = 50s,
                                     .headersTimeout = 35s,
                                     .timeout = 0s,
                                     .connectionsCheckingInterval = 10s}) == 50s);
  CHECK(answeredAfter("GET", {.requestTimeout = 0s, .headersTimeout = 0s, .timeout = 0s}) == 500s);
}

TEST_CASE("shouldUpgradeCallback decides whether an upgrade is taken",
          "[http][row:2/shouldUpgradeCallback]") {
  const std::string request = get("/yes", "Connection: Upgrade\r\nUpgrade: x\r\n");
  for (const bool take : {true, false}) {
    std::string asked;
    auto wire = serve(endAtOnce, {.shouldUpgradeCallback = [&](IncomingMessage& req) {
                        asked = req.url();
                        return take;
                      }});
    wire.server().on<"upgrade">(
        [](IncomingMessage&, sluice::net::Socket& socket, std::string_view) -> task<> {
          co_await socket.end("upgraded");
        });
    CHECK(wire.send(request) == (take ? "upgraded" : ok()));
    CHECK(asked == "/yes");
  }
}

TEST_CASE("connections are half open for the kernel, and httpAllowHalfOpen says what that means",
          "[http][row:2/allowHalfOpen]") {
  for (const bool allowed : {true, false}) {
    sluice::test::Gate gate;
    auto wire = serve(
        [&](IncomingMessage&, ServerResponse& res) -> task<> {
          co_await gate.wait();
          co_await res.end("late");
        },
        {.httpAllowHalfOpen = allowed});
    wire.send(get());
    CHECK(wire.end() == "");
    CHECK(wire.closed() == !allowed);
    if (!allowed) continue;
    gate.open();
    CHECK(wire.received().ends_with("late"));
    CHECK(wire.closed());
  }
}

TEST_CASE("methods are those that the parser knows, sorted", "[http][row:1/METHODS]") {
  CHECK(METHODS.size() == 35);
  CHECK(std::is_sorted(METHODS.begin(), METHODS.end()));
  for (const std::string_view method : METHODS) {
    if (method == "CONNECT") continue;
    INFO(method);
    CHECK(answer(std::string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n", end)
              .starts_with("HTTP/1.1 200 OK\r\n"));
  }
  CHECK(answer("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", end) == badRequest);
}

TEST_CASE("phrases of codes are those on the wire", "[http][row:1/STATUS_CODES]") {
  CHECK(STATUS_CODES.size() == 63);
  CHECK(STATUS_CODES[404] == "Not Found");
  CHECK(STATUS_CODES[418] == "I'm a Teapot");
  for (const int code : {306, 419, 420, 427, 430, 799}) CHECK(!STATUS_CODES.contains(code));
  for (const auto& [code, phrase] : STATUS_CODES) {
    if (code < 200) continue;
    CHECK(answer(get(), [c = code](ServerResponse& res) {
            res.statusCode = c;
          }).starts_with("HTTP/1.1 " + std::to_string(code) + " " + std::string(phrase) + "\r\n"));
  }
}

TEST_CASE("header names and values can be validated without a message",
          "[http][row:1/validateHeaderName][row:1/validateHeaderValue]"
          "[row:12/ERR_INVALID_HTTP_TOKEN][row:12/ERR_INVALID_CHAR]") {
  CHECK_NOTHROW(validateHeaderName("X-Fine"));
  CHECK_THROWS_WITH(validateHeaderName("not fine"),
                    "Header name must be a valid HTTP token [\"not fine\"]");
  CHECK_THROWS_AS(validateHeaderName(""), Error);
  CHECK_NOTHROW(validateHeaderValue("x", "f\xc3\xafne"));
  CHECK_THROWS_WITH(validateHeaderValue("x", "a\nb"),
                    "Invalid character in header content [\"x\"]");
}

TEST_CASE("a handler reads and answers a body that is larger than what is ever held",
          "[http][row:1/streaming principle]") {
  std::size_t read = 0;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    while (auto chunk = co_await req.read()) {
      read += chunk->size();
      co_await res.write(*chunk);
    }
  });
  constexpr std::size_t piece = 10000;
  wire.send(post(1000 * piece));
  std::size_t answered = 0;
  for (int i = 0; i < 1000; ++i) {
    wire.send(std::string(piece, 'x'));
    CHECK(wire.wire().unread().empty());
    const std::string bytes = wire.take();
    answered += static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), 'x'));
  }
  CHECK(read == 1000 * piece);
  CHECK(answered == 1000 * piece);
}

TEST_CASE("received headers have lower-case names, and each line is kept as it came",
          "[http][row:1/header object shape]") {
  answer(get("/", "X-Odd: VaLue\r\nx-odd: 2\r\n"), [](ServerResponse& res) {
    const IncomingMessage& req = res.req();
    CHECK(req.headers()["x-odd"] == "VaLue, 2");
    std::vector<std::string> names;
    for (const auto& [name, value] : req.headers()) names.emplace_back(name);
    CHECK(names == std::vector<std::string>{"host", "x-odd"});
    IncomingMessage& mutableReq = res.req();
    const auto raw = mutableReq.rawHeaders();
    CHECK(raw.size() == 3);
    CHECK(raw[1].name == "X-Odd");
    CHECK(raw[1].value == "VaLue");
    CHECK(raw[2].name == "x-odd");
  });
}

TEST_CASE("trailers of a request are there when its body has ended",
          "[http][row:11.13/receiving]") {
  std::string seen;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    CHECK(req.trailers().empty());
    const std::string body = co_await req.text();
    seen = body + " " + std::string(req.trailers()["a"]) + " " +
           std::to_string(req.rawTrailers().size());
    CHECK(req.trailers().getAll("a") == std::vector<std::string_view>{"1", "2"});
    co_await res.end();
  });
  CHECK(wire.send(chunked("2\r\nhi\r\n0\r\nA: 1\r\na: 2\r\n\r\n")) == ok());
  CHECK(seen == "hi 1, 2 2");
}
