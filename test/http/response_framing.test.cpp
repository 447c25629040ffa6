// SPDX-License-Identifier: BSL-1.0
//
// How a response is framed on the wire: status line, automatic headers, length, chunks, and whether
// the connection outlives it.
#include <chrono>
#include <string>
#include <string_view>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/serve.hpp>

using namespace sluice::http;
using sluice::task;
using sluice::test::answer;
using sluice::test::answerAndState;
using sluice::test::get;
using sluice::test::ok;
using sluice::test::okAndClose;
using sluice::test::okChunked;
using sluice::test::serve;
using namespace std::chrono_literals;

namespace {

const std::string get10 = "GET / HTTP/1.0\r\n\r\n";
const std::string head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view persists =
    "Date: <D>\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n";

std::string okWith(std::string_view headers, std::string_view body = {}) {
  return "HTTP/1.1 200 OK\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

const auto endHi = [](ServerResponse& res) { res.end("hi"); };
const auto writeThenEnd = [](ServerResponse& res) {
  res.write("hi");
  res.end();
};

}  // namespace

TEST_CASE("a response says HTTP/1.1, also to a client of HTTP/1.0",
          "[http][row:11.1/status line version]") {
  CHECK(answer(get10, endHi) == okWith("Date: <D>\r\nConnection: close\r\n", "hi"));
}

TEST_CASE("headers of the user come first, then Date, Connection, Keep-Alive and the framing",
          "[http][row:11.1/header order on the wire]") {
  CHECK(answer(get(), [](ServerResponse& res) {
          res.setHeader("B", "1").setHeader("A", "2").end("hi");
        }) == okWith("B: 1\r\nA: 2\r\n" + std::string(persists) + "Content-Length: 2\r\n", "hi"));
  CHECK(answer(get(),
               [](ServerResponse& res) {
                 res.setHeader("B", "1");
                 res.write("hi");
               }) == okWith("B: 1\r\n" + std::string(persists) + "Transfer-Encoding: chunked\r\n",
                            "2\r\nhi\r\n0\r\n\r\n"));
}

TEST_CASE("Date is there unless the user sets one, removes it or clears sendDate",
          "[http][row:11.1/Date][row:11.1/removeHeader('date')][row:5/sendDate]") {
  const std::string dateless =
      "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n";
  CHECK(answer(get(), [](ServerResponse& res) {
          res.sendDate = false;
          res.end();
        }) == okWith(dateless));
  CHECK(answer(get(), [](ServerResponse& res) {
          res.removeHeader("Date");
          res.end();
        }) == okWith(dateless));
  CHECK(answer(get(), [](ServerResponse& res) { res.setHeader("date", "today").end(); }) ==
        okWith("date: today\r\n" + dateless));
  CHECK(answer(get(), [](ServerResponse& res) {
          res.removeHeader("date");
          res.setHeader("Date", "today").end();
        }) == okWith("Date: today\r\n" + dateless));
}

TEST_CASE("Date is the time of day, anew each second", "[http][row:11.1/Date]") {
  auto wire = serve(sluice::test::acting([](ServerResponse& res) { res.end(); }));
  const auto date = [&] {
    wire.wire().takeReceived();
    wire.send(get());
    const std::string bytes(wire.wire().received());
    return bytes.substr(bytes.find("Date: ") + 6, 29);
  };
  CHECK(date() == "Mon, 01 Jan 2024 00:00:00 GMT");
  wire.advance(900ms);
  CHECK(date() == "Mon, 01 Jan 2024 00:00:00 GMT");
  wire.advance(100ms);
  CHECK(date() == "Mon, 01 Jan 2024 00:00:01 GMT");
  wire.advance(3s);
  CHECK(date() == "Mon, 01 Jan 2024 00:00:04 GMT");
}

TEST_CASE("end(data) as the only body call gives Content-Length, end() a length of 0",
          "[http][row:11.1/end][row:4/end][row:5/implicit head]") {
  CHECK(answer(get(), endHi) == ok("hi"));
  CHECK(answer(get(), [](ServerResponse& res) { res.end(); }) == ok());
  CHECK(answer(get(), [](ServerResponse& res) { res.end(""); }) == ok());
  CHECK(answer(get(), [](ServerResponse&) {}) == ok());
}

TEST_CASE("write before end, or writeHead before end, gives chunks",
          "[http][row:11.1/write][row:4/write]") {
  CHECK(answer(get(), writeThenEnd) == std::string(okChunked) + "2\r\nhi\r\n0\r\n\r\n");
  CHECK(answer(get(), [](ServerResponse& res) { res.writeHead(200).end("x"); }) ==
        std::string(okChunked) + "1\r\nx\r\n0\r\n\r\n");
  CHECK(answer(get(), [](ServerResponse& res) {
          res.write("a");
          res.end("b");
        }) == std::string(okChunked) + "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
  CHECK(answer(get(), [](ServerResponse& res) { res.writeHead(200).end(); }) ==
        std::string(okChunked) + "0\r\n\r\n");
}

TEST_CASE("a Content-Length of the user is sent, and the body is neither cut nor padded",
          "[http][row:11.1/user Content-Length]") {
  const std::string length = "Content-Length: 3\r\n" + std::string(persists);
  CHECK(answer(get(), [](ServerResponse& res) {
          res.setHeader("Content-Length", 3);
          res.write("a");
          res.end("bc");
        }) == okWith(length, "abc"));
  CHECK(answer(get(), [](ServerResponse& res) {
          res.writeHead(200, {{"Content-Length", 3}}).end("abcdef");
        }) == okWith(length, "abcdef"));
  CHECK(answer(get(), [](ServerResponse& res) { res.setHeader("Content-Length", "3").end("a"); }) ==
        okWith(length, "a"));
}

TEST_CASE("Transfer-Encoding: chunked of the user makes chunks and is not doubled",
          "[http][row:11.1/user Transfer-Encoding: chunked]") {
  CHECK(answer(
            get(),
            [](ServerResponse& res) { res.setHeader("Transfer-Encoding", "chunked").end("hi"); }) ==
        okWith("Transfer-Encoding: chunked\r\n" + std::string(persists), "2\r\nhi\r\n0\r\n\r\n"));
  for (const int status : {204, 304}) {
    INFO(status);
    const std::string bytes = answerAndState(get(), [status](ServerResponse& res) {
      res.statusCode = status;
      res.setHeader("Transfer-Encoding", "chunked").end("hi");
    });
    CHECK(
        bytes.ends_with("\r\nTransfer-Encoding: chunked\r\nDate: <D>\r\n"
                        "Connection: close\r\n\r\n<closed>"));
  }
}

TEST_CASE("writes of one turn are one chunk each and leave in one piece",
          "[http][row:11.1/chunk merging]"
          "[row:13/chunk per write]") {
  auto wire = serve(sluice::test::acting([](ServerResponse& res) {
    res.write("first");
    res.write("second, longer than 9");
    res.write(std::string(171, 'x'));
  }));
  CHECK(wire.send(get()) == std::string(okChunked) +
                                "5\r\nfirst\r\n15\r\nsecond, longer than 9\r\n" + "ab\r\n" +
                                std::string(171, 'x') + "\r\n0\r\n\r\n");
  CHECK(wire.wire().calls().tryWrite == 1);
}

TEST_CASE("204, 304 and HEAD have no body and no automatic framing, 205 is like any other",
          "[http][row:11.1/no-body statuses][row:5/HEAD / 204 / 304 / 1xx]") {
  for (const auto& [status, line] : {std::pair(204, "204 No Content"), {304, "304 Not Modified"}}) {
    const std::string expected =
        "HTTP/1.1 " + std::string(line) + "\r\n" + std::string(persists) + "\r\n<open>";
    bool accepted = false;
    bool told = false;
    CHECK(answerAndState(get(), [&, code = status](ServerResponse& res) {
            res.statusCode = code;
            accepted =
                static_cast<bool>(res.write("a", [&](sluice::error_code ec) { told = !ec; }));
            res.end("b");
          }) == expected);
    CHECK(accepted);
    CHECK(told);
  }
  CHECK(answerAndState(head, writeThenEnd) == okWith(persists, "<open>"));
  CHECK(answerAndState(head, endHi) == okWith(persists, "<open>"));
  CHECK(
      answer(get(), [](ServerResponse& res) {
        res.statusCode = 205;
        res.end();
      }) == "HTTP/1.1 205 Reset Content\r\n" + std::string(persists) + "Content-Length: 0\r\n\r\n");
}

TEST_CASE("an answer to HEAD keeps the length or the encoding that the user sets",
          "[http][row:5/response to HEAD keeps user Content-Length]") {
  CHECK(answerAndState(head, [](ServerResponse& res) {
          res.setHeader("Content-Length", 100).end("dropped");
        }) == okWith("Content-Length: 100\r\n" + std::string(persists), "<open>"));
  CHECK(answerAndState(head, [](ServerResponse& res) {
          res.setHeader("Transfer-Encoding", "chunked").end("dropped");
        }) == okWith("Transfer-Encoding: chunked\r\n" + std::string(persists), "<open>"));
}

TEST_CASE("a body for HTTP/1.0 runs to the end of the connection",
          "[http][row:11.1/HTTP/1.0 request]") {
  const std::string close = "Date: <D>\r\nConnection: close\r\n";
  CHECK(answerAndState(get10, writeThenEnd) == okWith(close, "hi<closed>"));
  CHECK(answerAndState(get10, endHi) == okWith(close, "hi<closed>"));
  CHECK(answerAndState("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", endHi) ==
        okWith(close, "hi<closed>"));
}

TEST_CASE("HTTP/1.0 persists where the client asks and the end of the body can be told",
          "[http][row:11.1/HTTP/1.0 request]") {
  const std::string asks = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n";
  CHECK(answerAndState(asks + "\r\n", [](ServerResponse& res) {
          res.setHeader("Content-Length", 2).end("hi");
        }) == okWith("Content-Length: 2\r\n" + std::string(persists), "hi<open>"));
  CHECK(answerAndState(asks + "TE: chunked\r\n\r\n", writeThenEnd) ==
        std::string(okChunked) + "2\r\nhi\r\n0\r\n\r\n<open>");
  CHECK(answerAndState(asks + "\r\n", [](ServerResponse& res) {
          res.setHeader("Connection", "keep-alive").setHeader("Content-Length", 2).end("hi");
        }) == okWith("Connection: keep-alive\r\nContent-Length: 2\r\nDate: <D>\r\n", "hi<open>"));
}

TEST_CASE("Connection says close where the request or the response wants it",
          "[http][row:11.1/Connection automatic][row:4/shouldKeepAlive]") {
  CHECK(answerAndState(get("/", "Connection: close\r\n"), endHi) == okAndClose("hi") + "<closed>");
  CHECK(answerAndState(get(), [](ServerResponse& res) {
          res.shouldKeepAlive = false;
          res.end("hi");
        }) == okAndClose("hi") + "<closed>");
  CHECK(answerAndState(get(), [](ServerResponse& res) {
          res.setHeader("Connection", "foo, Close").end("hi");
        }) == okWith("Connection: foo, Close\r\nDate: <D>\r\nContent-Length: 2\r\n", "hi<closed>"));
  CHECK(answerAndState(get(), [](ServerResponse& res) {
          res.setHeader("Connection", "whatever").end("hi");
        }) == okWith("Connection: whatever\r\nDate: <D>\r\nContent-Length: 2\r\n", "hi<open>"));
}

TEST_CASE("Connection: keep-alive of the user is sent as it is, and nobody closes",
          "[http][row:11.1/user Connection: keep-alive against client close]") {
  CHECK(answerAndState(get("/", "Connection: close\r\n"), [](ServerResponse& res) {
          res.setHeader("Connection", "keep-alive").end("hi");
        }) == okWith("Connection: keep-alive\r\nDate: <D>\r\nContent-Length: 2\r\n", "hi<open>"));
}

TEST_CASE("Keep-Alive tells whole seconds and how many requests",
          "[http][row:11.1/Keep-Alive automatic]"
          "[row:13/Keep-Alive response header]") {
  const auto with = [](ServerOptions options, std::size_t most = 0) {
    auto wire = serve(sluice::test::acting(endHi), std::move(options));
    wire.server().maxRequestsPerSocket = most;
    return wire.send(get());
  };
  CHECK(with({.keepAliveTimeout = 2999ms}) ==
        okWith("Date: <D>\r\nConnection: keep-alive\r\nKeep-Alive: timeout=2\r\n"
               "Content-Length: 2\r\n",
               "hi"));
  CHECK(with({}, 7) == okWith("Date: <D>\r\nConnection: keep-alive\r\n"
                              "Keep-Alive: timeout=5, max=7\r\nContent-Length: 2\r\n",
                              "hi"));
  CHECK(with({.keepAliveTimeout = 0ms}) ==
        okWith("Date: <D>\r\nConnection: keep-alive\r\nContent-Length: 2\r\n", "hi"));
  CHECK(answer(get(), [](ServerResponse& res) { res.setHeader("Keep-Alive", "mine").end("hi"); }) ==
        okWith("Keep-Alive: mine\r\nDate: <D>\r\nConnection: keep-alive\r\n"
               "Content-Length: 2\r\n",
               "hi"));
}

TEST_CASE("a removed Connection leaves its lines out and persistence as it is",
          "[http][row:11.1/removeHeader('connection')][row:4/removeHeader]") {
  const auto remove = [](ServerResponse& res) {
    res.removeHeader("Connection");
    res.end("hi");
  };
  const std::string expected = okWith("Date: <D>\r\nContent-Length: 2\r\n", "hi");
  CHECK(answerAndState(get(), remove) == expected + "<open>");
  CHECK(answerAndState(get("/", "Connection: close\r\n"), remove) == expected + "<closed>");
}

TEST_CASE("a removed Content-Length falls back to chunks, with both removed to the close",
          "[http][row:11.1/removeHeader('content-length')]"
          "[row:11.1/removeHeader('transfer-encoding')]") {
  CHECK(answerAndState(get(), [](ServerResponse& res) {
          res.removeHeader("content-length");
          res.end("hi");
        }) == std::string(okChunked) + "2\r\nhi\r\n0\r\n\r\n<open>");
  const std::string closed = okWith("Date: <D>\r\nConnection: close\r\n", "hi<closed>");
  CHECK(answerAndState(get(), [](ServerResponse& res) {
          res.removeHeader("transfer-encoding");
          res.write("hi");
        }) == closed);
  CHECK(answerAndState(get(), [](ServerResponse& res) {
          res.removeHeader("content-length");
          res.removeHeader("transfer-encoding");
          res.end("hi");
        }) == closed);
}

TEST_CASE("a final status in the place of a 100 that was waited for closes the connection",
          "[http][row:11.1/100-continue not sent but final status is]") {
  auto wire = serve([](IncomingMessage&, ServerResponse&) -> task<> { co_return; });
  wire.server().on<"checkContinue">([](IncomingMessage&, ServerResponse& res) -> task<> {
    res.statusCode = 413;
    co_await res.end("no");
  });
  CHECK(wire.send(sluice::test::post(3, {}, "Expect: 100-continue\r\n")) ==
        "HTTP/1.1 413 Payload Too Large\r\nDate: <D>\r\nConnection: close\r\n"
        "Content-Length: 2\r\n\r\nno");
  CHECK(wire.ended());
}

TEST_CASE("what is queued behind the last response is dropped",
          "[http][row:11.1/last response closes]") {
  int served = 0;
  CHECK(answerAndState(get("/", "Connection: close\r\n") + get("/more"), [&](ServerResponse& res) {
          ++served;
          res.end("hi");
        }).starts_with(okAndClose("hi") + "<"));
  CHECK(served == 1);
  CHECK(answer(get() + get(), [&](ServerResponse& res) {
          res.setHeader("Connection", "close").end();
        }) == okWith("Connection: close\r\nDate: <D>\r\nContent-Length: 0\r\n"));
}

TEST_CASE("trailers follow the last chunk, a line for each value unless the name is unique",
          "[http][row:11.13/sending][row:4/addTrailers][row:5/addTrailers]") {
  const auto trail = [](ServerResponse& res) {
    res.write("hi");
    res.addTrailers({{"dropped", "yes"}});
    res.addTrailers({{"A", "1"}, {"b", {"2", "3"}}, {"A", "4"}});
    res.end();
  };
  CHECK(answer(get(), trail) ==
        std::string(okChunked) + "2\r\nhi\r\n0\r\nA: 1\r\nb: 2\r\nb: 3\r\nA: 4\r\n\r\n");
  CHECK(answer(get(), trail, {.uniqueHeaders = {"B"}}) ==
        std::string(okChunked) + "2\r\nhi\r\n0\r\nA: 1\r\nb: 2; 3\r\nA: 4\r\n\r\n");
}

TEST_CASE("trailers behind a body that is not chunked are dropped",
          "[http][row:11.13/not chunked / HTTP/1.0]") {
  const auto trail = [](ServerResponse& res) {
    res.addTrailers({{"A", "1"}});
    res.end("hi");
  };
  CHECK(answer(get(), trail) == ok("hi"));
  CHECK(answer(get10, trail) == okWith("Date: <D>\r\nConnection: close\r\n", "hi"));
  CHECK(answer(head, trail) == okWith(persists));
}

TEST_CASE("a Trailer header makes end(data) chunked, and throws where nothing can be",
          "[http][row:11.3/Trailer][row:12/ERR_HTTP_TRAILER_INVALID]") {
  CHECK(answer(get(),
               [](ServerResponse& res) {
                 res.setHeader("Trailer", "A");
                 res.addTrailers({{"A", "1"}});
                 res.end("hi");
               }) ==
        okWith("Trailer: A\r\n" + std::string(persists) + "Transfer-Encoding: chunked\r\n",
               "2\r\nhi\r\n0\r\nA: 1\r\n\r\n"));
  const auto refused = [](ServerResponse& res) {
    res.setHeader("Trailer", "A").setHeader("Content-Length", 2);
    CHECK_THROWS_WITH(res.end("hi"), "Trailers are invalid with this transfer encoding");
    CHECK(!res.headersSent());
    res.removeHeader("Trailer");
    res.end("hi");
  };
  CHECK(answer(get(), refused) == okWith("Content-Length: 2\r\n" + std::string(persists), "hi"));
  bool threw = false;
  answer(get10, [&](ServerResponse& res) {
    res.setHeader("Trailer", "A");
    try {
      res.write("hi");
    } catch (const Error& error) {
      threw = error.code() == errc::ERR_HTTP_TRAILER_INVALID;
    }
    res.removeHeader("Trailer");
  });
  CHECK(threw);
}

TEST_CASE("text is sent in the encoding that is named, and lengths count its bytes",
          "[http][row:11.13/string encodings of write/end]") {
  using sluice::Encoding;
  const auto sent = [](std::string_view text, Encoding encoding) {
    return answer(get(), [=](ServerResponse& res) { res.end(text, encoding); });
  };
  CHECK(sent("h\xc3\xa9", Encoding::utf8) == ok("h\xc3\xa9"));
  CHECK(sent("h\xc3\xa9", Encoding::latin1) == ok("h\xe9"));
  CHECK(sent("hi", Encoding::ascii) == ok("hi"));
  CHECK(sent("6869", Encoding::hex) == ok("hi"));
  CHECK(sent("aGk=", Encoding::base64) == ok("hi"));
  CHECK(sent("-_8", Encoding::base64url) == ok("\xfb\xff"));
  CHECK(sent("hi", Encoding::utf16le) == ok(std::string_view("h\0i\0", 4)));
  CHECK(answer(get(), [](ServerResponse& res) {
          res.write("6869", Encoding::hex);
          res.end("h\xc3\xa9", Encoding::latin1);
        }) == std::string(okChunked) + "2\r\nhi\r\n2\r\nh\xe9\r\n0\r\n\r\n");
}
