// SPDX-License-Identifier: BSL-1.0
//
// A socket over memory: what its listeners hear, and what they may do.
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <sluice/test/wire.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <support/catch.hpp>
#include <utility>
#include "socket_fixture.hpp"

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;
using net::Socket;

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
