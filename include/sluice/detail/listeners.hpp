// SPDX-License-Identifier: BSL-1.0
//
// Where listeners are kept and how they are called: `Listeners` is the one pointer that an object
// with events carries. State objects emit on it with their `EventList` and need no handle:
//
//     using Events = EventList<Event<"data", void(std::string_view)>, Event<"end", void()>>;
//     if (detail::has<Events, "data">(listeners_)) …
//     detail::emit<Events, "data">(listeners_, view);
//
// Not for users: they have `EventEmitter`.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sluice/detail/event_traits.hpp>
#include <sluice/detail/list.hpp>
#include <sluice/event_list.hpp>
#include <sluice/task.hpp>
#include <type_traits>
#include <utility>

namespace sluice::detail {

/// One listener, erased: `arguments` points to one pointer for each parameter of the event.
class Listener : public Linked<Listener> {
 public:
  virtual ~Listener() = default;

  virtual void call(void* const* arguments) = 0;
  /// It will not be called any more. Runs nothing of the user's, but may remove other listeners.
  virtual void wasRemoved() {}

 private:
  friend class ListenerTable;

  std::uint64_t id_ = 0;
  std::size_t event_ = 0;
  bool once_ = false;
  bool removed_ = false;
};

/// The listeners of one object, oldest first.
///
/// Counted by its owner, by the emissions that are under way, and by the waits for an event, so
/// that a listener may destroy the object that calls it. Not thread-safe, like the object.
class ListenerTable {
 public:
  ListenerTable() = default;
  ListenerTable(const ListenerTable&) = delete;
  ListenerTable& operator=(const ListenerTable&) = delete;

  void acquire() { ++references_; }
  void release();

  ListenerId add(std::unique_ptr<Listener> listener, std::size_t event, bool once);
  bool remove(ListenerId id);
  void removeAll();
  void removeAll(std::size_t event);
  /// Removes all but the listeners of this event; those for one time and waits go too.
  void keepOnly(std::size_t event);
  std::size_t count(std::size_t event) const;
  Listener* find(std::size_t event) const;

  /// Calls the listeners of the event that were there when it began and were not removed since.
  ///
  /// later  what one of them throws leaves run(), and not through here
  bool emit(std::size_t event, void* const* arguments,
            const asio::any_io_executor* later = nullptr);

 private:
  class Emission;

  ~ListenerTable() = default;
  template <class Condition>
  bool removeIf(Condition condition);
  void sweep();

  List<Listener> listeners_;
  std::size_t references_ = 1;
  std::size_t emissions_ = 0;
};

/// A share of a table's lifetime.
class TableReference {
 public:
  explicit TableReference(ListenerTable& table) : table_(&table) { table.acquire(); }
  TableReference(const TableReference&) = delete;
  TableReference& operator=(const TableReference&) = delete;
  ~TableReference() { table_->release(); }

  ListenerTable* operator->() const { return table_; }

 private:
  ListenerTable* table_;
};

/// All that an object without listeners pays: one null pointer. Moving it takes the listeners
/// along; destroying it ends the waits for its events with operation_aborted.
class Listeners {
 public:
  Listeners() = default;
  Listeners(Listeners&& other) noexcept : table_(std::exchange(other.table_, nullptr)) {}
  Listeners& operator=(Listeners&& other) noexcept {
    Listeners(std::move(other)).swap(*this);
    return *this;
  }
  ~Listeners() { clear(); }

  void swap(Listeners& other) noexcept { std::swap(table_, other.table_); }

  /// Removes every listener and ends every wait. An owner whose listeners may own it, as the
  /// coroutine does that waits for one of its events, calls this when it will emit no more.
  void clear() {
    if (ListenerTable* table = std::exchange(table_, nullptr)) dispose(*table);
  }

  ListenerTable* get() const { return table_; }
  ListenerTable& table() {
    if (table_ == nullptr) table_ = new ListenerTable;
    return *table_;
  }

 private:
  static void dispose(ListenerTable& table);

