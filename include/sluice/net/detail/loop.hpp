// SPDX-License-Identifier: BSL-1.0
//
// What all objects on one executor share: the timeouts, the clock, and the work that is put off to
// the end of the loop's current turn. One Loop per executor, found with Loop::of(). It is a
// service of the execution context, so two contexts never meet.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <sluice/detail/list.hpp>
#include <sluice/net/detail/timers.hpp>
#include <sluice/net/detail/turn_entry.hpp>
#include <sluice/task.hpp>
#include <utility>
#include <vector>

namespace sluice::observe {
class Observer;
}

namespace sluice::net::detail {

class Loop;
class ClusterMember;

/// Where the time comes from; a test puts its own in the place of the machine's.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const { return std::chrono::steady_clock::now(); }
  virtual std::chrono::system_clock::time_point wallTime() const {
    return std::chrono::system_clock::now();
  }
  /// false: nobody arms a real timer; the owner of this clock calls Loop::fireTimers().
  virtual bool runsByItself() const { return true; }
};

/// What keeps the handlers of others. A coroutine that waits in an object it owns itself would
/// never go: so if the execution context ends, the loop says so, and everything is let go.
class LoopMember : public sluice::detail::Linked<LoopMember> {
 public:
  /// Called once. No handler runs any more; those that are posted are destroyed.
  virtual void onLoopEnd() = 0;

 protected:
  explicit LoopMember(Loop& loop);
  ~LoopMember() = default;
};

/// What an implementation of the seam to the system keeps for a loop.
class LoopBackend {
 public:
  LoopBackend() = default;
  LoopBackend(const LoopBackend&) = delete;
  LoopBackend& operator=(const LoopBackend&) = delete;
  virtual ~LoopBackend() = default;
  /// The end of a turn.
  virtual void settle() = 0;
  /// The execution context ends: nothing is watched any more.
  virtual void shutdown() = 0;
};

class Loop : public std::enable_shared_from_this<Loop> {
 public:
  /// The loop of this executor, made if there is none yet. Thread-safe, unlike everything else.
  static std::shared_ptr<Loop> of(const asio::any_io_executor&);

  /// That of an execution context, which lasts as long as the context; not a strand.
  static bool isLasting(const asio::any_io_executor&);

  explicit Loop(asio::any_io_executor);
  ~Loop();

  const asio::any_io_executor& executor() const { return executor_; }

  const Clock& clock() const { return *clock_; }
  void useClock(std::shared_ptr<const Clock>);

  /// The time of this turn: read once and kept until the turn ends.
  TimePoint now() {
    if (!turnScheduled_ && !turnEnds_) return clock_->now();
    if (!turnTime_) turnTime_ = clock_->now();
    return *turnTime_;
  }

  /// Starts `entry` anew; a duration of 0 stops it.
  void startTimer(TimerEntry& entry, std::chrono::milliseconds duration);
  void fireTimers();
  std::optional<TimePoint> nearestTimer() { return timers_.nearest(); }

  void atTurnEnd(TurnEntry& entry) {
    if (!turn_.contains(entry)) enqueue(entry);
  }

  /// Null until it is set.
  LoopBackend* backend() const { return backend_.get(); }
  void setBackend(std::unique_ptr<LoopBackend> backend) { backend_ = std::move(backend); }

  /// The execution context has ended: nothing is due any more.
  bool stopped() const { return stopped_; }

  /// Set if this is the loop of a cluster's worker: its servers share their ports and end
  /// together.
  void setCluster(ClusterMember* cluster) { cluster_ = cluster; }
  ClusterMember* cluster() const { return cluster_; }

  /// Those who observe this loop, the latest first.
  sluice::detail::List<observe::Observer>& observers() { return observers_; }

  /// Whether a coroutine that has nothing to wait for may go straight on: not for so long that the
  /// others on this loop wait in vain. If it may not, its completion is posted.
  bool mayGoOn() {
    if (++wentOn_ < 64) return true;
    wentOn_ = 0;
    return false;
  }

  /// What an upper ring keeps once for each loop, by a key of its own. It goes with the loop.
  std::shared_ptr<void>& keptFor(const void* key) {
    for (auto& [name, kept] : kept_) {
      if (name == key) return kept;
    }
    return kept_.emplace_back(key, nullptr).second;
  }

  /// Different for every wait on this loop.
  std::uint64_t nextId() { return nextId_++; }

  void shutdown();

  /// While it lives events are handled whose turn end() ends, without going through the executor.
  class Turn {
   public:
    explicit Turn(Loop& loop) : loop_(loop), posted_(loop.turnScheduled_) {
      loop.turnScheduled_ = true;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (ended_) return;
      loop_.turnScheduled_ = posted_;
      loop_.scheduleTurn();
    }
    void end() {
      ended_ = true;
      loop_.endTurn();
    }

   private:
    Loop& loop_;
    bool posted_;
    bool ended_ = false;
  };
  /// A turn ends from the executor, if none is about to end already.
  void scheduleTurn();
  bool endsTurn() const { return turnEnds_; }

 private:
  friend class LoopMember;

  void enqueue(TurnEntry&);
  void timersEmptied();
  void endTurn();
  void arm();

  asio::any_io_executor executor_;
  std::shared_ptr<const Clock> clock_;
  Timers timers_;
  std::optional<asio::steady_timer> timer_;
  std::optional<TimePoint> armedFor_;
  sluice::detail::List<TurnEntry> turn_;
  std::optional<TimePoint> turnTime_;
  sluice::detail::List<LoopMember> members_;
  std::uint64_t nextId_ = 0;
  unsigned wentOn_ = 0;
  std::unique_ptr<LoopBackend> backend_;
  bool turnScheduled_ = false;
  bool turnEnds_ = false;
  bool stopped_ = false;
  sluice::detail::List<observe::Observer> observers_;
  ClusterMember* cluster_ = nullptr;
  std::vector<std::pair<const void*, std::shared_ptr<void>>> kept_;
};

inline LoopMember::LoopMember(Loop& loop) { loop.members_.pushFront(*this); }

}  // namespace sluice::net::detail
