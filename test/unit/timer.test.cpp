// SPDX-License-Identifier: BSL-1.0
//
// sluice::Timer and sleepFor() on the loop's clock.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <optional>
#include <sluice/test/clock.hpp>
#include <sluice/timer.hpp>
#include <string>
#include <support/catch.hpp>
#include <vector>

using namespace std::chrono_literals;
using sluice::Timer;

namespace {

struct Fixture {
  boost::asio::io_context io{1};
  sluice::test::Clock clock{io};
  std::vector<std::string> heard;

  void hear(std::string what) { heard.push_back(std::move(what)); }
  std::vector<std::string> take() { return std::exchange(heard, {}); }
  auto ending(std::string name) {
    return [this, name](std::exception_ptr thrown) {
      try {
        if (thrown) std::rethrow_exception(thrown);
        hear(name);
      } catch (const boost::system::system_error& error) {
        hear(name + (error.code() == boost::asio::error::operation_aborted ? " aborted" : " ?"));
      }
    };
  }
  void spawn(sluice::task<> task, std::string name) {
    boost::asio::co_spawn(io, std::move(task), ending(std::move(name)));
    settle();
  }
  void settle() {
    io.restart();
    io.poll();
  }
};

using Log = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Fixture, "sleepFor() waits on the loop's clock, which a test moves", "[Timer]") {
  spawn(sluice::sleepFor(3s), "slept");
  clock.advance(2999ms);
  CHECK(take().empty());
  clock.advance(1ms);
  CHECK(take() == Log{"slept"});
}

TEST_CASE_METHOD(Fixture, "sleepFor(0) gives others a turn and goes on", "[Timer]") {
  boost::asio::co_spawn(io, sluice::sleepFor(0s), ending("slept"));
  boost::asio::co_spawn(io, sluice::sleepFor(-1s), ending("slept"));
  boost::asio::post(io, [this] { hear("other"); });
  CHECK(take().empty());
  settle();
  CHECK(take() == Log{"other", "slept", "slept"});
}

TEST_CASE_METHOD(Fixture, "a sleep can be cancelled", "[Timer]") {
  boost::asio::cancellation_signal signal;
  boost::asio::co_spawn(io, sluice::sleepFor(3s),
                        boost::asio::bind_cancellation_slot(signal.slot(), ending("slept")));
  settle();
  signal.emit(boost::asio::cancellation_type::all);
  settle();
  CHECK(take() == Log{"slept aborted"});
  clock.advance(10s);
  CHECK(take().empty());
}

TEST_CASE_METHOD(Fixture, "a timer calls once, and can be started again", "[Timer]") {
  Timer timer(io);
  CHECK_FALSE(timer.running());
  timer.start(1s, [this] { hear("first"); });
  CHECK(timer.running());
  clock.advance(500ms);
  timer.start(1s, [this] { hear("second"); });
  clock.advance(999ms);
  CHECK(take().empty());
  clock.advance(1ms);
  CHECK(take() == Log{"second"});
  CHECK_FALSE(timer.running());
  clock.advance(5s);
  CHECK(take().empty());
  timer.start(0s, [this, &timer] {
    hear("now");
    timer.start(1s, [this] { hear("from inside"); });
  });
  settle();
  CHECK(take() == Log{"now"});
  clock.advance(1s);
  CHECK(take() == Log{"from inside"});
}

TEST_CASE_METHOD(Fixture, "a timer that is stopped, moved over or destroyed calls nobody",
                 "[Timer]") {
  std::optional<Timer> timer(std::in_place, io);
  timer->start(1s, [this] { hear("called"); });
  SECTION("stopped") { timer->stop(); }
  SECTION("stopped before its turn") {
    timer->start(0s, [this] { hear("called"); });
    timer->stop();
  }
  SECTION("moved over") {
    Timer other(io);
    *timer = std::move(other);
  }
  SECTION("destroyed") { timer.reset(); }
  clock.advance(5s);
  CHECK(take().empty());
}

TEST_CASE_METHOD(Fixture, "a wait ends when its timer is stopped, started again or destroyed",
                 "[Timer]") {
  std::optional<Timer> timer(std::in_place, io);
  spawn(timer->wait(1s), "wait");
  SECTION("stopped") { timer->stop(); }
  SECTION("started again") { timer->start(10s, {}); }
  SECTION("destroyed") { timer.reset(); }
  settle();
  CHECK(take() == Log{"wait aborted"});
}

TEST_CASE("a context that ends while a coroutine sleeps leaves nothing behind", "[Timer]") {
  boost::asio::io_context io(1);
  boost::asio::co_spawn(io, sluice::sleepFor(1h), boost::asio::detached);
  io.poll();
}
