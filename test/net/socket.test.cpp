// SPDX-License-Identifier: BSL-1.0
//
// net::Socket over the kernel: what its buffers, resets and half-closed connections do to a stream.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <sluice/net.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include "support/catch.hpp"
#include "support/loopback.hpp"

namespace {

namespace asio = boost::asio;
namespace http = sluice::http;
namespace net = sluice::net;
using namespace std::chrono_literals;
using sluice::error_code;
using sluice::task;
using Words = std::vector<std::string>;

/// Bytes that tell where they belong.
std::string pattern(std::size_t size) {
  std::string result(size, '\0');
  for (std::size_t i = 0; i < size; ++i) result[i] = static_cast<char>(i * 31 + i / 251);
  return result;
}

task<std::string> readAll(net::Socket& socket) {
  std::string all;
  while (auto piece = co_await socket.read()) all += *piece;
  co_return all;
}

task<std::string> failureOf(task<> work) {
  std::string name = "none";
  try {
    co_await std::move(work);
  } catch (const http::Error& error) {
    name = error.name();
  }
  co_return name;
}

task<> readOnce(net::Socket& socket) { co_await socket.read(); }
task<> endTurn() { co_await asio::post(asio::use_awaitable); }

/// Starts a coroutine beside the test that says when it is done.
bool& start(asio::io_context& loop, bool& done, task<> work) {
  asio::co_spawn(loop, std::move(work), [&done](std::exception_ptr thrown) {
    done = true;
    if (thrown) std::rethrow_exception(thrown);
  });
  return done;
}

}  // namespace

TEST_CASE("bytes of every size arrive whole and in order", "[net.Socket]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    std::string expected;
    bool sent = false;
    const auto send = [&]() -> task<> {
      for (const std::size_t size : {1u, 10u, 4095u, 4096u, 4097u, 70'000u, 3u, 1'000'000u, 1u}) {
        const std::string piece = pattern(size);
        expected += piece;
        if (size % 2 == 0) {
          co_await pair.first.write(std::string(piece));
        } else {
          co_await pair.first.write(piece);
        }
      }
      co_await pair.first.end();
    };
    start(loop, sent, send());
    const std::string received = co_await readAll(pair.second);
    CHECK(sent);
    CHECK(received.size() == expected.size());
    CHECK((received == expected));
    CHECK(pair.first.bytesWritten() == expected.size());
    CHECK(pair.second.bytesRead() == expected.size());
    CHECK(pair.first.writableLength() == 0);
  });
}

TEST_CASE("write() is false while the kernel is full, and 'drain' comes when nothing waits",
          "[net.Socket]"
          "[row:9/'connect']") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    int drains = 0;
    pair.first.on<"drain">([&] { ++drains; });
    const std::string piece = pattern(64 * 1024);
    std::size_t written = 0;
    bool ok = true;
    while (ok) {
      ok = static_cast<bool>(pair.first.write(piece));
      written += piece.size();
    }
    CHECK(pair.first.writableNeedDrain());
    CHECK(pair.first.writableLength() > 0);
    CHECK(pair.first.writableLength() <= piece.size());

    // Nobody reads yet: the awaited form holds its producer.
    bool released = false;
    const auto produce = [&]() -> task<> {
      co_await pair.first.write(piece);
      released = true;
    };
    bool done = false;
    start(loop, done, produce());
    for (int i = 0; i < 50; ++i) co_await endTurn();
    CHECK(!released);
    CHECK(drains == 0);
    written += piece.size();

    std::size_t received = 0;
    while (received < written) received += (co_await pair.second.read())->size();
    co_await pair.first.drain();
    CHECK(released);
    CHECK(pair.first.writableLength() == 0);
    CHECK(!pair.first.writableNeedDrain());
    while (drains == 0) co_await endTurn();
    CHECK(drains == 1);
  });
}

