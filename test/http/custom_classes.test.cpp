// SPDX-License-Identifier: BSL-1.0
//
// Handlers whose parameters are classes of the user's own: the server makes these, one pair for
// each request.
#include <string>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

struct Request : IncomingMessage {
  std::string path() const { return std::string(url().substr(0, url().find('?'))); }
  int uses = 0;
};

struct Response : ServerResponse {
  void json(std::string_view text) {
    setHeader("Content-Type", "application/json");
    end(text);
  }
  int uses = 0;
};

task<> freeHandler(Request& req, Response& res) { co_await res.end(req.path()); }

std::string json(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: <D>\r\n"
         "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("a handler gets objects of the classes it names, fresh for each request",
          "[http][row:2/IncomingMessage][row:2/ServerResponse]") {
  auto wire = serve([](Request& req, Response& res) -> task<> {
    CHECK(req.uses++ == 0);
    CHECK(res.uses++ == 0);
    res.json("\"" + req.path() + "\"");
    co_return;
  });
  CHECK(wire.send(get("/a?b") + get("/c")) == json("\"/a\"") + json("\"/c\""));
}

TEST_CASE("one class of the user's and one of the library's", "[http]") {
  auto wire = serve([](IncomingMessage&, Response& res) -> task<> {
    res.json("1");
    co_return;
  });
  CHECK(wire.send(get()) == json("1"));
  auto other = serve([](Request& req, ServerResponse& res) -> task<> {
    CHECK(&static_cast<Request&>(res.req()) == &req);
    co_await res.end(req.path());
  });
  CHECK(other.send(get("/x")) == ok("/x"));
}

TEST_CASE("a plain function is a handler, and so is one with state", "[http]") {
  auto wire = serve(&freeHandler);
  CHECK(wire.send(get("/f")) == ok("/f"));
  auto counting = serve([count = 0](Request&, Response& res) mutable -> task<> {
    ++count;
    co_await res.end(std::to_string(count));
  });
  CHECK(counting.send(get() + get()) == ok("1") + ok("2"));
}

TEST_CASE("a handler may leave out what it does not use", "[http]") {
  auto wire = serve([](IncomingMessage&) -> task<> { co_return; });
  CHECK(wire.send(get()) == ok());
  auto none = serve([]() -> task<> { co_return; });
  CHECK(none.send(get()) == ok());
}

TEST_CASE("a handler that is replaced while it runs goes on", "[http]") {
  Server* own = nullptr;
  auto wire = serve([&, kept = std::string("a string that is on the heap")](
                        IncomingMessage&, ServerResponse& res) -> task<> {
    own->on<"request">(
        [](IncomingMessage&, ServerResponse& answer) -> task<> { co_await answer.end("new"); });
    co_await res.write("");
    co_await res.end(kept);
  });
  own = &wire.server();
  CHECK(wire.send(get()).find("on the heap") != std::string::npos);
  wire.take();
  CHECK(wire.send(get()) == ok("new"));
}
