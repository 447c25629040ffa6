// SPDX-License-Identifier: BSL-1.0
//
// Node's EventEmitter as a mixin: `on`, `once`, `emit` and the rest, with the event's name checked
// by the compiler and its arguments typed. It keeps nothing itself: the class says where its
// `detail::Listeners` are, so a movable handle can share them with the state that emits.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_EVENT_EMITTER_HPP
#define SLUICE_EVENT_EMITTER_HPP

#include <cstddef>
#include <sluice/detail/event_listener.hpp>
#include <sluice/detail/event_traits.hpp>
#include <sluice/detail/event_wait.hpp>
#include <sluice/detail/listeners.hpp>
#include <sluice/event_list.hpp>
#include <type_traits>
#include <utility>

namespace sluice {

/// The events of a class `T`, which are listed in `Events`, an `EventList<Event<…>…>`.
///
///     using DoorEvents = EventList<Event<"open", void(int)>, Event<"error", void(const Error&)>>;
///     class Door : public EventEmitter<Door, DoorEvents> {
///       friend sluice::detail::EmitterAccess;
///       detail::Listeners& listeners();          // where they are kept
///       asio::any_io_executor get_executor();    // where waits for an event complete
///     };
///
/// Two members are optional. `listenerSpawner()` returns a copyable function object that starts a
/// `task<>` and reports its exception; with it, listeners may be coroutines. It must not refer to
/// `T`, which may move. `template <fixed_string Name> void listenerAdded()` is called when a
/// listener or a wait was added, and `bool eventsAreOver()` says that none will be emitted any
/// more.
///
/// Listeners run in the order they were added, in the call of `emit`. Each may add and remove
/// listeners, emit again, and destroy the emitting object: one that is added meanwhile is not
/// called in this emission, and neither is one that was removed (Node still calls that one), nor
/// any other after the object is gone. A listener may take fewer parameters than the event has.
/// What it returns is dropped, and its exception leaves through `emit`.
template <class T, class Events>
class EventEmitter {
 public:
  /// Adds a listener, which is called at every such event. A coroutine event has one handler, which
  /// this replaces; calls that run keep the old one alive. An empty std::function is no listener.
  template <fixed_string Event, class F>
  T& on(F&& listener) & {
    detail::addListener<Events, Event>(self(), std::forward<F>(listener), false);
    return self();
  }
  /// What nobody keeps is gone before its events: give it a name first.
  template <fixed_string Event, class F>
  T& on(F&&) && {
    detail::requireName<F>();
    return self();
  }

  /// Adds a listener for the next such event only. It is removed before it is called.
  template <fixed_string Event, class F>
  T& once(F&& listener) & {
    if constexpr (detail::requireNotification<Events, Event>) {
      detail::addListener<Events, Event>(self(), std::forward<F>(listener), true);
    }
    return self();
  }
  /// What nobody keeps is gone before its events: give it a name first.
  template <fixed_string Event, class F>
  T& once(F&&) && {
    detail::requireName<F>();
    return self();
  }

  /// Waits for the next such event and brings its arguments.
  ///
  /// Nothing for an event without arguments, the argument for one with one, else a `std::tuple`. A
  /// `std::string_view` becomes a `std::string`, an `X&` a `Reference<X>`, all else a copy. It
  /// begins to listen when it is awaited, not when it is called, and resumes after the emission.
  /// With a completion token: `void(std::exception_ptr)` or `void(std::exception_ptr, result)`.
  ///
  /// A message that has told of its "close" emits nothing any more: a wait for "close" ends at
  /// once.
  ///
  /// throws  what "error" brings, if that comes first; operation_aborted if the object is
  /// destroyed,
  ///         if its listeners are removed, and if it emits nothing any more
  /// cancel  total: it stops listening and throws operation_aborted
  template <fixed_string Event>
  auto once() {
    if constexpr (detail::requireNotification<Events, Event>) {
      static_assert(!std::is_void_v<decltype(detail::EmitterAccess::executor(self()))>,
                    "events can be awaited where the class has a get_executor()");
      return detail::EventOperation<Events, Event, T>(self());
    }
  }

  /// As `on()`, and names the listener for `removeListener()`.
  template <fixed_string Event, class F>
  ListenerId addListener(F&& listener) {
    return detail::addListener<Events, Event>(self(), std::forward<F>(listener), false);
  }

  /// Removes one listener; false if it was gone already.
  bool removeListener(ListenerId id) {
    detail::ListenerTable* table = detail::EmitterAccess::listeners(self()).get();
    return table != nullptr && table->remove(id);
  }

  /// Removes every listener of one event, and ends the waits for it with operation_aborted.
  template <fixed_string Event>
  T& removeAllListeners() {
    if constexpr (detail::requireEvent<Events, Event>) {
      if (auto* table = detail::EmitterAccess::listeners(self()).get()) {
        table->removeAll(detail::eventIndex<Events, Event>);
      }
    }
    return self();
  }

  /// Removes every listener, the library's own too, and ends every wait.
  T& removeAllListeners() {
    if (auto* table = detail::EmitterAccess::listeners(self()).get()) table->removeAll();
    return self();
  }

  /// Calls the event's listeners; false if there were none. That goes for "error" too, which in
  /// Node ends the process if nobody listens.
  ///
  /// Of a coroutine event: a `task<>` that runs its handler when it is awaited, and ends at once
  /// if there is none. What the arguments refer to must live until then.
  template <fixed_string Event, class... Args>
  auto emit(Args&&... args) {
    detail::Listeners& listeners = detail::EmitterAccess::listeners(self());
    if constexpr (!detail::requireEvent<Events, Event>) {
      return false;
    } else if constexpr (detail::isCoroutineEvent<Events, Event>) {
      return detail::runHandler<Events, Event>(listeners, std::forward<Args>(args)...);
    } else {
      return detail::emit<Events, Event>(listeners, std::forward<Args>(args)...);
    }
  }

  /// Listeners and waits. A wait counts for its event and for "error", as in Node.
  template <fixed_string Event>
  std::size_t listenerCount() const {
    return detail::listenerCount<Events, Event>(
        detail::EmitterAccess::listeners(const_cast<EventEmitter*>(this)->self()));
  }

 protected:
  EventEmitter() = default;
  EventEmitter(const EventEmitter&) = default;
  EventEmitter& operator=(const EventEmitter&) = default;
  ~EventEmitter() = default;

 private:
  T& self() { return static_cast<T&>(*this); }
};

/// For a class that keeps its listeners in itself, and moves with them.
template <class T, class Events>
class OwningEventEmitter : public EventEmitter<T, Events> {
 protected:
  OwningEventEmitter() = default;

  detail::Listeners& listeners() { return listeners_; }

 private:
  friend detail::EmitterAccess;

  detail::Listeners listeners_;
};

}  // namespace sluice

#endif
