// SPDX-License-Identifier: BSL-1.0
//
// The headers of a response until they are sent: set, read, removed, merged, refused.
#include <string>
#include <string_view>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/serve.hpp>
#include <vector>

using namespace sluice::http;
using sluice::task;
using sluice::test::answer;
using sluice::test::get;
using sluice::test::ok;
using sluice::test::okChunked;
using sluice::test::serve;

namespace {

using Names = std::vector<std::string>;

constexpr std::string_view tail =
    "Date: <D>\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n";

// What a response with these header lines is.
std::string okWith(std::string_view lines) {
  return "HTTP/1.1 200 OK\r\n" + std::string(lines) + std::string(tail);
}
std::string chunkedWith(std::string_view start) {
  return std::string(start) +
         "Date: <D>\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
         "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
}

// What `act` throws, as "NAME: text", and that nothing of it is seen on the wire.
template <class F>
std::string refusal(F act) {
  std::string thrown = "nothing";
  const std::string bytes = answer(get(), [&](ServerResponse& res) {
    try {
      act(res);
    } catch (const Error& error) {
      thrown = std::string(error.name()) + ": " + error.what();
    }
  });
  CHECK(bytes == ok());
  return thrown;
}

// The same where the head has been sent before.
template <class F>
std::string refusalWhenSent(F act) {
  std::string thrown = "nothing";
  const std::string bytes = answer(get(), [&](ServerResponse& res) {
    res.writeHead(200);
    try {
      act(res);
    } catch (const Error& error) {
      thrown = std::string(error.name()) + ": " + error.what();
    }
  });
  CHECK(bytes == std::string(okChunked) + "0\r\n\r\n");
  return thrown;
}

}  // namespace

TEST_CASE("setHeader replaces what has the name in any case, and calls chain",
          "[http][row:4/setHeader]") {
  CHECK(answer(get(), [](ServerResponse& res) {
          res.setHeader("X-One", "1").setHeader("b", "2").setHeader("x-oNe", "3");
          ServerResponse& same = res.setHeader("number", 7);
          CHECK(&same == &res);
        }) == okWith("x-oNe: 3\r\nb: 2\r\nnumber: 7\r\n"));
}

TEST_CASE("a list is several lines", "[http][row:4/setHeader]") {
  CHECK(answer(get(), [](ServerResponse& res) {
          res.setHeader("Set-Cookie", {"a=1", "b=2"}).setHeader("x", {"1", "2"});
        }) == okWith("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nx: 1\r\nx: 2\r\n"));
}

TEST_CASE("setHeaders with prepared headers sends what was checked once", "[http]") {
  const PreparedHeaders prepared(Headers{{"A", "1"}, {"C", "2"}});
  for (int time = 0; time < 2; ++time) {
    CHECK(answer(get(), [&](ServerResponse& res) {
            res.setHeader("B", "0").setHeaders(prepared);
          }) == okWith("B: 0\r\nA: 1\r\nC: 2\r\n"));
  }
  CHECK_THROWS_AS(PreparedHeaders(Headers{{"a b", "1"}}), Error);
  CHECK_THROWS_AS(PreparedHeaders(Headers{{"a", "1\r\n"}}), Error);
  CHECK_THROWS_AS(PreparedHeaders(Headers{{"Content-Length", "x"}}), Error);
}

TEST_CASE("setHeaders sets each, and keeps several cookies apart", "[http][row:4/setHeaders]") {
  CHECK(answer(get(), [](ServerResponse& res) {
          Headers headers{{"a", "1"}, {"Set-Cookie", "x=1"}};
          headers.append("set-cookie", "y=2");
          res.setHeader("A", "0").setHeader("kept", "1").setHeaders(headers);
        }) == okWith("a: 1\r\nkept: 1\r\nSet-Cookie: x=1\r\nSet-Cookie: y=2\r\n"));
}

TEST_CASE("appendHeader adds values under the first spelling", "[http][row:4/appendHeader]") {
  CHECK(answer(get(), [](ServerResponse& res) {
          res.setHeader("Accept", "a").appendHeader("accept", "b");
          res.appendHeader("ACCEPT", {"c", "d"}).appendHeader("new", "1");
          CHECK(res.getHeader("accept") == std::vector<std::string>{"a", "b", "c", "d"});
        }) == okWith("Accept: a\r\nAccept: b\r\nAccept: c\r\nAccept: d\r\nnew: 1\r\n"));
}

