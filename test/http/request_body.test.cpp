// SPDX-License-Identifier: BSL-1.0
//
// The body of a request: read(), text(), "data", pausing, encodings, and what becomes of a body
// that nobody takes.
#include <string>
#include <vector>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

TEST_CASE("read() brings the body as it comes, then nullopt",
          "[http][row:6/read][row:6/readable]") {
  std::vector<std::string> pieces;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    CHECK(!req.readableEnded());
    while (auto piece = co_await req.read()) pieces.emplace_back(*piece);
    CHECK(req.readableEnded());
    CHECK(req.complete());
    const auto piece = co_await req.read();
    CHECK(!piece);
    co_await res.end();
  });
  SECTION("of a known length") {
    wire.send(post(10, "abc"));
    wire.send("defg");
    CHECK(wire.send("hij") == ok());
    CHECK(pieces == std::vector<std::string>{"abc", "defg", "hij"});
  }
  SECTION("in chunks") {
    wire.send(chunked("3\r\nabc\r\n4;x=y\r\nde"));
    wire.send("fg\r\n");
    CHECK(wire.send("3\r\nhij\r\n0\r\n\r\n") == ok());
    CHECK(pieces == std::vector<std::string>{"abc", "de", "fg", "hij"});
  }
  SECTION("none") {
    CHECK(wire.send(get()) == ok());
    CHECK(pieces.empty());
  }
  SECTION("an empty one") {
    CHECK(wire.send(chunked("0\r\n\r\n")) == ok());
    CHECK(pieces.empty());
  }
}

TEST_CASE("a slow reader gets every byte of its body", "[http][row:6/read]") {
  Gate gate;
  std::string body;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    while (auto piece = co_await req.read()) {
      body += *piece;
      co_await gate.wait();
    }
    co_await res.end();
  });
  std::string sent;
  for (int i = 0; sent.size() < 100000; ++i) sent += std::to_string(i) + ",";
  wire.send(post(sent.size()));
  std::size_t at = 0;
  for (std::size_t step = 1; at < sent.size(); step = step * 5 % 4099 + 1) {
    wire.send(std::string_view(sent).substr(at, step));
    at += std::min(step, sent.size() - at);
    if (step % 2 == 0 && gate.waiting()) {
      gate.open();
      wire.settle();
    }
  }
  while (gate.waiting()) {
    gate.open();
    wire.settle();
  }
  CHECK(body == sent);
  CHECK(wire.received() == ok());
}

TEST_CASE("text() brings the whole body, and refuses one that is too long", "[http]") {
  std::string error;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    std::string body;
    try {
      body = co_await req.text(5);
    } catch (const Error& caught) {
      error = caught.name();
    }
    co_await res.end(body);
  });
  SECTION("just short enough") { CHECK(wire.send(post(5, "12345")) == ok("12345")); }
  SECTION("in chunks") {
    CHECK(wire.send(chunked("3\r\n123\r\n2\r\n45\r\n0\r\n\r\n")) == ok("12345"));
  }
  SECTION("too long by its length: known before it comes") {
    CHECK(wire.send(post(6)) == ok());
    CHECK(error == "ERR_BODY_TOO_LARGE");
    wire.take();
    CHECK(wire.send("123456" + post(1, "x")) == ok("x"));
  }
  SECTION("too long in chunks") {
    CHECK(wire.send(chunked("3\r\n123\r\n3\r\n456\r\n0\r\n\r\n")) == ok());
    CHECK(error == "ERR_BODY_TOO_LARGE");
    CHECK(!wire.closed());
  }
}

TEST_CASE("data listeners get the body, never an empty piece, and end comes behind it",
          "[http][row:6/data][row:6/end]") {
  std::vector<std::string> log;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    CHECK(!req.readableFlowing());
    req.on<"data">([&](std::string_view data) { log.emplace_back(data); });
    CHECK(req.readableFlowing());
    co_await req.once<"end">();
    log.emplace_back("end");
    co_await res.end();
  });
  SECTION("of a known length") {
    wire.send(post(4, "ab"));
    CHECK(log == std::vector<std::string>{"ab"});
    CHECK(wire.send("cd") == ok());
    CHECK(log == std::vector<std::string>{"ab", "cd", "end"});
  }
  SECTION("in chunks") {
    CHECK(wire.send(chunked("2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n")) == ok());
    CHECK(log == std::vector<std::string>{"ab", "cd", "end"});
  }
  SECTION("none") {
    CHECK(wire.send(get()) == ok());
    CHECK(log == std::vector<std::string>{"end"});
  }
}

