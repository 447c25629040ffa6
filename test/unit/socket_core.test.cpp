// SPDX-License-Identifier: BSL-1.0
//
// A socket over memory: reading, ending, destroying and timing out in every state.
#include <algorithm>
#include <array>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <sluice/error.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/test/clock.hpp>
#include <sluice/test/wire.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <support/catch.hpp>
#include <support/run.hpp>
#include <utility>
#include <vector>

using namespace sluice;
using namespace std::chrono_literals;
using http::errc;
using net::Socket;
using net::detail::Loop;
using net::detail::SocketAccess;
using net::detail::SocketCore;

namespace {

const error_code aborted = asio::error::operation_aborted;
const error_code reset = asio::error::connection_reset;
const error_code broken = asio::error::broken_pipe;

using Log = std::vector<std::string>;

void listen(Socket& socket, Log& log) {
  socket.on<"connect">([&log] { log.push_back("connect"); })
      .on<"end">([&log] { log.push_back("end"); })
      .on<"drain">([&log] { log.push_back("drain"); })
      .on<"timeout">([&log] { log.push_back("timeout"); })
      .on<"error">(
          [&log](const http::Error& error) { log.push_back("error " + std::string(error.name())); })
      .on<"close">([&log](bool hadError) { log.push_back(hadError ? "close!" : "close"); });
}

void listenToData(Socket& socket, Log& log) {
  socket.on<"data">(
      [&log](std::string_view bytes) { log.push_back("data " + std::string(bytes)); });
}

struct Fixture {
  asio::io_context io;
  test::Clock clock{io};
  test::Wire wire{io};
  Socket socket = wire.socket(100);
  Log log;

  Fixture() { listen(socket, log); }
  void settle() { test::settle(io); }
  SocketCore& core() { return *SocketAccess::core(socket); }
};

/// Everything that read() brings, piece by piece.
task<std::string> readAll(Socket& socket) {
  std::string all;
  while (const auto piece = co_await socket.read()) all += std::string(*piece) + '|';
  co_return all;
}

task<error_code> readFailure(Socket& socket) {
  error_code result;
  try {
    co_await socket.read();
  } catch (const http::Error& error) {
    result = error.code();
  }
  co_return result;
}

/// One async_read_some() with a callback.
struct SomeRead {
  SomeRead(Socket& socket, std::size_t size) : bytes(size, '\0') {
    socket.async_read_some(asio::buffer(bytes), [this](error_code ec, std::size_t count) {
      bytes.resize(count);
      result = ec;
    });
  }

  std::string bytes;
  std::optional<error_code> result;
};

/// Reads as HTTP does, and notes what it is told.
class User final : public net::detail::SocketUser {
 public:
  explicit User(SocketCore& core) : core_(core) { core.setUser(this); }

  void read() { core_.startRead(asio::buffer(buffer_)); }
  void onInput(const error_code& ec, std::size_t count) override {
    log.push_back(ec ? "input! " + std::string(http::errorName(ec))
                     : "input " + std::string(buffer_.data(), count));
  }
  void onSent() override { log.push_back("sent"); }
  void onDrained() override { log.push_back("drained"); }
  void onTurn() override { log.push_back("turn"); }
  bool onIdle() override {
    log.push_back("idle");
    return handlesIdle;
  }
  void onDestroyed(const error_code& ec) override {
    log.push_back("destroyed " + std::string(http::errorName(ec)));
  }

  Log log;
  bool handlesIdle = true;

 private:
  SocketCore& core_;
  std::array<char, 16> buffer_{};
};

}  // namespace

TEST_CASE("read() brings every piece and then the end, again and again", "[Socket]") {
  Fixture f;
  f.wire.deliver("hello").deliver("world").deliverEnd();
  CHECK(test::run(f.io, readAll(f.socket)) == "hello|world|");
  CHECK(test::run(f.io, readAll(f.socket)) == "");
  CHECK(f.socket.bytesRead() == 10);
  CHECK(f.socket.readyState() == "writeOnly");
  CHECK(f.log.empty());
}

TEST_CASE("read() waits for what has not come yet", "[Socket]") {
  Fixture f;
  auto reader = test::start(f.io, readAll(f.socket));
  f.settle();
  CHECK(f.wire.waitsForBytes());
  f.wire.deliver("late");
  f.settle();
  CHECK_FALSE(reader.done());
  f.wire.deliverEnd();
  CHECK(reader.result() == "late|");
}

TEST_CASE("pieces of any size arrive whole", "[Socket]") {
  const std::string sent = "the quick brown fox jumps over the lazy dog";
  for (std::size_t size = 1; size <= sent.size(); ++size) {
    Fixture f;
    f.wire.chop(size).deliver(sent).deliverEnd();
    std::string expected;
    for (std::size_t at = 0; at < sent.size(); at += size) expected += sent.substr(at, size) + '|';
    CHECK(test::run(f.io, readAll(f.socket)) == expected);
  }
}

TEST_CASE("read() throws what broke the connection, after what had come", "[Socket]") {
  Fixture f;
  f.wire.deliver("last").failRead(reset);
  const auto reader = [&]() -> task<error_code> {
    const auto piece = co_await f.socket.read();
    CHECK(piece == "last");
    co_return co_await readFailure(f.socket);
  };
  CHECK(test::run(f.io, reader()) == reset);
}

