// SPDX-License-Identifier: BSL-1.0
//
// Events: listeners and what they may do to the table that calls them, waits and every way they
// end, coroutines as listeners and as handlers.
#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <sluice/event_emitter.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <support/catch.hpp>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

using namespace sluice;
namespace error = boost::asio::error;

namespace {

class Error : public boost::system::system_error {
 public:
  explicit Error(error_code ec) : system_error(ec) {}
};

struct Visitor {
  explicit Visitor(int its) : age(its) {}
  Visitor(const Visitor&) = delete;
  int age;
};

struct Note {
  std::string title, text;
  bool urgent = false;
};

using DoorEvents =
    EventList<Event<"open", void()>, Event<"knock", void(std::string_view)>,
              Event<"visit", void(Visitor&, int)>, Event<"note", void(const Note&)>,
              Event<"report", void(const Error&, Visitor&)>, Event<"error", void(const Error&)>,
              Event<"enter", task<>(Visitor&, std::string_view)>>;

/// Reports what its coroutine listeners throw to `failures`.
class Door : public OwningEventEmitter<Door, DoorEvents> {
 public:
  explicit Door(asio::io_context& io) : io_(&io) {}

  std::vector<std::string> added;
  std::shared_ptr<std::vector<std::string>> failures = std::make_shared<std::vector<std::string>>();

  using OwningEventEmitter::listeners;

 private:
  friend detail::EmitterAccess;

  asio::any_io_executor get_executor() { return io_->get_executor(); }

  auto listenerSpawner() {
    return [io = io_, failures = failures](task<> listener) {
      asio::co_spawn(*io, std::move(listener), [failures](std::exception_ptr failure) {
        try {
          if (failure) std::rethrow_exception(failure);
        } catch (const std::exception& exception) {
          failures->push_back(exception.what());
        }
      });
    };
  }

  template <fixed_string Name>
  void listenerAdded() {
    added.emplace_back(std::string_view(Name));
  }

  asio::io_context* io_;
};

struct Fixture {
  asio::io_context io{1};
  Door door{io};
  std::vector<std::string> log;

  auto note(std::string text) {
    return [this, text = std::move(text)] { log.push_back(text); };
  }

  /// Everything that can go on without a new event does.
  void settle() {
    io.restart();
    io.poll();
  }

  template <class Work>
  void spawn(Work work) {
    asio::co_spawn(io, std::move(work), asio::detached);
    settle();
  }
};

using Log = std::vector<std::string>;

/// What a wait threw: the text of its error_code, or "nothing".
template <class Wait>
task<> wait(Door& door, std::string& outcome, Wait operation) {
  try {
    outcome = "waiting";
    co_await operation(door);
    outcome = "nothing";
  } catch (const Error& thrown) {
    outcome = "Error: " + thrown.code().message();
  } catch (const boost::system::system_error& thrown) {
    outcome = thrown.code() == error::operation_aborted ? "aborted" : "another error";
  }
}

const auto untilOpen = [](Door& door) { return door.once<"open">(); };

}  // namespace

TEST_CASE_METHOD(Fixture, "listeners are called in the order they were added, every time",
                 "[EventEmitter]") {
  door.on<"open">(note("a")).on<"open">(note("b"));
  CHECK(door.emit<"open">());
  CHECK(door.emit<"open">());
  CHECK(log == Log{"a", "b", "a", "b"});
}

TEST_CASE_METHOD(Fixture, "on, once and removeAllListeners return the class itself",
                 "[EventEmitter]") {
  Door& chained = door.on<"open">(note("a"))
                      .once<"knock">(note("b"))
                      .removeAllListeners<"open">()
                      .removeAllListeners();
  CHECK(&chained == &door);
}

TEST_CASE_METHOD(Fixture, "emit tells whether anybody listened, for error too", "[EventEmitter]") {
  CHECK_FALSE(door.emit<"open">());
  CHECK_FALSE(door.emit<"error">(Error(error::eof)));
  door.on<"error">(note("error"));
  CHECK_FALSE(door.emit<"open">());
  CHECK(door.emit<"error">(Error(error::eof)));
  CHECK(log == Log{"error"});
}