TEST_CASE("one half may end while the other goes on",
          "[net.Socket]"
          "[row:9/'connect']") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    co_await pair.first.end("question");
    CHECK(pair.first.readyState() == "readOnly");
    CHECK(pair.first.writableEnded());
    const std::string question = co_await readAll(pair.second);
    CHECK(question == "question");
    CHECK(pair.second.readyState() == "writeOnly");
    co_await pair.second.end("answer");
    const std::string answer = co_await readAll(pair.first);
    CHECK(answer == "answer");
    const std::string late = co_await failureOf(
        [](net::Socket& socket) -> task<> { co_await socket.write("more"); }(pair.first));
    CHECK((late == "ERR_STREAM_WRITE_AFTER_END" || late == "ERR_STREAM_DESTROYED"));
  });
}

TEST_CASE("write() and end() take bytes of every kind and tell their callbacks", "[net.Socket]") {
  Words log;
  const auto note = [&](std::string what) {
    return [&log, what](error_code ec) { log.push_back(what + std::string(http::errorName(ec))); };
  };
  const auto bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  std::function<void(net::Socket&)> end;
  SECTION("text") {
    end = [&](net::Socket& socket) { socket.end("e", note("end")); };
  }
  SECTION("bytes") {
    end = [&](net::Socket& socket) { socket.end(bytes("e"), note("end")); };
  }
  SECTION("an encoding") {
    end = [&](net::Socket& socket) { socket.end("65", sluice::Encoding::hex, note("end")); };
  }
  SECTION("a text that is given away") {
    end = [&](net::Socket& socket) {
      socket.end(std::string("e"));
      socket.end(note("end"));
    };
  }
  loopback::run([&](asio::io_context& loop) -> task<> {
    auto [ours, theirs] = loopback::pair(loop);
    ours.write("a", note("a"));
    ours.write("62", sluice::Encoding::hex, note("b"));
    ours.write("c", std::function<void(error_code)>());
    ours.write(bytes("d"), note("d"));
    end(ours);
    const std::string got = co_await readAll(theirs);
    CHECK(got == "abcde");
    ours.end("late", note("late "));
    ours.destroy();
    ours.end(note("gone "));
    co_await endTurn();
  });
  CHECK(log == Words{"a", "b", "d", "end", "late ERR_STREAM_WRITE_AFTER_END",
                     "gone ERR_STREAM_DESTROYED"});
}

TEST_CASE("a reset of the peer is ECONNRESET for who reads", "[net.Socket]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    Words events;
    pair.first.on<"error">([&](const http::Error& error) { events.emplace_back(error.name()); });
    pair.first.on<"close">([&](bool hadError) { events.push_back(hadError ? "close!" : "close"); });
    const auto reset = [&pair]() -> task<> {
      co_await endTurn();
      pair.second.resetAndDestroy();
      CHECK(pair.second.destroyed());
    };
#if defined(_WIN32)
    // Wine forgets a reset that came while nobody read.
    asio::co_spawn(loop, reset(), asio::detached);
#else
    co_await reset();
#endif
    const std::string failure = co_await failureOf(readOnce(pair.first));
    CHECK(failure == "ECONNRESET");
    while (events.size() < 2) co_await endTurn();
    CHECK(events == Words{"ECONNRESET", "close!"});
    CHECK(pair.first.destroyed());
  });
}

TEST_CASE("a write that the peer will never get fails and destroys the socket",
          "[net.Socket]"
          "[row:9/'connect']") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    Words events;
    pair.first.on<"error">([&](const http::Error& error) { events.emplace_back(error.name()); });
    pair.first.on<"close">([&](bool hadError) { events.push_back(hadError ? "close!" : "close"); });
    pair.second.resetAndDestroy();
    const std::string large = pattern(256 * 1024);
    const std::string failure =
        co_await failureOf([](net::Socket& socket, const std::string& bytes) -> task<> {
          for (;;) {
            co_await socket.write(bytes);
            co_await endTurn();
          }
        }(pair.first, large));
    CHECK((failure == "EPIPE" || failure == "ECONNRESET"));
    while (events.size() < 2) co_await endTurn();
    CHECK(events == Words{failure, "close!"});
    CHECK(pair.first.destroyed());
    CHECK(pair.first.readyState() == "closed");
    CHECK(pair.first.remoteAddress().empty());
    const std::string after = co_await failureOf(readOnce(pair.first));
    CHECK(after == "ERR_STREAM_DESTROYED");
  });
}