TEST_CASE("pause() holds data back until resume()", "[http][row:6/read][row:6/readable]") {
  std::string seen;
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    req.on<"data">([&](std::string_view data) {
      seen += data;
      req.pause();
      CHECK(req.isPaused());
    });
    co_await gate.wait();
    req.resume();
    CHECK(!req.isPaused());
    co_await gate.wait();
    req.resume();
    co_await req.once<"end">();
    co_await res.end(seen);
  });
  wire.send(post(4, "ab"));
  wire.send("cd");
  CHECK(seen == "ab");
  gate.open();
  wire.settle();
  CHECK(seen == "abcd");
  gate.open();
  CHECK(wire.received() == ok("abcd"));
}

TEST_CASE("who has said pause() before listening says resume() too", "[http]") {
  std::string seen;
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    req.pause();
    req.on<"data">([&](std::string_view data) { seen += data; });
    co_await gate.wait();
    CHECK(seen.empty());
    req.resume();
    co_await req.once<"end">();
    co_await res.end(seen);
  });
  wire.send(post(2, "ab"));
  gate.open();
  CHECK(wire.received() == ok("ab"));
}

TEST_CASE("resume() without a listener throws the body away", "[http]") {
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    req.resume();
    co_await req.once<"end">();
    CHECK(req.complete());
    co_await res.end("thrown");
  });
  wire.send(post(1000000));
  CHECK(wire.send(std::string(1000000, 'x')) == ok("thrown"));
}

TEST_CASE("every listener of \"data\" gets the piece, whatever another one reads meanwhile",
          "[http]") {
  std::vector<std::string> pieces;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    req.setEncoding(Encoding::utf8);
    req.on<"data">([&](std::string_view) {
      asio::co_spawn(req.get_executor(), req.read(), [&](const std::exception_ptr&, auto piece) {
        if (piece) pieces.emplace_back(*piece);
      });
    });
    req.on<"data">([&](std::string_view data) { pieces.emplace_back(data); });
    co_await req.once<"end">();
    co_await res.end();
  });
  CHECK(wire.send(chunked("5\r\nfirst\r\n5\r\nother\r\n0\r\n\r\n")) == ok());
  CHECK(pieces == std::vector<std::string>{"first", "other"});
}

TEST_CASE("setEncoding() decodes, and never splits a character", "[http][row:6/read]") {
  std::vector<std::string> pieces;
  Encoding encoding = Encoding::utf8;
  bool events = false;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    req.setEncoding(encoding);
    if (events) {
      req.on<"data">([&](std::string_view data) { pieces.emplace_back(data); });
      co_await req.once<"end">();
    } else {
      while (auto piece = co_await req.read()) pieces.emplace_back(*piece);
    }
    co_await res.end();
  });
  events = GENERATE(false, true);
  SECTION("utf8") {
    wire.send(post(6, "a\xe2"));
    wire.send("\x82");
    CHECK(wire.send("\xac"
                    "bc") == ok());
    CHECK(pieces == std::vector<std::string>{"a",
                                             "\xe2\x82\xac"
                                             "bc"});
  }
  SECTION("base64") {
    encoding = Encoding::base64;
    wire.send(post(4, "ab"));
    CHECK(wire.send("cd") == ok());
    std::string all;
    for (const auto& piece : pieces) all += piece;
    CHECK(all == "YWJjZA==");
  }
  SECTION("hex") {
    encoding = Encoding::hex;
    CHECK(wire.send(post(2, "\x01\xff")) == ok());
    CHECK(pieces == std::vector<std::string>{"01ff"});
  }
}

TEST_CASE("trailers are there once the body has ended",
          "[http][row:6/trailers][row:6/rawTrailers][row:11.4/trailers]") {
  std::string seen;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    CHECK(req.trailers().empty());
    CHECK(req.rawTrailers().empty());
    co_await req.text();
    for (const auto& line : req.rawTrailers()) {
      seen += std::string(line.name) + "=" + std::string(line.value) + ";";
    }
    CHECK(req.trailers()["x-sum"] == "1, 2");
    CHECK(req.trailers()["etag"] == "first");
    CHECK(!req.headers().has("x-sum"));
    co_await res.end();
  });
  CHECK(wire.send(chunked(
            "1\r\na\r\n0\r\nX-Sum: 1\r\nEtag: first\r\nx-sum: 2\r\nETag: second\r\n\r\n")) == ok());
  CHECK(seen == "X-Sum=1;Etag=first;x-sum=2;ETag=second;");
}

TEST_CASE("nobody reads: the client feels it, and no more than the high-water mark is held",
          "[http][row:11.12/incoming]") {
  Gate gate;
  std::size_t total = 0;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    co_await gate.wait();
    while (auto piece = co_await req.read()) total += piece->size();
    co_await res.end();
  });
  wire.send(post(1000000));
  wire.wire().deliver(std::string(1000000, 'x'));
  wire.settle();
  CHECK(1000000 - wire.wire().unread().size() <= 16 * 1024);
  CHECK(!wire.wire().waitsForBytes());
  gate.open();
  CHECK(wire.received() == ok());
  CHECK(total == 1000000);
}

