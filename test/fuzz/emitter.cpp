// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes the event emitter: the input's bytes say what is done, outside of events and within
// listeners: listen, remove, wait, cancel, emit, throw, move and destroy. A list that is copied for
// each emission says which listener must be called next and how each wait must end.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <sluice/event_emitter.hpp>
#include <span>
#include <utility>
#include <vector>

using namespace sluice;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

class Broken : public boost::system::system_error {
 public:
  Broken() : Broken(boost::asio::error::broken_pipe) {}
  explicit Broken(boost::system::error_code ec) : system_error(ec) {}
};
struct Thrown {};

using DoorEvents = EventList<Event<"open", void(int)>, Event<"shut", void()>,
                             Event<"error", void(const Broken&)>, Event<"ask", task<>(int)>>;
enum Which : std::size_t { open, shut, error };

class Door : public OwningEventEmitter<Door, DoorEvents> {
 public:
  explicit Door(asio::io_context& io) : io_(&io) {}

 private:
  friend detail::EmitterAccess;

  asio::any_io_executor get_executor() { return io_->get_executor(); }
  auto listenerSpawner() {
    return
        [io = io_](task<> listener) { asio::co_spawn(*io, std::move(listener), asio::detached); };
  }

  asio::io_context* io_;
};

enum class End { none, event, error, aborted };

struct Wait {
  End expected = End::none;
  End seen = End::none;
  bool isForError = false;  // and not for an event that an error would prevent
  asio::cancellation_signal cancel = {};
};

/// What a door holds, as a list without cleverness.
struct Entry {
  Which event;
  bool once;
  bool removed = false;
  Wait* wait = nullptr;  // of whom this is one half
  ListenerId id = {};
};
struct Model {
  std::deque<Entry> entries;  // stay where they are
};

struct Emission {
  std::shared_ptr<Model> model;
  std::vector<Entry*> expected;  // those there were when it began
  std::size_t next = 0;
};

class Play {
 public:
  explicit Play(std::span<const std::uint8_t> bytes) : bytes_(bytes) { make(); }

  void run() {
    while (!bytes_.empty()) {
      act();
      if (byte() % 4 != 0) continue;
      io_.restart();
      io_.poll();
    }
    removeAll(*model_, [](const Entry&) { return true; });
    door_.reset();
    io_.restart();
    io_.run();
    for (const Wait& wait : waits_) require(wait.seen == wait.expected && wait.seen != End::none);
    require(running_ == 0 && token_.use_count() == 1);
  }

 private:
  std::uint8_t byte() {
    if (bytes_.empty()) return 255;
    const std::uint8_t first = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return first;
  }

  void make() {
    model_ = std::make_shared<Model>();
    door_ = std::make_unique<Door>(io_);
  }

  static void endWait(Model& model, Wait& wait, End how) {
    if (wait.expected == End::none) wait.expected = how;
    for (Entry& entry : model.entries) {
      if (entry.wait == &wait) entry.removed = true;
    }
  }

  template <class Condition>
  static void removeAll(Model& model, Condition condition) {
    for (Entry& entry : model.entries) {
      if (entry.removed || !condition(entry)) continue;
      entry.removed = true;
      if (entry.wait != nullptr) endWait(model, *entry.wait, End::aborted);
    }
  }

  // The waits that stand before the next listener end without a call.
  static void passWaits(Emission& emission) {
    for (; emission.next < emission.expected.size(); ++emission.next) {
      Entry& entry = *emission.expected[emission.next];
      if (entry.removed) continue;
      if (entry.wait == nullptr) return;
      const bool failed = entry.event == error && !entry.wait->isForError;
      endWait(*emission.model, *entry.wait, failed ? End::error : End::event);
    }
  }

  void called(Entry& entry) {
    require(!emissions_.empty());
    Emission& emission = *emissions_.back();
    passWaits(emission);
    require(emission.next < emission.expected.size());
    require(emission.expected[emission.next] == &entry && !entry.removed);
    ++emission.next;
    if (entry.once) entry.removed = true;
    const unsigned many = byte() % 4;
    for (unsigned step = 0; step < many && !bytes_.empty(); ++step) act();
    if (byte() % 16 == 0) throw Thrown();
  }

  template <fixed_string Name>
  void listen(Which event, bool once) {
    if (model_->entries.size() >= 64) return;
    Entry& entry = model_->entries.emplace_back(Entry{event, once});
    const auto call = [this, &entry, model = model_, token = token_] { called(entry); };
    if (once) {
      door_->once<Name>(call);
    } else {
      entry.id = door_->addListener<Name>(call);
    }
  }