TEST_CASE("a peer that vanishes while bytes wait ends the wait with an error", "[net.Socket]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    const std::string large = pattern(16 * 1024 * 1024);
    std::string failure;
    const auto produce = [&]() -> task<> {
      failure = co_await failureOf([](net::Socket& socket, const std::string& bytes) -> task<> {
        co_await socket.write(bytes);
      }(pair.first, large));
    };
    bool done = false;
    start(loop, done, produce());
    for (int i = 0; i < 10; ++i) co_await endTurn();
    CHECK(!done);
    pair.second.destroy();
    while (!done) co_await endTurn();
    CHECK((failure == "ECONNRESET" || failure == "EPIPE"));
  });
}

TEST_CASE("\"data\" comes until pause(), and goes on after resume()",
          "[net.Socket]"
          "[row:9/'connect']") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    std::string received;
    Words events;
    pair.second.on<"data">([&](std::string_view bytes) {
      received += bytes;
      pair.second.pause();
    });
    pair.second.on<"end">([&] { events.push_back("end"); });
    pair.second.on<"close">([&] { events.push_back("close"); });
    co_await pair.first.write("one");
    while (received.empty()) co_await endTurn();
    co_await pair.first.end("two");
    for (int i = 0; i < 50; ++i) co_await endTurn();
    CHECK(received == "one");
    CHECK(events.empty());
    pair.second.resume();
    while (received.size() < 6) co_await endTurn();
    pair.second.resume();
    while (events.size() < 2) co_await endTurn();
    CHECK(received == "onetwo");
    CHECK(events == Words{"end", "close"});
    // Who listens to events does not have to end the other half.
    const auto end = co_await pair.first.read();
    CHECK(!end);
  });
}

TEST_CASE("a paused socket holds its peer back", "[net.Socket]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    std::size_t received = 0;
    pair.second.on<"data">([&](std::string_view bytes) {
      received += bytes.size();
      pair.second.pause();
    });
    const std::string piece = pattern(64 * 1024);
    while (pair.first.write(piece)) co_await endTurn();
    for (int i = 0; i < 50; ++i) co_await endTurn();
    CHECK(pair.first.writableNeedDrain());
    CHECK(received <= 64 * 1024);
    pair.second.destroy();
  });
}

TEST_CASE("unshift() puts bytes in front of what is read next", "[net.Socket]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    co_await pair.first.end("hello");
    const std::string first(*co_await pair.second.read());
    CHECK(first == "hello");
    pair.second.unshift("llo");
    pair.second.unshift(std::as_bytes(std::span(first).first(2)));
    const std::string again = co_await readAll(pair.second);
    CHECK(again == "hello");
  });
}

TEST_CASE("cancelling a read loses no bytes", "[net.Socket]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    asio::cancellation_signal cancel;
    std::string outcome;
    asio::co_spawn(loop, failureOf(readOnce(pair.second)),
                   asio::bind_cancellation_slot(cancel.slot(),
                                                [&](std::exception_ptr thrown, std::string name) {
                                                  outcome = thrown ? "thrown" : name;
                                                }));
    co_await endTurn();
    cancel.emit(asio::cancellation_type::terminal);
    while (outcome.empty()) co_await endTurn();
    CHECK((outcome == "ABORT_ERR" || outcome == "thrown"));
    CHECK(!pair.second.destroyed());
    co_await pair.first.end("still here");
    const std::string received = co_await readAll(pair.second);
    CHECK(received == "still here");
  });
}

TEST_CASE("cancelling a write that waits keeps what was written", "[net.Socket]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    const std::string large = pattern(16 * 1024 * 1024);
    asio::cancellation_signal cancel;
    bool done = false;
    const auto produce = [&]() -> task<> { co_await pair.first.end(large); };
    asio::co_spawn(loop, produce(),
                   asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr thrown) {
                     CHECK(thrown);
                     done = true;
                   }));
    for (int i = 0; i < 10; ++i) co_await endTurn();
    CHECK(!done);
    cancel.emit(asio::cancellation_type::terminal);
    while (!done) co_await endTurn();
    const std::string received = co_await readAll(pair.second);
    CHECK((received == large));
  });
}