TEST_CASE("read() after destroy(), and while destroy() is called, throws ERR_STREAM_DESTROYED",
          "[Socket]") {
  Fixture f;
  auto waiting = test::start(f.io, readFailure(f.socket));
  f.settle();
  f.socket.destroy();
  CHECK_FALSE(waiting.done());
  CHECK(waiting.result() == errc::ERR_STREAM_DESTROYED);
  CHECK(test::run(f.io, readFailure(f.socket)) == errc::ERR_STREAM_DESTROYED);
  CHECK(f.wire.closed());
}

TEST_CASE("a waiting read() ends with the reason of destroy()", "[Socket]") {
  Fixture f;
  auto waiting = test::start(f.io, readFailure(f.socket));
  f.settle();
  f.socket.destroy(reset);
  CHECK(waiting.result() == reset);
  f.settle();
  CHECK(f.log == Log{"error ECONNRESET", "close!"});
}

TEST_CASE("only one read at a time", "[Socket]") {
  Fixture f;
  auto first = test::start(f.io, readAll(f.socket));
  f.settle();
  CHECK(test::run(f.io, readFailure(f.socket)) == errc::ERR_INVALID_STATE);
  f.wire.deliver("x").deliverEnd();
  CHECK(first.result() == "x|");
}

TEST_CASE("a cancelled read() loses nothing", "[Socket]") {
  Fixture f;
  asio::cancellation_signal signal;
  error_code result;
  const auto reader = [&]() -> task<> { result = co_await readFailure(f.socket); };
  asio::co_spawn(f.io, reader(), asio::bind_cancellation_slot(signal.slot(), asio::detached));
  f.settle();
  signal.emit(asio::cancellation_type::terminal);
  f.settle();
  CHECK(result == aborted);
  f.wire.deliver("kept").deliverEnd();
  CHECK(test::run(f.io, readAll(f.socket)) == "kept|");
}

TEST_CASE("bytes that come with the cancellation are read once", "[Socket]") {
  Fixture f;
  asio::cancellation_signal signal;
  std::array<char, 10> buffer{};
  std::optional<error_code> result;
  f.socket.async_read_some(
      asio::buffer(buffer),
      asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, std::size_t count) {
        CHECK(count == 0);
        result = ec;
      }));
  f.wire.deliver("kept").deliverEnd();
  signal.emit(asio::cancellation_type::total);
  CHECK_FALSE(result);
  f.settle();
  CHECK(result == aborted);
  signal.emit(asio::cancellation_type::total);
  CHECK(test::run(f.io, readAll(f.socket)) == "kept|");
}

TEST_CASE("cancelling a read leaves a waiting write alone", "[Socket]") {
  Fixture f;
  f.wire.room(0);
  f.socket.write("abc");
  f.settle();
  SomeRead read(f.socket, 10);
  f.core().cancelRead();
  f.settle();
  CHECK(read.result == aborted);
  f.wire.room(3);
  f.settle();
  CHECK(f.wire.received() == "abc");
  f.core().cancelRead();
  CHECK(f.wire.calls().cancelRead == 1);
}

TEST_CASE("async_read_some() takes what fits into the first buffer that has room", "[Socket]") {
  Fixture f;
  f.wire.deliver("abcdef");
  for (const auto& [size, expected] : std::vector<std::pair<std::size_t, std::string>>{
           {0, ""}, {1, "a"}, {2, "bc"}, {0, ""}, {100, "def"}}) {
    SomeRead read(f.socket, size);
    CHECK_FALSE(read.result);
    f.settle();
    CHECK(read.result == error_code());
    CHECK(read.bytes == expected);
  }
  f.wire.deliver("ghi");
  std::array<char, 2> first{}, second{};
  std::optional<std::size_t> count;
  f.socket.async_read_some(
      std::array<asio::mutable_buffer, 3>{asio::mutable_buffer(), asio::buffer(first),
                                          asio::buffer(second)},
      [&](error_code, std::size_t n) { count = n; });
  f.settle();
  CHECK(count == 2u);
  CHECK(std::string_view(first.data(), 2) == "gh");
}

TEST_CASE("async_read_some() without room does not touch what was put back", "[Socket]") {
  Fixture f;
  f.socket.unshift("abc");
  SomeRead none(f.socket, 0);
  f.settle();
  CHECK(none.result == error_code());
  SomeRead some(f.socket, 2), rest(f.socket, 5);
  f.settle();
  CHECK(some.bytes == "ab");
  CHECK(rest.bytes == "c");
  CHECK(f.wire.calls().read == 0);
}

TEST_CASE("Asio's composed operations run on a socket", "[Socket]") {
  asio::io_context io;
  auto [ours, theirs] = test::connectedPair(io, 1000);
  const std::string sent(100000, 'x');
  const auto writer = [&socket = ours, &sent]() -> task<> {
    const std::array<asio::const_buffer, 2> both{asio::buffer("head", 4), asio::buffer(sent)};
    const std::size_t count = co_await asio::async_write(socket, both, asio::use_awaitable);
    CHECK(count == sent.size() + 4);
  };
  const auto reader = [&socket = theirs, &sent]() -> task<std::string> {
    std::string received(sent.size() + 4, '\0');
    co_await asio::async_read(socket, asio::buffer(received), asio::use_awaitable);
    co_return received;
  };
  auto started = test::start(io, writer());
  CHECK(test::run(io, reader()) == "head" + sent);
  started.result();
}

