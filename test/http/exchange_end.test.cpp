// SPDX-License-Identifier: BSL-1.0
//
// How an exchange ends: what becomes of its connection, and that everybody who waits for something
// of it hears exactly once.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

using Log = std::vector<std::string>;

std::function<void(error_code)> note(Log& log, std::string what) {
  return [&log, what = std::move(what)](error_code ec) {
    log.push_back(what + (ec ? " " + std::string(errorName(ec)) : std::string()));
  };
}

std::string upgradeRequest() {
  return "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
}

}  // namespace

TEST_CASE("a body that is not as long as its Content-Length ends the connection", "[http]") {
  const bool longer = GENERATE(false, true);
  int requests = 0;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    ++requests;
    res.setHeader("Content-Length", longer ? 3 : 10);
    co_await res.end("hello");
  });
  CHECK(wire.send(get("/1") + get("/2")).ends_with("\r\n\r\nhello"));
  CHECK(requests == 1);
  CHECK(wire.ended());
}

TEST_CASE("close() inside the first of many requests answers all that has come", "[http]") {
  auto wire =
      serve([&](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end("x"); });
  wire.server().on<"request">([&](IncomingMessage&, ServerResponse& res) -> task<> {
    wire.server().close();
    co_await res.end("x");
  });
  std::string requests;
  for (int i = 0; i != 10; ++i) requests += get();
  const std::string answers = wire.send(requests);
  std::size_t count = 0;
  for (std::size_t at = answers.find("HTTP/1.1 200"); at != std::string::npos;
       at = answers.find("HTTP/1.1 200", at + 1)) {
    ++count;
  }
  CHECK(count == 10);
  CHECK(wire.ended());
}

TEST_CASE("a read that began before an upgrade does not outlive its buffer", "[http]") {
  const bool connect = GENERATE(false, true);
  Gate gate;
  std::string got;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    co_await gate.wait();
    co_await res.end("first");
  });
  const auto tunnel = [&](IncomingMessage&, net::Socket& socket, std::string_view head) -> task<> {
    got = head;
    while (auto data = co_await socket.read()) got += *data;
  };
  wire.server().on<"upgrade">(tunnel);
  wire.server().on<"connect">(tunnel);
  wire.send(post(5, "hello") +
            (connect ? "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n" : upgradeRequest()));
  gate.open();
  CHECK(wire.received() == ok("first"));
  wire.send(std::string(3000, 'A'));
  wire.end();
  CHECK(got == std::string(3000, 'A'));
}

TEST_CASE("a parse error reaches \"error\" of the server's socket", "[http]") {
  std::string name, packet;
  auto wire = serve(okHandler);
  wire.server().on<"connection">([&](net::Socket& socket) {
    socket.on<"error">([&](const Error& error) {
      name = error.name();
      packet = error.rawPacket();
    });
  });
  wire.send("NONSENSE\r\n\r\n");
  wire.end();
  CHECK(name.starts_with("HPE_"));
  CHECK(packet.find("NONSENSE") != std::string::npos);
}

TEST_CASE("what a listener throws inside a connection reaches \"error\"", "[http]") {
  Log errors;
  ServerOptions options;
  options.shouldUpgradeCallback = [](IncomingMessage&) -> bool {
    throw std::runtime_error("of the callback");
  };
  auto wire = serve(okHandler, options);
  wire.server().on<"error">([&](const Error& error) { errors.emplace_back(error.what()); });
  wire.server().on<"clientError">(
      [](const Error&, net::Socket&) { throw std::runtime_error("of the listener"); });
  SECTION("of clientError") { wire.send("NONSENSE\r\n\r\n"); }
  SECTION("shouldUpgradeCallback") { wire.send(upgradeRequest()); }
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].find("of the ") != std::string::npos);
  CHECK(wire.closed());
}

TEST_CASE("callbacks and close come exactly once, whoever ends the connection", "[http]") {
  const int how = GENERATE(0, 1, 2, 3);
  const bool goesOn = GENERATE(false, true);
  Log log;
  Server* server = nullptr;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    res.on<"close">([&] { log.emplace_back("res close"); });
    req.on<"close">([&] { log.emplace_back("req close"); });
    res.end(std::string(100'000, 'x'), note(log, "end"));
    if (how == 0) res.destroy();
    if (how == 1) req.destroy();
    if (how == 2) req.socket().destroy();
    if (how == 3) server->closeAllConnections();
    if (goesOn) co_await asio::post(asio::use_awaitable);
    co_return;
  });
  server = &wire.server();
  wire.wire().room(1000);
  wire.send(post(5, "he"));
  std::map<std::string, int> counts;
  for (const std::string& each : log) ++counts[each.substr(0, each.find(" E"))];
  CHECK(counts["end"] == 1);
  CHECK(counts["res close"] == 1);
  CHECK(counts["req close"] == 1);
}

