// SPDX-License-Identifier: BSL-1.0
//
// A socket over memory: read(), async_read_some() and async_write_some().
#include <array>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <support/catch.hpp>
#include <utility>
#include <vector>
#include "socket_fixture.hpp"

using namespace sluice;
using namespace sluice::test;
using http::errc;
using net::Socket;

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