TEST_CASE("async_read_some() and async_write_some() take Asio's erased handler", "[Socket]") {
  using Erased = asio::any_completion_handler<void(error_code, std::size_t)>;
  Fixture f;
  std::vector<std::size_t> counts;
  const auto note = [&](const error_code& ec, std::size_t count) {
    CHECK(!ec);
    counts.push_back(count);
  };
  std::array<char, 4> bytes{};
  f.socket.async_read_some(asio::buffer(bytes), Erased(note));
  f.socket.async_write_some(asio::buffer("abc", 3), Erased(note));
  CHECK(counts.empty());
  f.settle();
  CHECK(counts == std::vector<std::size_t>{3});
  f.wire.deliver("de");
  f.settle();
  CHECK(counts == std::vector<std::size_t>{3, 2});
  f.socket.unshift("f");
  f.socket.async_read_some(asio::buffer(bytes), Erased(note));
  f.settle();
  CHECK(counts == std::vector<std::size_t>{3, 2, 1});
}

TEST_CASE("async_write_some() fails after end() and destroy()", "[Socket]") {
  Fixture f;
  std::vector<std::pair<error_code, std::size_t>> results;
  const auto note = [&](error_code ec, std::size_t count) { results.emplace_back(ec, count); };
  f.socket.async_write_some(asio::buffer("abc", 3), note);
  f.socket.end();
  f.socket.async_write_some(asio::buffer("def", 3), note);
  f.settle();
  CHECK(f.wire.received() == "abc");
  f.socket.destroy();
  Fixture g;
  g.socket.destroy();
  g.socket.async_write_some(asio::buffer("abc", 3), note);
  g.settle();
  REQUIRE(results.size() == 3);
  CHECK((results[0] == std::pair{error_code(), std::size_t{3}}));
  CHECK((results[1] == std::pair{error_code(errc::ERR_STREAM_WRITE_AFTER_END), std::size_t{0}}));
  CHECK((results[2] == std::pair{error_code(errc::ERR_STREAM_DESTROYED), std::size_t{0}}));
}

TEST_CASE("a listener for data gets everything, then end, then close", "[Socket]") {
  Fixture f;
  f.wire.deliver("a").deliver("b");
  listenToData(f.socket, f.log);
  CHECK(f.log.empty());
  f.settle();
  CHECK(f.log == Log{"data a", "data b"});
  f.wire.deliver("c").deliverEnd();
  f.settle();
  CHECK(f.log == Log{"data a", "data b", "data c", "end", "close"});
  CHECK(f.wire.ended());
  CHECK(f.wire.closed());
  CHECK(f.socket.destroyed());
  CHECK(f.socket.readyState() == "closed");
}

TEST_CASE("what was written before the peer's end still leaves before close", "[Socket]") {
  Fixture f;
  listenToData(f.socket, f.log);
  f.wire.room(2).deliverEnd();
  f.socket.write("abcd");
  f.settle();
  CHECK(f.log == Log{"end"});
  CHECK_FALSE(f.wire.ended());
  f.wire.room(2);
  f.settle();
  CHECK(f.wire.received() == "abcd");
  CHECK(f.log == Log{"end", "close"});
}

TEST_CASE("nobody listens for data: nothing is read", "[Socket]") {
  Fixture f;
  f.wire.deliver("a").deliverEnd();
  f.settle();
  CHECK(f.log.empty());
  CHECK(f.wire.calls().read == 0);
  f.socket.resume();
  f.settle();
  CHECK(f.log == Log{"end", "close"});
}

TEST_CASE("pause() stops data and, with it, the peer", "[Socket]") {
  Fixture f;
  f.socket.on<"data">([&](std::string_view bytes) {
    f.log.push_back("data " + std::string(bytes));
    f.socket.pause();
  });
  for (int i = 0; i < 5; ++i) f.wire.deliver(std::to_string(i));
  f.settle();
  CHECK(f.log == Log{"data 0"});
  CHECK(f.wire.unread() == "1234");
  f.socket.resume();
  CHECK(f.log == Log{"data 0"});
  f.settle();
  CHECK(f.log == Log{"data 0", "data 1"});

  // A pause while the next read is under way: what it brings is kept.
  Fixture g;
  listenToData(g.socket, g.log);
  g.settle();
  g.socket.pause();
  g.wire.deliver("x").deliver("y").deliverEnd();
  g.settle();
  CHECK(g.log.empty());
  CHECK(g.wire.unread() == "y");
  g.socket.resume().resume();
  g.settle();
  CHECK(g.log == Log{"data x", "data y", "end", "close"});
}

TEST_CASE("a pause while the end comes holds end back", "[Socket]") {
  Fixture f;
  listenToData(f.socket, f.log);
  f.settle();
  f.socket.pause();
  f.wire.deliverEnd();
  f.settle();
  CHECK(f.log.empty());
  f.socket.resume();
  f.settle();
  CHECK(f.log == Log{"end", "close"});
}

TEST_CASE("bytes put back come first, for listeners and for read()", "[Socket]") {
  Fixture f;
  f.socket.unshift("second ");
  f.socket.unshift("first ");
  f.wire.deliver("third").deliverEnd();
  SECTION("a listener") {
    listenToData(f.socket, f.log);
    f.settle();
    CHECK(f.log == Log{"data first second ", "data third", "end", "close"});
  }
  SECTION("read()") { CHECK(test::run(f.io, readAll(f.socket)) == "first second |third|"); }
}

TEST_CASE("a read error brings error, then close", "[Socket]") {
  Fixture f;
  listenToData(f.socket, f.log);
  f.wire.deliver("a").failRead(reset);
  f.settle();
  CHECK(f.log == Log{"data a", "error ECONNRESET", "close!"});
  CHECK(f.wire.closed());
}