TEST_CASE("getHeader brings the value in the type it was set, also after the head was sent",
          "[http][row:4/getHeader]") {
  answer(get(), [](ServerResponse& res) {
    res.setHeader("Text", "t").setHeader("Number", 42).setHeader("List", {"a", "b"});
    const auto look = [&res] {
      CHECK(res.getHeader("tEXT").isString());
      CHECK(res.getHeader("text") == "t");
      CHECK(res.getHeader("number").isNumber());
      CHECK(res.getHeader("number") == 42);
      CHECK(res.getHeader("list").isArray());
      CHECK(res.getHeader("list") == std::vector<std::string>{"a", "b"});
      CHECK(!res.getHeader("absent"));
    };
    look();
    res.write("head");
    look();
  });
}

TEST_CASE("names are listed in lower case and as they were spelled last, in order",
          "[http][row:4/getHeaderNames][row:4/getRawHeaderNames][row:4/hasHeader]"
          "[row:4/getHeaders]") {
  answer(get(), [](ServerResponse& res) {
    res.setHeader("Foo", "1").setHeader("Set-Cookie", {"a", "b"}).setHeader("fOO", "2");
    CHECK(res.getHeaderNames() == Names{"foo", "set-cookie"});
    CHECK(res.getRawHeaderNames() == Names{"fOO", "Set-Cookie"});
    CHECK(res.hasHeader("FOO"));
    CHECK(!res.hasHeader("bar"));
    const Headers headers = res.getHeaders();
    CHECK(headers.size() == 2);
    CHECK(headers["foo"] == "2");
    CHECK(headers.getSetCookie() == std::vector<std::string_view>{"a", "b"});
    res.removeHeader("foo");
    CHECK(headers["foo"] == "2");
  });
}

TEST_CASE("removeHeader drops a header in any case", "[http][row:4/removeHeader]") {
  CHECK(answer(get(), [](ServerResponse& res) {
          res.setHeader("A", "1").setHeader("B", "2");
          res.removeHeader("a");
          res.removeHeader("absent");
          CHECK(!res.hasHeader("A"));
        }) == okWith("B: 2\r\n"));
}

TEST_CASE("headers cannot be changed after the head was sent, and the text says how",
          "[http][row:12/ERR_HTTP_HEADERS_SENT][row:4/setHeader][row:4/removeHeader]"
          "[row:5/writeHead]") {
  const auto text = [](std::string_view action) {
    return "ERR_HTTP_HEADERS_SENT: Cannot " + std::string(action) +
           " headers after they are sent to the client";
  };
  CHECK(refusalWhenSent([](ServerResponse& res) { res.setHeader("a", "1"); }) == text("set"));
  CHECK(refusalWhenSent([](ServerResponse& res) { res.setHeader("a", 1); }) == text("set"));
  CHECK(refusalWhenSent([](ServerResponse& res) { res.setHeaders({{"a", "1"}}); }) == text("set"));
  CHECK(refusalWhenSent([](ServerResponse& res) { res.appendHeader("a", "1"); }) == text("append"));
  CHECK(refusalWhenSent([](ServerResponse& res) { res.removeHeader("a"); }) == text("remove"));
  CHECK(refusalWhenSent([](ServerResponse& res) { res.writeHead(200); }) == text("write"));
  CHECK(refusalWhenSent([](ServerResponse& res) { res.writeContinue(); }) == text("write"));
  CHECK(refusalWhenSent([](ServerResponse& res) { res.writeProcessing(); }) == text("write"));
  CHECK(refusalWhenSent([](ServerResponse& res) { res.writeEarlyHints({}); }) == text("write"));
}

TEST_CASE("headersSent is true once the head is composed, though it waits for the body",
          "[http][row:4/headersSent][row:5/head + first chunk together]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> {
    CHECK(!res.headersSent());
    res.setHeader("a", "1");
    CHECK(!res.headersSent());
    res.writeHead(200);
    CHECK(res.headersSent());
    co_await res.req().once<"end">();
    co_await res.end("hi");
  });
  wire.send(get());
  CHECK(wire.received() == "");
}

TEST_CASE("writeHead holds the head until the first piece of body, both leave together",
          "[http][row:5/head + first chunk together][row:5/writeHead]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    res.writeHead(200);
    co_await req.text();
    res.write("one");
    co_await res.end("two");
  });
  CHECK(wire.send(sluice::test::post(2)) == "");
  CHECK(wire.send("xx") == std::string(okChunked) + "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
  CHECK(wire.wire().calls().tryWrite == 1);
}