TEST_CASE("an object without listeners pays one pointer", "[EventEmitter]") {
  struct Quiet : OwningEventEmitter<Quiet, DoorEvents> {};
  CHECK(sizeof(Quiet) == sizeof(void*));
  CHECK(sizeof(detail::Listeners) == sizeof(void*));
}

TEST_CASE_METHOD(Fixture, "a listener takes the event's arguments or the leading ones of them",
                 "[EventEmitter]") {
  Visitor visitor{7};
  std::vector<int> seen;
  door.on<"visit">([&](Visitor& who, int times) {
    seen.push_back(who.age + times);
    ++who.age;
  });
  door.on<"visit">([&](Visitor& who) { seen.push_back(who.age); });
  door.on<"visit">([&] { seen.push_back(0); });
  door.on<"visit">([&](auto& who) { seen.push_back(who.age + 100); });
  door.on<"visit">([&](auto&&... all) { seen.push_back(static_cast<int>(sizeof...(all))); });
  door.emit<"visit">(visitor, 2);
  CHECK(seen == std::vector<int>{9, 8, 0, 108, 2});
}

TEST_CASE_METHOD(Fixture, "an argument is converted once and is the same for every listener",
                 "[EventEmitter]") {
  door.on<"knock">([&](std::string_view text) { log.emplace_back(text); });
  door.on<"knock">([&](const std::string_view& text) { log.emplace_back(text); });
  door.on<"knock">([&](auto& text) {
    static_assert(std::is_same_v<decltype(text), const std::string_view&>);
    log.emplace_back(text);
  });
  door.emit<"knock">("tock");
  door.emit<"knock">(std::string("tick"));
  CHECK(log == Log{"tock", "tock", "tock", "tick", "tick", "tick"});
}

TEST_CASE_METHOD(Fixture, "a listener may be a function, move-only, mutable, or return something",
                 "[EventEmitter]") {
  static int calls;
  calls = 0;
  struct Function {
    static void listener() { ++calls; }
  };
  door.on<"open">(Function::listener).on<"open">(&Function::listener);
  door.on<"open">([owned = std::make_unique<int>(5)] { calls += *owned; });
  door.on<"open">([times = 0]() mutable { calls += 10 * ++times; });
  door.on<"open">([] { return 42; });
  std::function<void()> named = [] { calls += 100; };
  door.on<"open">(named);
  door.emit<"open">();
  CHECK(calls == 1 + 1 + 5 + 10 + 100);
  door.emit<"open">();
  CHECK(calls == 2 * (1 + 1 + 5 + 100) + 10 + 20);
  CHECK(named);
}

TEST_CASE_METHOD(Fixture, "removeListener removes one listener, once", "[EventEmitter]") {
  const ListenerId a = door.addListener<"open">(note("a"));
  const ListenerId b = door.addListener<"open">(note("b"));
  const ListenerId c = door.addListener<"knock">(note("c"));
  CHECK(a != b);
  CHECK(door.removeListener(a));
  CHECK_FALSE(door.removeListener(a));
  CHECK_FALSE(door.removeListener(ListenerId()));
  door.emit<"open">();
  CHECK(log == Log{"b"});
  CHECK(door.removeListener(c));
  CHECK(door.removeListener(b));
  CHECK_FALSE(door.emit<"open">());
  door.on<"open">(note("d"));
  door.emit<"open">();
  CHECK(log == Log{"b", "d"});
}

TEST_CASE_METHOD(Fixture, "removeListener knows the listeners of other objects", "[EventEmitter]") {
  Door other(io);
  door.on<"open">(note("ours"));
  const ListenerId theirs = other.addListener<"open">(note("theirs"));
  CHECK_FALSE(door.removeListener(theirs));
  door.emit<"open">();
  CHECK(log == Log{"ours"});
  CHECK(other.removeListener(theirs));
}

TEST_CASE_METHOD(Fixture, "an empty function is no listener", "[EventEmitter]") {
  void (*none)() = nullptr;
  door.on<"open">(std::function<void()>()).once<"open">(none);
  CHECK(door.addListener<"knock">(std::function<void()>()) == ListenerId());
  CHECK(door.listenerCount<"open">() == 0);
  CHECK_FALSE(door.emit<"open">());
}

