// SPDX-License-Identifier: BSL-1.0
//
// The life of a response: its events in order, what it says of itself on the way, and what becomes
// of calls that come too late.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>
#include <support/serve.hpp>
#include <vector>

using namespace sluice::http;
using namespace std::chrono_literals;
using sluice::task;
using sluice::test::answer;
using sluice::test::get;
using sluice::test::ok;
using sluice::test::okChunked;
using sluice::test::serve;

namespace {

using Log = std::vector<std::string>;

// Writes down what a response tells.
void listen(ServerResponse& res, Log& log) {
  res.on<"prefinish">([&log] { log.emplace_back("prefinish"); });
  res.on<"finish">([&log] { log.emplace_back("finish"); });
  res.on<"close">([&log] { log.emplace_back("close"); });
  res.on<"drain">([&log] { log.emplace_back("drain"); });
  res.on<"error">(
      [&log](const Error& error) { log.push_back("error " + std::string(error.name())); });
}

std::function<void(sluice::error_code)> note(Log& log, std::string what) {
  return [&log, what = std::move(what)](sluice::error_code ec) {
    log.push_back(what + (ec ? " " + std::string(errorName(ec)) : std::string()));
  };
}

// The name of the error that awaiting `result` throws, "" for none.
task<std::string> awaited(sluice::WriteResult result) {
  std::string name;
  try {
    co_await result;
  } catch (const Error& error) {
    name = error.name();
  }
  co_return name;
}

}  // namespace

TEST_CASE("prefinish, the callback of end, finish and close follow the end, once each",
          "[http][row:4/prefinish][row:4/finish][row:4/close][row:5/close][row:5/finish]"
          "[row:4/order of end cb and 'finish']"
          "[row:13/ServerResponse 'close']") {
  Log log;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    listen(res, log);
    res.end("hi", note(log, "ended"));
    log.emplace_back("end returned");
    co_return;
  });
  CHECK(wire.send(get()) == ok("hi"));
  CHECK(log == Log{"end returned", "prefinish", "ended", "finish", "close"});
}

TEST_CASE("the callbacks of writes come before that of end and before finish, in order",
          "[http][row:4/write][row:4/order of end cb and 'finish']") {
  Log log;
  const bool listening = GENERATE(false, true);
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    if (listening) res.on<"finish">([&log] { log.emplace_back("finish"); });
    res.write("a", note(log, "a"));
    res.write("", note(log, "nothing"));
    res.write("b", note(log, "b"));
    res.end("c", note(log, "ended"));
    co_return;
  });
  wire.send(get() + get("/", "Connection: close\r\n"));
  Log once{"a", "nothing", "b", "ended"};
  if (listening) once.emplace_back("finish");
  Log twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  CHECK(log == twice);
}

TEST_CASE("awaiting end resumes when the response has left for the kernel",
          "[http][row:4/finish][row:4/writableFinished][row:4/end][row:4/finished]"
          "[row:4/writableEnded]") {
  Log log;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    CHECK(!res.writableEnded());
    CHECK(!res.finished());
    res.end("hi");
    CHECK(res.writableEnded());
    CHECK(res.finished());
    CHECK(!res.writableFinished());
    co_await res.end();
    CHECK(res.writableFinished());
    log.emplace_back("finished");
  });
  wire.wire().room(10);
  CHECK(wire.send(get()) == "HTTP/1.1 2");
  CHECK(log.empty());
  wire.wire().room(1000);
  CHECK(wire.received() == ok("hi"));
  CHECK(log == Log{"finished"});
}

TEST_CASE("awaiting end resumes behind its callback and 'finish'",
          "[http][row:4/finish][row:4/order of end cb and 'finish']") {
  Log log;
  const bool listening = GENERATE(false, true);
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    // Of the handler, which returns right after: whoever comes later looks at what is gone.
    Log own;
    if (listening) res.on<"finish">([&own] { own.emplace_back("finish"); });
    co_await res.end("hi", note(own, "ended"));
    log = own;
  });
  SECTION("where the kernel takes all") { wire.send(get()); }
  SECTION("where it takes some") {
    wire.wire().room(10);
    wire.send(get());
    CHECK(log.empty());
    wire.wire().room(1000);
  }
  CHECK(wire.received() == ok("hi"));
  CHECK(log == (listening ? Log{"ended", "finish"} : Log{"ended"}));
}

