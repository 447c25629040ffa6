// SPDX-License-Identifier: BSL-1.0
//
// One request after the other on a connection: order, what is held, and when the connection ends.
#include <boost/asio/error.hpp>
#include <string>
#include <vector>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

const auto echoUrl = [](IncomingMessage& req, ServerResponse& res) -> task<> {
  co_await res.end(req.url());
};

}  // namespace

TEST_CASE("requests follow each other on one connection", "[http][row:3.1/request]") {
  auto wire = serve(echoUrl);
  CHECK(wire.send(get("/first")) == ok("/first"));
  wire.take();
  CHECK(wire.send(get("/2")) == ok("/2"));
  CHECK(!wire.closed());
  CHECK(wire.server().getConnections() == 1);
}

TEST_CASE("pipelined requests are answered in order", "[http][row:11.7/concurrency]") {
  std::vector<std::string> seen;
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    seen.emplace_back(req.url());
    if (req.url() == "/1") co_await gate.wait();
    seen.emplace_back(req.url());
    co_await res.end(req.url());
  });
  CHECK(wire.send(get("/1") + get("/2") + get("/3")).empty());
  gate.open();
  CHECK(wire.received() == ok("/1") + ok("/2") + ok("/3"));
  CHECK(seen == std::vector<std::string>{"/1", "/1", "/2", "/2", "/3", "/3"});
}

TEST_CASE("answers to pipelined requests leave in one write", "[http]") {
  auto wire = serve(echoUrl);
  CHECK(wire.send(get("/1") + get("/2") + get("/3")) == ok("/1") + ok("/2") + ok("/3"));
  CHECK(wire.wire().calls().tryWrite == 1);
}

TEST_CASE("a write to a pipelined answer is told that its bytes did not leave", "[http][plain]") {
  Gate gate;
  Client* client = nullptr;
  std::string told;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/1") {
      co_await res.end("first");
      co_return;
    }
    client->wire().failWrite(asio::error::connection_reset);
    res.write("second", [&](error_code ec) { told = ec ? "failed" : "sent"; });
    co_await gate.wait();
  });
  client = &wire.client();
  wire.send(get("/1") + get("/2"));
  CHECK(told == "failed");
}

TEST_CASE("a write to a pipelined answer is told when its bytes leave", "[http]") {
  Gate gate;
  bool told = false;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/1") {
      co_await res.end("first");
      co_return;
    }
    res.write("second", [&](error_code ec) { told = !ec; });
    co_await gate.wait();
  });
  wire.client();
  wire.settle();
  wire.wire().room(0);
  wire.send(get("/1") + get("/2"));
  CHECK(!told);
  wire.wire().room(test::unlimited);
  CHECK(wire.received().ends_with("6\r\nsecond\r\n"));
  CHECK(told);
}

TEST_CASE("an answer that cannot leave with those after it closes all the same",
          "[http][row:4/close]") {
  Gate gate;
  int closes = 0;
  Client* client = nullptr;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    co_await res.end("first");
    res.on<"close">([&] { ++closes; });
    client->wire().failWrite(asio::error::broken_pipe);
    res.destroy();
    co_await gate.wait();
  });
  client = &wire.client();
  wire.send(get() + get());
  CHECK(wire.closed());
  CHECK(closes == 1);
}

TEST_CASE("requests are understood however they are cut", "[http][row:11.7/concurrency]") {
  const std::string bytes =
      get("/1") + post(4, "body") + chunked("3\r\nabc\r\n0\r\n\r\n") + get("/4");
  const auto handler = [](IncomingMessage& req, ServerResponse& res) -> task<> {
    const std::string body = co_await req.text();
    co_await res.end(std::string(req.url()) + body);
  };
  const std::string expected = ok("/1") + ok("/body") + ok("/abc") + ok("/4");
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    auto wire = serve(handler);
    wire.send(std::string_view(bytes).substr(0, at));
    INFO("cut at " << at);
    REQUIRE(wire.send(std::string_view(bytes).substr(at)) == expected);
  }
  auto wire = serve(handler);
  wire.wire().chop(1);
  CHECK(wire.send(bytes) == expected);
}