TEST_CASE_METHOD(Fixture, "a handler whose copy throws leaves the one that there is",
                 "[EventEmitter]") {
  struct Uncopied {
    Uncopied() = default;
    Uncopied(const Uncopied&) { throw std::runtime_error("not this one"); }
    task<> operator()() const { co_return; }
  };
  const Uncopied handler;
  door.on<"enter">([]() -> task<> { co_return; });
  CHECK_THROWS_AS(door.on<"enter">(handler), std::runtime_error);
  CHECK(door.listenerCount<"enter">() == 1);
}

TEST_CASE_METHOD(Fixture, "removeListener on an object that never had one is false",
                 "[EventEmitter]") {
  CHECK_FALSE(door.removeListener(ListenerId(1)));
  CHECK(door.listeners().get() == nullptr);
}

TEST_CASE_METHOD(Fixture, "removeAllListeners removes those of one event, or of all",
                 "[EventEmitter]") {
  door.on<"open">(note("a")).on<"open">(note("b")).on<"knock">(note("c")).on<"note">(note("d"));
  door.removeAllListeners<"open">();
  CHECK_FALSE(door.emit<"open">());
  CHECK(door.emit<"knock">(""));
  door.removeAllListeners();
  CHECK_FALSE(door.emit<"knock">(""));
  CHECK_FALSE(door.emit<"note">(Note{}));
  CHECK(log == Log{"c"});
}

TEST_CASE_METHOD(Fixture, "listenerCount counts the listeners of one event", "[EventEmitter]") {
  const Door& constant = door;
  CHECK(constant.listenerCount<"open">() == 0);
  door.on<"open">(note("a")).once<"open">(note("b")).on<"knock">(note("c"));
  CHECK(constant.listenerCount<"open">() == 2);
  CHECK(constant.listenerCount<"knock">() == 1);
  CHECK(constant.listenerCount<"note">() == 0);
  door.emit<"open">();
  CHECK(constant.listenerCount<"open">() == 1);
}

TEST_CASE_METHOD(Fixture, "a once listener is removed before it is called", "[EventEmitter]") {
  std::size_t left = 9;
  door.once<"open">([&] {
    left = door.listenerCount<"open">();
    door.emit<"open">();
    log.push_back("once");
  });
  CHECK(door.emit<"open">());
  CHECK_FALSE(door.emit<"open">());
  CHECK(left == 0);
  CHECK(log == Log{"once"});
}

TEST_CASE_METHOD(Fixture, "a listener that is added during an emission waits for the next one",
                 "[EventEmitter]") {
  door.once<"open">([&] {
    log.push_back("first");
    door.on<"open">(note("added"));
  });
  door.on<"open">(note("second"));
  door.emit<"open">();
  CHECK(log == Log{"first", "second"});
  door.emit<"open">();
  CHECK(log == Log{"first", "second", "second", "added"});
}

TEST_CASE_METHOD(Fixture, "a listener that is removed during an emission is not called in it",
                 "[EventEmitter]") {
  ListenerId second;
  const ListenerId first = door.addListener<"open">([&] {
    log.push_back("first");
    CHECK(door.removeListener(second));
    CHECK_FALSE(door.removeListener(second));
  });
  second = door.addListener<"open">(note("second"));
  door.on<"open">(note("third"));
  door.emit<"open">();
  CHECK(log == Log{"first", "third"});
  CHECK(door.removeListener(first));
}

TEST_CASE_METHOD(Fixture,
                 "a listener may remove itself while it runs and goes on with its captures",
                 "[EventEmitter]") {
  ListenerId self;
  self = door.addListener<"open">([&, text = std::string("a text too long for its object")] {
    CHECK(door.removeListener(self));
    CHECK(door.listenerCount<"open">() == 0);
    log.push_back(text);
  });
  door.emit<"open">();
  door.emit<"open">();
  CHECK(log == Log{"a text too long for its object"});
}

TEST_CASE_METHOD(Fixture, "an event may be emitted again by its own listener", "[EventEmitter]") {
  int depth = 0;
  door.on<"open">([&] {
    log.push_back("a" + std::to_string(depth));
    if (++depth < 3) door.emit<"open">();
  });
  door.on<"open">([&] { log.push_back("b" + std::to_string(depth)); });
  door.emit<"open">();
  CHECK(log == Log{"a0", "a1", "a2", "b3", "b3", "b3"});
}