TEST_CASE("flushHeaders sends the head now, once, and settles that the body is chunked",
          "[http][row:4/flushHeaders][row:5/implicit head]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    res.statusCode = 202;
    res.flushHeaders();
    res.flushHeaders();
    CHECK(res.headersSent());
    co_await req.text();
    co_await res.end("hi");
  });
  const std::string head =
      "HTTP/1.1 202 Accepted\r\nDate: <D>\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  CHECK(wire.send(sluice::test::post(1)) == head);
  CHECK(wire.send("x") == head + "2\r\nhi\r\n0\r\n\r\n");
}

TEST_CASE("write of nothing sends the head and no chunk", "[http][row:4/write('')]") {
  bool told = false;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    CHECK(res.write("", [&](sluice::error_code ec) { told = !ec; }));
    co_await req.text();
  });
  CHECK(wire.send(sluice::test::post(1)) == okChunked);
  CHECK(told);
  CHECK(wire.send("x") == std::string(okChunked) + "0\r\n\r\n");
}

TEST_CASE("an implicit head takes statusCode, statusMessage and the stored headers",
          "[http][row:5/implicit head][row:5/statusCode][row:5/statusMessage]") {
  CHECK(answer(get(), [](ServerResponse& res) {
          CHECK(res.statusCode == 200);
          CHECK(res.statusMessage.empty());
          res.statusCode = 404;
          res.statusMessage = "Gone fishing";
          res.setHeader("a", "1").end();
        }) == "HTTP/1.1 404 Gone fishing\r\na: 1\r\n" + std::string(tail));
  CHECK(answer(get(), [](ServerResponse& res) { res.statusCode = 404; }) ==
        "HTTP/1.1 404 Not Found\r\n" + std::string(tail));
  CHECK(answer(get(), [](ServerResponse& res) { res.statusCode = 799; }) ==
        "HTTP/1.1 799 unknown\r\n" + std::string(tail));
}

TEST_CASE("writeHead takes a status, a phrase and headers in any combination and chains",
          "[http][row:5/writeHead][row:5/statusCode][row:5/statusMessage]") {
  CHECK(answer(get(), [](ServerResponse& res) {
          CHECK(&res.writeHead(201) == &res);
          CHECK(res.statusCode == 201);
        }) == chunkedWith("HTTP/1.1 201 Created\r\n"));
  CHECK(answer(get(), [](ServerResponse& res) {
          res.writeHead(201, "Made");
          CHECK(res.statusMessage == "Made");
        }) == chunkedWith("HTTP/1.1 201 Made\r\n"));
  CHECK(answer(get(), [](ServerResponse& res) {
          res.writeHead(201, {{"a", "1"}, {"b", 2}});
        }) == chunkedWith("HTTP/1.1 201 Created\r\na: 1\r\nb: 2\r\n"));
  CHECK(answer(get(), [](ServerResponse& res) {
          res.writeHead(201, "Made", {{"a", "1"}});
        }) == chunkedWith("HTTP/1.1 201 Made\r\na: 1\r\n"));
  CHECK(answer(get(), [](ServerResponse& res) { res.writeHead(201, std::string("Made"), {}); }) ==
        chunkedWith("HTTP/1.1 201 Made\r\n"));
  CHECK(answer(get(), [](ServerResponse& res) { res.writeHead(201, {}); }) ==
        chunkedWith("HTTP/1.1 201 Created\r\n"));
  CHECK(answer(get(), [](ServerResponse& res) {
          res.statusMessage = "Kept";
          res.writeHead(201);
        }) == chunkedWith("HTTP/1.1 201 Kept\r\n"));
}

TEST_CASE("writeHead's headers win over those set before, at their place",
          "[http][row:5/merge of setHeader and writeHead]") {
  CHECK(answer(get(), [](ServerResponse& res) {
          res.setHeader("A", "1").setHeader("b", "2");
          res.writeHead(200, {{"c", "3"}, {"a", "4"}});
          CHECK(res.getHeader("a") == "4");
        }) == chunkedWith("HTTP/1.1 200 OK\r\na: 4\r\nb: 2\r\nc: 3\r\n"));
}

