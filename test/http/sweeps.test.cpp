// SPDX-License-Identifier: BSL-1.0
//
// The same conversations under every way in which bytes can come and go: cut at every place,
// written in pieces of every size, broken at every operation.
#include <memory>
#include <string>
#include <string_view>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/every_split.hpp>
#include <support/serve.hpp>
#include <vector>

using namespace sluice::http;
using sluice::task;
using sluice::test::chunked;
using sluice::test::get;
using sluice::test::post;
using sluice::test::Serving;

namespace {

// Uses a way of sending for each target, and reads the body in two ways.
const auto handler = [](IncomingMessage& req, ServerResponse& res) -> task<> {
  std::string body;
  if (req.url() == "/pieces") {
    while (auto piece = co_await req.read()) body += *piece;
  } else if (req.url() != "/unread") {
    body = co_await req.text();
  }
  if (req.url() == "/chunks") {
    co_await res.write("first ");
    res.write(body);
    res.addTrailers({{"t", "1"}});
    co_await res.end();
  } else if (req.url() == "/large") {
    res.setHeader("Content-Length", 40000);
    co_await res.write(std::string(20000, 'x'));
    res.cork();
    res.write(std::string(20000, 'y'));
    co_await res.end();
  } else if (req.url() == "/head") {
    res.writeHead(201, "Made", {{"a", "1"}});
    co_await res.end(body);
  } else if (req.url() == "/hints") {
    res.writeEarlyHints({{"Link", "</a>"}});
    co_await res.end(body);
  } else {
    co_await res.end(std::string(req.url()) + " " + body);
  }
};

std::string to(std::string_view target, std::string request) {
  return request.replace(request.find(" / ") + 1, 1, target);
}

struct Conversation {
  std::string_view name;
  std::string bytes;
};

std::vector<Conversation> conversations() {
  return {
      {"plain", get("/plain")},
      {"close", get("/close", "Connection: close\r\n")},
      {"HTTP/1.0", "GET /old HTTP/1.0\r\n\r\n"},
      {"HEAD", "HEAD /none HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"length", to("/pieces", post(5, "hello"))},
      {"chunks", to("/chunks", chunked("3;x=\"y\"\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n"))},
      {"unread", to("/unread", post(5, "hello"))},
      {"continue", to("/head", post(5, "hello", "Expect: 100-continue\r\n"))},
      {"hints", get("/hints")},
      {"pipelined",
       get("/1") + to("/2", post(3, "abc")) + to("/chunks", chunked("0\r\n\r\n")) + get("/4")},
      {"broken", get("/1") + "GET /2 HTTP/1.1\r\nno colon\r\n\r\n"},
      {"broken chunk", to("/pieces", chunked("3\r\nabcX"))},
      {"no host", "GET / HTTP/1.1\r\n\r\n"},
      {"blank lines", "\r\n\r\n" + get("/1") + "\r\n" + get("/2")},
      {"garbage", std::string("\0\x16garbage", 9)},
  };
}

// All that was answered until the client's end, and whether the connection went with it.
std::string ended(Serving& wire) {
  const std::string bytes = wire.end();
  return bytes + (wire.closed() ? "<closed>" : "<open>");
}

std::string run(const std::vector<std::string_view>& pieces, ServerOptions options = {}) {
  Serving wire(handler, std::move(options));
  for (const std::string_view piece : pieces) wire.send(piece);
  return ended(wire);
}

}  // namespace

TEST_CASE("however a conversation is cut, the same bytes answer it", "[http][sweep]") {
  for (const auto& [name, bytes] : conversations()) {
    INFO(name);
    const std::string whole = run({bytes});
    CHECK(whole.ends_with("<closed>"));
    std::string differs;
    sluice::test::everySplit(bytes, [&](const std::vector<std::string_view>& pieces) {
      const std::string answered = run(pieces);
      if (answered != whole && differs.empty()) {
        differs = "after " + std::to_string(pieces.front().size()) + ": " + answered;
      }
    });
    INFO(whole);
    CHECK(differs == "");
  }
}

TEST_CASE("however a conversation arrives in one turn, the same bytes answer it", "[http][sweep]") {
  for (const auto& [name, bytes] : conversations()) {
    INFO(name);
    const std::string whole = run({bytes});
    for (std::size_t size = 1; size <= bytes.size(); ++size) {
      Serving wire(handler, {});
      wire.wire().chop(size);
      wire.send(bytes);
      const std::string answered = ended(wire);
      INFO(size);
      REQUIRE(answered == whole);
    }
  }
}

TEST_CASE("however little the kernel takes at once, the same bytes arrive", "[http][sweep]") {
  std::vector<Conversation> all = conversations();
  all.push_back({"large", get("/large") + get("/1")});
  for (const auto& [name, bytes] : all) {
    INFO(name);
    const std::string whole = run({bytes});
    const std::size_t step = whole.size() > 2000 ? 997 : 1;
    for (std::size_t size = 1; size <= whole.size() + 20; size += step) {
      Serving wire(handler, {});
      wire.wire().acceptAtMost(size);
      wire.send(bytes);
      const std::string answered = ended(wire);
      INFO(size);
      REQUIRE(answered == whole);
    }
  }
}

TEST_CASE("however slowly room comes, the same bytes arrive", "[http][sweep]") {
  for (const auto& [name, bytes] : conversations()) {
    INFO(name);
    const std::string whole = run({bytes});
    for (const std::size_t size : {1U, 7U, 100U}) {
      Serving wire(handler, {});
      wire.wire().room(0);
      wire.send(bytes);
      for (std::size_t i = 0; i < 2000 / size + 20; ++i) {
        wire.wire().room(size);
        wire.settle();
      }
      const std::string answered = ended(wire);
      INFO(size);
      REQUIRE(answered == whole);
    }
  }
}

TEST_CASE("whichever operation fails, the connection ends and the server goes on",
          "[http][sweep]") {
  std::vector<Conversation> all = conversations();
  all.push_back({"large", get("/large")});
  for (const auto& [name, bytes] : all) {
    INFO(name);
    for (const bool reset : {true, false}) {
      const auto ec = make_error_code(reset ? boost::system::errc::connection_reset
                                            : boost::system::errc::broken_pipe);
      std::size_t n = 1;
      for (; n < 100; ++n) {
        INFO(n);
        Serving wire(handler, {});
        wire.wire().chop(16).acceptAtMost(name == "large" ? 10000 : 64).failAt(n, ec);
        wire.send(bytes);
        wire.end();
        REQUIRE(wire.closed());
        CHECK(wire.server().getConnections() == 0);
        CHECK(wire.connect().send(get("/again")).ends_with("/again "));
        if (wire.wire().calls().operations() < n) break;
      }
      CHECK(n > 2);
      CHECK(n < 100);
    }
  }
}

TEST_CASE("a server and its loop that go while a handler waits take the handler along",
          "[http][sweep]") {
  struct Count {
    explicit Count(int& counted) : gone(counted) {}
    Count(const Count&) = delete;
    Count& operator=(const Count&) = delete;
    ~Count() { ++gone; }
    int& gone;
  };
  int gone = 0;
  for (const std::string_view target : {"/end", "/close", "/drain", "/text", "/full"}) {
    INFO(target);
    gone = 0;
    {
      Serving wire(
          [&gone](IncomingMessage& req, ServerResponse& res) -> task<> {
            const Count count(gone);
            if (req.url() == "/end") co_await req.once<"end">();
            if (req.url() == "/close") co_await req.socket().once<"close">();
            if (req.url() == "/drain") co_await res.once<"drain">();
            if (req.url() == "/text") co_await req.text();
            if (req.url() == "/full") co_await res.end(std::string(100, 'x'));
          },
          {});
      wire.wire().room(0);
      wire.send(to(target, post(3)));
      CHECK(gone == 0);
    }
    CHECK(gone == 1);
  }
}

TEST_CASE("a server that is destroyed in the middle of anything leaves nothing behind",
          "[http][sweep]") {
  for (const auto& [name, bytes] : conversations()) {
    INFO(name);
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
      auto wire = std::make_unique<Serving>(handler, ServerOptions{});
      wire->wire().room(20);
      wire->send(std::string_view(bytes).substr(0, at));
      wire.reset();
    }
  }
  SUCCEED();
}
