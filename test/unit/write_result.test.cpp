// SPDX-License-Identifier: BSL-1.0
//
// What write(), end() and drain() return: a bool at once, and a wait in every form Asio knows.
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <concepts>
#include <future>
#include <optional>
#include <sluice/error.hpp>
#include <sluice/test/wire.hpp>
#include <sluice/write_result.hpp>
#include <string>
#include <support/catch.hpp>
#include <support/run.hpp>
#include <tuple>
#include <utility>
#include <vector>

using namespace sluice;
using http::errc;

namespace {

const error_code aborted = asio::error::operation_aborted;

struct Fixture {
  asio::io_context io;
  test::Wire wire{io};
  net::Socket socket = wire.socket(10);
};

/// The code of the error that a coroutine ends with.
error_code failureOf(asio::io_context& io, task<> coroutine) {
  try {
    test::run(io, std::move(coroutine));
  } catch (const http::Error& error) {
    return error.code();
  }
  return {};
}

template <class Token>
concept Accepted = std::invocable<const WriteResult&, Token>;
static_assert(!Accepted<int>);
static_assert(!Accepted<std::string>);
static_assert(Accepted<asio::use_awaitable_t<>>);
static_assert(Accepted<void (*)(error_code, bool)>);
static_assert(!std::convertible_to<WriteResult, bool>);

}  // namespace

TEST_CASE("awaiting a write that went through goes straight on", "[WriteResult]") {
  Fixture f;
  bool others = false;
  const auto writer = [&]() -> task<> {
    asio::post(f.io, [&] { others = true; });
    bool ok = true;
    for (int i = 0; i < 20; ++i) ok = co_await f.socket.write("0123456789") && ok;
    ok = co_await f.socket.drain() && ok;
    CHECK(ok);
    CHECK_FALSE(others);
  };
  test::run(f.io, writer());
  CHECK(f.wire.received().size() == 200);
}

TEST_CASE("an endless loop of writes that go through lets the others run", "[WriteResult]") {
  Fixture f;
  bool stop = false;
  int writes = 0;
  const auto writer = [&]() -> task<> {
    asio::post(f.io, [&] { stop = true; });
    while (!stop) {
      co_await f.socket.write("0123456789");
      ++writes;
    }
  };
  test::run(f.io, writer());
  CHECK(writes > 1);
  CHECK(writes <= 64);
}

TEST_CASE("awaiting a write that is held back waits until there is room", "[WriteResult]") {
  Fixture f;
  f.wire.room(4);
  bool done = false;
  const auto writer = [&]() -> task<> {
    const WriteResult result = f.socket.write("0123456789abcd");
    CHECK_FALSE(result);
    done = co_await result;
  };
  auto started = test::start(f.io, writer());
  test::settle(f.io);
  CHECK_FALSE(done);
  f.wire.room(1);
  test::settle(f.io);
  CHECK(done);
  CHECK(f.socket.writableLength() == 9);
  started.result();
}

TEST_CASE("drain() waits until nothing is held back", "[WriteResult]") {
  Fixture f;
  f.wire.room(4);
  bool done = false;
  const auto writer = [&]() -> task<> {
    if (!f.socket.write("0123456789")) co_await f.socket.drain();
    done = true;
  };
  auto started = test::start(f.io, writer());
  test::settle(f.io);
  f.wire.room(5);
  test::settle(f.io);
  CHECK_FALSE(done);
  f.wire.room(1);
  started.result();
  CHECK(f.wire.received() == "0123456789");
}

TEST_CASE("end() waits until everything has left", "[WriteResult]") {
  Fixture f;
  f.wire.room(4);
  bool done = false;
  const auto writer = [&]() -> task<> {
    co_await f.socket.end("01234567");
    done = true;
  };
  auto started = test::start(f.io, writer());
  test::settle(f.io);
  CHECK_FALSE(done);
  CHECK_FALSE(f.wire.ended());
  f.wire.room(4);
  started.result();
  CHECK(f.wire.ended());
}

TEST_CASE("a result takes Asio's erased handler, with its executor and its cancellation",
          "[WriteResult]") {
  using Erased = asio::any_completion_handler<void(error_code, bool)>;
  Fixture f;
  std::vector<error_code> results;
  const auto note = [&](const error_code& ec, bool) { results.push_back(ec); };
  f.socket.write("0123")(Erased(note));
  CHECK(results.empty());
  test::settle(f.io);
  CHECK(results == std::vector{error_code()});
  f.wire.room(0);
  asio::cancellation_signal signal;
  asio::io_context other;
  f.socket.write("0123456789")(Erased(asio::bind_cancellation_slot(signal.slot(), note)));
  f.socket.drain()(Erased(asio::bind_executor(other, note)));
  test::settle(f.io);
  signal.emit(asio::cancellation_type::total);
  test::settle(f.io);
  CHECK(results == std::vector{error_code(), aborted});
  f.wire.room(10);
  test::settle(f.io);
  CHECK(results.size() == 2);
  other.run();
  CHECK(results == std::vector{error_code(), aborted, error_code()});
}

