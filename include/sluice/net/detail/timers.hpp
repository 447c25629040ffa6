// SPDX-License-Identifier: BSL-1.0
//
// Timeouts as Node keeps them: one list per duration, so that the oldest entry of a list is the
// next to be due and (re)starting one is two pointer moves. Pure: it is told the time and never
// asks for it. The loop owns one of these and arms a single timer for nearest().
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <sluice/config.hpp>
#include <vector>

namespace sluice::net::detail {

using TimePoint = std::chrono::steady_clock::time_point;

/// A hundred years, to which a longer time is cut: the clock counts nanoseconds in 64 bits.
inline constexpr std::chrono::milliseconds longestTimer = std::chrono::hours(24 * 36525);

class Timers;

/// One timeout of one object, a member of it. Stops by itself when it is destroyed.
class TimerEntry {
 public:
  using Callback = void (*)(void* context);

  TimerEntry(Callback callback, void* context) : callback_(callback), context_(context) {}
  TimerEntry(const TimerEntry&) = delete;
  TimerEntry& operator=(const TimerEntry&) = delete;
  ~TimerEntry() { unlink(); }

  bool running() const { return next_ != nullptr; }
  TimePoint deadline() const { return deadline_; }
  void stop() { unlink(); }

 private:
  friend class Timers;

  void unlink() {
    TimerEntry* next = next_;
    detach();
    // Alone in its ring: the head of a list that has just become empty.
    if (next != nullptr && next->next_ == next) next->callback_(next->context_);
  }
  void detach() {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = nullptr;
  }

  Callback callback_ = nullptr;
  void* context_ = nullptr;
  TimePoint deadline_{};
  TimerEntry* previous_ = nullptr;
  TimerEntry* next_ = nullptr;
};

class Timers {
 public:
  /// `onEmptied` is called when the last entry of a duration has stopped, maybe in its destructor.
  Timers(TimerEntry::Callback onEmptied, void* context)
      : onEmptied_(onEmptied), context_(context) {}
  ~Timers() { clear(); }

  /// Starts `entry`, or moves its deadline where it is running.
  void start(TimerEntry& entry, std::chrono::milliseconds duration, TimePoint now) {
    List& list = listFor(duration);
    entry.detach();
    entry.deadline_ = now + duration;
    TimerEntry& head = list.head;
    entry.previous_ = head.previous_;
    entry.next_ = &head;
    head.previous_->next_ = &entry;
    head.previous_ = &entry;
  }

  std::optional<TimePoint> nearest() const {
    std::optional<TimePoint> result;
    for (const auto& list : lists_) {
      if (list->empty()) continue;
      const TimePoint deadline = list->head.next_->deadline_;
      if (!result || deadline < *result) result = deadline;
    }
    return result;
  }

  /// Calls everything that is due, in the order of the deadlines. A callback may start, stop and
  /// destroy any entry; one that is started anew with no duration waits for the next call.
  void fire(TimePoint now) {
    while (TimerEntry* due = earliestDue(now)) {
      due->unlink();
      due->callback_(due->context_);
    }
  }

  void clear() {
    for (const auto& list : lists_) {
      while (!list->empty()) list->head.next_->unlink();
    }
  }

 private:
  // More distinct durations than this and empty lists are dropped before a new one is made.
  static constexpr std::size_t keptLists = 16;

  struct List {
    List(std::chrono::milliseconds length, TimerEntry::Callback onEmptied, void* context)
        : duration(length), head(onEmptied, context) {
      head.previous_ = head.next_ = &head;
    }
    ~List() { head.previous_ = head.next_ = nullptr; }
    bool empty() const { return head.next_ == &head; }

    std::chrono::milliseconds duration;
    TimerEntry head;
  };

  List& listFor(std::chrono::milliseconds duration) {
    if (last_ == nullptr || last_->duration != duration) last_ = &findList(duration);
    return *last_;
  }

  List& findList(std::chrono::milliseconds duration) {
    const auto before = [](const std::unique_ptr<List>& list, std::chrono::milliseconds wanted) {
      return list->duration < wanted;
    };
    auto place = std::lower_bound(lists_.begin(), lists_.end(), duration, before);
    if (place != lists_.end() && (*place)->duration == duration) return **place;
    if (lists_.size() >= keptLists) {
      std::erase_if(lists_, [](const auto& list) { return list->empty(); });
      place = std::lower_bound(lists_.begin(), lists_.end(), duration, before);
    }
    return **lists_.insert(place, std::make_unique<List>(duration, onEmptied_, context_));
  }

  TimerEntry* earliestDue(TimePoint now) const {
    TimerEntry* result = nullptr;
    for (const auto& list : lists_) {
      if (list->empty()) continue;
      TimerEntry* first = list->head.next_;
      if (first->deadline_ <= now && (result == nullptr || first->deadline_ < result->deadline_)) {
        result = first;
      }
    }
    return result;
  }

  TimerEntry::Callback onEmptied_;
  void* context_;
  std::vector<std::unique_ptr<List>> lists_;
  List* last_ = nullptr;  // most entries ask for the list of the one before
};

}  // namespace sluice::net::detail
