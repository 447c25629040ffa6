// SPDX-License-Identifier: BSL-1.0
//
// Wraps what a user passes to `on()` into what the table keeps: a plain listener, a listener that
// is a coroutine, or the handler of a coroutine event.
#pragma once

#include <cstddef>
#include <memory>
#include <sluice/detail/event_traits.hpp>
#include <sluice/detail/event_value.hpp>
#include <sluice/detail/listeners.hpp>
#include <sluice/event_list.hpp>
#include <sluice/task.hpp>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sluice::detail {

/// What `friend sluice::detail::EmitterAccess;` opens in a class with events.
struct EmitterAccess {
  template <class T>
  static Listeners& listeners(T& emitter) {
    return emitter.listeners();
  }

  template <fixed_string Name, class T>
  static void added(T& emitter) {
    if constexpr (requires { emitter.template listenerAdded<Name>(); }) {
      emitter.template listenerAdded<Name>();
    }
  }

  template <class T>
  static auto executor(T& emitter) {
    if constexpr (requires { emitter.get_executor(); }) {
      return emitter.get_executor();
    }
  }

  /// Whether the object emits nothing any more, so that a wait for one of its events would not end.
  template <class T>
  static bool isOver(T& emitter) {
    if constexpr (requires { emitter.eventsAreOver(); }) {
      return emitter.eventsAreOver();
    } else {
      return false;
    }
  }

  template <class T>
  static auto spawner(T& emitter) {
    if constexpr (requires { emitter.listenerSpawner(); }) {
      return emitter.listenerSpawner();
    }
  }
};

template <class F, class Signature>
class PlainListener;

template <class F, class Result, class... Params>
class PlainListener<F, Result(Params...)> final : public Listener {
 public:
  explicit PlainListener(F&& listener) : listener_(std::move(listener)) {}
  explicit PlainListener(const F& listener) : listener_(listener) {}

  void call(void* const* arguments) override { callLeading(arguments, Leading{}); }

 private:
  using Traits = SignatureTraits<Result(Params...)>;
  using Leading = std::make_index_sequence<Traits::template arityOf<F>()>;

  template <std::size_t... Index>
  void callLeading(void* const* arguments, std::index_sequence<Index...>) {
    static_cast<void>(
        listener_(argument<typename Traits::template At<Index>>(arguments[Index])...));
  }

  F listener_;
};

template <class F, class Signature>
class HandlerOf;

template <class F, class... Params>
class HandlerOf<F, task<>(Params...)> final : public CoroutineHandler<task<>(Params...)> {
 public:
  explicit HandlerOf(F&& handler) : handler_(std::move(handler)) {}
  explicit HandlerOf(const F& handler) : handler_(handler) {}

  task<> operator()(Params... params) override {
    constexpr std::size_t arity = SignatureTraits<task<>(Params...)>::template arityOf<F>();
    if constexpr (arity == sizeof...(Params)) {
      return start(params...);
    } else {
      // As in JavaScript, the rest is dropped.
      return [&]<std::size_t... Index>(std::index_sequence<Index...>) {
        [[maybe_unused]] const auto all = std::tie(params...);
        return start(std::get<Index>(all)...);
      }(std::make_index_sequence<arity>{});
    }
  }

 private:
  template <class... Leading>
  task<> start(Leading&... leading) {
    return handler_(leading...);
  }

  F handler_;
};

/// A listener's coroutine and what it was called with, from the emission to its end.
template <class... Params>
class CallOf final : public ListenerCall {
 public:
  CallOf(HandlerPointer<task<>(Params...)> listener, Params... params)
      : listener_(std::move(listener)), arguments_(params...) {}

  task<> start() override { return startWith(std::index_sequence_for<Params...>{}); }

 private:
  template <std::size_t... Index>
  task<> startWith(std::index_sequence<Index...>) {
    return (*listener_)(std::get<Index>(arguments_).get()...);
  }

  HandlerPointer<task<>(Params...)> listener_;
  std::tuple<KeptArgument<Params>...> arguments_;
};

/// Runs the handler of a coroutine event with copies of what is passed by value.
template <class... Params, class... Args>
task<> callHandler(HandlerPointer<task<>(Params...)> handler, Args&&... args) {
  if (!handler) return endedTask();
  return runListener(
      std::make_unique<CallOf<Params...>>(std::move(handler), std::forward<Args>(args)...));
}

template <class Events, fixed_string Name, class... Args>
task<> runHandler(const Listeners& listeners, Args&&... args) {
  if constexpr (requireArguments<EventSignature<Events, Name>, Args...>) {
    return callHandler(handler<Events, Name>(listeners), std::forward<Args>(args)...);
  } else {
    return endedTask();
  }
}