TEST_CASE("a write error brings error, then close, and never in the call that wrote", "[Socket]") {
  Fixture f;
  f.wire.failWrite(broken);
  CHECK_FALSE(f.socket.write(std::string(5000, 'x')));
  CHECK_FALSE(f.socket.destroyed());
  f.settle();
  CHECK(f.log == Log{"error EPIPE", "close!"});
}

TEST_CASE("a write error is not forgotten for the end() or destroySoon() that follows",
          "[Socket]") {
  const bool soon = GENERATE(false, true);
  Fixture f;
  f.wire.failWrite(broken);
  f.socket.write(std::string(5000, 'x'));
  if (soon) {
    f.socket.destroySoon();
  } else {
    f.socket.end();
  }
  f.settle();
  CHECK(f.log == Log{"error EPIPE", "close!"});
  CHECK(f.wire.calls().shutdownWrite == 0);
}

TEST_CASE("a listener may destroy the socket in its own event", "[Socket]") {
  for (const bool handleGoes : {false, true}) {
    Fixture f;
    auto owned = std::make_unique<Socket>(std::move(f.socket));
    owned->on<"data">([&](std::string_view bytes) {
      const std::string text(bytes);
      if (handleGoes) {
        owned.reset();
      } else {
        owned->destroy();
      }
      // The bytes are there as long as the listener runs.
      CHECK(bytes == text);
      f.log.push_back("data " + text);
    });
    owned->on<"data">([&] { f.log.push_back("second"); });
    f.wire.deliver("a").deliver("b");
    f.settle();
    CHECK(f.log.front() == "data a");
    CHECK(f.log.back() == "close");
    CHECK(f.wire.closed());
    CHECK(f.wire.unread() == "b");
  }
}

TEST_CASE("a listener may destroy the socket in end, drain, timeout, error and close", "[Socket]") {
  Fixture f;
  f.socket.on<"end">([&] { f.socket = Socket(); });
  f.socket.resume();
  f.wire.deliverEnd();
  f.settle();
  CHECK(f.log == Log{"end", "close"});

  Fixture g;
  g.socket.on<"drain">([&] { g.socket = Socket(); });
  g.wire.room(0);
  g.socket.write("x");
  g.settle();
  g.socket.write("y");
  g.wire.room(2);
  g.settle();
  CHECK(g.log == Log{"drain", "close"});

  Fixture h;
  h.socket.setTimeout(1s, [&] { h.socket = Socket(); });
  h.clock.advance(1s);
  CHECK(h.log == Log{"timeout", "close"});

  Fixture i;
  i.socket.on<"error">([&] { i.socket = Socket(); });
  i.socket.on<"close">([&] { i.socket = Socket(); });
  i.socket.destroy(reset);
  i.settle();
  CHECK(i.log == Log{"error ECONNRESET", "close!"});
}

TEST_CASE("destroy() works in every state, once, and later", "[Socket]") {
  const error_code reason = GENERATE(error_code(), error_code(asio::error::timed_out));
  const Log expected = reason ? Log{"error ETIMEDOUT", "close!"} : Log{"close"};
  Fixture f;
  SECTION("idle") {}
  SECTION("while it reads for a listener") {
    listenToData(f.socket, f.log);
    f.settle();
    CHECK(f.wire.waitsForBytes());
  }
  SECTION("with bytes on their way to it") {
    listenToData(f.socket, f.log);
    f.settle();
    f.wire.deliver("x");
  }
  SECTION("paused with bytes") { f.socket.unshift("x"); }
  std::string_view sent;
  SECTION("with gathered bytes, which leave") {
    f.socket.write("x");
    sent = "x";
  }
  SECTION("while the kernel is full") {
    f.wire.room(0);
    f.socket.write("x");
    f.settle();
  }
  SECTION("ended") {
    f.socket.end();
    f.settle();
  }
  SECTION("ended with bytes waiting") {
    f.wire.room(0);
    f.socket.end("x");
    f.settle();
  }
  SECTION("about to be destroyed") { f.socket.destroySoon(); }
  SECTION("after the peer's end") {
    f.socket.once<"end">([&] { f.log.clear(); });
    f.wire.room(0).deliverEnd();
    f.socket.write("x");
    f.socket.resume();
    f.settle();
    REQUIRE(f.log.empty());
  }
  f.socket.destroy(reason);
  f.socket.destroy(reset);
  CHECK(f.log.empty());
  CHECK(f.socket.destroyed());
  CHECK(f.wire.closed());
  f.settle();
  CHECK(f.log == expected);
  f.socket.end();
  f.socket.destroySoon();
  f.socket.resume();
  f.socket.pause();
  f.wire.room(100);
  f.settle();
  CHECK(f.log == expected);
  CHECK(f.wire.received() == sent);
}

TEST_CASE("the handle's end is the connection's end", "[Socket]") {
  Fixture f;
  Log& log = f.log;
  {
    const Socket going = std::move(f.socket);
    CHECK_FALSE(f.socket);
    CHECK(f.socket.destroyed());
  }
  CHECK(f.wire.closed());
  f.settle();
  CHECK(log == Log{"close"});
}

TEST_CASE("assigning to a handle ends what it had", "[Socket]") {
  Fixture f, g;
  f.socket = std::move(g.socket);
  CHECK(f.wire.closed());
  CHECK_FALSE(g.wire.closed());
  Socket& self = f.socket;
  f.socket = std::move(self);
  CHECK_FALSE(g.wire.closed());
}

