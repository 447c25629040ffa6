// SPDX-License-Identifier: BSL-1.0
//
// What is held for a client that reads slowly or not at all, when writers are told, and in how many
// writes a response leaves.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <support/allocations.hpp>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>
#include <support/run.hpp>
#include <support/serve.hpp>
#include <vector>

using namespace sluice::http;
using namespace std::chrono_literals;
using sluice::task;
using sluice::test::get;
using sluice::test::ok;
using sluice::test::okChunked;
using sluice::test::overTls;
using sluice::test::post;
using sluice::test::run;
using sluice::test::serve;

namespace {

constexpr std::size_t mark = 16 * 1024;

// A response of `size` bytes whose length is said before.
void sized(ServerResponse& res, std::size_t size) {
  res.setHeader("Content-Length", std::to_string(size));
}

std::size_t bodySize(std::string_view bytes) { return bytes.size() - bytes.find("\r\n\r\n") - 4; }

}  // namespace

TEST_CASE("with a high-water mark of nothing every write goes out by itself, and drains",
          "[http][row:11.12/write]") {
  auto wire = serve(
      [](IncomingMessage&, ServerResponse& res) -> task<> {
        sized(res, 3);
        if (!res.write("a")) co_await res.drain();
        co_await res.write("b");
        co_await res.end("c");
      },
      {.highWaterMark = 0});
  if (GENERATE(true, false)) wire.wire().room(0);
  wire.send(get());
  wire.wire().room(1000);
  CHECK(wire.received().ends_with("\r\n\r\nabc"));
}

TEST_CASE("write returns true while bytes are only gathered for the end of the turn",
          "[http][row:11.12/write][row:4/write][row:4/writableLength]") {
  std::vector<bool> results;
  std::size_t waiting = 0;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    sized(res, 5000);
    for (int i = 0; i < 5; ++i)
      results.push_back(static_cast<bool>(res.write(std::string(1000, 'x'))));
    waiting = res.writableLength();
    co_return;
  });
  wire.wire().room(0);
  wire.send(get());
  CHECK(results == std::vector<bool>(5, true));
  CHECK(waiting > 5000);
}

TEST_CASE("write returns false from the high-water mark on where the kernel takes nothing",
          "[http][row:11.12/write][row:4/write]") {
  std::size_t accepted = 0;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    sized(res, 100000);
    while (res.write(std::string(1024, 'x'))) accepted += 1024;
    CHECK(res.writableLength() >= mark);
    CHECK(res.writableLength() < mark + 1024);
    res.destroy();
    co_return;
  });
  wire.wire().room(0);
  wire.send(get());
  CHECK(accepted < mark);
  CHECK(accepted > mark - 2048);
}

TEST_CASE("write returns true as long as the kernel takes what is written",
          "[http][row:11.12/write]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> {
    sized(res, 200 * 1000 + 3 * 100000);
    bool all = true;
    for (int i = 0; i < 200; ++i) all = all && res.write(std::string(1000, 'x'));
    for (int i = 0; i < 3; ++i) all = all && res.write(std::string(100000, 'x'));
    CHECK(all);
    CHECK(!res.writableNeedDrain());
    co_await res.drain();
  });
  CHECK(bodySize(wire.send(get())) == 500000);
}

TEST_CASE("once the kernel is full every write returns false until drain",
          "[http][row:11.12/write][row:4/writableNeedDrain]") {
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\nDate: " + std::string(29, '-') +
      "\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n";
  sluice::test::Gate gate;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    sized(res, 3000);
    CHECK(res.write(std::string(1000, 'x')));
    CHECK(!res.writableNeedDrain());
    co_await gate.wait();
    // A record of TLS has left when all of it has, and the head shares one with the body.
    CHECK(res.writableLength() == (overTls() ? head.size() + 1000 : 1000));
    CHECK(!res.write(std::string(1000, 'x')));
    CHECK(res.writableNeedDrain());
    co_await res.drain();
    CHECK(!res.writableNeedDrain());
    CHECK(res.write(std::string(1000, 'x')));
  });
  wire.wire().room(head.size());
  wire.send(get());
  gate.open();
  wire.settle();
  wire.wire().room(1500);
  wire.settle();
  CHECK(wire.wire().received().size() == head.size() + 1500);
  wire.wire().room(10000);
  CHECK(bodySize(wire.received()) == 3000);
}

