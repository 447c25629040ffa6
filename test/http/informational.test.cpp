// SPDX-License-Identifier: BSL-1.0
//
// What is sent before the response proper: 100, 102, 103.
#include <string>
#include <string_view>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/serve.hpp>

using namespace sluice::http;
using sluice::task;
using sluice::test::answer;
using sluice::test::get;
using sluice::test::ok;
using sluice::test::post;
using sluice::test::serve;

namespace {

constexpr std::string_view proceed = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

TEST_CASE("a client that waits for 100 gets it before the handler runs",
          "[http][row:5/writeContinue]") {
  bool ran = false;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    ran = true;
    const std::string body = co_await req.text();
    co_await res.end(body);
  });
  CHECK(wire.send(post(3, {}, "Expect: 100-continue\r\n")) == proceed);
  CHECK(ran);
  CHECK(wire.send("abc") == std::string(proceed) + ok("abc"));
  CHECK(!wire.closed());
}

TEST_CASE("writeContinue and writeProcessing leave at once, and the response follows",
          "[http][row:5/writeContinue][row:5/writeProcessing]") {
  auto wire = serve([](IncomingMessage&, ServerResponse&) -> task<> { co_return; });
  wire.server().on<"checkContinue">([](IncomingMessage& req, ServerResponse& res) -> task<> {
    res.setHeader("a", "1");
    res.writeProcessing();
    CHECK(!res.headersSent());
    res.writeContinue();
    CHECK(!res.headersSent());
    const std::string body = co_await req.text();
    co_await res.end(body);
  });
  const std::string first = "HTTP/1.1 102 Processing\r\n\r\n" + std::string(proceed);
  CHECK(wire.send(post(3, {}, "Expect: 100-continue\r\n")) == first);
  CHECK(wire.send("abc") == first +
                                "HTTP/1.1 200 OK\r\na: 1\r\nDate: <D>\r\nConnection: keep-alive\r\n"
                                "Keep-Alive: timeout=5\r\nContent-Length: 3\r\n\r\nabc");
  CHECK(!wire.closed());
}

TEST_CASE("early hints bring the links first, on one line, then the others",
          "[http][row:5/writeEarlyHints]") {
  CHECK(answer(get(),
               [](ServerResponse& res) {
                 res.writeEarlyHints(
                     {{"x-trace", "7"}, {"Link", {"</a.css>; rel=preload; as=style", "</b.js>"}}});
                 res.end("hi");
               }) ==
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload; as=style, </b.js>\r\n"
        "x-trace: 7\r\n\r\n" +
            ok("hi"));
}

TEST_CASE("early hints without a link send nothing, and tell their callback all the same",
          "[http][row:5/writeEarlyHints]") {
  int told = 0;
  CHECK(answer(get(), [&](ServerResponse& res) {
          res.writeEarlyHints({{"x", "1"}}, [&] { ++told; });
          res.writeEarlyHints({{"Link", ""}}, [&] { ++told; });
          res.writeEarlyHints({{"Link", "</a>"}}, [&] { ++told; });
        }) == "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok());
  CHECK(told == 3);
}

TEST_CASE("early hints that are no links or no headers throw and send nothing",
          "[http][row:5/writeEarlyHints][row:12/ERR_INVALID_ARG_TYPE]") {
  CHECK(answer(get(), [](ServerResponse& res) {
          CHECK_THROWS_AS(res.writeEarlyHints({{"Link", "a.css"}}), Error);
          CHECK_THROWS_AS(res.writeEarlyHints({{"Link", "</a>"}, {"b c", "1"}}), Error);
          CHECK_THROWS_AS(res.writeEarlyHints({{"Link", "</a>"}, {"b", "1\r\n"}}), Error);
          try {
            res.writeEarlyHints({{"Link", "a.css"}});
          } catch (const Error& error) {
            CHECK(error.name() == "ERR_INVALID_ARG_VALUE");
          }
        }) == ok());
}

TEST_CASE("what is sent before a response does not wait for it, nor for the body",
          "[http][row:5/writeProcessing][row:5/writeEarlyHints]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    res.writeProcessing();
    co_await req.text();
    res.writeProcessing();
    co_await res.end("hi");
  });
  const std::string processing = "HTTP/1.1 102 Processing\r\n\r\n";
  CHECK(wire.send(post(1)) == processing);
  CHECK(wire.send("x") == processing + processing + ok("hi"));
}