TEST_CASE("destroySoon() lets what was written leave, destroy() does not wait", "[net.Socket]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    const std::string large = pattern(8 * 1024 * 1024);
    auto soon = loopback::pair(loop);
    soon.first.write(large);
    soon.first.destroySoon();
    CHECK(!soon.first.destroyed());
    const std::string received = co_await readAll(soon.second);
    CHECK((received == large));
    while (!soon.first.destroyed()) co_await endTurn();

    auto now = loopback::pair(loop);
    now.first.write(large);
    now.first.destroy();
    CHECK(now.first.destroyed());
    const std::string part = co_await readAll(now.second);
    CHECK(part.size() < large.size());
  });
}

TEST_CASE("\"timeout\" tells of silence in both directions",
          "[net.Socket]"
          "[row:9/'connect']") {
  asio::io_context loop(1);
  loopback::Clock clock(loop);
  auto pair = loopback::pair(loop);
  int told = 0;
  pair.first.on<"timeout">([&] { ++told; });
  pair.first.setTimeout(1000ms);
  CHECK(pair.first.timeout() == 1000ms);
  clock.advance(999ms);
  CHECK(told == 0);

  SECTION("nothing happens") {
    clock.advance(1ms);
    CHECK(told == 1);
    CHECK(!pair.first.destroyed());
  }
  SECTION("a byte comes in") {
    bool read = false;
    start(loop, read, readOnce(pair.first));
    pair.second.write("x");
    loopback::runUntil(loop, [&] { return read; });
    clock.advance(999ms);
    CHECK(told == 0);
    clock.advance(1ms);
    CHECK(told == 1);
  }
  SECTION("a byte goes out") {
    pair.first.write("x");
    loop.poll();
    clock.advance(999ms);
    CHECK(told == 0);
    clock.advance(1ms);
    CHECK(told == 1);
  }
  SECTION("it is switched off") {
    pair.first.setTimeout(0ms);
    clock.advance(10'000ms);
    CHECK(told == 0);
  }
}

TEST_CASE("a timeout that is not due does not keep the loop running", "[net.Socket]") {
  asio::io_context loop(1);
  auto pair = loopback::pair(loop);
  pair.first.setTimeout(1h);
  pair.first.destroy();
  loopback::finish(loop);
  CHECK(loop.stopped());
}

TEST_CASE("both ends know both addresses", "[net.Socket]") {
  asio::io_context loop(1);
  auto pair = loopback::pair(loop);
  CHECK(pair.first.remoteAddress() == "127.0.0.1");
  CHECK(pair.first.remoteFamily() == "IPv4");
  CHECK(pair.first.localAddress() == "127.0.0.1");
  CHECK(pair.first.localPort() == pair.second.remotePort());
  CHECK(pair.first.remotePort() == pair.second.localPort());
  CHECK(pair.first.address().port == pair.first.localPort());
  CHECK(!pair.first.encrypted());
  CHECK(pair.first.setNoDelay().setKeepAlive(true, 60s).readyState() == "open");
}

TEST_CASE("thousands of connections come and go", "[net.Socket]") {
#if defined(_WIN32)
  constexpr std::size_t batches = 10;  // Wine takes ten times as long
#else
  constexpr std::size_t batches = 100;
#endif
  loopback::run([](asio::io_context& loop) -> task<> {
    std::size_t served = 0;
    auto server = net::createServer(loop, [&](net::Socket& socket) -> task<> {
      ++served;
      auto piece = co_await socket.read();
      // A third is left to the peer, a third ended, a third reset.
      if (served % 3 == 0) co_await socket.end(*piece);
      if (served % 3 == 1) socket.resetAndDestroy();
    });
    server.on<"error">([](const http::Error&) {});
    server.listen({.port = 0, .host = "127.0.0.1"});
    const net::ConnectionOptions options{.host = "127.0.0.1", .port = server.address().port};
    for (std::size_t batch = 0; batch < batches; ++batch) {
      std::vector<net::Socket> clients;
      for (int i = 0; i < 100; ++i) {
        net::Socket client = co_await net::connect(options);
        client.write("x");
        clients.push_back(std::move(client));
      }
      for (net::Socket& client : clients) static_cast<void>(co_await failureOf(readOnce(client)));
    }
    server.close();
    co_await server.closed();
    CHECK(served == batches * 100);
    CHECK(server.getConnections() == 0);
  });
}
