// SPDX-License-Identifier: BSL-1.0
//
// A socket over memory: destroying, ending and lingering in every state.
#include <boost/asio/error.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <support/catch.hpp>
#include <utility>
#include "socket_fixture.hpp"

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;
using net::Socket;

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