TEST_CASE("a handle may be moved while it is in use", "[Socket]") {
  Fixture f;
  Socket first = std::move(f.socket);
  f.wire.room(0);
  const auto reader = [](Socket& socket) -> task<std::string> {
    const auto piece = co_await socket.read();
    co_return std::string(*piece);
  };
  const auto writer = [](Socket& socket) -> task<> {
    co_await socket.write(std::string(200, 'x'));
  };
  auto reading = test::start(f.io, reader(first));
  auto writing = test::start(f.io, writer(first));
  f.settle();
  Socket second = std::move(first);
  f.wire.deliver("moved").room(test::unlimited);
  CHECK(reading.result() == "moved");
  writing.result();
  second.end();
  f.settle();
  CHECK(f.wire.received().size() == 200);
  CHECK(f.wire.ended());
}

TEST_CASE("end() lets the peer go on, and both ends close the socket", "[Socket]") {
  Fixture f;
  listenToData(f.socket, f.log);
  CHECK(f.socket.end("bye"));
  CHECK(f.socket.writableEnded());
  CHECK(f.socket.readyState() == "readOnly");
  CHECK(f.socket.end());
  CHECK_FALSE(f.socket.end("late"));
  f.settle();
  CHECK(f.wire.received() == "bye");
  CHECK(f.wire.ended());
  CHECK_FALSE(f.wire.closed());
  f.wire.deliver("more").deliverEnd();
  f.settle();
  CHECK(f.log == Log{"data more", "end", "close"});
}

TEST_CASE("who reads by read() gets close too once both ends have ended", "[Socket]") {
  const bool endFirst = GENERATE(false, true);
  Fixture f;
  if (endFirst) f.socket.end();
  f.wire.deliverEnd();
  CHECK(test::run(f.io, readAll(f.socket)) == "");
  if (!endFirst) {
    f.settle();
    CHECK(f.log.empty());
    f.socket.end();
  }
  f.settle();
  CHECK(f.log == Log{"close"});
  CHECK(test::run(f.io, readAll(f.socket)) == "");
}

TEST_CASE("destroySoon() sends what waits first", "[Socket]") {
  Fixture f;
  f.wire.room(2);
  f.socket.write("abc");
  f.socket.destroySoon();
  f.socket.destroySoon();
  f.settle();
  CHECK_FALSE(f.wire.closed());
  CHECK_FALSE(f.socket.write("late"));
  f.wire.room(1);
  f.settle();
  CHECK(f.wire.received() == "abc");
  CHECK(f.wire.closed());
  CHECK(f.log == Log{"close"});

  Fixture g;
  g.socket.end();
  g.settle();
  g.socket.destroySoon();
  CHECK(g.log.empty());
  g.settle();
  CHECK(g.log == Log{"close"});

  Fixture h;
  h.wire.room(0);
  h.socket.end("x");
  h.settle();
  h.socket.destroySoon();
  h.wire.room(1);
  h.settle();
  CHECK(h.log == Log{"close"});
}

TEST_CASE("resetAndDestroy() is seen by the peer", "[Socket]") {
  Fixture f;
  f.socket.write("lost");
  f.socket.resetAndDestroy();
  f.settle();
  CHECK(f.wire.wasReset());
  CHECK(f.wire.received() == "");
  CHECK(f.log == Log{"close"});
}

TEST_CASE("a lingering close sends everything and throws the input away", "[Socket]") {
  Fixture f;
  f.wire.room(2).deliver("junk");
  f.socket.write("bye");
  f.core().linger();
  f.core().linger();
  f.settle();
  CHECK_FALSE(f.wire.ended());
  f.wire.room(1);
  f.settle();
  CHECK(f.wire.received() == "bye");
  CHECK(f.wire.ended());
  CHECK_FALSE(f.wire.closed());
  CHECK(f.wire.unread() == "");
  SECTION("until the peer ends") {
    f.wire.deliver("more").deliverEnd();
    f.settle();
  }
  SECTION("until the peer breaks off") {
    f.wire.failRead(reset);
    f.settle();
  }
  SECTION("until it was too much") {
    const std::string much(256 * 1024, 'x');
    f.wire.deliver(much);
    f.settle();
  }
  SECTION("until it was too long, however lively the peer is") {
    for (int i = 0; i < 19; ++i) {
      f.wire.deliver("x");
      f.clock.advance(100ms);
    }
    CHECK_FALSE(f.wire.closed());
    f.clock.advance(100ms);
  }
  CHECK(f.wire.closed());
  CHECK(f.log == Log{"close"});
}

TEST_CASE("a lingering close of a socket whose peer has ended is destroySoon()", "[Socket]") {
  Fixture f;
  f.wire.deliverEnd();
  CHECK(test::run(f.io, readAll(f.socket)) == "");
  f.socket.write("bye");
  f.core().linger();
  f.settle();
  CHECK(f.wire.received() == "bye");
  CHECK(f.log == Log{"close"});
}

TEST_CASE("a lingering close of an ended socket goes on listening", "[Socket]") {
  Fixture f;
  f.socket.end();
  f.settle();
  f.core().linger();
  CHECK(f.wire.waitsForBytes());
  f.clock.advance(2s);
  CHECK(f.log == Log{"close"});
}

