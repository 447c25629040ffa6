// SPDX-License-Identifier: BSL-1.0
//
// One loop per executor: its timeouts, the work at the end of a turn, its clock, and its end.
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <sluice/error.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/test/clock.hpp>
#include <stdexcept>
#include <support/catch.hpp>
#include <support/run.hpp>
#include <utility>
#include <vector>

using namespace sluice;
using namespace std::chrono_literals;
using net::detail::Loop;
using net::detail::LoopMember;
using net::detail::TimerEntry;
using net::detail::TurnEntry;

namespace {

class Turn final : public TurnEntry {
 public:
  explicit Turn(std::function<void()> action) : action_(std::move(action)) {}
  void onTurnEnd() override { action_(); }
  using TurnEntry::awaitsTurnEnd;
  using TurnEntry::unlink;

 private:
  std::function<void()> action_;
};

class Member final : public LoopMember {
 public:
  Member(Loop& loop, std::function<void()> action) : LoopMember(loop), action_(std::move(action)) {}
  void onLoopEnd() override { action_(); }

 private:
  std::function<void()> action_;
};

struct Timeout {
  explicit Timeout(std::function<void()> itsAction) : action(std::move(itsAction)) {}
  std::function<void()> action;
  TimerEntry entry{[](void* self) { static_cast<Timeout*>(self)->action(); }, this};
};

}  // namespace

TEST_CASE("every executor has one loop", "[Loop]") {
  asio::io_context first, second;
  const auto loop = Loop::of(first.get_executor());
  CHECK(Loop::of(first.get_executor()) == loop);
  CHECK(Loop::of(Executor(first)) == loop);
  CHECK(Loop::of(second.get_executor()) != loop);
  CHECK(loop->executor() == asio::any_io_executor(first.get_executor()));

  const auto strand = asio::make_strand(first);
  const auto ofStrand = Loop::of(strand);
  CHECK(ofStrand != loop);
  CHECK(Loop::of(strand) == ofStrand);
  CHECK(Loop::of(asio::make_strand(first)) != ofStrand);

  asio::thread_pool pool(1);
  const auto ofPool = asio::make_strand(pool);
  CHECK(Loop::of(ofPool) == Loop::of(ofPool));
  pool.join();
}

TEST_CASE("an empty executor is refused, and that of an object whose loop has ended is empty",
          "[Loop]") {
  const auto refused = [](const asio::any_io_executor& executor) {
    try {
      static_cast<void>(Executor(executor));
    } catch (const sluice::Error& error) {
      return error.code() == sluice::errc::ERR_INVALID_ARG_VALUE;
    }
    return false;
  };
  CHECK(refused({}));
  auto context = std::make_unique<asio::io_context>();
  const auto loop = Loop::of(context->get_executor());
  CHECK_FALSE(refused(loop->executor()));
  context = nullptr;
  CHECK(refused(loop->executor()));
}

TEST_CASE("an executor that runs handlers on several threads at once is refused", "[Loop]") {
  const auto refused = [](const asio::any_io_executor& executor) {
    try {
      static_cast<void>(Loop::of(executor));
    } catch (const sluice::Error& error) {
      return error.code() == sluice::errc::ERR_INVALID_ARG_VALUE;
    }
    return false;
  };
  asio::thread_pool pool(1);
  namespace execution = asio::execution;
  CHECK(refused(pool.get_executor()));
  CHECK(refused(asio::require(pool.get_executor(), execution::blocking.never)));
  CHECK(refused(asio::require(pool.get_executor(), execution::outstanding_work.tracked)));
  CHECK(refused(asio::any_io_executor(asio::any_io_executor(pool.get_executor()))));
  CHECK(refused(asio::system_executor()));
  CHECK(refused(asio::require(asio::system_executor(), execution::blocking.never)));
  CHECK_FALSE(refused(asio::make_strand(pool)));
  CHECK_FALSE(refused(asio::make_strand(asio::system_executor())));
  asio::io_context io;
  CHECK_FALSE(refused(io.get_executor()));
  CHECK_FALSE(refused(asio::require(io.get_executor(), execution::outstanding_work.tracked)));
  pool.join();
}

