// SPDX-License-Identifier: BSL-1.0
//
// Routes and middleware: which handler answers which request, and what runs around it.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_ROUTER_HPP
#define SLUICE_WEB_APP_ROUTER_HPP

#include <exception>
#include <memory>
#include <sluice/task.hpp>
#include <sluice/web/app/detail/handler.hpp>
#include <sluice/web/app/detail/route_table.hpp>
#include <sluice/web/app/pattern.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::app {

struct RouterOptions {
  /// Whether `/Users` and `/users` are two paths. Express: caseSensitive, false as well, and there
  /// all letters count, here those of ASCII. Of mounted routers the outermost one decides.
  bool caseSensitive = false;
};

/// A handler for createServer() that finds the handler of each request.
///
///     app::Router router;
///     router.use(app::accessLog());
///     router.get("/users/:id", [](app::Request& req, app::Response& res) -> task<> {
///       co_await res.json(users.at(req.param("id")));
///     });
///     auto server = http::createServer(loop, router);
///
/// Handlers are `task<>(Request&, Response&)` or `task<>(Request&, Response&, Next)`, or a member
/// function followed by its object: `get("/", &Api::list, api)`. Several handlers of one route run
/// one after the other, each when the one before calls `next()`.
///
/// Routes are found in a tree: text wins over `:name`, and this over `*name`, whatever was added
/// first. Middleware runs in the order in which it was added, and only that which was added before
/// the route. If no route matches, all of it runs, and then the answer is 404, or 405 with `Allow`
/// if the path has other methods. HEAD is answered by the route for GET, and OPTIONS by a list of
/// the methods, unless there are routes for them.
///
/// Copies are the same router. One loop owns it, as it owns a server.
///
/// throws  each call that adds something: ERR_INVALID_ARG_VALUE for a pattern that is malformed or
/// is
///         there already, with its place in the program; ERR_INVALID_STATE if this router was
///         mounted
class Router {
 public:
  Router() : Router(RouterOptions()) {}
  explicit Router(RouterOptions options);

  // There is no moved-from one: moving copies.
  Router(const Router&) = default;
  Router& operator=(const Router&) = default;

  /// A route for GET, and for HEAD if that has none. The handlers run in this order.
  template <class... F>
  Router& get(Pattern pattern, F&&... handlers) {
    return route("GET", pattern, std::forward<F>(handlers)...);
  }
  /// A route for POST.
  template <class... F>
  Router& post(Pattern pattern, F&&... handlers) {
    return route("POST", pattern, std::forward<F>(handlers)...);
  }
  /// A route for PUT.
  template <class... F>
  Router& put(Pattern pattern, F&&... handlers) {
    return route("PUT", pattern, std::forward<F>(handlers)...);
  }
  /// A route for PATCH.
  template <class... F>
  Router& patch(Pattern pattern, F&&... handlers) {
    return route("PATCH", pattern, std::forward<F>(handlers)...);
  }
  /// DELETE, which is a word of C++.
  template <class... F>
  Router& del(Pattern pattern, F&&... handlers) {
    return route("DELETE", pattern, std::forward<F>(handlers)...);
  }
  /// A route for HEAD, in place of the one for GET.
  template <class... F>
  Router& head(Pattern pattern, F&&... handlers) {
    return route("HEAD", pattern, std::forward<F>(handlers)...);
  }
  /// A route for OPTIONS, in place of the list of methods.
  template <class... F>
  Router& options(Pattern pattern, F&&... handlers) {
    return route("OPTIONS", pattern, std::forward<F>(handlers)...);
  }
  /// Every method that has no route of its own at this pattern.
  template <class... F>
  Router& all(Pattern pattern, F&&... handlers) {
    return route("", pattern, std::forward<F>(handlers)...);
  }
  /// Any method: "PROPFIND". Empty: as all().
  template <class... F>
  Router& route(std::string_view method, Pattern pattern, F&&... handlers) {
    addRoute(method, pattern, detail::makeHandlers(std::forward<F>(handlers)...));
    return *this;
  }

  /// Middleware for every path below `prefix`, or a router whose routes are added below it.
  ///
  /// The prefix may have names: `use("/users/:id", posts)`. A path that is made to need too many
  /// attempts to compare with it is answered 404. A router is complete when it is mounted: adding
  /// to it later throws.
  template <class... F>
  Router& use(Pattern prefix, F&&... middleware) {
    useAt(&prefix, std::forward<F>(middleware)...);
    return *this;
  }
  /// The same for every path.
  template <class F, class... More>
    requires(!std::convertible_to<F, Pattern>)
  Router& use(F&& middleware, More&&... more) {
    useAt(nullptr, std::forward<F>(middleware), std::forward<More>(more)...);
    return *this;
  }

  /// Answers for what a handler throws, in this router and in those mounted in it: a
  /// `task<>(std::exception_ptr, Request&, Response&)`.
  ///
  /// A mounted router's handler is asked first. One that throws hands that on to the next. Without
  /// any, HttpError is answered as it says, ERR_BODY_TOO_LARGE with 413, and everything else is the
  /// server's business: 500, and its "error" event. Nobody is asked if the client has gone.
  template <class F>
  Router& onError(F&& handler) {
    using Kept = std::decay_t<F>;
    if constexpr (std::is_invocable_r_v<task<>, Kept&, std::exception_ptr, Request&, Response&>) {
      addErrorHandler(std::forward<F>(handler));
    } else {
      static_assert(sizeof(F) == 0,
                    "an error handler is a coroutine of (std::exception_ptr, app::Request&, "
                    "app::Response&) that returns sluice::task<>");
    }
    return *this;
  }

  /// Whose `X-Forwarded-For`, `-Proto` and `-Host` Request::ip(), protocol() and host() believe:
  /// addresses, networks such as "10.0.0.0/8", or "loopback", "linklocal" and "uniquelocal". None
  /// by default. Only the outermost router's counts.
  ///
  /// throws  ERR_INVALID_ARG_VALUE for what is none of these
  Router& trustProxy(std::vector<std::string> networks);

  /// Answers a request, as a handler of createServer() does.
  task<> operator()(Request& req, Response& res) const;

 private:
  template <class... F>
  void useAt(const Pattern* prefix, F&&... steps) {
    useAfter(std::vector<Router>(), prefix, std::forward<F>(steps)...);
  }
  // `routers` are those that stand before the other steps.
  template <class First, class... More>
  void useAfter(std::vector<Router> routers, const Pattern* prefix, First&& first, More&&... more) {
    if constexpr (std::same_as<std::decay_t<First>, Router>) {
      routers.push_back(first);
      if constexpr (sizeof...(More) > 0) {
        useAfter(std::move(routers), prefix, std::forward<More>(more)...);
      } else {
        mount(prefix, routers);
      }
    } else {
      static_assert(!(std::same_as<std::decay_t<More>, Router> || ...),
                    "mount a router in a call of use() of its own");
      if (!routers.empty()) mount(prefix, routers);
      addMiddleware(prefix,
                    detail::makeHandlers(std::forward<First>(first), std::forward<More>(more)...));
    }
  }
  void addRoute(std::string_view method, const Pattern& pattern, detail::Handlers handlers);
  void addMiddleware(const Pattern* prefix, detail::Handlers handlers);
  // All of them or none.
  void mount(const Pattern* prefix, const std::vector<Router>& others);
  void addErrorHandler(detail::ErrorHandler handler);

  // Shared by the copies, of which a server has one.
  std::shared_ptr<detail::RouteTable> table_;
};

}  // namespace sluice::app

#endif
