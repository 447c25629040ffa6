// SPDX-License-Identifier: BSL-1.0
//
// A socket over memory: connecting, timing out, the user in the place of its reading side, faults,
// and contexts that end.
#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <sluice/test/wire.hpp>
#include <string>
#include <support/catch.hpp>
#include <vector>
#include "socket_fixture.hpp"

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;
using http::errc;
using net::Socket;
using net::detail::Loop;
using net::detail::SocketAccess;
using net::detail::SocketCore;

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
