// SPDX-License-Identifier: BSL-1.0
//
// Timeouts as Node keeps them: one list per duration, so that the oldest entry of a list is the
// next to be due and (re)starting one is two pointer moves. Pure: it is told the time and never
// asks for it. The loop owns one of these and arms a single timer for nearest().
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <sluice/detail/list.hpp>
#include <vector>

namespace sluice::net::detail {

using TimePoint = std::chrono::steady_clock::time_point;

/// A hundred years, to which a longer time is cut: the clock counts nanoseconds in 64 bits.
inline constexpr std::chrono::milliseconds longestTimer = std::chrono::hours(24 * 36525);

class TimerEntry;
class Timers;

/// Those of one duration, the oldest first.
struct TimerList : sluice::detail::List<TimerEntry> {
  using Callback = void (*)(void* context);

  TimerList(Callback onEmptied, void* of) : emptied(onEmptied), context(of) {}

  Callback emptied;
  void* context;
  bool isDue = false;  // the timers know when to look at it
};

/// One timeout of one object, a member of it. Stops by itself when it is destroyed.
class TimerEntry : public sluice::detail::Linked<TimerEntry> {
 public:
  using Callback = TimerList::Callback;

  TimerEntry(Callback callback, void* context) : callback_(callback), context_(context) {}
  ~TimerEntry() { stop(); }

  bool running() const { return isLinked(); }
  TimePoint deadline() const { return deadline_; }
  void stop() {
    if (auto* const list = static_cast<TimerList*>(unlink())) list->emptied(list->context);
  }

 private:
  friend class Timers;

  Callback callback_ = nullptr;
  void* context_ = nullptr;
  TimePoint deadline_{};
};

class Timers {
 public:
  /// `onEmptied` is called when the last entry of a duration has stopped, maybe in its destructor.
  Timers(TimerEntry::Callback onEmptied, void* context)
      : onEmptied_(onEmptied), context_(context) {}
  ~Timers() { clear(); }

  /// Starts `entry`, or moves its deadline if it is running.
  void start(TimerEntry& entry, std::chrono::milliseconds duration, TimePoint now) {
    TimerList& list = listFor(duration);
    TimerList::remove(entry);
    entry.deadline_ = now + duration;
    list.pushBack(entry);
    if (!list.isDue) push(list);
  }

  std::optional<TimePoint> nearest() {
    const TimerEntry* first = earliest();
    if (first == nullptr) return std::nullopt;
    return first->deadline_;
  }

  /// Calls everything that is due, in the order of the deadlines. A callback may start, stop and
  /// destroy any entry; one that is started anew with no duration waits for the next call.
  void fire(TimePoint now) {
    for (TimerEntry* first = earliest(); first != nullptr && first->deadline_ <= now;
         first = earliest()) {
      first->stop();
      first->callback_(first->context_);
    }
  }

  void clear() {
    for (auto& [duration, list] : lists_) {
      while (!list.empty()) list.front().stop();
    }
  }

 private:
  // With more distinct durations than this, empty lists are dropped before a new one is made.
  static constexpr std::size_t keptLists = 16;

  // A list as of its first entry's deadline, or of an earlier one: what is restarted is moved to
  // the end of its list, and the list is looked at when its turn comes.
  struct Due {
    TimePoint at;
    std::chrono::milliseconds duration;
    TimerList* list;
    bool operator<(const Due& other) const {
      return at != other.at ? at > other.at : duration > other.duration;
    }
  };

  // The list whose first entry is nearest comes first: a heap, so that many durations cost little.
  void push(TimerList& list) {
    due_.push_back({list.front().deadline_, lastDuration_, &list});
    std::push_heap(due_.begin(), due_.end());
    list.isDue = true;
  }

  TimerEntry* earliest() {
    while (!due_.empty()) {
      const Due nearest = due_.front();
      TimerList& list = *nearest.list;
      if (!list.empty() && list.front().deadline_ == nearest.at) return &list.front();
      std::pop_heap(due_.begin(), due_.end());
      if (list.empty()) {
        list.isDue = false;
        due_.pop_back();
      } else {
        due_.back().at = list.front().deadline_;
        std::push_heap(due_.begin(), due_.end());
      }
    }
    return nullptr;
  }

  // Most entries ask for the list of the one before.
  TimerList& listFor(std::chrono::milliseconds duration) {
    if (last_ == nullptr || lastDuration_ != duration) {
      // It may be dropped for the new one, for which there may then be no memory.
      last_ = nullptr;
      last_ = &findList(duration);
      lastDuration_ = duration;
    }
    return *last_;
  }

  TimerList& findList(std::chrono::milliseconds duration) {
    const auto found = lists_.find(duration);
    if (found != lists_.end()) return found->second;
    if (lists_.size() >= mostLists_) dropEmpty();
    return lists_.try_emplace(duration, onEmptied_, context_).first->second;
  }

  void dropEmpty() {
    std::erase_if(due_, [](const Due& due) { return due.list->empty(); });
    std::make_heap(due_.begin(), due_.end());
    std::erase_if(lists_, [](const auto& entry) { return entry.second.empty(); });
    // So that each of many lists is looked at a few times only.
    mostLists_ = std::max(keptLists, 2 * lists_.size());
  }

  TimerEntry::Callback onEmptied_;
  void* context_;
  std::map<std::chrono::milliseconds, TimerList> lists_;
  std::vector<Due> due_;
  std::size_t mostLists_ = keptLists;
  TimerList* last_ = nullptr;
  std::chrono::milliseconds lastDuration_{};
};

}  // namespace sluice::net::detail