TEST_CASE("a response whose client goes away is closed without finish",
          "[http][row:4/close][row:5/close][row:4/destroyed][row:4/closed]") {
  Log log;
  bool destroyedAtClose = false;
  sluice::test::Gate gate;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    listen(res, log);
    res.on<"close">([&] { destroyedAtClose = res.destroyed() && res.closed(); });
    CHECK(!res.destroyed());
    CHECK(!res.closed());
    res.write("begun");
    co_await gate.wait();
  });
  wire.send(get());
  wire.wire().reset();
  wire.settle();
  CHECK(log == Log{"close"});
  CHECK(destroyedAtClose);
}

TEST_CASE("after a normal end a response says that it is destroyed and closed",
          "[http][row:4/destroyed][row:4/closed][row:4/errored]") {
  Log log;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    res.on<"finish">([&] {
      CHECK(res.writableFinished());
      CHECK(!res.closed());
      log.emplace_back("finish");
    });
    res.on<"close">([&] {
      CHECK(res.destroyed());
      CHECK(res.closed());
      CHECK(!res.errored());
      log.emplace_back("close");
    });
    res.end();
    co_return;
  });
  wire.send(get());
  CHECK(log == Log{"finish", "close"});
}

TEST_CASE("end() again does nothing, end(data) again is an error",
          "[http][row:4/end twice][row:12/ERR_STREAM_WRITE_AFTER_END]") {
  Log log;
  std::string again, withData;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    listen(res, log);
    res.end("hi");
    again = co_await awaited(res.end());
    CHECK(!res.end("more", note(log, "callback")));
    withData = co_await awaited(res.end("more"));
  });
  CHECK(wire.send(get()) == ok("hi"));
  CHECK(again == "");
  CHECK(withData == "ERR_STREAM_WRITE_AFTER_END");
  CHECK(std::count(log.begin(), log.end(), "callback ERR_STREAM_WRITE_AFTER_END") == 1);
  CHECK(std::count(log.begin(), log.end(), "finish") == 1);
  CHECK(std::count(log.begin(), log.end(), "close") == 1);
}

TEST_CASE("end(callback) again before the finish is called at the finish",
          "[http][row:4/end twice]") {
  Log log;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    res.end("hi", note(log, "first"));
    res.end(note(log, "second"));
    co_return;
  });
  CHECK(wire.send(get()) == ok("hi"));
  CHECK(log == Log{"first", "second"});
}

TEST_CASE("end(callback) again after the finish gets ERR_STREAM_ALREADY_FINISHED",
          "[http][row:4/end twice][row:12/ERR_STREAM_WRITE_AFTER_END]") {
  Log log;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    co_await res.end("hi");
    res.end(note(log, "again"));
  });
  CHECK(wire.send(get()) == ok("hi"));
  CHECK(log == Log{"again ERR_STREAM_ALREADY_FINISHED"});
}

TEST_CASE("write after end returns false and tells: callback, await and 'error', nothing throws",
          "[http][row:4/write after end][row:4/error][row:12/ERR_STREAM_WRITE_AFTER_END]") {
  Log log;
  std::string thrown;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    listen(res, log);
    res.end("hi");
    CHECK(!res.write("late", note(log, "callback")));
    thrown = co_await awaited(res.write("later"));
    CHECK(res.writableEnded());
  });
  CHECK(wire.send(get()) == ok("hi"));
  CHECK(thrown == "ERR_STREAM_WRITE_AFTER_END");
  CHECK(std::count(log.begin(), log.end(), "callback ERR_STREAM_WRITE_AFTER_END") == 1);
  CHECK(std::count(log.begin(), log.end(), "error ERR_STREAM_WRITE_AFTER_END") >= 1);
}

