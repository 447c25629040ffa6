// SPDX-License-Identifier: BSL-1.0
//
// What remains of an event's arguments when its emission is over: a coroutine that waits for the
// event sees them later than a listener does.
#pragma once

#include <boost/system/error_code.hpp>
#include <sluice/event_list.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sluice::detail {

template <class Param>
struct EventValueOf {
  using type = std::remove_cvref_t<Param>;
};
template <class X>
  requires(!std::is_const_v<X>)
struct EventValueOf<X&> {
  using type = Reference<X>;
};
template <>
struct EventValueOf<std::string_view> {
  using type = std::string;
};
template <>
struct EventValueOf<const std::string_view&> {
  using type = std::string;
};

/// The copy that outlives the emission.
template <class Param>
using EventValue = typename EventValueOf<Param>::type;

/// The argument that an erased pointer refers to.
template <class Argument>
Argument argument(void* pointer) {
  return *static_cast<std::remove_reference_t<Argument>*>(pointer);
}

/// An argument that a coroutine can go on using as the parameter it was.
template <class Argument>
class KeptArgument {
 public:
  explicit KeptArgument(Argument argument) : value_(argument) {}
  Argument get() { return static_cast<Argument>(value_); }

 private:
  EventValue<Argument> value_;
};

template <>
class KeptArgument<const std::string_view&> {
 public:
  explicit KeptArgument(const std::string_view& argument) : text_(argument), view_(text_) {}
  KeptArgument(const KeptArgument&) = delete;
  KeptArgument& operator=(const KeptArgument&) = delete;
  const std::string_view& get() { return view_; }

 private:
  std::string text_;
  std::string_view view_;
};

template <class>
inline constexpr bool isTuple = false;
template <class... Values>
inline constexpr bool isTuple<std::tuple<Values...>> = true;

/// What stands in the place of a value if there is an error instead.
template <class Value>
Value emptyValue(const boost::system::error_code& error) {
  if constexpr (isTuple<Value>) {
    return [&error]<class... Values>(std::type_identity<std::tuple<Values...>>) {
      return std::tuple<Values...>(emptyValue<Values>(error)...);
    }(std::type_identity<Value>{});
  } else if constexpr (std::is_default_constructible_v<Value>) {
    return Value();
  } else {
    static_assert(std::is_constructible_v<Value, boost::system::error_code>,
                  "an event can be awaited if its arguments are copyable and can be made from "
                  "nothing or from an error_code");
    return Value(error);
  }
}

}  // namespace sluice::detail