TEST_CASE_METHOD(Fixture, "what an inner emission removes is not called by the outer one",
                 "[EventEmitter]") {
  ListenerId last;
  door.once<"open">([&] { door.emit<"knock">(""); });
  door.on<"knock">([&] { door.removeListener(last); });
  last = door.addListener<"open">(note("last"));
  door.emit<"open">();
  CHECK(log.empty());
}

TEST_CASE("an object may be destroyed by its own listener, and no other is called after that",
          "[EventEmitter]") {
  Fixture fixture;
  auto door = std::make_unique<Door>(fixture.io);
  auto captured = std::make_shared<int>();
  door->on<"open">([&, captured] {
    door.reset();
    fixture.log.push_back("destroyed");
    CHECK(captured.use_count() == 3);
  });
  door->on<"open">([&, captured] { fixture.log.push_back("not called"); });
  CHECK(door->emit<"open">());
  CHECK(fixture.log == Log{"destroyed"});
  CHECK(captured.use_count() == 1);
}

TEST_CASE("an object may be destroyed by a listener of a nested emission", "[EventEmitter]") {
  Fixture fixture;
  auto door = std::make_unique<Door>(fixture.io);
  door->on<"open">([&] { door->emit<"knock">(""); }).on<"open">(fixture.note("not called"));
  door->on<"knock">([&] { door.reset(); }).on<"knock">(fixture.note("not called"));
  CHECK(door->emit<"open">());
  CHECK(fixture.log.empty());
}

TEST_CASE("a listener may own the object that calls it", "[EventEmitter]") {
  Fixture fixture;
  auto door = std::make_shared<Door>(fixture.io);
  const std::weak_ptr<Door> watch = door;
  door->once<"open">([door] { CHECK(door->listenerCount<"open">() == 0); });
  door->on<"knock">([door] {});
  Door* const bare = door.get();
  door.reset();
  bare->emit<"open">();
  REQUIRE_FALSE(watch.expired());
  SECTION("and be removed by the object") { bare->removeAllListeners(); }
  SECTION("and be removed during an emission") {
    bare->on<"open">([bare] { bare->removeAllListeners(); });
    bare->emit<"open">();
  }
  SECTION("and be dropped by the owner of the listeners") { bare->listeners().clear(); }
  CHECK(watch.expired());
}

TEST_CASE("a listener's destructor may add and remove listeners", "[EventEmitter]") {
  Fixture fixture;
  ListenerId other;
  struct Busy {
    Fixture* fixture;
    ListenerId* other;
    explicit Busy(Fixture& its, ListenerId& id) : fixture(&its), other(&id) {}
    Busy(Busy&& from) noexcept : fixture(std::exchange(from.fixture, nullptr)), other(from.other) {}
    ~Busy() {
      if (fixture == nullptr) return;
      CHECK(fixture->door.removeListener(*other));
      fixture->door.on<"open">(fixture->note("added"));
    }
    void operator()() const {}
  };
  const ListenerId busy = fixture.door.addListener<"open">(Busy(fixture, other));
  other = fixture.door.addListener<"open">(fixture.note("removed"));
  CHECK(fixture.door.removeListener(busy));
  fixture.door.emit<"open">();
  CHECK(fixture.log == Log{"added"});
}

TEST_CASE("the listeners may be moved to another object, also while they run", "[EventEmitter]") {
  Fixture fixture;
  Door first(fixture.io);
  std::optional<Door> second;
  first.on<"open">([&] {
    if (!second) second.emplace(std::move(first));
  });
  first.on<"open">(fixture.note("moved"));
  CHECK(first.emit<"open">());
  CHECK(fixture.log == Log{"moved"});
  CHECK_FALSE(first.emit<"open">());
  REQUIRE(second);
  CHECK(second->emit<"open">());
  CHECK(fixture.log == Log{"moved", "moved"});

  first.on<"open">(fixture.note("first's own"));
  first = std::move(*second);
  first.emit<"open">();
  CHECK(fixture.log == Log{"moved", "moved", "moved"});
}