TEST_CASE("the idle time counts from the last byte in or out", "[Socket]") {
  Fixture f;
  int heard = 0;
  CHECK(f.socket.timeout() == 0ms);
  f.socket.setTimeout(5s, [&] { ++heard; });
  CHECK(f.socket.timeout() == 5s);
  listenToData(f.socket, f.log);
  f.clock.advance(4s);
  f.wire.deliver("x");
  f.clock.advance(4s);
  f.socket.write("y");
  f.clock.advance(4s);
  f.wire.room(0);
  f.socket.write("zz");
  f.clock.advance(1s - 1ms);
  CHECK(f.log == Log{"data x"});
  // What the kernel did not take is no activity.
  f.clock.advance(1ms);
  CHECK(f.log == Log{"data x", "timeout"});
  CHECK(heard == 1);
  CHECK_FALSE(f.socket.destroyed());
  f.clock.advance(1h);
  CHECK(heard == 1);
  f.wire.room(2);
  f.clock.advance(5s);
  CHECK(f.log == Log{"data x", "timeout", "timeout"});
  CHECK(heard == 1);

  f.wire.deliver("x");
  f.settle();
  f.socket.setTimeout(0ms);
  f.clock.advance(1h);
  CHECK(f.log.size() == 4);
}

TEST_CASE("a destroyed socket does not time out", "[Socket]") {
  Fixture f;
  f.socket.setTimeout(5s);
  f.socket.destroy();
  f.clock.advance(1h);
  CHECK(f.log == Log{"close"});
  f.socket.setTimeout(5s);
  f.clock.advance(1h);
  CHECK(f.log == Log{"close"});
}

TEST_CASE("drain is for who still writes", "[Socket]") {
  Fixture f;
  f.wire.room(0);
  CHECK_FALSE(f.socket.write(std::string(200, 'x')));
  CHECK(f.socket.writableNeedDrain());
  CHECK(f.socket.writableLength() == 200);
  SECTION("it comes once, when nothing waits") {
    f.wire.room(199);
    f.settle();
    CHECK(f.log.empty());
    f.wire.room(1);
    f.settle();
    CHECK(f.log == Log{"drain"});
    CHECK_FALSE(f.socket.writableNeedDrain());
  }
  SECTION("it does not come where a write in between is held back again") {
    f.wire.room(200);
    while (f.socket.writableLength() != 0) f.io.poll_one();
    CHECK_FALSE(f.socket.write(std::string(200, 'y')));
    f.settle();
    CHECK(f.log.empty());
    f.wire.room(200);
    f.settle();
    CHECK(f.log == Log{"drain"});
  }
  SECTION("as in Node it does not come after end()") {
    f.socket.end();
    f.wire.room(200);
    f.settle();
    CHECK(f.log.empty());
    CHECK(f.wire.ended());
  }
}

TEST_CASE("a socket that is still connecting keeps what is asked of it", "[Socket]") {
  asio::io_context io;
  test::Wire wire(io);
  Log log;
  Socket socket = SocketAccess::make(new SocketCore(Loop::of(io.get_executor()), 100));
  listen(socket, log);
  CHECK(socket.connecting());
  CHECK(socket.readyState() == "opening");
  CHECK(socket.remoteAddress() == "");
  SECTION("bytes and listeners") {
    listenToData(socket, log);
    CHECK(socket.write("hello"));
    CHECK_FALSE(socket.write(std::string(100, 'x')));
    wire.deliver("hi");
    test::settle(io);
    CHECK(log.empty());
    SocketAccess::core(socket)->open(wire.transport());
    CHECK(socket.readyState() == "open");
    test::settle(io);
    CHECK(wire.received() == "hello" + std::string(100, 'x'));
    CHECK(log == Log{"drain", "data hi"});
  }
  SECTION("end()") {
    socket.end("bye");
    test::settle(io);
    SocketAccess::core(socket)->open(wire.transport());
    CHECK(wire.received() == "bye");
    CHECK(wire.ended());
  }
  SECTION("destroySoon()") {
    socket.write("bye");
    socket.destroySoon();
    test::settle(io);
    CHECK(log.empty());
    SocketAccess::core(socket)->open(wire.transport());
    test::settle(io);
    CHECK(wire.received() == "bye");
    CHECK(log == Log{"close"});
  }
  SECTION("destroy(): the connection that comes too late is closed") {
    socket.write("lost");
    socket.destroy();
    test::settle(io);
    CHECK(log == Log{"close"});
    SocketAccess::core(socket)->open(wire.transport());
    CHECK(socket.destroyed());
    CHECK(wire.closed());
    CHECK(wire.received() == "");
  }
  SECTION("reading is misuse") {
    CHECK(test::run(io, readFailure(socket)) == errc::ERR_INVALID_STATE);
  }
}

TEST_CASE("a user gets what the public side would get, and the listeners the rest", "[Socket]") {
  Fixture f;
  User user(f.core());
  listenToData(f.socket, f.log);
  f.settle();
  CHECK(f.wire.calls().read == 0);
  user.read();
  f.wire.deliver("abc");
  f.settle();
  CHECK(user.log == Log{"input abc"});
  f.core().callAtTurnEnd();
  f.core().callAtTurnEnd();
  CHECK(user.log.size() == 1);
  f.settle();
  CHECK(user.log == Log{"input abc", "turn"});

  user.log.clear();
  f.wire.room(0);
  f.socket.write(std::string(200, 'x'));
  f.wire.room(100);
  f.settle();
  CHECK(user.log == Log{"sent"});
  f.wire.room(100);
  f.settle();
  CHECK(user.log == Log{"sent", "sent", "drained"});
  CHECK(f.log == Log{"drain"});

  user.log.clear();
  f.socket.setTimeout(1s);
  f.clock.advance(1s);
  CHECK(user.log == Log{"idle"});
  CHECK(f.log == Log{"drain"});
  user.handlesIdle = false;
  f.socket.setTimeout(1s);
  f.clock.advance(1s);
  CHECK(f.log == Log{"drain", "timeout"});

  user.log.clear();
  user.read();
  f.core().cancelRead();
  f.settle();
  CHECK(user.log == Log{"input! ABORT_ERR"});
  user.read();
  f.wire.deliverEnd();
  f.settle();
  CHECK(user.log.back() == "input! EOF");
  CHECK(f.socket.readyState() == "writeOnly");
  f.socket.end();
  f.settle();
  CHECK_FALSE(f.socket.destroyed());
  f.socket.destroy(reset);
  CHECK(user.log.back() == "destroyed ECONNRESET");
  f.settle();
  CHECK(f.log == Log{"drain", "timeout", "error ECONNRESET", "close!"});
}