TEST_CASE("drain comes once for writes that returned false, and only when nothing waits",
          "[http][row:4/drain][row:11.12/drain]") {
  int drains = 0;
  std::size_t waitingAtDrain = 1;
  sluice::test::Gate gate;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    sized(res, 40000);
    res.on<"drain">([&] {
      ++drains;
      waitingAtDrain = res.writableLength();
    });
    CHECK(!res.write(std::string(20000, 'x')));
    CHECK(!res.write(std::string(20000, 'x')));
    co_await gate.wait();
  });
  wire.wire().room(0);
  wire.send(get());
  for (int i = 0; i < 40; ++i) {
    wire.wire().room(1000);
    wire.settle();
    CHECK(drains == 0);
  }
  wire.wire().room(1000);
  wire.settle();
  CHECK(drains == 1);
  CHECK(waitingAtDrain == 0);
  gate.open();
  CHECK(bodySize(wire.received()) == 40000);
  CHECK(drains == 1);
}

TEST_CASE("drain does not come where no write returned false, nor after end()",
          "[http][row:4/drain][row:11.12/drain]") {
  int drains = 0;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    res.on<"drain">([&] { ++drains; });
    if (req.url() == "/small") {
      CHECK(res.write("small"));
    } else {
      CHECK(!res.write(std::string(100000, 'x')));
    }
    res.end();
    co_return;
  });
  wire.send(get("/small"));
  wire.wire().room(0);
  wire.send(get("/large"));
  wire.wire().room(1000000);
  wire.settle();
  CHECK(drains == 0);
  CHECK(wire.received().ends_with("x\r\n0\r\n\r\n"));
}

TEST_CASE("awaiting drain resumes when nothing waits, at once where nothing did",
          "[http][row:4/drain]") {
  std::vector<std::string> log;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    sized(res, 20000);
    co_await res.drain();
    log.emplace_back("nothing to wait for");
    if (!res.write(std::string(20000, 'x'))) co_await res.drain();
    log.push_back("drained at " + std::to_string(res.writableLength()));
  });
  wire.wire().room(19000);
  wire.send(get());
  CHECK(log == std::vector<std::string>{"nothing to wait for"});
  wire.wire().room(10000);
  wire.settle();
  CHECK(log.back() == "drained at 0");
}

TEST_CASE("what a response has sent has succeeded, also for who asks after its connection is gone",
          "[http][row:4/drain][row:4/write]") {
  std::vector<sluice::WriteResult> kept;
  std::vector<std::string> outcomes;
  const auto await = [&]() -> task<> {
    for (const sluice::WriteResult& result : kept) {
      std::string outcome = "ok";
      try {
        co_await result;
      } catch (const Error& error) {
        outcome = error.name();
      }
      outcomes.push_back(outcome);
    }
  };
  bool destroys = false;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    kept.push_back(res.write("a"));
    kept.push_back(res.drain());
    co_await kept.front();
    if (destroys) {
      co_await sluice::asio::post(sluice::asio::use_awaitable);
      kept.push_back(res.write("b"));
      res.destroy();
      kept.push_back(res.drain());
    } else {
      kept.push_back(res.end("b"));
      co_await kept.back();
      kept.push_back(res.drain());
    }
  });
  SECTION("which ended") {
    wire.send(get("/", "Connection: close\r\n"));
    REQUIRE(wire.closed());
    run(wire.io(), await());
    CHECK(outcomes == std::vector<std::string>(4, "ok"));
  }
  SECTION("which was destroyed") {
    destroys = true;
    wire.send(get());
    REQUIRE(wire.closed());
    run(wire.io(), await());
    CHECK(outcomes == std::vector<std::string>{"ok", "ok", "ok", "ERR_STREAM_DESTROYED"});
  }
}