TEST_CASE("the loop of a strand that is gone is dropped, a used one stays", "[Loop]") {
  asio::io_context io;
  const auto strand = asio::make_strand(io);
  const std::weak_ptr<Loop> unused = Loop::of(asio::make_strand(io));
  const std::shared_ptr<Loop> used = Loop::of(strand);
  static_cast<void>(Loop::of(asio::make_strand(io)));
  CHECK(unused.expired());
  CHECK(Loop::of(strand) == used);
}

TEST_CASE("a strand's loop goes with the last that uses it, the context's own stays", "[Loop]") {
  asio::io_context io;
  const std::weak_ptr<Loop> own = Loop::of(io.get_executor());
  const std::weak_ptr<Loop> ofStrand = Loop::of(asio::make_strand(io));
  CHECK_FALSE(own.expired());
  CHECK(ofStrand.expired());
}

TEST_CASE("turn entries run once, in order, after what is ready now", "[Loop]") {
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  std::vector<int> log;
  Turn first([&] { log.push_back(1); });
  Turn second([&] { log.push_back(2); });
  asio::post(io, [&] {
    loop->atTurnEnd(first);
    loop->atTurnEnd(second);
    loop->atTurnEnd(first);
    CHECK(first.awaitsTurnEnd());
    log.push_back(0);
  });
  asio::post(io, [&] { log.push_back(0); });
  test::settle(io);
  CHECK(log == std::vector{0, 0, 1, 2});
  CHECK_FALSE(first.awaitsTurnEnd());
  test::settle(io);
  CHECK(log.size() == 4);
}

TEST_CASE("an entry that comes back belongs to the next turn", "[Loop]") {
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  std::vector<int> log;
  std::optional<Turn> again;
  again.emplace([&] {
    log.push_back(1);
    if (log.size() < 4) loop->atTurnEnd(*again);
  });
  Turn other([&] { log.push_back(2); });
  loop->atTurnEnd(*again);
  loop->atTurnEnd(other);
  test::settle(io);
  CHECK(log == std::vector{1, 2, 1, 1});
}

TEST_CASE("an entry that leaves or is destroyed does not run", "[Loop]") {
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  std::vector<int> log;
  std::optional<Turn> later, gone;
  Turn first([&] {
    log.push_back(1);
    gone.reset();
    later->unlink();
  });
  later.emplace([&] { log.push_back(2); });
  gone.emplace([&] { log.push_back(3); });
  Turn last([&] { log.push_back(4); });
  loop->atTurnEnd(first);
  loop->atTurnEnd(*later);
  loop->atTurnEnd(*gone);
  loop->atTurnEnd(last);
  test::settle(io);
  CHECK(log == std::vector{1, 4});
}

TEST_CASE("an exception of an entry costs the others nothing but their place", "[Loop]") {
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  std::vector<int> log;
  Turn first([] { throw std::runtime_error("first"); });
  Turn second([&] { log.push_back(2); });
  Turn third([&] { log.push_back(3); });
  loop->atTurnEnd(first);
  loop->atTurnEnd(second);
  loop->atTurnEnd(third);
  CHECK_THROWS_AS(io.poll(), std::runtime_error);
  CHECK(log.empty());
  test::settle(io);
  CHECK(log == std::vector{2, 3});
}

TEST_CASE("an exception of an entry keeps no run() waiting for a timeout that was stopped",
          "[Loop]") {
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  Timeout stopped([] {});
  Turn throws([] { throw std::runtime_error("turn"); });
  loop->startTimer(stopped.entry, 1h);
  loop->atTurnEnd(throws);
  stopped.entry.stop();
  CHECK_THROWS_AS(io.poll(), std::runtime_error);
  io.poll();
  CHECK(io.stopped());
}