TEST_CASE_METHOD(Fixture, "a listener's exception leaves through emit and the table stays whole",
                 "[EventEmitter]") {
  door.on<"open">(note("before"));
  door.once<"open">([] { throw std::runtime_error("thrown"); });
  door.on<"open">(note("after"));
  CHECK_THROWS_AS(door.emit<"open">(), std::runtime_error);
  CHECK(log == Log{"before"});
  CHECK(door.listenerCount<"open">() == 2);
  CHECK(door.emit<"open">());
  CHECK(log == Log{"before", "before", "after"});
}

TEST_CASE("a listener may destroy the object and throw", "[EventEmitter]") {
  Fixture fixture;
  auto door = std::make_unique<Door>(fixture.io);
  door->on<"open">([&] {
    door.reset();
    throw std::runtime_error("thrown");
  });
  CHECK_THROWS_AS(door->emit<"open">(), std::runtime_error);
  CHECK(door == nullptr);
}

TEST_CASE_METHOD(Fixture, "the class is told of every listener and wait that was added",
                 "[EventEmitter]") {
  door.on<"open">(note("a")).once<"knock">(note("b"));
  door.addListener<"note">(note("c"));
  std::string outcome;
  spawn(wait(door, outcome, untilOpen));
  CHECK(door.added == Log{"open", "knock", "note", "open"});
}

TEST_CASE("a state object emits, asks and counts with the list of events alone", "[EventEmitter]") {
  asio::io_context io;
  Door door(io);
  detail::Listeners& listeners = door.listeners();
  CHECK_FALSE(detail::has<DoorEvents, "knock">(listeners));
  CHECK_FALSE(detail::emit<DoorEvents, "knock">(listeners, "unheard"));
  CHECK(listeners.get() == nullptr);
  std::string heard;
  door.once<"knock">([&](std::string_view text) { heard = text; });
  CHECK(detail::has<DoorEvents, "knock">(listeners));
  CHECK_FALSE(detail::has<DoorEvents, "open">(listeners));
  CHECK(detail::listenerCount<DoorEvents, "knock">(listeners) == 1);
  CHECK(detail::emit<DoorEvents, "knock">(listeners, "heard"));
  CHECK(heard == "heard");
  CHECK_FALSE(detail::has<DoorEvents, "knock">(listeners));
}

TEST_CASE_METHOD(Fixture, "awaiting an event brings its arguments", "[EventEmitter]") {
  Visitor visitor{7};
  bool done = false;
  spawn([&]() -> task<> {
    co_await door.once<"open">();
    std::string text = co_await door.once<"knock">();
    CHECK(text == "a text too long for its object");
    auto visit = co_await door.once<"visit">();
    CHECK(&std::get<0>(visit).get() == &visitor);
    CHECK(std::get<0>(visit)->age == 7);
    Visitor& who = std::get<0>(visit);
    CHECK(&who == &visitor);
    CHECK(std::get<1>(visit) == 3);
    const Note note = co_await door.once<"note">();
    CHECK(note.title == "a title too long for its object");
    const bool urgent = (co_await door.once<"note">()).urgent;
    CHECK(urgent);
    auto report = co_await door.once<"report">();
    CHECK(std::get<Error>(report).code() == error::eof);
    const Error thrown = co_await door.once<"error">();
    CHECK(thrown.code() == error::broken_pipe);
    done = true;
  });
  const auto next = [&](auto emit) {
    CHECK_FALSE(done);
    emit();
    settle();
  };
  next([&] { door.emit<"open">(); });
  next([&] { door.emit<"knock">(std::string("a text too long for its object")); });
  next([&] { door.emit<"visit">(visitor, 3); });
  next([&] { door.emit<"note">(Note{"a title too long for its object", "text"}); });
  next([&] { door.emit<"note">(Note{"title", "a text too long for its object", true}); });
  next([&] { door.emit<"report">(Error(error::eof), visitor); });
  next([&] { door.emit<"error">(Error(error::broken_pipe)); });
  CHECK(done);
  CHECK(door.listenerCount<"error">() == 0);
}

TEST_CASE_METHOD(Fixture, "a wait resumes after the emission, never inside it", "[EventEmitter]") {
  spawn([&]() -> task<> {
    co_await door.once<"open">();
    log.push_back("resumed");
  });
  door.on<"open">(note("listener"));
  door.emit<"open">();
  log.push_back("emitted");
  settle();
  CHECK(log == Log{"listener", "emitted", "resumed"});
}