TEST_CASE("what is written behind end() never reaches the wire, nor the next response",
          "[http][row:4/write after end]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> {
    res.end("hi");
    res.write("late");
    res.end("later");
    res.flushHeaders();
    co_return;
  });
  CHECK(wire.send(get() + get()) == ok("hi") + ok("hi"));
}

TEST_CASE("write after destroy returns false, tells the callback alone and no 'error'",
          "[http][row:4/write after destroy][row:4/destroy][row:4/errored]"
          "[row:12/ERR_STREAM_WRITE_AFTER_END]") {
  Log log;
  std::string thrown, ended;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    listen(res, log);
    res.destroy(make_error_code(errc::ERR_OUT_OF_RANGE));
    res.destroy();
    CHECK(res.destroyed());
    CHECK(res.errored() == errc::ERR_OUT_OF_RANGE);
    CHECK(!res.write("late", note(log, "callback")));
    thrown = co_await awaited(res.write("later"));
    ended = co_await awaited(res.end("end"));
    CHECK(!res.writableEnded());
  });
  CHECK(wire.send(get()) == "");
  CHECK(wire.closed());
  CHECK(thrown == "ERR_STREAM_DESTROYED");
  CHECK(ended == "ERR_STREAM_DESTROYED");
  CHECK(std::count(log.begin(), log.end(), "callback ERR_STREAM_DESTROYED") == 1);
  CHECK(std::count(log.begin(), log.end(), "close") == 1);
  for (const std::string& entry : log) CHECK(!entry.starts_with("error"));
}

TEST_CASE("destroy cuts a response that has begun, behind what was written",
          "[http][row:4/destroy]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> {
    res.write("begun");
    co_await res.req().text();
    res.write("gathered");
    res.destroy();
  });
  CHECK(wire.send(sluice::test::post(1)) == std::string(okChunked) + "5\r\nbegun\r\n");
  CHECK(wire.send("x") == std::string(okChunked) + "5\r\nbegun\r\n8\r\ngathered\r\n");
  CHECK(wire.closed());
}

TEST_CASE("destroy after the finish leaves the connection alive", "[http][row:4/destroy]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> {
    co_await res.end("hi");
    res.destroy();
  });
  CHECK(wire.send(get()) == ok("hi"));
  CHECK(!wire.closed());
}

TEST_CASE("what is destroyed behind its end has ended all the same",
          "[http][row:4/writableEnded][row:4/finished]") {
  bool atOnce = false, atClose = false, finished = true;
  Log log;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    res.on<"close">([&] {
      atClose = res.writableEnded() && res.finished();
      finished = res.writableFinished();
    });
    res.end(std::string(100'000, 'x'));
    res.destroy();
    atOnce = res.writableEnded() && res.destroyed();
    res.write("late", note(log, "write"));
    res.end(note(log, "end"));
    co_return;
  });
  wire.wire().room(10);
  wire.send(get());
  CHECK(wire.closed());
  CHECK(atOnce);
  CHECK(atClose);
  CHECK(!finished);
  CHECK(log == Log{"write ERR_STREAM_WRITE_AFTER_END", "end ERR_STREAM_DESTROYED"});
}

TEST_CASE("the callback of end gets what kept the response from leaving",
          "[http][row:4/end cb on failure]") {
  Log log;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    res.end(std::string(100, 'x'), note(log, "ended"));
    co_return;
  });
  wire.wire().room(10);
  wire.send(get());
  CHECK(log.empty());
  wire.wire().failWrite(make_error_code(boost::system::errc::connection_reset)).reset();
  wire.settle();
  CHECK(log.size() == 1);
  CHECK(log.front().starts_with("ended E"));
}

TEST_CASE("cork gathers what is written into one chunk until the last uncork",
          "[http][row:4/cork][row:4/writableCorked]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    CHECK(res.writableCorked() == 0);
    res.cork();
    res.cork();
    CHECK(res.writableCorked() == 2);
    res.write("one ");
    res.write("two ");
    co_await req.text();
    res.uncork();
    res.write("three");
    res.uncork();
    res.uncork();
    CHECK(res.writableCorked() == 0);
    res.write("four");
    co_return;
  });
  CHECK(wire.send(sluice::test::post(1)) == "");
  CHECK(wire.send("x") == std::string(okChunked) + "d\r\none two three\r\n4\r\nfour\r\n0\r\n\r\n");
}

