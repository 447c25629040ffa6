// SPDX-License-Identifier: BSL-1.0
//
// Handlers of any type, kept as one type, and the compile errors that say what a handler must be.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <sluice/task.hpp>
#include <sluice/web/app/next.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::app::detail {

/// A handler of a route, or a middleware.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual task<> call(Request& req, Response& res, const Next& next) = 0;
};
/// Shared by the router that it was added to and the routers that this is mounted in.
using HandlerPtr = std::shared_ptr<Handler>;

using ErrorHandler = std::function<task<>(std::exception_ptr, Request&, Response&)>;

template <class F>
concept TakesNext = std::is_invocable_v<F&, Request&, Response&, Next>;
template <class F>
concept TakesPair = std::is_invocable_v<F&, Request&, Response&>;

// Becomes a Next in two ways, which are ambiguous, and a reference to one in a single way.
struct OnlyReference {
  operator Next() const;
  operator const Next&() const;
};
template <class F, class... Before>
concept TakesNextByReference = !std::is_invocable_v<F, Before..., const Next&> ||
                               std::is_invocable_v<F, Before..., OnlyReference>;

// A generic lambda is not asked: that could compile its body with a type that is no Next.
template <class F>
concept HasOneSignature = std::is_pointer_v<F> || requires { &F::operator(); };

template <class F>
class HandlerOf final : public Handler {
  static_assert(TakesNext<F> || TakesPair<F>,
                "a handler takes (app::Request&, app::Response&) or (app::Request&, "
                "app::Response&, app::Next)");

 public:
  template <class Source>
  explicit HandlerOf(Source&& source) : function_(std::forward<Source>(source)) {}

  task<> call(Request& req, Response& res, const Next& next) override {
    if constexpr (TakesPair<F>) {
      static_assert(std::same_as<std::invoke_result_t<F&, Request&, Response&>, task<>>,
                    "a handler is a coroutine: give it the return type sluice::task<>");
      return std::invoke(function_, req, res);
    } else if constexpr (TakesNext<F>) {
      static_assert(std::same_as<std::invoke_result_t<F&, Request&, Response&, Next>, task<>>,
                    "a handler is a coroutine: give it the return type sluice::task<>");
      if constexpr (refersToNext()) {
        return callWithOwn(req, res, next);
      } else {
        return std::invoke(function_, req, res, Next(next));
      }
    }
  }

 private:
  static constexpr bool refersToNext() {
    if constexpr (HasOneSignature<F>) return TakesNextByReference<F&, Request&, Response&>;
    return false;
  }

  // A handler that takes a reference begins to run when call() has returned: its Next is kept here.
  task<> callWithOwn(Request& req, Response& res, Next next) {
    co_await std::invoke(function_, req, res, static_cast<Next&&>(next));
  }

  F function_;
};

// A member function and the object that it is called on, which must outlive the router.
template <class Member, class Object>
class MemberHandler {
 public:
  MemberHandler(Member member, Object& object) : member_(member), object_(&object) {}

  task<> operator()(Request& req, Response& res)
    requires std::is_invocable_v<Member, Object&, Request&, Response&>
  {
    return std::invoke(member_, *object_, req, res);
  }
  task<> operator()(Request& req, Response& res, Next next)
    requires std::is_invocable_v<Member, Object&, Request&, Response&, Next>
  {
    if constexpr (TakesNextByReference<Member, Object&, Request&, Response&>) {
      return callWithOwn(req, res, next);
    } else {
      return std::invoke(member_, *object_, req, res, next);
    }
  }

 private:
  // Keeps the Next that the member function refers to.
  task<> callWithOwn(Request& req, Response& res, Next next) {
    co_await std::invoke(member_, *object_, req, res, static_cast<Next&&>(next));
  }

  Member member_;
  Object* object_;
};

using Handlers = std::vector<HandlerPtr>;

inline void addHandlers(Handlers&) {}

template <class First, class... More>
void addHandlers(Handlers& handlers, First&& first, More&&... more) {
  if constexpr (std::is_member_function_pointer_v<std::decay_t<First>>) {
    static_assert(sizeof...(More) > 0,
                  "a member function is followed by its object: &Api::list, api");
    [&handlers, first]<class Object, class... Rest>(Object&& object, Rest&&... rest) {
      if constexpr (std::is_pointer_v<std::decay_t<Object>>) {
        addHandlers(handlers, MemberHandler(first, *object), std::forward<Rest>(rest)...);
      } else {
        static_assert(std::is_lvalue_reference_v<Object>,
                      "the object of a member function must outlive the router");
        addHandlers(handlers, MemberHandler(first, object), std::forward<Rest>(rest)...);
      }
    }(std::forward<More>(more)...);
  } else {
    handlers.push_back(
        std::make_shared<HandlerOf<std::decay_t<First>>>(std::forward<First>(first)));
    addHandlers(handlers, std::forward<More>(more)...);
  }
}

template <class... F>
Handlers makeHandlers(F&&... handlers) {
  static_assert(sizeof...(F) > 0, "a route needs a handler");
  Handlers made;
  addHandlers(made, std::forward<F>(handlers)...);
  return made;
}

}  // namespace sluice::app::detail
