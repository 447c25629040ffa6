// SPDX-License-Identifier: BSL-1.0
//
// What the compiler asks about events: is there one of that name, is this a listener for it. Each
// question that can be answered no has one readable error, after which the asker goes no further.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <sluice/event_list.hpp>
#include <sluice/task.hpp>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sluice::detail {

template <class Events, fixed_string Name>
inline constexpr std::size_t eventIndex = Events::indexOf(Name);

template <class Events, fixed_string Name>
inline constexpr bool isKnownEvent = eventIndex<Events, Name> < Events::size;

template <class Events, fixed_string Name>
using EventSignature = typename Events::template SignatureAt<eventIndex<Events, Name>>;

template <class T>
inline constexpr bool isTask = false;
template <class T, class Executor>
inline constexpr bool isTask<asio::awaitable<T, Executor>> = true;

template <class Signature>
struct SignatureTraits;

/// What can be asked about one event's parameters.
template <class Result, class... Params>
struct SignatureTraits<Result(Params...)> {
  static_assert(std::is_void_v<Result> || std::is_same_v<Result, task<>>,
                "an event's signature returns void (a notification) or task<> (a coroutine event)");
  static_assert((!std::is_rvalue_reference_v<Params> && ...),
                "several listeners share an event's arguments, so none can be an rvalue");

  static constexpr bool isCoroutine = !std::is_void_v<Result>;
  static constexpr std::size_t count = sizeof...(Params);

  // All listeners see the same arguments, so none may change one that was passed by value.
  template <class Param>
  using Argument = std::conditional_t<std::is_reference_v<Param>, Param, const Param&>;

  template <std::size_t Index>
  using At = std::tuple_element_t<Index, std::tuple<Argument<Params>...>>;

  template <class F, std::size_t... Index>
  static consteval bool accepts(std::index_sequence<Index...>) {
    return std::is_invocable_v<F&, At<Index>...>;
  }

  /// As in JavaScript a listener may take fewer parameters than the event has: how many of the
  /// leading ones this one takes, the most that fit; `count + 1` if it cannot be called at all.
  template <class F, std::size_t Tried = count>
  static consteval std::size_t arityOf() {
    if constexpr (accepts<F>(std::make_index_sequence<Tried>{})) {
      return Tried;
    } else if constexpr (Tried == 0) {
      return count + 1;
    } else {
      return arityOf<F, Tried - 1>();
    }
  }
};

template <class Events, fixed_string Name>
inline constexpr bool isCoroutineEvent = SignatureTraits<EventSignature<Events, Name>>::isCoroutine;

// The errors. They are classes because a compiler prints a class with its arguments.

template <fixed_string Name, class Known, bool Exists>
struct EventNamed {
  static_assert(Exists,
                "this class has no event of that name; KnownEvents<...> in the lines about "
                "EventNamed lists those it has");
  static constexpr bool value = Exists;
};

template <class F, class Parameters, bool Accepts>
struct ListenerOf {
  static_assert(Accepts,
                "the listener of this event must be callable with (...), or with the leading ones "
                "of them; CallableWith<...> in the lines about ListenerOf lists the parameters");
  static constexpr bool value = Accepts;
};

template <class Arguments, class Parameters, bool Convertible>
struct EmissionOf {
  static_assert(Convertible,
                "this event is not emitted with arguments of these types; EmittedWith<...> and "
                "CallableWith<...> in the lines about EmissionOf list what came and what it takes");
  static constexpr bool value = Convertible;
};

template <class...>
struct CallableWith {};
template <class...>
struct EmittedWith {};

template <class Events, fixed_string Name,
          bool Exists = EventNamed<Name, typename Events::Known, isKnownEvent<Events, Name>>::value>
struct NotificationCheck : std::false_type {};
template <class Events, fixed_string Name>
struct NotificationCheck<Events, Name, true> {
  static constexpr bool value = !isCoroutineEvent<Events, Name>;
  static_assert(value, "a coroutine event has one handler for all its calls: give it with on()");
};

template <class F, class Signature>
struct ListenerCheck;
template <class F, class Result, class... Params>
struct ListenerCheck<F, Result(Params...)>
    : ListenerOf<F, CallableWith<Params...>,
                 SignatureTraits<Result(Params...)>::template arityOf<F>() <= sizeof...(Params)> {};

template <class Signature, class... Args>
struct EmissionCheck;
template <class Result, class... Params, class... Args>
struct EmissionCheck<Result(Params...), Args...>
    : EmissionOf<EmittedWith<Args...>, CallableWith<Params...>,
                 std::is_invocable_v<Result(Params...), Args...>> {};

/// True if what a handler returns is a task<>; else the error.
template <bool IsCoroutine>
consteval bool requireCoroutine() {
  static_assert(IsCoroutine,
                "a handler is a coroutine: write -> sluice::task<> and await what it waits for. "
                "The response ends when the handler returns. To answer later, write co_await "
                "sluice::sleepFor(...), or co_await res.once<\"close\">() to stay until the end");
  return IsCoroutine;
}

/// The error for a listener of something that goes with its statement.
template <class F>
consteval void requireName() {
  static_assert(sizeof(F) == 0,
                "keep the object, or it is gone before its events: auto req = http::get(...); "
                "req.on<...>(...);");
}

/// True if the class has the event; else the error.
template <class Events, fixed_string Name>
inline constexpr bool requireEvent =
    EventNamed<Name, typename Events::Known, isKnownEvent<Events, Name>>::value;

/// True if the event is a notification; else the error.
template <class Events, fixed_string Name>
inline constexpr bool requireNotification = NotificationCheck<Events, Name>::value;

/// True if `F` can listen to an event of that signature; else the error.
template <class F, class Signature>
inline constexpr bool requireListener = ListenerCheck<F, Signature>::value;

/// True if an event of that signature can be emitted with `Args`; else the error.
template <class Signature, class... Args>
inline constexpr bool requireArguments = EmissionCheck<Signature, Args...>::value;

}  // namespace sluice::detail