TEST_CASE("end() uncorks", "[http][row:4/cork][row:4/end]") {
  CHECK(answer(get(), [](ServerResponse& res) {
          res.cork();
          res.write("a");
          res.cork();
          res.write("b");
          res.end("c");
          CHECK(res.writableCorked() == 0);
        }) == std::string(okChunked) + "3\r\nabc\r\n0\r\n\r\n");
  CHECK(answer(get(), [](ServerResponse& res) {
          res.setHeader("Content-Length", 2);
          res.cork();
          res.write("a");
          res.end("b");
        }).ends_with("\r\n\r\nab"));
}

TEST_CASE("a cork that is still there at the end of the handler does not hold the response",
          "[http][row:4/cork]") {
  CHECK(answer(get() + get(),
               [](ServerResponse& res) {
                 res.cork();
                 res.write("a");
               }) == std::string(okChunked) + "1\r\na\r\n0\r\n\r\n" + std::string(okChunked) +
                         "1\r\na\r\n0\r\n\r\n");
}

TEST_CASE("a cork after end() holds neither this response nor the next", "[http][row:4/cork]") {
  const auto corks = [](ServerResponse& res) {
    res.end("a");
    res.cork();
    CHECK(res.writableCorked() == 0);
  };
  CHECK(answer(get() + get(), corks) == ok("a") + ok("a"));
}

TEST_CASE("strictContentLength refuses what is longer in write and shorter in end",
          "[http][row:4/strictContentLength][row:5/strictContentLength]"
          "[row:12/ERR_HTTP_CONTENT_LENGTH_MISMATCH]") {
  std::string tooLong, tooShort;
  const auto handler = [&](IncomingMessage&, ServerResponse& res) -> task<> {
    res.strictContentLength = true;
    res.setHeader("Content-Length", 3);
    try {
      res.write("abcd");
    } catch (const Error& error) {
      tooLong = std::string(error.name()) + ": " + error.what();
    }
    res.write("ab");
    try {
      res.end();
    } catch (const Error& error) {
      tooShort = error.what();
    }
    res.end("c");
    co_return;
  };
  auto wire = serve(handler);
  CHECK(wire.send(get()).ends_with("\r\n\r\nabc"));
  CHECK(!wire.closed());
  CHECK(tooLong ==
        "ERR_HTTP_CONTENT_LENGTH_MISMATCH: Response body's content-length of 4 byte(s) does not "
        "match the content-length of 3 byte(s) set in header");
  CHECK(tooShort ==
        "Response body's content-length of 2 byte(s) does not match the content-length of 3 "
        "byte(s) set in header");
}

TEST_CASE("strictContentLength has nothing to say of chunks and of answers without a body",
          "[http][row:4/strictContentLength]") {
  const auto strict = [](ServerResponse& res) {
    res.strictContentLength = true;
    if (res.req().method() == "HEAD") res.setHeader("Content-Length", 100);
    res.write("abc");
    res.end();
  };
  CHECK(answer(get(), strict) == std::string(okChunked) + "3\r\nabc\r\n0\r\n\r\n");
  CHECK(answer("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", strict) ==
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nDate: <D>\r\nConnection: keep-alive\r\n"
        "Keep-Alive: timeout=5\r\n\r\n");
}

TEST_CASE("rejectNonStandardBodyWrites makes a body throw where none can be",
          "[http][row:2/rejectNonStandardBodyWrites][row:12/ERR_HTTP_BODY_NOT_ALLOWED]") {
  const ServerOptions options{.rejectNonStandardBodyWrites = true};
  for (const int status : {204, 304}) {
    std::string text;
    const std::string bytes = answer(
        get(),
        [&](ServerResponse& res) {
          res.statusCode = status;
          try {
            res.write("a");
          } catch (const Error& error) {
            text = std::string(error.name()) + ": " + error.what();
          }
          res.end();
        },
        options);
    CHECK(bytes.starts_with("HTTP/1.1 " + std::to_string(status)));
    CHECK(bytes.ends_with("Keep-Alive: timeout=5\r\n\r\n"));
    CHECK(text ==
          "ERR_HTTP_BODY_NOT_ALLOWED: Adding content for this request method or response status "
          "is not allowed.");
  }
  int thrown = 0;
  answer(
      "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
      [&](ServerResponse& res) {
        CHECK_THROWS_AS(res.end("a"), Error);
        ++thrown;
        res.end();
      },
      options);
  CHECK(thrown == 1);
}

