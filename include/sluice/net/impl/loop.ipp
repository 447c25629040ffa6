// SPDX-License-Identifier: BSL-1.0
//
// Definitions of loop.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/relationship.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <mutex>
#include <new>
#include <sluice/detail/post.hpp>
#include <sluice/detail/reserve.hpp>
#include <sluice/error.hpp>
#include <sluice/net/detail/loop.hpp>
#include <typeinfo>
#include <utility>
#include <vector>

namespace sluice::net::detail {

template <unsigned... Bits>
bool isOfThreadPool(const std::type_info& type, std::integer_sequence<unsigned, Bits...>) {
  using Allocator = std::allocator<void>;
  return ((type == typeid(asio::thread_pool::basic_executor_type<Allocator, Bits>)) || ...);
}

template <class... Relationship>
bool isOfSystem(const std::type_info& type) {
  using Blocking = asio::execution::blocking_t;
  using Allocator = std::allocator<void>;
  return (
      (type == typeid(asio::basic_system_executor<Blocking::possibly_t, Relationship, Allocator>) ||
       type == typeid(asio::basic_system_executor<Blocking::always_t, Relationship, Allocator>) ||
       type == typeid(asio::basic_system_executor<Blocking::never_t, Relationship, Allocator>)) ||
      ...);
}

// Nothing in the library is locked: what runs on one executor must run one at a time.
inline void requireOneAtATime(const asio::any_io_executor& executor) {
  using Relationship = asio::execution::relationship_t;
  const std::type_info& type = executor.target_type();
  // The properties that an executor may have make so many types of it.
  const bool several = isOfThreadPool(type, std::make_integer_sequence<unsigned, 16>()) ||
                       isOfSystem<Relationship::fork_t, Relationship::continuation_t>(type);
  if (several) {
    throw http::Error(make_error_code(http::errc::ERR_INVALID_ARG_VALUE),
                      "The executor runs handlers on several threads at once; give a strand: "
                      "boost::asio::make_strand(executor)");
  }
}

// All loops of one execution context. The context's shutdown ends them while the timer service
// that they use still exists.
class LoopService : public asio::execution_context::service {
 public:
  using key_type = LoopService;
  static inline asio::execution_context::id id;

  explicit LoopService(asio::execution_context& context) : service(context) {}

  std::shared_ptr<Loop> find(const asio::any_io_executor& executor) {
    const std::lock_guard lock(mutex_);
    for (const auto& each : loops_) {
      auto loop = each.lock();
      if (loop && loop->executor() == executor) return loop;
    }
    requireOneAtATime(executor);
    std::erase_if(loops_, [](const auto& loop) { return loop.expired(); });
    auto made = std::make_shared<Loop>(executor);
    loops_.push_back(made);
    // Strands come and go, and their loops go with the last object that uses them. That of the
    // context itself stays.
    if (Loop::isLasting(executor)) kept_.push_back(made);
    return made;
  }

 private:
  void shutdown() override {
    // A strand that is a loop's executor may not outlive the service of strands.
    const auto kept = std::exchange(kept_, {});
    for (const auto& each : std::exchange(loops_, {})) {
      if (const auto loop = each.lock()) loop->shutdown();
    }
  }

  std::mutex mutex_;
  std::vector<std::weak_ptr<Loop>> loops_;
  std::vector<std::shared_ptr<Loop>> kept_;
};

SLUICE_DECL std::shared_ptr<Loop> Loop::of(const asio::any_io_executor& executor) {
  auto& context = asio::query(executor, asio::execution::context);
  return asio::use_service<LoopService>(context).find(executor);
}

SLUICE_DECL bool Loop::isLasting(const asio::any_io_executor& executor) {
  return executor.target<asio::io_context::executor_type>() != nullptr;
}

SLUICE_DECL Loop::Loop(asio::any_io_executor executor)
    : executor_(std::move(executor)),
      clock_(std::make_shared<Clock>()),
      timers_([](void* self) { static_cast<Loop*>(self)->timersEmptied(); }, this),
      timer_(std::in_place, executor_) {}

SLUICE_DECL Loop::~Loop() { stopped_ = true; }

SLUICE_DECL void Loop::shutdown() {
  stopped_ = true;
  while (!members_.empty()) members_.popFront().onLoopEnd();
  timer_.reset();
  timers_.clear();
  turn_.clear();
  if (backend_) backend_->shutdown();
  // Objects may outlive the context: what they post from now on is dropped.
  executor_ = {};
}

SLUICE_DECL void Loop::useClock(std::shared_ptr<const Clock> clock) {
  clock_ = std::move(clock);
  turnTime_.reset();
  if (timer_) timer_->cancel();
  armedFor_.reset();
  arm();
}

SLUICE_DECL void Loop::startTimer(TimerEntry& entry, std::chrono::milliseconds duration) {
  if (duration.count() <= 0 || stopped_) {
    entry.stop();
    return;
  }
  sluice::detail::withReserve(
      [&] { timers_.start(entry, std::min(duration, longestTimer), now()); });
  if (!armedFor_ || entry.deadline() < *armedFor_) arm();
}

SLUICE_DECL void Loop::fireTimers() {
  turnTime_.reset();
  const auto self = shared_from_this();
  struct ArmAgain {
    Loop& loop;
    ~ArmAgain() { loop.arm(); }
  } armAgain{*this};
  timers_.fire(clock_->now());
}

SLUICE_DECL void Loop::timersEmptied() {
  if (armedFor_) scheduleTurn();
}

SLUICE_DECL void Loop::arm() {
  const auto nearest = timers_.nearest();
  if (stopped_ || !nearest || !clock_->runsByItself()) return;
  if (armedFor_ && *armedFor_ <= *nearest) return;
  armedFor_ = nearest;
  timer_->expires_at(*nearest);
  const auto fire = [weak = weak_from_this(), at = *nearest](const error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self || self->armedFor_ != at) return;
    self->armedFor_.reset();
    self->fireTimers();
  };
  sluice::detail::withReserve([&] { timer_->async_wait(fire); });
}

SLUICE_DECL void Loop::enqueue(TurnEntry& entry) {
  if (stopped_) return;
  turn_.pushBack(entry);
  scheduleTurn();
}

SLUICE_DECL void Loop::scheduleTurn() {
  if (turnScheduled_ || stopped_) return;
  try {
    sluice::detail::post(executor_, [self = shared_from_this()] { self->endTurn(); });
    turnScheduled_ = true;
  } catch (const std::bad_alloc&) {
    // What is due keeps its place, and has its turn with the next event.
  }
}

SLUICE_DECL void Loop::endTurn() {
  turnScheduled_ = false;
  turnEnds_ = true;
  turnTime_.reset();
  wentOn_ = 0;
  // Entries that come back while these run belong to the next turn.
  sluice::detail::List<TurnEntry> current;
  current.append(turn_);
  // If a listener's exception leaves from here, the others' turn comes all the same.
  struct Rest {
    Loop& loop;
    sluice::detail::List<TurnEntry>& entries;
    bool thrown = true;
    ~Rest() {
      loop.turnEnds_ = false;
      loop.turnTime_.reset();
      if (thrown) loop.scheduleTurn();
      while (!entries.empty()) loop.enqueue(entries.popFront());
    }
  } rest{*this, current};
  while (!current.empty()) current.popFront().onTurnEnd();
  // A timer that nobody waits for would keep run() from returning.
  if (armedFor_ && !timers_.nearest()) {
    armedFor_.reset();
    timer_->cancel();
  }
  if (backend_) backend_->settle();
  rest.thrown = false;
}

}  // namespace sluice::net::detail