TEST_CASE("the time stands still within a turn", "[Loop]") {
  struct Ticking final : net::detail::Clock {
    net::detail::TimePoint now() const override { return net::detail::TimePoint(++ticks * 1s); }
    mutable int ticks = 0;
  };
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  loop->useClock(std::make_shared<Ticking>());
  // No turn is under way: nothing would end it, so every question is answered anew.
  CHECK(loop->now() != loop->now());
  Turn turn([] {});
  loop->atTurnEnd(turn);
  const auto before = loop->now();
  CHECK(loop->now() == before);
  test::settle(io);
  CHECK(loop->now() > before);
}

TEST_CASE("timeouts follow the clock of the test", "[Loop]") {
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  test::Clock clock(io);
  std::vector<int> log;
  Timeout one([&] { log.push_back(1); }), two([&] { log.push_back(2); });
  loop->startTimer(one.entry, 5s);
  loop->startTimer(two.entry, 3s);
  clock.advance(2999ms);
  CHECK(log.empty());
  clock.advance(1ms);
  CHECK(log == std::vector{2});
  loop->startTimer(one.entry, 5s);
  clock.advance(4999ms);
  CHECK(log == std::vector{2});
  clock.advance(10s);
  CHECK(log == std::vector{2, 1});
  CHECK_FALSE(loop->nearestTimer());
}

TEST_CASE("a duration of 0 stops a timeout", "[Loop]") {
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  test::Clock clock(io);
  int fired = 0;
  Timeout one([&] { ++fired; });
  loop->startTimer(one.entry, 0s);
  CHECK_FALSE(one.entry.running());
  loop->startTimer(one.entry, 5s);
  loop->startTimer(one.entry, 0s);
  CHECK_FALSE(one.entry.running());
  loop->startTimer(one.entry, -5s);
  CHECK_FALSE(one.entry.running());
  clock.advance(1h);
  CHECK(fired == 0);
}

TEST_CASE("a step of the clock brings each timeout at its own time, with all that follows",
          "[Loop]") {
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  test::Clock clock(io);
  const auto begin = loop->now();
  const auto wallBegin = clock.wallTime();
  std::vector<std::pair<int, std::chrono::milliseconds>> log;
  const auto note = [&](int name) {
    log.emplace_back(name,
                     std::chrono::duration_cast<std::chrono::milliseconds>(loop->now() - begin));
  };
  std::optional<Timeout> every;
  every.emplace([&] {
    asio::post(io, [&] { note(1); });
    loop->startTimer(every->entry, 4s);
  });
  Timeout once([&] { note(2); });
  loop->startTimer(every->entry, 4s);
  loop->startTimer(once.entry, 6s);
  clock.advance(10s);
  CHECK((log == decltype(log){{1, 4s}, {2, 6s}, {1, 8s}}));
  CHECK(loop->now() == begin + 10s);
  CHECK(loop->clock().wallTime() == wallBegin + 10s);
  CHECK(wallBegin.time_since_epoch() == std::chrono::seconds(1704067200));
}

TEST_CASE("the machine's clock is back when the clock of the test goes", "[Loop]") {
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  std::chrono::system_clock::time_point clockStart;
  {
    test::Clock clock(io);
    clockStart = clock.wallTime();
    clock.advance(1000h);
    CHECK(loop->now() > std::chrono::steady_clock::now() + 999h);
  }
  CHECK(loop->now() < std::chrono::steady_clock::now() + 1h);
  CHECK(loop->clock().wallTime() > clockStart + 2000h);
}

TEST_CASE("a clock on another executor is told how to settle", "[Loop]") {
  asio::io_context io;
  const auto strand = asio::make_strand(io);
  const auto loop = Loop::of(strand);
  test::Clock clock(strand, [&] { test::settle(io); });
  bool fired = false;
  Timeout one([&] { asio::post(strand, [&] { fired = true; }); });
  loop->startTimer(one.entry, 5s);
  clock.advance(5s);
  CHECK(fired);
}

TEST_CASE("an exception of a timeout does not stop the others", "[Loop]") {
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  bool fired = false;
  Timeout one([] { throw std::runtime_error("one"); });
  Timeout two([&] { fired = true; });
  loop->startTimer(one.entry, 1ms);
  loop->startTimer(two.entry, 2ms);
  CHECK_THROWS_AS(io.run(), std::runtime_error);
  io.run();
  CHECK(fired);
}

