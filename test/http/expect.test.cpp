// SPDX-License-Identifier: BSL-1.0
//
// Expect: who sends 100 Continue, and what becomes of other expectations.
#include <stdexcept>
#include <string>
#include <utility>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

constexpr std::string_view goOn = "HTTP/1.1 100 Continue\r\n\r\n";

const auto echo = [](IncomingMessage& req, ServerResponse& res) -> task<> {
  co_await res.end(co_await req.text());
};

}  // namespace

TEST_CASE("100 is sent at once where nobody checks", "[http][row:11.5/Expect: 100-continue]") {
  auto wire = serve(echo);
  SECTION("however it is spelled") {
    CHECK(wire.send(post(2, "", "Expect: 100-Continue\r\n")) == goOn);
  }
  SECTION("among other words") {
    CHECK(wire.send(post(2, "", "Expect: x, 100-continue\r\n")) == goOn);
  }
  CHECK(wire.send("ab") == std::string(goOn) + ok("ab"));
  CHECK(!wire.closed());
}

TEST_CASE("checkContinue takes the place of request, and decides",
          "[http][row:3.1/checkContinue][row:11.1/100-continue-not-sent-but-final-status-is]") {
  int requests = 0;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    ++requests;
    co_await res.end();
  });
  bool wanted = true;
  wire.server().on<"checkContinue">([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (wanted) {
      res.writeContinue();
      co_await res.end(co_await req.text());
    } else {
      res.statusCode = 403;
      co_await res.end();
    }
  });
  SECTION("to go on") {
    CHECK(wire.send(post(2, "", "Expect: 100-continue\r\n")) == goOn);
    CHECK(wire.send("ab") == std::string(goOn) + ok("ab"));
    CHECK(!wire.closed());
  }
  SECTION("against it: the body may still come, so the connection ends") {
    wanted = false;
    CHECK(wire.send(post(2, "", "Expect: 100-continue\r\n")) ==
          "HTTP/1.1 403 Forbidden\r\nDate: <D>\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    CHECK(wire.ended());
  }
  CHECK(requests == 0);
}

TEST_CASE("what a request was not asked for is neither waited for nor told as its body", "[http]") {
  auto wire = serve(echo);
  std::string log;
  wire.server().on<"checkContinue">([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    req.on<"end">([&] { log += "end "; });
    req.on<"aborted">([&] { log += "aborted "; });
    req.on<"error">([&](const Error& error) { log += std::string(error.name()) + " "; });
    req.on<"close">([&] { log += "close "; });
    res.statusCode = 403;
    co_await res.end();
  });
  wire.send(post(2, GENERATE("", "a", "ab"), "Expect: 100-continue\r\n"));
  CHECK(wire.ended());
  CHECK(log.empty());
}

TEST_CASE("a handler of checkContinue hands a request on to that of request",
          "[http][row:3.1/checkContinue][row:3.1/request]") {
  auto wire = serve(echo);
  Server& server = wire.server();
  std::string after;
  SECTION("and goes on when that has answered") {
    server.on<"checkContinue">([&](IncomingMessage& req, ServerResponse& res) -> task<> {
      res.writeContinue();
      co_await server.emit<"request">(req, res);
      after = res.writableEnded() ? "answered" : "not answered";
    });
  }
  SECTION("without being a coroutine") {
    after = "answered";
    server.on<"checkContinue">([&](IncomingMessage& req, ServerResponse& res) {
      res.writeContinue();
      return server.emit<"request">(req, res);
    });
  }
  SECTION("which may be replaced while it runs") {
    server.on<"checkContinue">([&](IncomingMessage& req, ServerResponse& res) -> task<> {
      res.writeContinue();
      task<> answer = server.emit<"request">(req, res);
      server.removeAllListeners<"request">();
      co_await std::move(answer);
      co_await server.emit<"request">(req, res);
      after = "answered";
    });
  }
  CHECK(wire.send(post(2, "", "Expect: 100-continue\r\n")) == goOn);
  CHECK(wire.send("ab") == std::string(goOn) + ok("ab"));
  CHECK(after == "answered");
}

TEST_CASE("what the handler of a request throws comes out of its emission",
          "[http][row:3.1/checkContinue]") {
  auto wire = serve([](IncomingMessage&, ServerResponse&) -> task<> {
    throw std::runtime_error("no");
    co_return;
  });
  std::string caught;
  wire.server().on<"checkContinue">([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    try {
      co_await wire.server().emit<"request">(req, res);
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    co_await res.end();
  });
  wire.send(post(0, "", "Expect: 100-continue\r\n"));
  CHECK(caught == "no");
}

TEST_CASE("other expectations are answered 417, or checked",
          "[http][row:3.1/checkExpectation][row:11.5/other-expect-no-listener]") {
  auto wire = serve(echo);
  SECTION("by nobody") {
    CHECK(wire.send(get("/", "Expect: a-pony\r\n")) ==
          "HTTP/1.1 417 Expectation Failed\r\nDate: <D>\r\nConnection: keep-alive\r\n"
          "Keep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    CHECK(!wire.ended());
    wire.take();
    CHECK(wire.send(get()) == ok());
  }
  SECTION("by a handler") {
    wire.server().on<"checkExpectation">([](IncomingMessage& req, ServerResponse& res) -> task<> {
      co_await res.end(req.headers()["expect"]);
    });
    CHECK(wire.send(get("/", "Expect: a-pony\r\n")) == ok("a-pony"));
  }
}

TEST_CASE("HTTP/1.0 has no Expect", "[http][row:11.5/http-1-0-with-expect]") {
  auto wire = serve(echo);
  CHECK(wire.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab") ==
        "HTTP/1.1 200 OK\r\nDate: <D>\r\nConnection: close\r\n\r\nab");
}

TEST_CASE("Expect matches 100-continue as a word, in any case", "[http][row:11.5/matching]") {
  auto wire = serve(echo);
  CHECK(wire.send(post(0, "", "Expect: 100-CONTINUE\r\n")).starts_with(goOn));
}