TEST_CASE_METHOD(Fixture, "a wait sees one event and takes itself out", "[EventEmitter]") {
  std::string outcome;
  spawn(wait(door, outcome, untilOpen));
  CHECK(outcome == "waiting");
  CHECK(door.listenerCount<"open">() == 1);
  CHECK(door.listenerCount<"error">() == 1);
  CHECK(door.emit<"open">());
  CHECK_FALSE(door.emit<"open">());
  CHECK_FALSE(door.emit<"error">(Error(error::eof)));
  settle();
  CHECK(outcome == "nothing");
}

TEST_CASE_METHOD(Fixture, "a wait ends with the object's error if that comes first",
                 "[EventEmitter]") {
  std::string outcome;
  const auto waits = GENERATE(0, 1, 2);
  if (waits == 0) spawn(wait(door, outcome, untilOpen));
  if (waits == 1) spawn(wait(door, outcome, [](Door& on) { return on.once<"note">(); }));
  if (waits == 2) spawn(wait(door, outcome, [](Door& on) { return on.once<"report">(); }));
  CHECK(door.emit<"error">(Error(error::broken_pipe)));
  settle();
  CHECK(outcome == "Error: Broken pipe");
  CHECK(door.listenerCount<"open">() + door.listenerCount<"note">() +
            door.listenerCount<"report">() + door.listenerCount<"error">() ==
        0);
}

TEST_CASE("a wait ends with operation_aborted if the object is destroyed", "[EventEmitter]") {
  Fixture fixture;
  auto door = std::make_unique<Door>(fixture.io);
  std::string outcome;
  fixture.spawn(wait(*door, outcome, untilOpen));
  SECTION("by its owner") { door.reset(); }
  SECTION("by a listener of the event") {
    door->removeAllListeners<"knock">();
    door->on<"knock">([&] { door.reset(); });
    door->emit<"knock">("");
  }
  CHECK(outcome == "waiting");
  fixture.settle();
  CHECK(outcome == "aborted");
}

TEST_CASE_METHOD(Fixture, "a wait ends with operation_aborted if its listeners are removed",
                 "[EventEmitter]") {
  std::string outcome;
  spawn(wait(door, outcome, untilOpen));
  SECTION("all") { door.removeAllListeners(); }
  SECTION("those of its event") { door.removeAllListeners<"open">(); }
  SECTION("those of error") { door.removeAllListeners<"error">(); }
  settle();
  CHECK(outcome == "aborted");
  CHECK(door.listenerCount<"open">() == 0);
  CHECK(door.listenerCount<"error">() == 0);
}

TEST_CASE_METHOD(Fixture, "a wait that is removed while its error is emitted is not failed by it",
                 "[EventEmitter]") {
  std::string outcome;
  door.on<"error">([&] { door.removeAllListeners<"open">(); });
  spawn(wait(door, outcome, untilOpen));
  door.emit<"error">(Error(error::broken_pipe));
  settle();
  CHECK(outcome == "aborted");
  CHECK(door.listenerCount<"error">() == 1);
}

TEST_CASE("a wait can be cancelled and stops listening", "[EventEmitter]") {
  asio::cancellation_signal signal;
  Fixture fixture;
  Door& door = fixture.door;
  std::string outcome;
  asio::co_spawn(fixture.io, wait(door, outcome, untilOpen),
                 asio::bind_cancellation_slot(signal.slot(), asio::detached));
  fixture.settle();
  CHECK(outcome == "waiting");
  SECTION("while nothing happens") {
    signal.emit(asio::cancellation_type::terminal);
    fixture.settle();
    CHECK(outcome == "aborted");
    CHECK(door.listenerCount<"open">() == 0);
    CHECK(door.listenerCount<"error">() == 0);
  }
  SECTION("in an emission") {
    door.on<"knock">([&] { signal.emit(asio::cancellation_type::terminal); });
    door.emit<"knock">("");
    fixture.settle();
    CHECK(outcome == "aborted");
  }
  SECTION("too late") {
    door.emit<"open">();
    signal.emit(asio::cancellation_type::terminal);
    fixture.settle();
    CHECK(outcome == "nothing");
  }
}