TEST_CASE("a timeout that comes before the one that is waited for is not late", "[Loop]") {
  // What is due an hour from now on this clock is due now on the machine's.
  struct HourAgo final : net::detail::Clock {
    net::detail::TimePoint now() const override { return machine - 1h + passed; }
    net::detail::TimePoint machine = std::chrono::steady_clock::now();
    std::chrono::seconds passed{0};
  };
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  const auto clock = std::make_shared<HourAgo>();
  loop->useClock(clock);
  bool fired = false;
  Timeout late([] {}), early([&] { fired = true; });
  loop->startTimer(late.entry, 3h);
  loop->startTimer(early.entry, 1s);
  clock->passed = 1s;
  // Windows brings what is due by a thread.
  while (!fired && io.run_one_for(10s) != 0) {
  }
  CHECK(fired);
}

TEST_CASE("with the machine's clock a single timer serves all and lets run() return", "[Loop]") {
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  std::vector<int> log;
  Timeout late([&] { log.push_back(3); });
  Timeout one([&] { log.push_back(1); }), two([&] { log.push_back(2); });
  loop->startTimer(late.entry, 1h);
  loop->startTimer(two.entry, 2ms);
  loop->startTimer(one.entry, 1ms);
  Timeout stop([&] { late.entry.stop(); });
  loop->startTimer(stop.entry, 3ms);
  io.run();
  CHECK(log == std::vector{1, 2});
}

TEST_CASE("going on at once has a bound, which is there again in the next turn", "[Loop]") {
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  int times = 0;
  while (loop->mayGoOn()) ++times;
  CHECK(times == 63);
  times = 0;
  while (loop->mayGoOn()) ++times;
  CHECK(times == 63);
  CHECK(loop->mayGoOn());
  Turn turn([] {});
  loop->atTurnEnd(turn);
  test::settle(io);
  times = 0;
  while (loop->mayGoOn()) ++times;
  CHECK(times == 63);
}

TEST_CASE("every wait of a loop has a number of its own", "[Loop]") {
  asio::io_context io;
  const auto loop = Loop::of(io.get_executor());
  std::set<std::uint64_t> numbers;
  for (int i = 0; i < 100; ++i) numbers.insert(loop->nextId());
  CHECK(numbers.size() == 100);
}

TEST_CASE("a context that ends takes pending timeouts and turns with it", "[Loop]") {
  std::vector<int> log;
  Timeout timeout([&] { log.push_back(1); });
  Turn turn([&] { log.push_back(2); });
  std::shared_ptr<Loop> loop;
  {
    asio::io_context io;
    loop = Loop::of(io.get_executor());
    loop->startTimer(timeout.entry, 1ms);
    loop->atTurnEnd(turn);
  }
  CHECK(loop->stopped());
  CHECK_FALSE(timeout.entry.running());
  CHECK_FALSE(turn.awaitsTurnEnd());
  loop->atTurnEnd(turn);
  loop->startTimer(timeout.entry, 1ms);
  CHECK_FALSE(timeout.entry.running());
  CHECK_FALSE(turn.awaitsTurnEnd());
  CHECK(log.empty());
}

TEST_CASE("members hear of the context's end, once, unless they left before", "[Loop]") {
  std::vector<int> log;
  std::optional<Member> destroysOther, other, outlives;
  {
    asio::io_context io;
    const auto loop = Loop::of(io.get_executor());
    outlives.emplace(*loop, [&] { log.push_back(1); });
    Member leaves(*loop, [&] { log.push_back(2); });
    other.emplace(*loop, [&] { log.push_back(3); });
    destroysOther.emplace(*loop, [&] {
      log.push_back(4);
      other.reset();
    });
  }
  CHECK(log == std::vector{4, 1});
}

TEST_CASE("a member may outlive its loop", "[Loop]") {
  asio::io_context io;
  std::optional<Member> member;
  {
    Loop loop(io.get_executor());
    member.emplace(loop, [] {});
  }
  CHECK_NOTHROW(member.reset());
}