TEST_CASE("a body of a gigabyte passes through without being held",
          "[http][row:1/streaming-principle]") {
  std::uint64_t total = 0;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    while (auto piece = co_await req.read()) {
      CHECK(piece->size() <= 64 * 1024);
      total += piece->size();
    }
    co_await res.end();
  });
  constexpr std::size_t gigabyte = std::size_t{1} << 30;
  const std::string block(std::size_t{1} << 20, 'x');
  wire.send(post(gigabyte));
  for (std::size_t sent = 0; sent < gigabyte; sent += block.size()) {
    wire.wire().deliver(block);
    wire.settle();
    if (!wire.wire().unread().empty()) break;
  }
  CHECK(total == gigabyte);
  CHECK(wire.received() == ok());
}

TEST_CASE("an unread body is thrown away up to a limit to keep the connection",
          "[http][row:6/unread-request-body]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end("no"); },
                    {.maxDiscardedBody = 1000});
  SECTION("that was there") {
    CHECK(wire.send(post(1000, std::string(1000, 'x')) + get()) == ok("no") + ok("no"));
  }
  SECTION("that comes") {
    wire.send(post(1000));
    wire.send(std::string(999, 'x'));
    CHECK(wire.send("x" + get()) == ok("no") + ok("no"));
    CHECK(!wire.closed());
  }
  SECTION("in chunks") {
    wire.send(chunked("5\r\nhello\r\n"));
    CHECK(wire.send("0\r\n\r\n" + get()) == ok("no") + ok("no"));
    CHECK(!wire.closed());
  }
}

TEST_CASE("what is left of a body is thrown away, however much of it was read",
          "[http][row:6/unread-request-body]") {
  constexpr std::size_t size = 200'000;
  std::size_t least = 0;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    std::size_t read = 0;
    while (const auto piece = co_await req.read()) {
      read += piece->size();
      if (read >= least) break;
    }
    co_await res.end("no");
  });
  for (least = 1; least < size; least += 9'999) {
    for (const std::size_t step : {std::size_t{1000}, std::size_t{16384}, size}) {
      INFO(least << " bytes read, pieces of " << step);
      auto& client = wire.connect();
      client.wire().chop(step);
      CHECK(client.send(post(size, std::string(size, 'x')) + get()) == ok("no") + ok("no"));
      CHECK(client.wire().unread().empty());
      client.wire().deliverEnd();
      CHECK(client.closed());
    }
  }
}

TEST_CASE("a limit of 0 for an unread body is no limit", "[http]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end("no"); },
                    {.maxDiscardedBody = 0});
  wire.send(post(1000000));
  wire.send(std::string(999999, 'x'));
  CHECK(wire.send("x" + get()) == ok("no") + ok("no"));
  CHECK(!wire.closed());
}

TEST_CASE("beyond the limit the connection is closed, and the client is listened to for a while",
          "[http][row:6/unread-request-body]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end("no"); },
                    {.maxDiscardedBody = 1000});
  wire.send(post(1000000));
  CHECK(wire.received() == ok("no"));
  wire.send(std::string(5000, 'x'));
  CHECK(wire.wire().ended());
  CHECK(!wire.wire().closed());
  // The answer is not lost to a reset while the client still sends.
  wire.send(std::string(5000, 'x'));
  CHECK(wire.wire().unread().empty());
  CHECK(!wire.wire().closed());
  SECTION("until it ends") { wire.end(); }
  SECTION("until the time is over") { wire.advance(std::chrono::seconds(2)); }
  SECTION("until it has sent too much") {
    for (int i = 0; i < 60; ++i) wire.send(std::string(5000, 'x'));
  }
  CHECK(wire.closed());
  CHECK(!wire.wire().wasReset());
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("a paused body is not waited for once its answer is out",
          "[http][row:6/unread-request-body]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    req.pause();
    co_await res.end("no");
  });
  CHECK(wire.send(post(5, "12345") + get()) == ok("no") + ok("no"));
}

TEST_CASE("a broken body is refused while it is read, discarded or ignored", "[http]") {
  int mode = 0;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (mode == 0) co_await req.text();
    if (mode == 1) {
      req.on<"data">([](std::string_view) {});
      co_await req.once<"end">();
    }
    co_await res.end();
  });
  SECTION("by read()") { CHECK(wire.send(chunked("5\r\nhelloX")) == badRequest); }
  SECTION("by data") {
    mode = 1;
    CHECK(wire.send(chunked("5\r\nhelloX")) == badRequest);
  }
  SECTION("by nobody: the answer was there first") {
    mode = 2;
    CHECK(wire.send(chunked("5\r\nhelloX")) == ok());
  }
  CHECK(wire.ended());
}
