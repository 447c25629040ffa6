// SPDX-License-Identifier: BSL-1.0
//
// Timeouts: when they are due, in which order, and what a callback may do to the others.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <random>
#include <sluice/net/detail/timers.hpp>
#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <vector>

using namespace sluice::net::detail;
using namespace std::chrono_literals;

namespace {

const TimePoint start = TimePoint{} + 1000h;

/// Timers that count how often one of their lists became empty.
struct Fixture {
  std::size_t emptied = 0;
  Timers timers{[](void* self) { ++static_cast<Fixture*>(self)->emptied; }, this};
};

/// An entry that notes when it fired.
struct Noting {
  Noting(int itsName, std::vector<int>& itsLog) : name(itsName), log(itsLog) {}

  int name;
  std::vector<int>& log;
  TimerEntry entry{[](void* self) {
                     auto& me = *static_cast<Noting*>(self);
                     me.log.push_back(me.name);
                   },
                   this};
};

/// An entry that does anything.
template <class Action>
struct Doing {
  explicit Doing(Action itsAction) : action(itsAction) {}

  Action action;
  TimerEntry entry{[](void* self) { static_cast<Doing*>(self)->action(); }, this};
};

}  // namespace

TEST_CASE("a timeout fires at its deadline and not a tick before", "[Timers]") {
  Fixture fixture;
  std::vector<int> log;
  Noting one(1, log);
  CHECK_FALSE(fixture.timers.nearest());
  CHECK_FALSE(one.entry.running());

  fixture.timers.start(one.entry, 5s, start);
  CHECK(one.entry.running());
  CHECK(fixture.timers.nearest() == start + 5s);
  CHECK(one.entry.deadline() == start + 5s);
  fixture.timers.fire(start + 5s - 1ns);
  CHECK(log.empty());
  fixture.timers.fire(start + 5s);
  CHECK(log == std::vector{1});
  CHECK_FALSE(one.entry.running());
  CHECK_FALSE(fixture.timers.nearest());
  fixture.timers.fire(start + 50s);
  CHECK(log == std::vector{1});
}

TEST_CASE("starting a running timeout again moves its deadline, also to another duration",
          "[Timers]") {
  Fixture fixture;
  std::vector<int> log;
  Noting one(1, log);
  fixture.timers.start(one.entry, 5s, start);
  fixture.timers.start(one.entry, 5s, start + 5s - 1ns);
  fixture.timers.fire(start + 5s);
  CHECK(log.empty());
  CHECK(fixture.timers.nearest() == start + 10s - 1ns);

  fixture.timers.start(one.entry, 1s, start + 6s);
  CHECK(fixture.timers.nearest() == start + 7s);
  fixture.timers.start(one.entry, 9s, start + 6s);
  CHECK(fixture.timers.nearest() == start + 15s);
  fixture.timers.fire(start + 14s);
  CHECK(log.empty());
  fixture.timers.fire(start + 15s);
  CHECK(log == std::vector{1});
}

TEST_CASE("a touched timeout goes behind the others of its duration", "[Timers]") {
  Fixture fixture;
  std::vector<int> log;
  Noting one(1, log), two(2, log), three(3, log);
  fixture.timers.start(one.entry, 5s, start);
  fixture.timers.start(two.entry, 5s, start + 1s);
  fixture.timers.start(three.entry, 5s, start + 2s);
  fixture.timers.start(one.entry, 5s, start + 3s);
  CHECK(fixture.timers.nearest() == start + 6s);
  fixture.timers.fire(start + 7s);
  CHECK(log == std::vector{2, 3});
  CHECK(one.entry.running());
  fixture.timers.fire(start + 8s);
  CHECK(log == std::vector{2, 3, 1});
}

TEST_CASE("timeouts of several durations fire in the order of their deadlines", "[Timers]") {
  Fixture fixture;
  std::vector<int> log;
  Noting one(1, log), two(2, log), three(3, log), four(4, log);
  fixture.timers.start(four.entry, 10s, start);
  fixture.timers.start(one.entry, 1s, start);
  fixture.timers.start(three.entry, 5s, start + 3s);
  fixture.timers.start(two.entry, 1s, start + 4s);
  fixture.timers.fire(start + 20s);
  CHECK(log == std::vector{1, 2, 3, 4});
}

TEST_CASE("a callback may start its own timeout again, which does not fire in the same call",
          "[Timers]") {
  Fixture fixture;
  int fired = 0;
  Timers& timers = fixture.timers;
  TimerEntry* self = nullptr;
  Doing again([&] {
    ++fired;
    timers.start(*self, 1ms, start + 10s);
  });
  self = &again.entry;
  timers.start(again.entry, 5s, start);
  timers.fire(start + 10s);
  CHECK(fired == 1);
  CHECK(timers.nearest() == start + 10s + 1ms);
}