TEST_CASE("a request that comes while its predecessor is answered is not mixed up with it",
          "[http]") {
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    co_await gate.wait();
    co_await res.end(req.url());
  });
  wire.send(get("/the-first"));
  for (int i = 0; i < 300; ++i) {
    // Its head is read while the handler before it waits, or after it, in two pieces.
    const std::string url = "/" + std::to_string(i);
    const std::string next = get(url);
    wire.send(next.substr(0, i % 3 == 0 ? 0 : 10));
    gate.open();
    const std::string answered = wire.take();
    REQUIRE(answered == (i == 0 ? ok("/the-first") : ok("/" + std::to_string(i - 1))));
    wire.send(next.substr(i % 3 == 0 ? 0 : 10));
  }
  gate.open();
  CHECK(wire.take() == ok("/299"));
}

TEST_CASE("what is pipelined behind a request that is being answered is not read without a bound",
          "[http][row:11.7/flood-protection][row:11.12/pipelined-responses]") {
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/slow") co_await gate.wait();
    co_await res.end();
  });
  wire.send(get("/slow"));
  std::string many;
  for (int i = 0; i < 10000; ++i) many += get();
  wire.send(many);
  CHECK(many.size() - wire.wire().unread().size() <= 16 * 1024);
  gate.open();
  std::string expected;
  for (int i = 0; i < 10001; ++i) expected += ok();
  CHECK(wire.received() == expected);
}

TEST_CASE("a client that does not read its answers is not read from either",
          "[http][row:11.7/flood-protection]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> {
    co_await res.end(std::string(4000, 'x'));
  });
  wire.wire().room(10000);
  std::string many;
  for (int i = 0; i < 10000; ++i) many += get();
  wire.send(many);
  CHECK(many.size() - wire.wire().unread().size() <= 2 * 16 * 1024);
  CHECK(wire.wire().received().size() == 10000);
  wire.wire().room(test::unlimited);
  CHECK(wire.received().size() == 10000 * ok(std::string(4000, 'x')).size());
}

TEST_CASE("HTTP/1.1 stays open unless close is among the connection options", "[http]") {
  auto wire = serve(echoUrl);
  SECTION("nothing said") {
    CHECK(wire.send(get()) == ok("/"));
    CHECK(!wire.ended());
  }
  SECTION("close") {
    CHECK(wire.send(get("/", "Connection: close\r\n")) == okAndClose("/"));
    CHECK(wire.ended());
  }
  SECTION("close wins over keep-alive, on one line") {
    CHECK(wire.send(get("/", "Connection: keep-alive, Close\r\n")) == okAndClose("/"));
    CHECK(wire.ended());
  }
  SECTION("and on two") {
    CHECK(wire.send(get("/", "Connection: close\r\nConnection: keep-alive\r\n")) ==
          okAndClose("/"));
    CHECK(wire.ended());
  }
  SECTION("options that nobody knows are ignored") {
    CHECK(wire.send(get("/", "Connection: x, y\r\n")) == ok("/"));
    CHECK(!wire.ended());
  }
}