TEST_CASE("an observer hears once that a socket is gone", "[Socket]") {
  struct Observer final : net::detail::SocketObserver {
    void onGone(const error_code& ec) override { reasons.push_back(ec); }
    std::vector<error_code> reasons;
  };
  const auto observer = std::make_shared<Observer>();
  Fixture f;
  f.core().setObserver(observer);
  f.socket.destroy(reset);
  CHECK(observer->reasons == std::vector{reset});
  f.socket = Socket();
  f.settle();
  CHECK(observer->reasons.size() == 1);

  asio::io_context io;
  boost::intrusive_ptr<SocketCore> dropped(new SocketCore(Loop::of(io.get_executor()), 1));
  dropped->setObserver(observer);
  dropped.reset();
  CHECK(observer->reasons.size() == 2);
}

TEST_CASE("a core that is let go without a word ends the waits for its writes", "[Socket]") {
  Fixture f;
  f.wire.room(0);
  std::optional<error_code> result;
  f.socket.write(std::string(200, 'x'))([&](error_code ec, bool) { result = ec; });
  const auto core = SocketAccess::release(f.socket);
  f.settle();
  core->transport()->close();
  f.settle();
  CHECK_FALSE(result);
  const_cast<boost::intrusive_ptr<SocketCore>&>(core).reset();
  f.settle();
  CHECK(result == error_code(errc::ERR_STREAM_DESTROYED));
}

TEST_CASE("a socket says what it is connected to, and counts", "[Socket]") {
  Fixture f;
  CHECK(f.socket.localAddress() == "192.0.2.1");
  CHECK(f.socket.localFamily() == "IPv4");
  CHECK(f.socket.localPort() == 80);
  CHECK(f.socket.remoteAddress() == "192.0.2.2");
  CHECK(f.socket.remoteFamily() == "IPv4");
  CHECK(f.socket.remotePort() == 50000);
  CHECK(f.socket.address().port == 80);
  CHECK_FALSE(f.socket.encrypted());
  CHECK_FALSE(f.socket.connecting());
  CHECK(f.socket.get_executor() == asio::any_io_executor(f.io.get_executor()));
  f.socket.setNoDelay(false).setKeepAlive(true, 3s);
  CHECK(f.wire.transport()->noDelay() == false);
  CHECK(f.wire.transport()->keepAlive() == true);
  CHECK(f.wire.transport()->keepAliveDelay() == 3s);
  f.wire.room(1);
  f.socket.write("abc");
  f.socket.write(std::string(5000, 'x'));
  f.socket.write("\xc3\xa4", Encoding::latin1);
  const std::array<std::byte, 2> bytes{};
  f.socket.write(bytes);
  CHECK(f.socket.bytesWritten() == 5006);
  CHECK(f.socket.writableHighWaterMark() == 100);
  f.socket.destroy();
  CHECK(f.socket.remoteAddress() == "");
  CHECK(f.socket.localPort() == 0);
  CHECK(f.socket.bytesWritten() == 5006);
}

TEST_CASE("a conversation survives a fault at any operation", "[Socket]") {
  for (const error_code fault : {reset, broken, error_code(asio::error::timed_out)}) {
    for (std::size_t n = 1;; ++n) {
      INFO("operation " << n);
      Fixture f;
      f.wire.chop(3).acceptAtMost(7).failAt(n, fault);
      f.wire.deliver("one two three").deliverEnd();
      const auto echo = [&]() -> task<> {
        while (const auto piece = co_await f.socket.read()) {
          co_await f.socket.write(std::string(*piece) + "!");
        }
        co_await f.socket.end(std::string(500, '.'));
      };
      auto started = test::start(f.io, echo());
      const bool reached = [&] {
        try {
          started.result();
          return false;
        } catch (const http::Error& error) {
          CHECK(error.code() == fault);
          return true;
        }
      }();
      f.settle();
      if (!reached) {
        REQUIRE(n > f.wire.calls().operations());
        CHECK(f.wire.takeReceived() == "one! tw!o t!hre!e!" + std::string(500, '.'));
        CHECK(f.log == Log{"close"});
        break;
      }
      f.socket.destroy();
      f.settle();
      CHECK(f.log.back().substr(0, 5) == "close");
      CHECK(std::count(f.log.begin(), f.log.end(), "close") +
                std::count(f.log.begin(), f.log.end(), "close!") ==
            1);
      CHECK(f.wire.closed());
    }
  }
}

TEST_CASE("listeners survive a fault at any operation", "[Socket]") {
  for (std::size_t n = 1;; ++n) {
    INFO("operation " << n);
    Fixture f;
    f.wire.chop(3).acceptAtMost(7).failAt(n, reset);
    f.socket.on<"data">([&](std::string_view bytes) { f.socket.write(std::string(bytes) + "!"); });
    f.wire.deliver("one two three").deliverEnd();
    f.settle();
    if (n > f.wire.calls().operations()) {
      CHECK(f.wire.received() == "one! tw!o t!hre!e!");
      CHECK(f.log == Log{"end", "close"});
      break;
    }
    CHECK(f.log.size() >= 2);
    CHECK(f.log[f.log.size() - 2] == "error ECONNRESET");
    CHECK(f.log.back() == "close!");
    CHECK(f.wire.closed());
  }
}