  template <fixed_string Name>
  void wait(Which event) {
    if (model_->entries.size() >= 64) return;
    Wait& wait = waits_.emplace_back();
    wait.isForError = event == error;
    model_->entries.push_back({.event = event, .once = true, .wait = &wait});
    if (event != error) model_->entries.push_back({.event = error, .once = true, .wait = &wait});
    door_->once<Name>()(asio::bind_cancellation_slot(
        wait.cancel.slot(), [&wait, token = token_](std::exception_ptr failure, const auto&...) {
          require(wait.seen == End::none);
          wait.seen = failure ? endOf(failure) : End::event;
        }));
  }

  static End endOf(const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const Broken&) {
      return End::error;
    } catch (const boost::system::system_error& aborted) {
      require(aborted.code() == boost::asio::error::operation_aborted);
      return End::aborted;
    }
  }

  template <fixed_string Name, class... Args>
  void emit(Which event, const Args&... args) {
    if (emissions_.size() >= 8) return;
    Emission emission{model_, {}};
    for (Entry& entry : model_->entries) {
      if (entry.event == event && !entry.removed) emission.expected.push_back(&entry);
    }
    emissions_.push_back(&emission);
    try {
      require(door_->emit<Name>(args...) == !emission.expected.empty());
      passWaits(emission);
      require(emission.next == emission.expected.size());
    } catch (const Thrown&) {
      // The others are not called.
    }
    emissions_.pop_back();
  }

  void ask() {
    const bool again = byte() % 2 == 0;
    door_->on<"ask">([this, again, token = token_](int number) -> task<> {
      // The next handler may have taken this one's place when the first step is done.
      const auto mine = token;
      ++running_;
      for (int step = 0; step < number; ++step) {
        co_await asio::post(io_, asio::use_awaitable);
        require(token == mine);
        if (again && step == 0 && door_) door_->removeAllListeners<"ask">();
      }
      --running_;
    });
  }

  void act() {
    if (!door_) return make();
    switch (byte() % 20) {
      case 0:
        return listen<"open">(open, false);
      case 1:
        return listen<"shut">(shut, false);
      case 2:
        return listen<"error">(error, false);
      case 3:
        return listen<"open">(open, true);
      case 4:
        return listen<"shut">(shut, true);
      case 5:
        return wait<"open">(open);
      case 6:
        return wait<"shut">(shut);
      case 7:
        return wait<"error">(error);
      case 8:
      case 9:
        return emit<"open">(open, 7);
      case 10:
        return emit<"shut">(shut);
      case 11:
        return emit<"error">(error, Broken());
      case 12:
        return removeOne();
      case 13:
        removeAll(*model_, [](const Entry& entry) { return entry.event == open; });
        door_->removeAllListeners<"open">();
        return;
      case 14:
        removeAll(*model_, [](const Entry&) { return true; });
        door_->removeAllListeners();
        return;
      case 15:
        return cancelOne();
      case 16:
        door_ = std::make_unique<Door>(std::move(*door_));
        return;
      case 17:
        removeAll(*model_, [](const Entry&) { return true; });
        door_.reset();
        return;
      case 18:
        return ask();
      default:
        return compare();
    }
  }

  void removeOne() {
    if (model_->entries.empty()) return;
    Entry& entry = model_->entries[byte() % model_->entries.size()];
    if (entry.id == ListenerId()) return;
    require(door_->removeListener(entry.id) == !entry.removed);
    entry.removed = true;
  }

  void cancelOne() {
    if (waits_.empty()) return;
    Wait& wait = waits_[byte() % waits_.size()];
    endWait(*model_, wait, End::aborted);
    wait.cancel.emit(asio::cancellation_type::total);
  }

  void compare() {
    const auto count = [&](Which event) {
      std::size_t found = 0;
      for (const Entry& entry : model_->entries) found += entry.event == event && !entry.removed;
      return found;
    };
    require(door_->listenerCount<"open">() == count(open));
    require(door_->listenerCount<"shut">() == count(shut));
    require(door_->listenerCount<"error">() == count(error));
    const int steps = byte() % 4;
    asio::co_spawn(io_, door_->emit<"ask">(steps), asio::detached);
  }

  std::span<const std::uint8_t> bytes_;
  std::shared_ptr<int> token_ = std::make_shared<int>(0);
  int running_ = 0;
  std::deque<Wait> waits_;  // live until their completions have run
  std::shared_ptr<Model> model_;
  std::vector<Emission*> emissions_;
  asio::io_context io_{1};
  std::unique_ptr<Door> door_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Play({data, size}).run();
  return 0;
}
