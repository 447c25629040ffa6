// SPDX-License-Identifier: BSL-1.0
//
// The types around events that users meet: an event's name and signature, the list of a class's
// events, and what names a listener. Nothing here runs or stores anything.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_EVENT_LIST_HPP
#define SLUICE_EVENT_LIST_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sluice {

/// A text as a template argument: `on<"data">` makes one.
template <std::size_t N>
struct fixed_string {
  consteval fixed_string(const char (&literal)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = literal[i];
  }

  /// The text, without the zero at its end.
  constexpr operator std::string_view() const { return {text, N - 1}; }

  /// The characters, with a zero at the end. Public, as a template argument must have it so.
  char text[N]{};
};

/// One event of a class: its name, and what its listeners are called with.
///
/// A signature that returns void is a notification, which any number may listen to. One that
/// returns task<> is a coroutine event, which has one handler that is awaited.
///
///     Event<"data", void(std::string_view)>
///     Event<"request", task<>(IncomingMessage&, ServerResponse&)>
template <fixed_string Name, class Signature>
struct Event {
  /// The name of the event, as on() and once() take it.
  static constexpr std::string_view name = Name;
  /// What a listener takes and returns.
  using signature = Signature;
};

/// Stands in the compiler's message about an unknown event: these are the names there are.
template <fixed_string... Names>
struct KnownEvents {};

/// All events of a class. State objects emit with the list alone, without the class it belongs to.
template <class... Events>
struct EventList;

template <fixed_string... Names, class... Signatures>
struct EventList<Event<Names, Signatures>...> {
  using Known = KnownEvents<Names...>;

  static constexpr std::size_t size = sizeof...(Names);

  /// Position of the event, or `size` if there is none of that name.
  static consteval std::size_t indexOf(std::string_view name) {
    std::size_t index = 0;
    (void)((name == std::string_view(Names) || (++index, false)) || ...);
    return index;
  }

  template <std::size_t Index>
  using EventAt = std::tuple_element_t<Index, std::tuple<Event<Names, Signatures>...>>;
  template <std::size_t Index>
  using SignatureAt = typename EventAt<Index>::signature;

  /// Whether the list begins with all events of `Others`, in their order: then an object that is
  /// known by the shorter list emits for listeners of the longer one.
  template <class Others>
  static consteval bool beginsWith() {
    if constexpr (Others::size > size) {
      return false;
    } else {
      return []<std::size_t... Index>(std::index_sequence<Index...>) {
        return (std::is_same_v<EventAt<Index>, typename Others::template EventAt<Index>> && ...);
      }(std::make_index_sequence<Others::size>{});
    }
  }
};

/// Names one listener of one object, for `removeListener()`.
class ListenerId {
 public:
  /// Names no listener.
  ListenerId() = default;
  explicit ListenerId(std::uint64_t value) : value_(value) {}

  /// The number of the listener; 0: none.
  std::uint64_t value() const { return value_; }
  /// Whether both name the same listener.
  bool operator==(const ListenerId&) const = default;

 private:
  std::uint64_t value_ = 0;
};

/// What awaiting an event with a parameter `X&` brings in its place; it converts to the reference.
///
/// The object belongs to who emitted the event, as it does for a listener. Unlike
/// `std::reference_wrapper` it can be empty, which it is if the wait ended with an error.
template <class X>
class Reference {
 public:
  Reference() = default;
  Reference(X& object) : object_(&object) {}

  /// The object. It is not copied, and must still live.
  operator X&() const { return *object_; }
  /// The same by name.
  X& get() const { return *object_; }
  /// A member of the object.
  X* operator->() const { return object_; }

 private:
  X* object_ = nullptr;
};

}  // namespace sluice

#endif