TEST_CASE("a callback may stop and destroy what is due with it", "[Timers]") {
  Fixture fixture;
  std::vector<int> log;
  auto destroyed = std::make_unique<Noting>(1, log);
  Noting stopped(2, log), stays(3, log);
  Doing first([&] {
    destroyed.reset();
    stopped.entry.stop();
  });
  fixture.timers.start(first.entry, 5s, start);
  fixture.timers.start(destroyed->entry, 5s, start);
  fixture.timers.start(stopped.entry, 5s, start);
  fixture.timers.start(stays.entry, 5s, start);
  fixture.timers.fire(start + 5s);
  CHECK(log == std::vector{3});
}

TEST_CASE("a callback may destroy the object whose timeout it is", "[Timers]") {
  Fixture fixture;
  std::unique_ptr<TimerEntry> entry;
  int fired = 0;
  Doing context([&] {
    ++fired;
    entry.reset();
  });
  using Context = decltype(context);
  entry = std::make_unique<TimerEntry>([](void* self) { static_cast<Context*>(self)->action(); },
                                       &context);
  fixture.timers.start(*entry, 5s, start);
  fixture.timers.fire(start + 5s);
  CHECK(fired == 1);
}

TEST_CASE("a callback's new timeout of a new duration fires in its turn", "[Timers]") {
  Fixture fixture;
  std::vector<int> log;
  Noting late(2, log);
  Doing first([&] { fixture.timers.start(late.entry, 3s, start + 5s); });
  fixture.timers.start(first.entry, 5s, start);
  fixture.timers.fire(start + 5s);
  CHECK(log.empty());
  fixture.timers.fire(start + 8s);
  CHECK(log == std::vector{2});
}

TEST_CASE("an exception of a callback leaves the others in place", "[Timers]") {
  Fixture fixture;
  std::vector<int> log;
  Noting second(2, log);
  Doing first([] { throw 1; });
  fixture.timers.start(first.entry, 5s, start);
  fixture.timers.start(second.entry, 5s, start);
  CHECK_THROWS_AS(fixture.timers.fire(start + 5s), int);
  CHECK_FALSE(first.entry.running());
  fixture.timers.fire(start + 5s);
  CHECK(log == std::vector{2});
}

TEST_CASE("a stopped and a destroyed timeout do not fire", "[Timers]") {
  Fixture fixture;
  std::vector<int> log;
  Noting one(1, log);
  fixture.timers.start(one.entry, 5s, start);
  {
    Noting two(2, log);
    fixture.timers.start(two.entry, 5s, start);
  }
  one.entry.stop();
  one.entry.stop();
  CHECK_FALSE(fixture.timers.nearest());
  fixture.timers.fire(start + 50s);
  CHECK(log.empty());
}

TEST_CASE("clear() and destruction leave every timeout stopped", "[Timers]") {
  std::vector<int> log;
  Noting one(1, log), two(2, log);
  {
    Fixture fixture;
    fixture.timers.start(one.entry, 5s, start);
    fixture.timers.start(two.entry, 6s, start);
    fixture.timers.clear();
    CHECK_FALSE(one.entry.running());
    CHECK_FALSE(two.entry.running());
    fixture.timers.start(two.entry, 6s, start);
  }
  CHECK_FALSE(two.entry.running());
  CHECK(log.empty());
}

TEST_CASE("whoever owns the timers hears when the last one of a duration stops", "[Timers]") {
  Fixture fixture;
  std::vector<int> log;
  Noting one(1, log), two(2, log), other(3, log);
  fixture.timers.start(one.entry, 5s, start);
  fixture.timers.start(two.entry, 5s, start);
  fixture.timers.start(other.entry, 6s, start);
  one.entry.stop();
  CHECK(fixture.emptied == 0);
  fixture.timers.start(two.entry, 5s, start + 1s);
  CHECK(fixture.emptied == 0);
  two.entry.stop();
  CHECK(fixture.emptied == 1);
  fixture.timers.fire(start + 6s);
  CHECK(fixture.emptied == 2);
}