TEST_CASE("a handler that waits after destroy() ends when the connection does", "[http]") {
  bool ended = false;
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    struct End {
      bool& to;
      ~End() { to = true; }
    } const end{ended};
    if (req.url() == "/res") {
      res.destroy();
      co_await gate.wait();
    } else {
      req.destroy();
      co_await req.once<"end">();
    }
  });
  SECTION("for a timer") { wire.send(get("/res")); }
  SECTION("for an event") { wire.send(post(5, "he")); }
  CHECK(ended);
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("the second reader of a body is refused, and the first goes on", "[http]") {
  std::string second;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    const auto other = [&]() -> task<> {
      co_await asio::post(asio::use_awaitable);
      try {
        co_await req.text();
      } catch (const Error& error) {
        second = error.name();
      }
    };
    asio::co_spawn(req.get_executor(), other(), asio::detached);
    co_await res.end(co_await req.text());
  });
  wire.send(post(5, "he"));
  CHECK(wire.send("llo") == ok("hello"));
  CHECK(second == "ERR_INVALID_STATE");
}

TEST_CASE("resume() keeps what a listener or a read of the same turn wants", "[http]") {
  std::string got;
  const bool reads = GENERATE(false, true);
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    req.resume();
    if (reads) {
      got = co_await req.text();
    } else {
      req.on<"data">([&](std::string_view data) { got += data; });
      co_await req.once<"end">();
    }
    co_await res.end();
  });
  wire.send(post(5, "hello"));
  CHECK(got == "hello");
}

TEST_CASE("the callback of informational answers comes before finish",
          "[http][row:5/writeInformation]") {
  Log log;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    res.on<"finish">([&] { log.emplace_back("finish"); });
    res.writeEarlyHints({{"link", "</a.css>; rel=preload"}}, [&] { log.emplace_back("hints"); });
    res.writeInformation(110, {{"X-A", "b"}});
    res.end("hi");
    co_return;
  });
  CHECK(wire.send(get()).find("HTTP/1.1 110 unknown\r\nX-A: b\r\n\r\nHTTP/1.1 200 OK") !=
        std::string::npos);
  CHECK(log == Log{"hints", "finish"});
  std::string refused;
  answer(get(), [&](ServerResponse& res) {
    try {
      res.writeInformation(101);
    } catch (const Error& error) {
      refused = error.name();
    }
  });
  CHECK(refused == "ERR_HTTP_INVALID_STATUS_CODE");
}

TEST_CASE("after an end() that was too short a right one works", "[http]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> {
    res.strictContentLength = true;
    res.setHeader("Content-Length", 3);
    CHECK_THROWS_AS(res.end("ab"), Error);
    res.end("abc");
    co_return;
  });
  CHECK(wire.send(get()).ends_with("\r\n\r\nabc"));
  CHECK(!wire.closed());
}

TEST_CASE("write() after end() calls back, and then tells \"error\"", "[http]") {
  Log log;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    res.on<"error">([&](const Error& error) { log.emplace_back(error.name()); });
    res.end("hi");
    res.write("late", note(log, "callback"));
    co_return;
  });
  wire.send(get());
  CHECK(log == Log{"callback ERR_STREAM_WRITE_AFTER_END", "ERR_STREAM_WRITE_AFTER_END"});
}

TEST_CASE("shutdown() ends upgraded connections when its time is over", "[http]") {
  const bool moved = GENERATE(false, true);
  net::Socket taken;
  bool over = false;
  auto wire = serve(okHandler);
  wire.server().on<"upgrade">(
      [&](IncomingMessage&, net::Socket& socket, std::string_view) -> task<> {
        if (moved) {
          taken = std::move(socket);
        } else {
          while (co_await socket.read()) {
          }
        }
      });
  wire.server().listen(0, "127.0.0.1");
  wire.send(upgradeRequest());
  asio::co_spawn(wire.io(), wire.server().shutdown(5s), [&](std::exception_ptr) { over = true; });
  wire.settle();
  CHECK(!over);
  CHECK(!wire.closed());
  wire.advance(6s);
  CHECK(wire.closed());
  CHECK(over);
}

TEST_CASE("values that were sent apart can be had apart, and close can be asked for",
          "[http][row:6/trailersDistinct]") {
  std::vector<std::string> trailers, headers;
  bool before = true, after = false;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    before = req.closed();
    co_await req.text();
    after = req.closed();
    headers = req.headersDistinct().at("x-a");
    trailers = req.trailersDistinct().at("x-t");
    co_await res.end();
  });
  wire.send(
      "POST / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-a: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\nX-T: 3\r\nx-t: 4\r\n\r\n");
  CHECK(headers == std::vector<std::string>{"1", "2"});
  CHECK(trailers == std::vector<std::string>{"3", "4"});
  CHECK(!before);
  CHECK(after);
}