TEST_CASE("headers of writeHead alone are sent and cannot be asked for",
          "[http][row:5/writeHead without any setHeader]") {
  CHECK(answer(get(), [](ServerResponse& res) {
          res.writeHead(200, {{"a", "1"}});
          CHECK(!res.getHeader("a"));
          CHECK(res.getHeaderNames().empty());
        }) == chunkedWith("HTTP/1.1 200 OK\r\na: 1\r\n"));
}

TEST_CASE("a status outside 200 to 999 throws, and another can be sent",
          "[http][row:5/writeHead code check][row:12/ERR_HTTP_INVALID_STATUS_CODE]") {
  for (const int code : {0, 99, 101, 150, 1000, -1}) {
    CHECK(refusal([code](ServerResponse& res) { res.writeHead(code); }) ==
          "ERR_HTTP_INVALID_STATUS_CODE: Invalid status code: " + std::to_string(code));
    CHECK(refusal([code](ServerResponse& res) {
            const int before = std::exchange(res.statusCode, code);
            try {
              res.end("hi");
            } catch (...) {
              res.statusCode = before;
              throw;
            }
          }) == "ERR_HTTP_INVALID_STATUS_CODE: Invalid status code: " + std::to_string(code));
  }
}

TEST_CASE("names that are no tokens are refused wherever they are given",
          "[http][row:11.3/names][row:12/ERR_INVALID_HTTP_TOKEN]") {
  for (const std::string_view name : {"", "a b", "a:", "a\r\nb", "\xc3\xa9"}) {
    const std::string expected =
        "ERR_INVALID_HTTP_TOKEN: Header name must be a valid HTTP token [\"" + std::string(name) +
        "\"]";
    CHECK(refusal([=](ServerResponse& res) { res.setHeader(name, "1"); }) == expected);
    CHECK(refusal([=](ServerResponse& res) { res.appendHeader(name, "1"); }) == expected);
    CHECK(refusal([=](ServerResponse& res) { res.setHeaders({{name, "1"}}); }) == expected);
    CHECK(refusal([=](ServerResponse& res) { res.writeHead(200, {{name, "1"}}); }) == expected);
    CHECK(refusal([=](ServerResponse& res) {
            res.addTrailers({{name, "1"}});
          }) == "ERR_INVALID_HTTP_TOKEN: Trailer name must be a valid HTTP token [\"" +
                    std::string(name) + "\"]");
  }
  const std::string_view every = "azAZ09!#$%&'*+-.^_`|~";
  CHECK(answer(get(), [=](ServerResponse& res) { res.setHeader(every, "1"); }) ==
        okWith(std::string(every) + ": 1\r\n"));
}

TEST_CASE("no value can end its line: controls are refused wherever they are given",
          "[http][row:11.3/values][row:11.3/trailers][row:12/ERR_INVALID_CHAR]") {
  for (int byte = 0; byte < 256; ++byte) {
    const bool fine = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
    const std::string value = "a" + std::string(1, static_cast<char>(byte)) + "b";
    if (fine) {
      CHECK(answer(get(), [&](ServerResponse& res) { res.setHeader("x", value); }) ==
            okWith("x: " + value + "\r\n"));
      continue;
    }
    const std::string expected = "ERR_INVALID_CHAR: Invalid character in header content [\"x\"]";
    INFO(byte);
    CHECK(refusal([&](ServerResponse& res) { res.setHeader("x", value); }) == expected);
    CHECK(refusal([&](ServerResponse& res) { res.setHeader("x", {"a", value}); }) == expected);
    CHECK(refusal([&](ServerResponse& res) { res.appendHeader("x", value); }) == expected);
    CHECK(refusal([&](ServerResponse& res) { res.setHeaders({{"x", value}}); }) == expected);
    CHECK(refusal([&](ServerResponse& res) { res.writeHead(200, {{"x", value}}); }) == expected);
    CHECK(refusal([&](ServerResponse& res) {
            res.writeHead(200, {{"y", "1"}, {"x", value}});
          }) == expected);
    CHECK(refusal([&](ServerResponse& res) {
            res.addTrailers({{"x", value}});
          }) == "ERR_INVALID_CHAR: Invalid character in trailer content [\"x\"]");
    CHECK(refusal([&](ServerResponse& res) { res.writeHead(200, value); }) ==
          "ERR_INVALID_CHAR: Invalid character in statusMessage");
  }
}