TEST_CASE("HTTP/1.0 closes unless keep-alive is asked for and the length is known", "[http]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> {
    res.setHeader("Content-Length", 2);
    co_await res.end("hi");
  });
  SECTION("closes") {
    CHECK(wire.send("GET / HTTP/1.0\r\n\r\n") ==
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: <D>\r\nConnection: close\r\n\r\nhi");
    CHECK(wire.ended());
  }
  SECTION("stays") {
    CHECK(wire.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") ==
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: <D>\r\nConnection: keep-alive\r\n"
          "Keep-Alive: timeout=5\r\n\r\nhi");
    CHECK(!wire.ended());
  }
  SECTION("close wins over keep-alive here too") {
    CHECK(wire.send("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n") ==
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: <D>\r\nConnection: close\r\n\r\nhi");
    CHECK(wire.ended());
  }
}

TEST_CASE("bytes behind a request that said close are no request, and clientError tells of them",
          "[http][row:11.7/Connection: close]") {
  auto wire = serve(echoUrl);
  SECTION("with a listener") {
    std::vector<std::string> errors;
    wire.server().on<"clientError">(
        [&](const Error& error, net::Socket&) { errors.emplace_back(error.name()); });
    CHECK(wire.send(get("/1", "Connection: close\r\n") + get("/2")) == okAndClose("/1"));
    CHECK(errors == std::vector<std::string>{"HPE_CLOSED_CONNECTION"});
  }
  SECTION("without one") {
    CHECK(wire.send(get("/1", "Connection: close\r\n") + get("/2")) == okAndClose("/1"));
  }
  CHECK(wire.ended());
}

TEST_CASE("line ends behind a request that said close are nothing", "[http]") {
  auto wire = serve(echoUrl);
  int errors = 0;
  wire.server().on<"clientError">([&] { ++errors; });
  CHECK(wire.send(get("/1", "Connection: close\r\n") + "\r\n\r\n") == okAndClose("/1"));
  CHECK(errors == 0);
}

TEST_CASE("a response that says close ends the connection, and what was pipelined is lost",
          "[http][row:11.7/a-response-with-close]") {
  int requests = 0;
  int errors = 0;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    ++requests;
    res.setHeader("Connection", "close");
    co_await res.end("bye");
  });
  wire.server().on<"clientError">([&] { ++errors; });
  CHECK(wire.send(get() + get()) ==
        "HTTP/1.1 200 OK\r\nConnection: close\r\nDate: <D>\r\nContent-Length: 3\r\n\r\nbye");
  CHECK(wire.ended());
  CHECK(requests == 1);
  CHECK(errors == 0);
}

TEST_CASE("garbage behind a request is refused after the request was answered",
          "[http][row:11.7/garbage-after-a-valid-request-whose-response-has-not-started]") {
  auto wire = serve(echoUrl);
  CHECK(wire.send(get("/1") + "garbage\r\n\r\n") == ok("/1") + std::string(badRequest));
  CHECK(wire.ended());
}

TEST_CASE("empty lines between requests are skipped", "[http][row:11.9/line-ends]") {
  auto wire = serve(echoUrl);
  CHECK(wire.send("\r\n\r\n" + get("/1") + "\r\n" + get("/2")) == ok("/1") + ok("/2"));
}

TEST_CASE("a request without a length has no body, and what follows is the next request",
          "[http][row:11.9/request-without-cl-te]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    const std::string body = co_await req.text();
    co_await res.end(std::to_string(body.size()));
  });
  CHECK(wire.send("POST / HTTP/1.1\r\nHost: a\r\n\r\n" + get()) == ok("0") + ok("0"));
}

TEST_CASE("a head that begins at the very end of what was read together does not stop its body",
          "[http]") {
  // The buffer holds 16 KiB: wherever the second head lies in it, its body finds room.
  const auto handler = [](IncomingMessage& req, ServerResponse& res) -> task<> {
    const std::string body = co_await req.text();
    co_await res.end(std::to_string(body.size()));
  };
  const std::string head = post(100000);
  for (const std::size_t behind : {0u, 1u, 2u, 100u, 5000u}) {
    auto wire = serve(handler);
    const std::string first = get("/" + std::string(4000, 'x'));
    const std::string second = get("/" + std::string(4000, 'x'));
    std::string fill = first + second;
    while (fill.size() + head.size() + behind + 60 < 16384) fill += get();
    const std::size_t left = 16384 - fill.size() - head.size() - behind;
    fill += get("/" + std::string(left - get("/").size(), 'y'));
    REQUIRE(fill.size() + head.size() + behind == 16384);
    wire.wire().deliver(fill + head + std::string(behind, 'b'));
    const std::string answer = wire.send(std::string(100000 - behind, 'b'));
    INFO("body bytes in the first block: " << behind);
    CHECK(answer.ends_with(ok("100000")));
  }
}
