// SPDX-License-Identifier: BSL-1.0
//
// In which order a server's messages tell what happens to them.
#include <string>
#include <vector>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

using Log = std::vector<std::string>;

void follow(Log& log, IncomingMessage& req, ServerResponse& res) {
  req.on<"aborted">([&] { log.push_back("req aborted"); });
  req.on<"error">([&] { log.push_back("req error"); });
  req.on<"end">([&] { log.push_back("req end"); });
  req.on<"close">([&] { log.push_back("req close"); });
  res.on<"prefinish">([&] { log.push_back("res prefinish"); });
  res.on<"finish">([&] { log.push_back("res finish"); });
  res.on<"close">([&] { log.push_back("res close"); });
}

const Log normal{"req end", "req close", "res prefinish", "res finish", "res close"};

}  // namespace

TEST_CASE("a body that was consumed: end and close of the request, then those of the response",
          "[http][row:11.15/normal-body-consumed][row:6/end][row:6/close]"
          "[row:13/IncomingMessage 'close']") {
  Log log;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    follow(log, req, res);
    co_await req.text();
    co_await res.end("x");
  });
  SECTION("of one read") { CHECK(wire.send(post(2, "ab")) == ok("x")); }
  SECTION("of many reads") {
    wire.wire().chop(1);
    CHECK(wire.send(post(2, "ab")) == ok("x"));
  }
  CHECK(log == normal);
}

TEST_CASE("data events come before all others", "[http][row:11.15/normal-body-consumed]") {
  Log log;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    follow(log, req, res);
    req.on<"data">([&](std::string_view data) { log.push_back("data " + std::string(data)); });
    co_await req.once<"close">();
    co_await res.end("x");
  });
  wire.send(post(4, "ab"));
  CHECK(log == Log{"data ab"});
  CHECK(wire.send("cd") == ok("x"));
  CHECK(log == Log{"data ab", "data cd", "req end", "req close", "res prefinish", "res finish",
                   "res close"});
}

TEST_CASE("a response that ended before the body was consumed tells first",
          "[http][row:11.15/response-ended-before-the-body-was-consumed]") {
  Log log;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    follow(log, req, res);
    co_await res.end("x");
  });
  SECTION("where the rest was there") { CHECK(wire.send(post(2, "ab")) == ok("x")); }
  SECTION("where it comes later") {
    CHECK(wire.send(post(2)) == ok("x"));
    CHECK(log == Log{"res prefinish", "res finish", "res close"});
    wire.send("ab");
  }
  SECTION("where there is none") { CHECK(wire.send(get()) == ok("x")); }
  CHECK(log == Log{"res prefinish", "res finish", "res close", "req end", "req close"});
}

TEST_CASE("a request that is here to its end is not aborted by a response that closes", "[http]") {
  Log log;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    follow(log, req, res);
    co_await res.end("x");
  });
  SECTION("with a length") { wire.send(post(2, "ab", "Connection: close\r\n")); }
  SECTION("in chunks") { wire.send(chunked("2\r\nab\r\n0\r\n\r\n", "Connection: close\r\n")); }
  CHECK(wire.received() == okAndClose("x"));
  CHECK(log == Log{"res prefinish", "res finish", "res close", "req end", "req close"});
  CHECK(wire.closed());
}

TEST_CASE("a body of which only a part was read ends all the same", "[http]") {
  Log log;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    follow(log, req, res);
    co_await req.read();
    co_await res.end("x");
  });
  CHECK(wire.send(post(2, "ab")) == ok("x"));
  CHECK(log == Log{"res prefinish", "res finish", "res close", "req end", "req close"});
  log.clear();
  wire.take();
  CHECK(wire.send(post(200, "ab")) == ok("x"));
  wire.send(std::string(198, 'c'));
  CHECK(log == Log{"res prefinish", "res finish", "res close", "req end", "req close"});
}

TEST_CASE("events come once for every request of a connection", "[http]") {
  Log log;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    follow(log, req, res);
    co_await req.text();
    co_await res.end();
  });
  wire.send(get() + get());
  Log twice = normal;
  twice.insert(twice.end(), normal.begin(), normal.end());
  CHECK(log == twice);
}

TEST_CASE("the connection is told before its first request",
          "[http][row:3.1/connection][row:9/remoteAddress][row:6/socket][row:6/connection]") {
  Log log;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    log.push_back("request from " + req.socket().remoteAddress());
    CHECK(&req.socket() == &req.connection());
    CHECK(res.socket() == &req.socket());
    co_await res.end();
  });
  wire.server().on<"connection">([&](net::Socket& socket) {
    log.push_back("connection from " + socket.remoteAddress() + " " +
                  std::to_string(socket.remotePort()) + " " + socket.remoteFamily() + " to " +
                  socket.localAddress() + " " + std::to_string(socket.localPort()) + " " +
                  socket.localFamily());
    socket.on<"close">(
        [&](bool hadError) { log.push_back(hadError ? "close with an error" : "close"); });
  });
  wire.client();
  wire.settle();
  CHECK(log == Log{"connection from 192.0.2.2 50000 IPv4 to 192.0.2.1 80 IPv4"});
  wire.send(get() + get("/", "Connection: close\r\n"));
  CHECK(Log(log.begin() + 1, log.end()) ==
        Log{"request from 192.0.2.2", "request from 192.0.2.2", "close"});
}