  ListenerTable* table_ = nullptr;
};

/// The handler of a coroutine event. Its caller holds the pointer until the task has ended:
/// the handler's captures live here and not in its coroutine frame.
template <class Signature>
class CoroutineHandler;

template <class Signature>
using HandlerPointer = boost::intrusive_ptr<CoroutineHandler<Signature>>;

template <class... Params>
class CoroutineHandler<task<>(Params...)>
    : public boost::intrusive_ref_counter<CoroutineHandler<task<>(Params...)>,
                                          boost::thread_unsafe_counter> {
 public:
  virtual ~CoroutineHandler() = default;
  virtual task<> operator()(Params... params) = 0;
};

/// A listener's coroutine that was not started yet, with all that it needs.
class ListenerCall {
 public:
  virtual ~ListenerCall() = default;
  virtual task<> start() = 0;
};

/// Runs a listener's coroutine. The call lives in this frame: what an event lends is gone after its
/// emission, and a listener's captures are gone when it is removed. No template, because g++ 12
/// warns of a frame that holds a type from an unnamed namespace.
task<> runListener(std::unique_ptr<ListenerCall> call);

/// A task with nothing to do, for an event that has no handler.
task<> endedTask();

template <class Signature>
class HandlerListener final : public Listener {
 public:
  explicit HandlerListener(HandlerPointer<Signature> handler) : handler_(std::move(handler)) {}

  void call(void* const*) override {}
  const HandlerPointer<Signature>& handler() const { return handler_; }

 private:
  HandlerPointer<Signature> handler_;
};

template <class... Params>
bool emitErased(ListenerTable& table, const asio::any_io_executor* later, std::size_t event,
                std::type_identity<void(Params...)>, std::type_identity_t<Params>... params) {
  void* const arguments[] = {const_cast<void*>(static_cast<const void*>(std::addressof(params)))...,
                             nullptr};
  return table.emit(event, arguments, later);
}

template <class Events, fixed_string Name, class... Args>
bool emitOrDefer(Listeners& listeners, const asio::any_io_executor* later, Args&&... args) {
  if constexpr (requireEvent<Events, Name>) {
    using Signature = EventSignature<Events, Name>;
    static_assert(!isCoroutineEvent<Events, Name>,
                  "a coroutine event cannot be emitted: who emits it runs its one handler");
    if constexpr (!isCoroutineEvent<Events, Name> && requireArguments<Signature, Args...>) {
      ListenerTable* table = listeners.get();
      return table != nullptr &&
             emitErased(*table, later, eventIndex<Events, Name>, std::type_identity<Signature>{},
                        std::forward<Args>(args)...);
    }
  }
  return false;
}

/// Calls the listeners; false if there were none. After it the object that owns `listeners` may
/// be gone. A listener's exception leaves through here and keeps those after it from being called.
template <class Events, fixed_string Name, class... Args>
bool emit(Listeners& listeners, Args&&... args) {
  return emitOrDefer<Events, Name>(listeners, nullptr, std::forward<Args>(args)...);
}

/// The same for the library's own steps, which have to go on: a listener's exception leaves run(),
/// but not from here.
template <class Events, fixed_string Name, class... Args>
bool tell(Listeners& listeners, const asio::any_io_executor& executor, Args&&... args) {
  return emitOrDefer<Events, Name>(listeners, &executor, std::forward<Args>(args)...);
}

template <class Events, fixed_string Name>
std::size_t listenerCount(const Listeners& listeners) {
  if constexpr (requireEvent<Events, Name>) {
    if (const ListenerTable* table = listeners.get()) return table->count(eventIndex<Events, Name>);
  }
  return 0;
}

/// Whether anybody listens or waits: worth asking before an argument is made at some cost.
template <class Events, fixed_string Name>
bool has(const Listeners& listeners) {
  if constexpr (requireEvent<Events, Name>) {
    const ListenerTable* table = listeners.get();
    return table != nullptr && table->find(eventIndex<Events, Name>) != nullptr;
  }
  return false;
}

/// The handler of a coroutine event, or null.
template <class Events, fixed_string Name>
  requires requireEvent<Events, Name>
auto handler(const Listeners& listeners) {
  using Signature = EventSignature<Events, Name>;
  static_assert(isCoroutineEvent<Events, Name>, "a notification has listeners, no handler");
  HandlerPointer<Signature> found;
  if (const ListenerTable* table = listeners.get()) {
    if (Listener* listener = table->find(eventIndex<Events, Name>)) {
      found = static_cast<HandlerListener<Signature>*>(listener)->handler();
    }
  }
  return found;
}

}  // namespace sluice::detail