TEST_CASE("a listener's exception leaves through run() and the socket can still be destroyed",
          "[Socket]") {
  Fixture f;
  f.socket.on<"data">([] { throw std::runtime_error("listener"); });
  f.wire.deliver("x");
  CHECK_THROWS_AS(f.io.run(), std::runtime_error);
  f.settle();
  f.socket.destroy();
  f.settle();
  CHECK(f.log == Log{"close"});
}

TEST_CASE("a context that ends takes the coroutines that wait for a socket with it", "[Socket]") {
  struct Witness {
    explicit Witness(int& itsCount) : count(itsCount) { ++count; }
    Witness(const Witness&) = delete;
    ~Witness() { --count; }
    int& count;
  };
  int alive = 0;
  Log log;
  {
    asio::io_context io;
    test::Wire wire(io);
    wire.room(0);
    // Each owns its socket, and the socket what waits for it.
    const auto reads = [&]() -> task<> {
      const Witness witness(alive);
      Socket socket = wire.socket();
      co_await socket.read();
    };
    test::Wire second(io);
    second.room(0);
    const auto writes = [&]() -> task<> {
      const Witness witness(alive);
      Socket socket = second.socket(10);
      co_await socket.write("0123456789");
    };
    test::Wire third(io);
    const auto listens = [&]() -> task<> {
      const Witness witness(alive);
      Socket socket = third.socket();
      co_await socket.once<"close">();
    };
    asio::co_spawn(io, reads(), asio::detached);
    asio::co_spawn(io, writes(), asio::detached);
    asio::co_spawn(io, listens(), asio::detached);
    test::settle(io);
    CHECK(alive == 3);

    test::Wire fourth(io);
    Socket pending = fourth.socket();
    listen(pending, log);
    pending.write("never");
    pending.destroySoon();
  }
  CHECK(alive == 0);
  CHECK(log.empty());
}

TEST_CASE("two sockets of ours talk through memory", "[Socket]") {
  asio::io_context io;
  auto [ours, theirs] = test::connectedPair(io, 1000);
  CHECK(ours.remotePort() == theirs.localPort());
  const auto echo = [&socket = theirs]() -> task<> {
    while (const auto piece = co_await socket.read()) co_await socket.write(*piece);
    co_await socket.end();
  };
  const auto sender = [&socket = ours]() -> task<> {
    for (int i = 0; i < 100; ++i)
      co_await socket.write(std::string(1000, static_cast<char>('a' + i % 26)));
    co_await socket.end();
  };
  auto echoing = test::start(io, echo());
  auto sending = test::start(io, sender());
  std::string all;
  const auto receiver = [&socket = ours, &all]() -> task<> {
    while (const auto piece = co_await socket.read()) all += *piece;
  };
  test::run(io, receiver());
  echoing.result();
  sending.result();
  CHECK(all.size() == 100000);
  CHECK(all.substr(1000, 2) == "bb");
}

TEST_CASE("the other end of a pair sees an end, a reset and bytes that nobody read", "[Socket]") {
  asio::io_context io;
  auto [ours, theirs] = test::connectedPair(io);
  SECTION("an end") {
    ours.destroy();
    CHECK(test::run(io, readAll(theirs)) == "");
    CHECK_FALSE(theirs.write(std::string(10000, 'x')));
  }
  SECTION("a reset") {
    ours.resetAndDestroy();
    CHECK(test::run(io, readFailure(theirs)) == reset);
  }
  SECTION("bytes that nobody read are answered with a reset") {
    theirs.write("hello");
    test::settle(io);
    ours.destroy();
    CHECK(test::run(io, readFailure(theirs)) == reset);
  }
}

TEST_CASE("a wait for an event of a socket that is over ends", "[Socket]") {
  asio::io_context io;
  test::Wire wire(io);
  Socket socket = wire.socket();
  const auto wait = [&]() -> task<> { co_await socket.once<"drain">(); };
  const auto waitForClose = [&]() -> task<> { co_await socket.once<"close">(); };
  const auto isAborted = [&](task<> waits) {
    try {
      test::run(io, std::move(waits));
    } catch (const boost::system::system_error& error) {
      return error.code() == aborted;
    }
    return false;
  };
  SECTION("one that nobody listened to") {
    socket.destroy();
    CHECK(isAborted(wait()));
    test::settle(io);
    CHECK(isAborted(wait()));
    CHECK(isAborted(waitForClose()));
  }
  SECTION("one that has told of its end") {
    socket.on<"close">([](bool) {});
    socket.destroy();
    test::settle(io);
    CHECK(isAborted(wait()));
    CHECK(isAborted(waitForClose()));
  }
  SECTION("one that tells of its end right now") {
    bool ended = false;
    socket.on<"close">([&](bool) {
      socket.once<"drain">()(
          [&](const std::exception_ptr& failure) { ended = failure != nullptr; });
    });
    socket.destroy();
    test::settle(io);
    CHECK(ended);
  }
  SECTION("one that is about to tell of its end, of which it hears") {
    std::optional<bool> hadError;
    socket.on<"error">([&](const http::Error&) {
      socket.once<"close">()([&](const std::exception_ptr& failure, bool had) {
        if (!failure) hadError = had;
      });
    });
    socket.destroy(reset);
    test::settle(io);
    CHECK(hadError == true);
    CHECK(isAborted(wait()));
  }
}