TEST_CASE("awaited writes keep a producer within the high-water mark and one chunk",
          "[http][row:11.12/write]") {
  const std::size_t chunk = GENERATE(std::size_t{100}, std::size_t{5000}, std::size_t{50000});
  const bool framedByLength = GENERATE(true, false);
  std::size_t most = 0;
  const std::size_t count = 1000000 / chunk;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    if (framedByLength) sized(res, count * chunk);
    const std::string data(chunk, 'x');
    for (std::size_t i = 0; i < count; ++i) {
      const auto written = res.write(data);
      most = std::max(most, res.writableLength());
      co_await written;
      CHECK(res.writableLength() < mark);
    }
  });
  wire.wire().room(0);
  wire.send(get());
  std::size_t received = 0;
  while (true) {
    wire.wire().room(7000);
    const std::size_t some = wire.take().size();
    if (some == 0) break;
    received += some;
  }
  CHECK(received > count * chunk);
  // The head, and the frame of a chunk.
  CHECK(most <= mark + chunk + 200);
}

TEST_CASE("small chunks of a turn leave together, also if they are awaited",
          "[http][row:11.12/write]") {
  std::size_t waiting = 0;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    const std::string chunk(5000, 'x');
    co_await res.write(chunk);
    co_await res.write(chunk);
    waiting = res.writableLength();
    co_await res.end();
  });
  const std::string framed = "1388\r\n" + std::string(5000, 'x') + "\r\n";
  CHECK(wire.send(get()).ends_with("\r\n\r\n" + framed + framed + "0\r\n\r\n"));
  CHECK(waiting > 10000);
}

TEST_CASE("writes that nobody waits for are all taken and arrive in order",
          "[http][row:11.12/write]") {
  std::string expected;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    sized(res, 1108890);
    for (int i = 0; i < 10; ++i) {
      for (const std::size_t size :
           {1U, 10U, 100U, 4095U, 4096U, 4097U, 16384U, 20000U, 60000U, 106U}) {
        const std::string piece(size, static_cast<char>('a' + i));
        expected += piece;
        res.write(piece);
      }
    }
    res.write(std::string(1108890 - expected.size(), '!'));
    expected.append(1108890 - expected.size(), '!');
    co_return;
  });
  wire.wire().room(0);
  wire.send(get());
  std::string bytes;
  for (int i = 0; i < 2000; ++i) {
    wire.wire().room(997);
    bytes += wire.take();
  }
  CHECK(bytes.substr(bytes.find("\r\n\r\n") + 4) == expected);
}

// [plain]: over TLS bytes leave a record at a time, and the second call comes with the third.
TEST_CASE("a write tells its callback when its bytes have left, in order",
          "[http][plain][row:4/write]") {
  std::vector<int> left;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    sized(res, 30000);
    res.flushHeaders();
    for (int i = 0; i < 3; ++i) {
      res.write(std::string(10000, 'x'), [&left, i](sluice::error_code ec) {
        CHECK(!ec);
        left.push_back(i);
      });
    }
    res.end();
    co_return;
  });
  wire.wire().room(1000);
  wire.send(get());
  CHECK(left.empty());
  wire.wire().room(9999);
  wire.settle();
  CHECK(left == std::vector<int>{0});
  wire.wire().room(10000);
  wire.settle();
  CHECK(left == std::vector<int>{0, 1});
  wire.wire().room(10000);
  wire.settle();
  CHECK(left == std::vector<int>{0, 1, 2});
}

TEST_CASE("a callback hears of the error that kept its bytes from leaving", "[http][row:4/write]") {
  std::vector<std::string> told;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    res.write(std::string(10000, 'x'),
              [&](sluice::error_code ec) { told.emplace_back(errorName(ec)); });
    co_await res.drain();
  });
  wire.wire().room(100);
  wire.send(get());
  CHECK(told.empty());
  wire.wire().reset();
  wire.settle();
  CHECK(told.size() == 1);
  CHECK(told.front().starts_with("E"));
}