TEST_CASE("any number of durations that come and go are told apart", "[Timers]") {
  Fixture fixture;
  std::vector<int> log;
  Noting stays(0, log);
  fixture.timers.start(stays.entry, 10000s, start);
  Noting passes(1, log);
  for (int seconds = 1; seconds <= 1000; ++seconds) {
    fixture.timers.start(passes.entry, std::chrono::seconds(seconds), start);
    REQUIRE(fixture.timers.nearest() == start + std::chrono::seconds(seconds));
  }
  // All of these run at once: none of their lists may be dropped.
  std::vector<std::unique_ptr<Noting>> many;
  for (int i = 100; i >= 1; --i) {
    many.push_back(std::make_unique<Noting>(i, log));
    fixture.timers.start(many.back()->entry, std::chrono::milliseconds(i), start);
  }
  fixture.timers.fire(start + 100ms);
  std::vector<int> expected;
  for (int i = 1; i <= 100; ++i) expected.push_back(i);
  CHECK(log == expected);
  CHECK(stays.entry.running());
  CHECK(passes.entry.running());
}

TEST_CASE("durations that are not used any more are forgotten", "[Timers]") {
  Fixture fixture;
  TimerEntry entry([](void*) {}, nullptr);
  const auto use = [&](int durations) {
    for (int i = 1; i <= durations; ++i) {
      fixture.timers.start(entry, std::chrono::milliseconds(i), TimePoint());
    }
    entry.stop();
  };
  use(100);
  const sluice::test::Allocations heap;
  use(10'000);
  CHECK(heap.live() < 10'000);
}

#if defined(SLUICE_TEST_HEAP_LIMIT)

TEST_CASE("a timeout that had no memory is started once more, and every one fires", "[Timers]") {
  constexpr int durations = 40;
  int refused = 0;
  for (std::size_t count = 1;; ++count) {
    std::vector<int> log;
    log.reserve(durations);
    Fixture fixture;
    std::vector<std::unique_ptr<Noting>> many;
    for (int i = 1; i <= durations; ++i) many.push_back(std::make_unique<Noting>(i, log));
    auto fault = sluice::test::HeapFault::once(count);
    for (int i = 1; i <= durations; ++i) {
      const auto begin = [&] {
        fixture.timers.start(many[static_cast<std::size_t>(i - 1)]->entry,
                             std::chrono::milliseconds(i), start);
      };
      try {
        fault.during(begin);
      } catch (const std::bad_alloc&) {
        begin();
      }
    }
    fixture.timers.fire(start + 1s);
    CAPTURE(count);
    REQUIRE(log.size() == durations);
    if (!fault.happened()) break;
    ++refused;
  }
  // At least the memory of every list was refused.
  CHECK(refused > durations);
}

#endif

TEST_CASE("a hundred thousand timeouts fire in order", "[Timers]") {
  constexpr int count = 100000;
  Fixture fixture;
  std::vector<int> log;
  log.reserve(count);
  std::vector<std::unique_ptr<Noting>> entries;
  entries.reserve(count);
  std::mt19937 random(1);
  for (int i = 0; i < count; ++i) {
    entries.push_back(std::make_unique<Noting>(i, log));
    fixture.timers.start(entries.back()->entry, std::chrono::seconds(1 + random() % 3),
                         start + std::chrono::microseconds(i));
  }
  // Touching an old one is as cheap as touching a new one.
  for (int i = 0; i < count; ++i) {
    fixture.timers.start(entries[random() % count]->entry, 2s,
                         start + std::chrono::microseconds(count + i));
  }
  fixture.timers.fire(start + 10s);
  REQUIRE(log.size() == count);
  TimePoint last = start;
  bool ordered = true;
  for (const int name : log) {
    const TimePoint deadline = entries[static_cast<std::size_t>(name)]->entry.deadline();
    ordered = ordered && last <= deadline;
    last = deadline;
  }
  CHECK(ordered);
}

// With a step for each duration it would be ten thousand million steps.
TEST_CASE("a hundred thousand durations at once cost no step for each other", "[Timers]") {
  constexpr int count = 100'000;
  Fixture fixture;
  std::vector<int> log;
  std::vector<std::unique_ptr<Noting>> many;
  for (int i = 0; i != count; ++i) {
    // Neither in order nor in reverse order.
    const int milliseconds = 1 + static_cast<int>(std::int64_t{i} * 7919 % count);
    many.push_back(std::make_unique<Noting>(milliseconds, log));
    fixture.timers.start(many.back()->entry, std::chrono::milliseconds(milliseconds), start);
  }
  int right = 0;
  for (int i = 1; i <= count; ++i) {
    const bool known = fixture.timers.nearest() == start + std::chrono::milliseconds(i);
    fixture.timers.fire(start + std::chrono::milliseconds(i));
    if (known && log.size() == static_cast<std::size_t>(i) && log.back() == i) ++right;
  }
  CHECK(right == count);
}