TEST_CASE("what has left has succeeded, also for who asks after the socket is gone",
          "[WriteResult]") {
  Fixture f;
  const WriteResult first = f.socket.write("0123");
  const WriteResult drained = f.socket.drain();
  const bool all = GENERATE(true, false);
  test::settle(f.io);
  if (!all) f.wire.room(0);
  const WriteResult second = f.socket.write("4567");
  const WriteResult end = f.socket.end();
  test::settle(f.io);
  f.socket.destroy();
  test::settle(f.io);
  const auto outcome = [&](WriteResult result) {
    return failureOf(f.io, [](WriteResult kept) -> task<> { co_await kept; }(std::move(result)));
  };
  const error_code lost = all ? error_code() : error_code(errc::ERR_STREAM_DESTROYED);
  CHECK(outcome(first) == error_code());
  CHECK(outcome(drained) == error_code());
  CHECK(outcome(second) == lost);
  CHECK(outcome(end) == lost);
  CHECK(outcome(f.socket.drain()) == lost);
  CHECK(outcome(f.socket.write("late")) == errc::ERR_STREAM_DESTROYED);
  CHECK(f.wire.received() == (all ? "01234567" : "0123"));
}

TEST_CASE("one result can be awaited twice", "[WriteResult]") {
  Fixture f;
  f.wire.room(0);
  int done = 0;
  const auto writer = [&]() -> task<> {
    const WriteResult result = f.socket.write("0123456789");
    co_await result;
    ++done;
    co_await result;
    ++done;
  };
  auto started = test::start(f.io, writer());
  test::settle(f.io);
  CHECK(done == 0);
  f.wire.room(10);
  started.result();
  CHECK(done == 2);
}

TEST_CASE("a result waits for what holds when it is awaited", "[WriteResult]") {
  Fixture f;
  f.wire.room(0);
  const WriteResult refused = f.socket.write("0123456789");
  CHECK_FALSE(refused);
  f.wire.room(10);
  test::settle(f.io);
  const auto late = [&]() -> task<bool> { co_return co_await refused; };
  CHECK(test::run(f.io, late()));
}

TEST_CASE("an awaited write throws what broke the connection", "[WriteResult]") {
  Fixture f;
  f.wire.room(0);
  const auto writer = [&]() -> task<> { co_await f.socket.write("0123456789"); };
  auto started = test::start(f.io, writer());
  test::settle(f.io);
  f.wire.failWrite(asio::error::broken_pipe);
  try {
    started.result();
    FAIL("it did not throw");
  } catch (const http::Error& error) {
    CHECK(error.name() == "EPIPE");
  }
  CHECK(failureOf(f.io, writer()) == errc::ERR_STREAM_DESTROYED);
}

TEST_CASE("awaiting a write after end() and after destroy() throws Node's codes", "[WriteResult]") {
  Fixture f;
  const auto writer = [&]() -> task<> { co_await f.socket.write("late"); };
  f.socket.end();
  CHECK_FALSE(f.socket.write("late"));
  CHECK(failureOf(f.io, writer()) == errc::ERR_STREAM_WRITE_AFTER_END);
  f.socket.destroy();
  CHECK_FALSE(f.socket.write("late"));
  CHECK(failureOf(f.io, writer()) == errc::ERR_STREAM_DESTROYED);
  CHECK(f.wire.received() == "");
}

TEST_CASE("the bytes of an end() that left before destroy() have left", "[WriteResult]") {
  Fixture f;
  const WriteResult ended = f.socket.end("bye");
  test::settle(f.io);
  f.socket.destroy();
  const auto late = [&]() -> task<bool> { co_return co_await ended; };
  CHECK(test::run(f.io, late()));
  CHECK(f.wire.received() == "bye");
}

TEST_CASE("a wait that is cancelled ends with operation_aborted, and the bytes leave",
          "[WriteResult]") {
  Fixture f;
  f.wire.room(0);
  asio::cancellation_signal signal;
  std::optional<error_code> result;
  const auto writer = [&]() -> task<> {
    try {
      co_await f.socket.write("0123456789");
    } catch (const http::Error& error) {
      result = error.code();
    }
  };
  asio::co_spawn(f.io, writer(), asio::bind_cancellation_slot(signal.slot(), asio::detached));
  test::settle(f.io);
  CHECK_FALSE(result);
  signal.emit(asio::cancellation_type::terminal);
  test::settle(f.io);
  CHECK(result == aborted);
  f.wire.room(10);
  test::settle(f.io);
  CHECK(f.wire.received() == "0123456789");
}