TEST_CASE("a response knows its socket until the finish",
          "[http][row:4/socket][row:4/connection]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    CHECK(res.socket() == &req.socket());
    CHECK(res.connection() == res.socket());
    co_await res.end("hi");
    CHECK(res.socket() == nullptr);
    CHECK(res.connection() == nullptr);
  });
  CHECK(wire.send(get()) == ok("hi"));
}

TEST_CASE("setTimeout tells after the idle time, and the connection lives where somebody listens",
          "[http][row:4/setTimeout][row:4/timeout][row:5/setTimeout]") {
  int timeouts = 0;
  sluice::test::Gate gate;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    CHECK(&res.setTimeout(3s, [&] { ++timeouts; }) == &res);
    co_await gate.wait();
    co_await res.end("late");
  });
  wire.send(get());
  wire.advance(2999ms);
  CHECK(timeouts == 0);
  wire.advance(1ms);
  CHECK(timeouts == 1);
  CHECK(!wire.closed());
  gate.open();
  CHECK(wire.received() == ok("late"));
}

TEST_CASE("setTimeout without a listener anywhere destroys the connection",
          "[http][row:4/setTimeout][row:5/setTimeout]") {
  sluice::test::Gate gate;
  Log log;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    listen(res, log);
    res.setTimeout(3s);
    co_await gate.wait();
  });
  wire.send(get());
  wire.advance(2999ms);
  CHECK(!wire.closed());
  wire.advance(1ms);
  CHECK(wire.closed());
  CHECK(log == Log{"close"});
}

TEST_CASE("setTimeout of 0 waits for ever, and a long one is no less",
          "[http][row:4/setTimeout][row:11.13/setTimeout range]") {
  for (const auto limit : {std::chrono::milliseconds(0), std::chrono::milliseconds(24h * 40)}) {
    sluice::test::Gate gate;
    auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
      res.setTimeout(limit);
      co_await gate.wait();
      co_await res.end();
    });
    wire.send(get());
    wire.advance(24h * 39);
    CHECK(!wire.closed());
    gate.open();
    CHECK(wire.received() == ok());
  }
}

TEST_CASE("a listener that throws away its own response does no harm", "[http][row:4/close]") {
  Log log;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    res.on<"prefinish">([&] { res.destroy(); });
    res.on<"finish">([&] {
      log.emplace_back("finish");
      res.destroy();
      res.write("late");
      res.end("late");
    });
    res.on<"close">([&] {
      log.emplace_back("close");
      res.destroy();
    });
    res.end("hi");
    co_return;
  });
  CHECK(wire.send(get()) == ok("hi"));
  CHECK(std::count(log.begin(), log.end(), "close") == 1);
}

TEST_CASE("a body may be bytes that are no text", "[http][plain]") {
  const std::array<std::byte, 3> bytes{std::byte{0}, std::byte{0xFF}, std::byte{'a'}};
  Log log;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    co_await res.write(bytes);
    co_await res.write(bytes, note(log, "written"));
    co_await res.end(bytes, note(log, "ended"));
  });
  const std::string_view piece("\r\n\0\xFF\x61\r\n", 7);
  const std::string out = wire.send(get());
  std::size_t count = 0;
  for (auto at = out.find(piece); at != out.npos; at = out.find(piece, at + 1)) ++count;
  CHECK(count == 3);
  CHECK(log == Log{"written", "ended"});

  auto whole =
      serve([&](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end(bytes); });
  CHECK(whole.send(get()) == ok(std::string_view("\0\xFF\x61", 3)));
}
