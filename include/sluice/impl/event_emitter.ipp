// SPDX-License-Identifier: BSL-1.0
//
// The listener table: a linked list, because a listener must stay where it is while it runs,
// whatever it does to the table.
#pragma once

#include <atomic>
#include <sluice/detail/listeners.hpp>
#include <sluice/detail/post.hpp>

namespace sluice::detail {

/// While one of these lives nothing is unlinked, and the table outlives its owner.
class ListenerTable::Emission {
 public:
  explicit Emission(ListenerTable& table) : table_(table) {
    table.acquire();
    ++table.emissions_;
  }
  Emission(const Emission&) = delete;
  Emission& operator=(const Emission&) = delete;
  ~Emission() {
    if (--table_.emissions_ == 0) table_.sweep();
    table_.release();
  }

 private:
  ListenerTable& table_;
};

SLUICE_DECL void ListenerTable::release() {
  if (--references_ == 0) delete this;
}

// Never the same twice in a program: the id of another object's listener must remove nothing here.
// A thread takes many at a time, so that threads do not meet for each.
inline std::uint64_t nextListenerId() {
  constexpr std::uint64_t atATime = 4096;
  static std::atomic<std::uint64_t> taken{0};
  thread_local std::uint64_t last = 0;
  if (last % atATime == 0) last = taken.fetch_add(atATime, std::memory_order_relaxed);
  return ++last;
}

SLUICE_DECL ListenerId ListenerTable::add(std::unique_ptr<Listener> listener, std::size_t event,
                                          bool once) {
  const ListenerId id(nextListenerId());
  listener->id_ = id.value();
  listener->event_ = event;
  listener->once_ = once;
  listeners_.pushBack(*listener.release());
  return id;
}

template <class Condition>
bool ListenerTable::removeIf(Condition condition) {
  bool any = false;
  const Emission nothingIsUnlinked(*this);
  for (Listener& listener : listeners_) {
    if (listener.removed_ || !condition(listener)) continue;
    listener.removed_ = any = true;
    listener.wasRemoved();
  }
  return any;
}

SLUICE_DECL bool ListenerTable::remove(ListenerId id) {
  return removeIf([id](const Listener& listener) { return listener.id_ == id.value(); });
}

SLUICE_DECL void ListenerTable::removeAll() {
  removeIf([](const Listener&) { return true; });
}

SLUICE_DECL void ListenerTable::removeAll(std::size_t event) {
  removeIf([event](const Listener& listener) { return listener.event_ == event; });
}

SLUICE_DECL void ListenerTable::keepOnly(std::size_t event) {
  removeIf([event](const Listener& each) { return each.event_ != event || each.once_; });
}

// A listener's destructor may come back here, or drop the last handle of the object that owns the
// table: so the list is whole again before the first one is destroyed, and not touched after.
SLUICE_DECL void ListenerTable::sweep() {
  List<Listener> removed;
  for (auto each = listeners_.begin(); each != listeners_.end();) {
    Listener& listener = *each++;
    if (!listener.removed_) continue;
    List<Listener>::remove(listener);
    removed.pushBack(listener);
  }
  while (!removed.empty()) delete &removed.popFront();
}

SLUICE_DECL std::size_t ListenerTable::count(std::size_t event) const {
  std::size_t found = 0;
  for (const Listener& listener : listeners_) {
    if (listener.event_ == event && !listener.removed_) ++found;
  }
  return found;
}

SLUICE_DECL Listener* ListenerTable::find(std::size_t event) const {
  for (Listener& listener : listeners_) {
    if (listener.event_ == event && !listener.removed_) return &listener;
  }
  return nullptr;
}

SLUICE_DECL bool ListenerTable::emit(std::size_t event, void* const* arguments,
                                     const asio::any_io_executor* later) try {
  Listener* const first = find(event);
  if (first == nullptr) return false;
  const Emission emission(*this);
  // Those that are added meanwhile come after it.
  const Listener* const last = &listeners_.back();
  for (List<Listener>::Iterator each(first);; ++each) {
    if (each->event_ == event && !each->removed_) {
      each->removed_ = each->once_;
      each->call(arguments);
    }
    if (&*each == last) return true;
  }
} catch (...) {
  if (later == nullptr) throw;
  rethrowLater(*later);
  return true;
}

SLUICE_DECL task<> runListener(std::unique_ptr<ListenerCall> call) { co_await call->start(); }

SLUICE_DECL task<> endedTask() { co_return; }

SLUICE_DECL void Listeners::dispose(ListenerTable& table) {
  table.removeAll();
  table.release();
}

}  // namespace sluice::detail