TEST_CASE_METHOD(Fixture, "a wait may outlive the signal that could have cancelled it",
                 "[EventEmitter]") {
  int calls = 0;
  {
    asio::cancellation_signal signal;
    door.once<"open">()(
        asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr) { ++calls; }));
  }
  door.emit<"open">();
  settle();
  CHECK(calls == 1);
}

TEST_CASE_METHOD(Fixture, "every type of cancellation ends a wait with a bound slot",
                 "[EventEmitter]") {
  const auto type = GENERATE(asio::cancellation_type::terminal, asio::cancellation_type::partial,
                             asio::cancellation_type::total);
  asio::cancellation_signal signal;
  int calls = 0;
  door.once<"knock">()(
      asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failure, std::string) {
        ++calls;
        CHECK_THROWS_AS(std::rethrow_exception(failure), boost::system::system_error);
      }));
  signal.emit(type);
  CHECK(calls == 0);
  CHECK(door.listenerCount<"knock">() == 0);
  settle();
  CHECK(calls == 1);
  signal.emit(type);
  settle();
  CHECK(calls == 1);
}

TEST_CASE_METHOD(Fixture, "a wait takes any completion token", "[EventEmitter]") {
  SECTION("a callback, on the object's executor if it names none") {
    std::string text;
    door.once<"knock">()([&](std::exception_ptr failure, std::string knocked) {
      CHECK(failure == nullptr);
      CHECK(io.get_executor().running_in_this_thread());
      text = std::move(knocked);
    });
    door.emit<"knock">("x");
    CHECK(text.empty());
    settle();
    CHECK(text == "x");
  }
  SECTION("a move-only callback") {
    int value = 0;
    door.once<"open">()(
        [&, owned = std::make_unique<int>(4)](std::exception_ptr) { value = *owned; });
    door.emit<"open">();
    settle();
    CHECK(value == 4);
  }
  SECTION("a callback with an executor of its own") {
    asio::io_context other;
    int calls = 0;
    door.once<"open">()(asio::bind_executor(other, [&](std::exception_ptr) { ++calls; }));
    CHECK(other.poll() == 0);
    CHECK_FALSE(other.stopped());
    door.emit<"open">();
    settle();
    CHECK(calls == 0);
    other.run();
    CHECK(calls == 1);
  }
  SECTION("use_awaitable") {
    std::string text;
    spawn([&]() -> task<> { text = co_await door.once<"knock">()(asio::use_awaitable); });
    door.emit<"knock">("x");
    settle();
    CHECK(text == "x");
  }
}

TEST_CASE("a wait whose loop is gone is dropped and not resumed", "[EventEmitter]") {
  bool resumed = false;
  auto captured = std::make_shared<int>();
  {
    auto io = std::make_unique<asio::io_context>();
    Door door(*io);
    asio::co_spawn(
        *io,
        [&door, &resumed, captured]() -> task<> {
          co_await door.once<"open">();
          resumed = true;
        },
        asio::detached);
    io->poll();
    SECTION("before the event") {}
    SECTION("after the event") { door.emit<"open">(); }
    door.listeners().clear();
    io.reset();
  }
  CHECK_FALSE(resumed);
  CHECK(captured.use_count() == 1);
}

TEST_CASE_METHOD(Fixture, "many waits for one event all end", "[EventEmitter]") {
  std::array<std::string, 5> outcomes;
  for (std::string& outcome : outcomes) spawn(wait(door, outcome, untilOpen));
  door.emit<"open">();
  settle();
  for (const std::string& outcome : outcomes) CHECK(outcome == "nothing");
}

TEST_CASE_METHOD(Fixture, "a listener may be a coroutine, whose captures and arguments last",
                 "[EventEmitter]") {
  door.on<"knock">([this, text = std::string("a text too long for its object")](
                       std::string_view knocked) -> task<> {
    co_await door.once<"open">();
    log.push_back(text + " " + std::string(knocked));
  });
  door.on<"knock">([this](auto& knocked) -> task<> {
    co_await door.once<"open">();
    log.push_back(std::string(knocked));
  });
  std::optional<std::string> argument("an argument too long for its object");
  door.emit<"knock">(*argument);
  argument.reset();
  settle();
  SECTION("when the listener is removed meanwhile") { door.removeAllListeners<"knock">(); }
  SECTION("when it stays") {}
  CHECK(log.empty());
  door.emit<"open">();
  settle();
  CHECK(log == Log{"a text too long for its object an argument too long for its object",
                   "an argument too long for its object"});
}