TEST_CASE("a client that never reads costs one buffer and is cut after the timeout",
          "[http][row:11.12/write]") {
  bool cancelled = false;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    const std::string chunk(8192, 'x');
    try {
      while (true) co_await res.write(chunk);
    } catch (const Error&) {
      cancelled = true;
      throw;
    }
  });
  wire.wire().room(100);
  wire.client();
  wire.settle();
  const sluice::test::Allocations heap;
  wire.send(get());
  CHECK(heap.live() < static_cast<std::ptrdiff_t>(5 * mark));
  wire.advance(119s);
  CHECK(!wire.closed());
  CHECK(heap.live() < static_cast<std::ptrdiff_t>(5 * mark));
  wire.advance(1s);
  CHECK(wire.closed());
  CHECK(cancelled);
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("10 GiB to a slow reader hold less than 1 MiB", "[http][row:1/streaming principle]") {
  constexpr std::size_t chunk = 256 * 1024;
  // Over TLS one of them has to do: encrypting ten takes its time.
  const std::size_t total = std::size_t(overTls() ? 1 : 10) << 30;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    sized(res, total);
    const std::string data(chunk, 'x');
    for (std::size_t sent = 0; sent < total; sent += chunk) co_await res.write(data);
  });
  wire.wire().room(0);
  const sluice::test::Allocations heap;
  wire.send(get());
  std::size_t received = 0;
  std::ptrdiff_t most = 0;
  while (true) {
    wire.wire().room(192 * 1024);
    wire.settle();
    most = std::max(most, heap.live());
    const std::size_t some = wire.wire().takeReceived().size();
    if (some == 0) break;
    received += some;
  }
  CHECK(received > total);
  CHECK(received < total + 1000);
  CHECK(most < 1 << 20);
}

TEST_CASE("a response leaves in one write, however it is made",
          "[http][row:5/head + first chunk together]") {
  const auto writes = [](auto act) {
    auto wire = serve(sluice::test::acting(act));
    wire.send(get());
    return wire.wire().calls().tryWrite;
  };
  CHECK(writes([](ServerResponse& res) { res.end("hi"); }) == 1);
  CHECK(writes([](ServerResponse& res) { res.end(std::string(15000, 'x')); }) == 1);
  // TLS encrypts two records, and then two more: no more than that is held twice.
  CHECK(writes([](ServerResponse& res) { res.end(std::string(1000000, 'x')); }) ==
        (overTls() ? 31 : 1));
  CHECK(writes([](ServerResponse& res) { res.writeHead(200).end("hi"); }) == 1);
  CHECK(writes([](ServerResponse& res) {
          res.write("a");
          res.write("b");
          res.end("c");
        }) == 1);
  auto awaited = serve([](IncomingMessage&, ServerResponse& res) -> task<> {
    co_await res.write("a");
    co_await res.write("b");
    co_await res.end("c");
  });
  awaited.send(get());
  CHECK(awaited.wire().calls().tryWrite == 1);
}

TEST_CASE("16 pipelined requests are answered in at most two writes",
          "[http][row:11.12/pipelined responses]") {
  std::string requests, expected;
  for (int i = 0; i < 16; ++i) {
    requests += get("/" + std::to_string(i));
    expected += ok("/" + std::to_string(i));
  }
  auto awaits = serve(
      [](IncomingMessage& req, ServerResponse& res) -> task<> { co_await res.end(req.url()); });
  CHECK(awaits.send(requests) == expected);
  CHECK(awaits.wire().calls().tryWrite <= 2);
  auto ignores = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    res.end(req.url());
    co_return;
  });
  CHECK(ignores.send(requests) == expected);
  CHECK(ignores.wire().calls().tryWrite <= 2);
}

TEST_CASE("pipelined answers for a client that does not read pause the handlers",
          "[http][row:11.12/pipelined responses]") {
  int served = 0;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    ++served;
    co_await res.end(std::string(10000, 'x'));
  });
  wire.wire().room(0);
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += get();
  const sluice::test::Allocations heap;
  wire.send(requests);
  CHECK(served < 5);
  CHECK(wire.wire().unread().size() > requests.size() / 3);
  wire.wire().room(100000000);
  CHECK(wire.received().size() > 1000 * 10000);
  CHECK(served == 1000);
}

TEST_CASE("a body that nobody reads stops the reading at the high-water mark",
          "[http][row:11.12/incoming]") {
  sluice::test::Gate gate;
  std::size_t size = 0;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    co_await gate.wait();
    const std::string body = co_await req.text();
    size = body.size();
    co_await res.end();
  });
  wire.send(post(1000000));
  wire.wire().chop(1000);
  wire.send(std::string(1000000, 'x'));
  CHECK(wire.wire().unread().size() >= 1000000 - 2 * mark);
  gate.open();
  CHECK(wire.received() == ok());
  CHECK(size == 1000000);
}