/// A listener that is a coroutine; its signature has the leading parameters that it takes.
template <class Spawner, class Signature>
class TaskListener;

template <class Spawner, class... Params>
class TaskListener<Spawner, task<>(Params...)> final : public Listener {
 public:
  TaskListener(HandlerPointer<task<>(Params...)> listener, Spawner spawner)
      : listener_(std::move(listener)), spawner_(std::move(spawner)) {}

  void call(void* const* arguments) override {
    spawn(arguments, std::index_sequence_for<Params...>{});
  }

 private:
  template <std::size_t... Index>
  void spawn(void* const* arguments, std::index_sequence<Index...>) {
    spawner_(runListener(
        std::make_unique<CallOf<Params...>>(listener_, argument<Params>(arguments[Index])...)));
  }

  HandlerPointer<task<>(Params...)> listener_;
  Spawner spawner_;
};

template <class F, class Signature>
struct ListenerResult;

template <class F, class Result, class... Params>
struct ListenerResult<F, Result(Params...)> {
  using Traits = SignatureTraits<Result(Params...)>;

  template <std::size_t... Index>
  static auto probe(std::index_sequence<Index...>)
      -> std::type_identity<std::invoke_result_t<F&, typename Traits::template At<Index>...>>;

  template <std::size_t... Index>
  static auto leading(std::index_sequence<Index...>)
      -> std::type_identity<task<>(typename Traits::template At<Index>...)>;

  using Leading = std::make_index_sequence<Traits::template arityOf<F>()>;
  using type = typename decltype(probe(Leading{}))::type;
  using Task = typename decltype(leading(Leading{}))::type;
};

/// The listener object for a callable: of the kind that its event and its result call for.
template <class Events, fixed_string Name, class T, class Source>
std::unique_ptr<Listener> makeListener(T& emitter, Source&& source) {
  using F = std::decay_t<Source>;
  using Signature = EventSignature<Events, Name>;
  using Result = typename ListenerResult<F, Signature>::type;
  using Task = typename ListenerResult<F, Signature>::Task;
  using Spawner = decltype(EmitterAccess::spawner(emitter));
  constexpr bool isCoroutine = std::is_same_v<Result, task<>>;
  static_assert(isCoroutine || !isTask<Result>,
                "a listener that is a coroutine returns task<>: nobody takes a result");
  if constexpr (isCoroutineEvent<Events, Name>) {
    if constexpr (requireCoroutine<isCoroutine>()) {
      return std::make_unique<HandlerListener<Signature>>(
          HandlerPointer<Signature>(new HandlerOf<F, Signature>(std::forward<Source>(source))));
    }
    return nullptr;
  } else if constexpr (!isCoroutine) {
    return std::make_unique<PlainListener<F, Signature>>(std::forward<Source>(source));
  } else {
    static_assert(!std::is_void_v<Spawner>, "this event's listener cannot be a coroutine");
    if constexpr (!std::is_void_v<Spawner>) {
      return std::make_unique<TaskListener<Spawner, Task>>(
          HandlerPointer<Task>(new HandlerOf<F, Task>(std::forward<Source>(source))),
          EmitterAccess::spawner(emitter));
    }
  }
}

/// Whether a std::function, or what is like one, holds nothing that could be called.
template <class F>
bool isEmptyFunction(const F& function) {
  if constexpr (std::is_constructible_v<F, std::nullptr_t> &&
                std::is_constructible_v<bool, const F&>) {
    return !static_cast<bool>(function);
  } else {
    return false;
  }
}

/// Adds a listener for a user of `emitter`; an empty function is none. A coroutine event's new
/// handler replaces the old one.
template <class Events, fixed_string Name, class T, class Source>
ListenerId addListener(T& emitter, Source&& source, bool once) {
  if constexpr (requireEvent<Events, Name>) {
    if constexpr (requireListener<std::decay_t<Source>, EventSignature<Events, Name>>) {
      // Before anything changes: to copy it may throw.
      std::unique_ptr<Listener> listener;
      if (!isEmptyFunction<std::decay_t<Source>>(source)) {
        listener = makeListener<Events, Name>(emitter, std::forward<Source>(source));
      }
      ListenerTable& table = EmitterAccess::listeners(emitter).table();
      if constexpr (isCoroutineEvent<Events, Name>) table.removeAll(eventIndex<Events, Name>);
      if (!listener) return {};
      const ListenerId id = table.add(std::move(listener), eventIndex<Events, Name>, once);
      EmitterAccess::added<Name>(emitter);
      return id;
    }
  }
  return {};
}

}  // namespace sluice::detail