TEST_CASE("a plain callback is called later, on success, failure and refusal", "[WriteResult]") {
  Fixture f;
  std::vector<std::pair<error_code, bool>> results;
  const auto note = [&](error_code ec, bool ok) { results.emplace_back(ec, ok); };
  f.socket.write("0123456789")(note);
  CHECK(results.empty());
  test::settle(f.io);
  CHECK((results == decltype(results){{{}, true}}));

  f.wire.room(0);
  f.socket.write("0123456789")(note);
  test::settle(f.io);
  CHECK(results.size() == 1);
  f.wire.room(10);
  test::settle(f.io);
  CHECK(results.size() == 2);

  f.socket.end();
  f.socket.write("late")(note);
  CHECK(results.size() == 2);
  test::settle(f.io);
  REQUIRE(results.size() == 3);
  CHECK(results[2].first == errc::ERR_STREAM_WRITE_AFTER_END);
  CHECK_FALSE(results[2].second);
}

TEST_CASE("a callback of write() hears when its bytes have left, or why they have not",
          "[WriteResult]") {
  Fixture f;
  std::vector<error_code> results;
  const auto note = [&](error_code ec) { results.push_back(ec); };
  const std::string large(5000, 'x');
  CHECK(f.socket.write("small", note));
  CHECK(f.socket.write(large, note));
  CHECK(results.empty());
  test::settle(f.io);
  CHECK(results == std::vector<error_code>(2));

  f.wire.room(3);
  f.socket.write("abc", note);
  f.socket.write("def", note);
  test::settle(f.io);
  CHECK(results.size() == 3);
  f.socket.destroy();
  f.socket.write("ghi", note);
  test::settle(f.io);
  REQUIRE(results.size() == 5);
  CHECK(results[3] == errc::ERR_STREAM_DESTROYED);
  CHECK(results[4] == errc::ERR_STREAM_DESTROYED);

  Fixture g;
  g.socket.end();
  g.socket.write("late", note);
  test::settle(g.io);
  REQUIRE(results.size() == 6);
  CHECK(results[5] == errc::ERR_STREAM_WRITE_AFTER_END);
}

TEST_CASE("a result can be taken as a future", "[WriteResult]") {
  Fixture f;
  f.wire.room(0);
  auto future = f.socket.write("0123456789")(asio::use_future);
  test::settle(f.io);
  CHECK(future.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  f.wire.room(10);
  test::settle(f.io);
  CHECK(future.get());
}

TEST_CASE("a result can be taken as a tuple, and with its error aside", "[WriteResult]") {
  Fixture f;
  f.socket.end();
  const auto reader = [&]() -> task<> {
    const WriteResult result = f.socket.write("late");
    const auto tuple = co_await result(asio::as_tuple(asio::use_awaitable));
    CHECK(std::get<0>(tuple) == errc::ERR_STREAM_WRITE_AFTER_END);
    CHECK_FALSE(std::get<1>(tuple));
    error_code ec;
    const bool ok = co_await result(asio::redirect_error(asio::use_awaitable, ec));
    CHECK_FALSE(ok);
    CHECK(ec == errc::ERR_STREAM_WRITE_AFTER_END);
  };
  test::run(f.io, reader());
}

TEST_CASE("a callback runs on the executor that is bound to it", "[WriteResult]") {
  Fixture f;
  asio::io_context other;
  int called = 0;
  f.socket.write("x")(asio::bind_executor(other, [&](error_code, bool) { ++called; }));
  f.wire.room(0);
  f.socket.write("0123456789")(asio::bind_executor(other, [&](error_code, bool) { ++called; }));
  f.wire.room(20);
  test::settle(f.io);
  CHECK(called == 0);
  test::settle(other);
  CHECK(called == 2);
}

TEST_CASE("a coroutine on another executor resumes there", "[WriteResult]") {
  Fixture f;
  f.wire.room(0);
  const auto strand = asio::make_strand(f.io);
  bool right = false;
  const auto writer = [&]() -> task<> {
    co_await f.socket.write("0123456789");
    right = strand.running_in_this_thread();
  };
  asio::co_spawn(strand, writer(), asio::detached);
  test::settle(f.io);
  f.wire.room(10);
  test::settle(f.io);
  CHECK(right);
}
