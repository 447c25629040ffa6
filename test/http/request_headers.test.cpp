// SPDX-License-Identifier: BSL-1.0
//
// What a handler sees of a request's head.
#include <string>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

// Sends one request and looks at what came.
template <class Look>
void look(std::string_view bytes, Look look, ServerOptions options = {}) {
  int seen = 0;
  auto wire = serve(
      [&](IncomingMessage& req, ServerResponse& res) -> task<> {
        ++seen;
        look(req);
        co_await res.end();
      },
      std::move(options));
  wire.send(bytes);
  CHECK(seen == 1);
}

}  // namespace

TEST_CASE("method, target and version are as they were sent",
          "[http][row:6/method][row:6/url][row:6/httpVersion][row:11.9/start-line]") {
  look("GET /a%20b/../c?x=1#frag HTTP/1.1\r\nHost: a\r\n\r\n", [](IncomingMessage& req) {
    CHECK(req.method() == "GET");
    CHECK(req.url() == "/a%20b/../c?x=1#frag");
    CHECK(req.httpVersion() == "1.1");
    CHECK(req.httpVersionMajor() == 1);
    CHECK(req.httpVersionMinor() == 1);
    CHECK(!req.upgrade());
    CHECK(req.statusCode() == 0);
    CHECK(req.statusMessage().empty());
  });
  look("OPTIONS * HTTP/1.0\r\n\r\n", [](IncomingMessage& req) {
    CHECK(req.url() == "*");
    CHECK(req.httpVersion() == "1.0");
    CHECK(req.httpVersionMinor() == 0);
  });
  look("M-SEARCH http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", [](IncomingMessage& req) {
    CHECK(req.method() == "M-SEARCH");
    CHECK(req.url() == "http://a/b");
  });
}

TEST_CASE("the first of a header that may come once wins",
          "[http][row:11.4/first-wins][row:6/headers]") {
  for (const std::string name :
       {"age", "authorization", "content-type", "etag", "expires", "from", "if-modified-since",
        "if-unmodified-since", "last-modified", "location", "max-forwards", "proxy-authorization",
        "referer", "retry-after", "server", "user-agent"}) {
    look(get("/", name + ": 1\r\n" + name + ": 2\r\n"),
         [&](IncomingMessage& req) { CHECK(req.headers()[name] == "1"); });
    look(get("/", name + ": 1\r\n" + name + ": 2\r\n"),
         [&](IncomingMessage& req) { CHECK(req.headers()[name] == "1, 2"); },
         {.joinDuplicateHeaders = true});
  }
}

TEST_CASE("other headers are joined",
          "[http][row:11.4/;][row:11.4/,][row:11.4/array]"
          "[row:11.4/joinDuplicateHeaders][row:6/joinDuplicateHeaders][row:6/headersDistinct]"
          "[row:13/cookie join]") {
  const bool joins = GENERATE(false, true);
  look(get("/",
           "X: 1\r\nx: 2\r\nCookie: a=1\r\nCookie: b=2\r\nSet-Cookie: c\r\nset-cookie: d\r\n"
           "Accept: e\r\nACCEPT: f\r\n"),
       [](IncomingMessage& req) {
         CHECK(req.headers()["x"] == "1, 2");
         CHECK(req.headers()["X"] == "1, 2");
         CHECK(req.headers()["cookie"] == "a=1; b=2");
         CHECK(req.headers()["accept"] == "e, f");
         CHECK(req.headers().getSetCookie() == std::vector<std::string_view>{"c", "d"});
         CHECK(req.headers().getAll("x") == std::vector<std::string_view>{"1", "2"});
         CHECK(req.headers()["absent"].empty());
         CHECK(!req.headers().has("absent"));
       },
       {.joinDuplicateHeaders = joins});
}

TEST_CASE("blanks around a value are removed, inner ones kept, and empty is empty",
          "[http][row:11.4/whitespace]") {
  look(get("/", "A:  \t x \t y\t \r\nB:\r\nC: \t\r\n"), [](IncomingMessage& req) {
    CHECK(req.headers()["a"] == "x \t y");
    CHECK(req.headers().has("b"));
    CHECK(req.headers()["b"].empty());
    CHECK(req.headers()["c"].empty());
  });
}

TEST_CASE("rawHeaders are every line as it was received", "[http][row:6/rawHeaders]") {
  look("GET / HTTP/1.1\r\nhOST: a\r\nX-Y: \xe4\r\nx-y: 2\r\n\r\n", [](IncomingMessage& req) {
    std::string seen;
    for (const auto& line : req.rawHeaders()) {
      seen += std::string(line.name) + "=" + std::string(line.value) + ";";
    }
    CHECK(seen == "hOST=a;X-Y=\xe4;x-y=2;");
    CHECK(req.rawTrailers().empty());
    CHECK(req.trailers().empty());
  });
}

TEST_CASE("a handler may keep what it saw of the head while it waits for the body", "[http]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    const std::string_view url = req.url();
    const std::string_view value = req.headers()["x"];
    const std::string_view raw = req.rawHeaders()[1].value;
    const std::string body = co_await req.text();
    CHECK(body.size() == 50000);
    co_await res.end(std::string(url) + std::string(value) + std::string(raw));
  });
  wire.send(post(50000, "", "X: y\r\n"));
  for (int i = 0; i < 50; ++i) wire.send(std::string(1000, 'b'));
  CHECK(wire.received() == ok("/y50000"));
}

TEST_CASE("statusCode and statusMessage belong to responses", "[http][row:6/statusCode]") {
  look(get(), [](IncomingMessage& req) {
    CHECK(req.statusCode() == 0);
    CHECK(req.statusMessage().empty());
  });
}

TEST_CASE("clientError tells what was wrong, where, and in which bytes",
          "[http][row:3.1/clientError]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end(); });
  int errors = 0;
  wire.server().on<"clientError">([&](const Error& error, net::Socket& socket) {
    ++errors;
    CHECK(error.name() == "HPE_INVALID_METHOD");
    CHECK(std::string_view(error.what()).starts_with("Parse Error: "));
    CHECK(!error.reason().empty());
    CHECK(error.rawPacket() == "get / HTTP/1.1\r\n\r\n");
    CHECK(error.bytesParsed() == 0);
    socket.destroy();
  });
  CHECK(wire.send("get / HTTP/1.1\r\n\r\n").empty());
  CHECK(errors == 1);
  CHECK(wire.closed());
}

TEST_CASE("a broken connection that serves nothing is told by clientError too",
          "[http][row:3.1/clientError]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end(); });
  std::string error;
  wire.server().on<"clientError">(
      [&](const Error& caught, net::Socket&) { error = caught.name(); });
  SECTION("a reset") {
    wire.send(get());
    wire.wire().reset();
    wire.settle();
    CHECK(error == "ECONNRESET");
  }
  SECTION("not an end") {
    wire.send(get());
    wire.end();
    CHECK(error.empty());
  }
  CHECK(wire.closed());
}