TEST_CASE_METHOD(Fixture, "a coroutine that listens sees references as they are",
                 "[EventEmitter]") {
  Visitor visitor{7};
  door.once<"visit">([&](Visitor& who, const int& times) -> task<> {
    CHECK(&who == &visitor);
    co_await door.once<"open">();
    who.age += times;
  });
  door.on<"note">([&](const Note& note) -> task<> {
    co_await door.once<"open">();
    log.push_back(note.text);
  });
  door.on<"note">([&]() -> task<> {
    log.push_back("without arguments");
    co_return;
  });
  door.emit<"visit">(visitor, 3);
  door.emit<"note">(Note{"title", "a text too long for its object"});
  settle();
  door.emit<"open">();
  settle();
  CHECK(visitor.age == 10);
  CHECK(log == Log{"without arguments", "a text too long for its object"});
}

TEST_CASE_METHOD(Fixture, "what a coroutine listener throws goes to the class, not to emit",
                 "[EventEmitter]") {
  door.on<"open">([]() -> task<> {
    throw std::runtime_error("thrown late");
    co_return;
  });
  CHECK(door.emit<"open">());
  settle();
  CHECK(*door.failures == Log{"thrown late"});
}

TEST_CASE_METHOD(Fixture, "a coroutine event has one handler, and on replaces it",
                 "[EventEmitter]") {
  Visitor visitor{7};
  CHECK(detail::handler<DoorEvents, "enter">(door.listeners()) == nullptr);
  door.on<"enter">([&](Visitor&, std::string_view) -> task<> {
    log.push_back("old");
    co_return;
  });
  door.on<"enter">([this](Visitor& who, std::string_view word) -> task<> {
    log.push_back(std::to_string(who.age) + std::string(word));
    co_return;
  });
  CHECK(door.listenerCount<"enter">() == 1);
  const auto handler = detail::handler<DoorEvents, "enter">(door.listeners());
  REQUIRE(handler);
  spawn([&]() -> task<> { co_await (*handler)(visitor, "!"); });
  CHECK(log == Log{"7!"});
  door.removeAllListeners<"enter">();
  CHECK(detail::handler<DoorEvents, "enter">(door.listeners()) == nullptr);
}

TEST_CASE_METHOD(Fixture, "a handler may take fewer parameters and be move-only",
                 "[EventEmitter]") {
  Visitor visitor{7};
  const auto run = [&] {
    spawn([handler = detail::handler<DoorEvents, "enter">(door.listeners()), &visitor]() -> task<> {
      co_await (*handler)(visitor, "word");
    });
  };
  door.on<"enter">([this](Visitor& who) -> task<> {
    log.push_back(std::to_string(who.age));
    co_return;
  });
  run();
  door.on<"enter">([this, owned = std::make_unique<int>(5)]() -> task<> {
    log.push_back(std::to_string(*owned));
    co_return;
  });
  run();
  door.on<"enter">([this](auto& who, auto word) -> task<> {
    log.push_back(std::to_string(who.age) + std::string(word));
    co_return;
  });
  run();
  CHECK(log == Log{"7", "5", "7word"});
}

TEST_CASE_METHOD(Fixture, "a handler that was replaced lives until its last call has ended",
                 "[EventEmitter]") {
  Visitor visitor{7};
  auto captured = std::make_shared<std::string>("captured");
  door.on<"enter">([this, captured](Visitor&) -> task<> {
    co_await door.once<"open">();
    log.push_back(*captured);
  });
  spawn([handler = detail::handler<DoorEvents, "enter">(door.listeners()), &visitor]() -> task<> {
    co_await (*handler)(visitor, "");
  });
  door.on<"enter">([]() -> task<> { co_return; });
  CHECK(captured.use_count() == 2);
  door.emit<"open">();
  settle();
  CHECK(log == Log{"captured"});
  CHECK(captured.use_count() == 1);
}