TEST_CASE("a value that is not set is refused",
          "[http][row:11.3/undefined value][row:12/ERR_HTTP_INVALID_HEADER_VALUE]") {
  const std::string expected =
      "ERR_HTTP_INVALID_HEADER_VALUE: Invalid value \"undefined\" for header \"x\"";
  CHECK(refusal([](ServerResponse& res) { res.setHeader("x", HeaderValue()); }) == expected);
  CHECK(refusal([](ServerResponse& res) { res.appendHeader("x", HeaderValue()); }) == expected);
  CHECK(answer(get(), [](ServerResponse& res) {
          res.setHeader("yes", true).setHeader("half", 0.5).setHeader("n", -3);
        }) == okWith("yes: true\r\nhalf: 0.5\r\nn: -3\r\n"));
}

TEST_CASE("a status message is checked as a value is, when the head is composed",
          "[http][row:11.3/status message][row:12/ERR_INVALID_CHAR]") {
  const std::string expected = "ERR_INVALID_CHAR: Invalid character in statusMessage";
  CHECK(refusal([](ServerResponse& res) { res.writeHead(200, "a\r\nb: c"); }) == expected);
  CHECK(refusal([](ServerResponse& res) {
          res.statusMessage = "a\nb";
          try {
            res.end("hi");
          } catch (...) {
            res.statusMessage.clear();
            throw;
          }
        }) == expected);
}

TEST_CASE("bytes from 0x80 on go out as they are, whatever the body is",
          "[http][row:11.3/obs-text encoding]") {
  CHECK(answer(get(),
               [](ServerResponse& res) {
                 res.setHeader("x", "\xe9").setHeader("y", "\xc3\xa9").end("\xc3\xa9");
               }) ==
        "HTTP/1.1 200 OK\r\nx: \xe9\r\ny: \xc3\xa9\r\nDate: <D>\r\nConnection: keep-alive\r\n"
        "Keep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\n\xc3\xa9");
}

TEST_CASE("nothing of one response is left in the next",
          "[http][row:4/setHeader][row:5/creation][row:5/req]") {
  int count = 0;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    CHECK(&res.req() == &req);
    if (++count == 1) {
      res.statusCode = 404;
      res.statusMessage = "No";
      res.sendDate = false;
      res.strictContentLength = true;
      res.setHeader("a", "1").removeHeader("connection");
      res.addTrailers({{"t", "1"}});
      res.cork();
      res.write("x");
    }
    co_return;
  });
  CHECK(wire.send(get()) ==
        "HTTP/1.1 404 No\r\na: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nt: 1\r\n\r\n");
  wire.take();
  CHECK(wire.send(get()) == ok());
}

TEST_CASE("an empty reason that writeHead() is given is sent as it is", "[http][row:5/writeHead]") {
  const auto statusLine = [](auto act) {
    std::string bytes = answer(get(), [&](ServerResponse& res) {
      act(res);
      res.end();
    });
    return bytes.substr(0, bytes.find('\r'));
  };
  CHECK(statusLine([](ServerResponse& res) {
          res.writeHead(200, "");
          CHECK(res.statusMessage.empty());
        }) == "HTTP/1.1 200 ");
  CHECK(statusLine([](ServerResponse& res) { res.writeHead(200, "", {}); }) == "HTTP/1.1 200 ");
  CHECK(statusLine([](ServerResponse& res) {
          res.statusMessage = "Mine";
          res.writeHead(200, "");
          CHECK(res.statusMessage.empty());
        }) == "HTTP/1.1 200 ");
  CHECK(statusLine([](ServerResponse& res) {
          res.statusMessage = "Mine";
          res.writeHead(200);
        }) == "HTTP/1.1 200 Mine");
  CHECK(statusLine([](ServerResponse& res) { res.statusMessage = ""; }) == "HTTP/1.1 200 OK");
}

TEST_CASE("a header may be set to what headerText() shows of another one", "[ServerResponse]") {
  const std::string text(300, 'x');
  const std::string answered = answer(get(), [&](ServerResponse& res) {
    res.setHeader("B", text);
    for (const char* name : {"A", "C", "D", "E"}) res.setHeader(name, res.headerText("b"));
    res.appendHeader("F", res.headerText("b"));
    res.setHeaders(Headers({"G", res.headerText("b")}));
    res.end();
  });
  for (const char* name : {"A", "B", "C", "D", "E", "F", "G"}) {
    CHECK(answered.find("\r\n" + std::string(name) + ": " + text + "\r\n") != std::string::npos);
  }
}
