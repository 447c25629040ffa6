// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/route_table.hpp>.
#pragma once

#include <algorithm>
#include <sluice/error.hpp>
#include <sluice/web/app/detail/error_answer.hpp>
#include <sluice/web/app/detail/events_of_head.hpp>
#include <sluice/web/app/detail/route_table.hpp>
#include <sluice/web/app/http_error.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>
#include <utility>

namespace sluice::app::detail {

namespace table {

[[noreturn]] inline void throwCalledTwice() {
  throw http::Error(http::errc::ERR_INVALID_STATE, "next() was called twice");
}

inline bool isAround(const Scope* outer, const Scope* inner) {
  while (inner != nullptr && inner != outer) inner = inner->parent;
  return inner == outer;
}

}  // namespace table

SLUICE_DECL task<> RouteTable::run(std::shared_ptr<const RouteTable> table, Request& req,
                                   Response& res) {
  Routing& routing = detail::RequestAccess::routing(req);
  routing.table = table.get();
  routing.reached = 0;
  // Those of a router that has handed the request on.
  routing.prefixNames.clear();
  routing.namedUntil = routing.ownNames = 0;
  table->findRoute(req);
  const Scope& root = table->scopes_.front();
  const Next first(req, res, 0, root);
  std::exception_ptr error;
  try {
    if (root.onError.empty()) {
      co_await table->step(first);
    } else {
      co_await guarded(table->step(first), &root, nullptr, req, res);
    }
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    const std::exception_ptr thrown = std::exchange(error, {});
    try {
      co_await answerError(thrown, req, res);
    } catch (...) {
      error = std::current_exception();
    }
  }
  // Who hears of "close" may ask for the route, and the server may be gone by then.
  if (routing.table == table.get()) routing.kept = std::move(table);
  if (routing.endings) {
    try {
      tellEnd(req, res);
    } catch (...) {
      if (!error) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

SLUICE_DECL void RouteTable::tellEnd(Request& req, Response& res) {
  const auto tell = [&req, &res] {
    auto ending = std::move(detail::RequestAccess::routing(req).endings);
    // Each of them, also if one throws.
    std::exception_ptr failure;
    for (; ending; ending = std::move(ending->next)) {
      try {
        ending->ended(req, res);
      } catch (...) {
        if (!failure) failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
  };
  if (res.writableFinished() || res.closed()) {
    tell();
  } else {
    // Both messages live until "close" was told.
    res.on<"close">(tell);
  }
}

SLUICE_DECL void RouteTable::findRoute(Request& req) const {
  Routing& routing = detail::RequestAccess::routing(req);
  // Another router may have handed it on.
  routing.endpoint = nullptr;
  const std::string_view method = req.method();
  routing.isHead = method == "HEAD";
  if (routing.target == Routing::Target::refused) return;
  Captures kept;
  std::size_t keptCount = 0;
  tree_.match(
      routing.path.segments(), routing.captures,
      [&](std::size_t number, std::size_t count, std::size_t) {
        const Leaf& leaf = leaves_[number];
        const Endpoint* found = table::find(leaf, method);
        if (found == nullptr && routing.isHead) found = table::find(leaf, "GET");
        if (found == nullptr) found = table::find(leaf, {});
        if (found == nullptr) return false;
        const Endpoint* const known = routing.endpoint;
        if (known != nullptr && (found->route != known->route || found->rank >= known->rank))
          return false;
        routing.endpoint = found;
        if (found->rank == 0) return true;
        // Another plain pattern of the route may come before this one.
        std::copy_n(routing.captures.begin(), count, kept.begin());
        keptCount = count;
        return false;
      });
  if (routing.endpoint == nullptr || routing.endpoint->rank == 0) return;
  std::copy_n(kept.begin(), keptCount, routing.captures.begin());
}

SLUICE_DECL task<> RouteTable::step(const Next& due) const {
  using Kind = Middleware::Match::Kind;
  Routing& routing = detail::RequestAccess::routing(*due.req_);
  std::size_t position = due.position_;
  if (position < routing.reached) table::throwCalledTwice();
  const Route* const route = routing.endpoint == nullptr ? nullptr : routing.endpoint->route;
  const std::size_t handlers = route == nullptr ? 0 : route->handlers.size();
  for (; position < middleware_.size() + handlers; ++position) {
    const Middleware* const middleware = middlewareAt(position, routing);
    Handler* handler = nullptr;
    const Scope* scope = nullptr;
    std::size_t end = 0;
    if (middleware == nullptr) {
      handler = route->handlers[position - route->before].get();
      scope = route->scope;
    } else {
      if (!middleware->pattern.empty()) {
        Captures captures;
        const auto match = middleware->match(routing.path.segments(), captures);
        if (match.kind == Kind::no) continue;
        if (match.kind == Kind::undecided) {
          // It may be a guard: nothing that comes after it may answer.
          routing.reached = position + 1;
          routing.basePath = 0;
          return answerNotFound(*due.req_, *due.res_);
        }
        end = match.end;
      }
      handler = middleware->handler.get();
      scope = middleware->scope;
    }
    routing.reached = position + 1;
    routing.basePath = end;
    const Next next(*due.req_, *due.res_, position + 1, *scope);
    if (scope != due.scope_) return callMounted(*handler, *due.scope_, next);
    return routing.isHead ? callForHead(*handler, next) : call(*handler, next);
  }
  routing.reached = position + 1;
  routing.basePath = 0;
  return answerWithoutRoute(*due.req_, *due.res_);
}

// The route's handlers have their place among the middleware: there it is null.
SLUICE_DECL const Middleware* RouteTable::middlewareAt(std::size_t position,
                                                       const Routing& routing) const {
  const Route* const route = routing.endpoint == nullptr ? nullptr : routing.endpoint->route;
  if (route != nullptr && position >= route->before) {
    if (position < route->before + route->handlers.size()) return nullptr;
    position -= route->handlers.size();
  }
  return position < middleware_.size() ? middleware_[position].get() : nullptr;
}

SLUICE_DECL const Capture* RouteTable::valueOf(std::string_view name, Routing& routing) const {
  const auto among = [name](auto begin, auto end) -> const Capture* {
    const auto found =
        std::find_if(begin, end, [name](const auto& known) { return known.first == name; });
    return found == end ? nullptr : &found->second;
  };
  const PrefixNames& prefixNames = routing.prefixNames;
  // A guard judges what its own prefix has matched, whatever the route means by the same name.
  const Middleware* const step =
      routing.reached == 0 ? nullptr : middlewareAt(routing.reached - 1, routing);
  if (step != nullptr && !step->pattern.empty()) {
    findPrefixNames(routing);
    const auto end = prefixNames.begin() + static_cast<std::ptrdiff_t>(routing.ownNames);
    if (const Capture* const value = among(prefixNames.begin(), end)) return value;
  }
  if (routing.endpoint != nullptr) {
    const auto& names = routing.endpoint->names;
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end())
      return &routing.captures[static_cast<std::size_t>(found - names.begin())];
  }
  findPrefixNames(routing);
  return among(prefixNames.begin(), prefixNames.end());
}

SLUICE_DECL void RouteTable::findPrefixNames(Routing& routing) const {
  if (routing.namedUntil == routing.reached) return;
  routing.namedUntil = routing.reached;
  routing.prefixNames.clear();
  routing.ownNames = 0;
  for (std::size_t position = routing.reached; position-- > 0;) {
    const Middleware* const middleware = middlewareAt(position, routing);
    if (middleware == nullptr || middleware->pattern.empty()) continue;
    Captures captures;
    const auto match = middleware->match(routing.path.segments(), captures);
    if (match.kind != Middleware::Match::Kind::yes) continue;
    const auto& names = middleware->names[match.variant];
    for (std::size_t at = 0; at < names.size(); ++at) {
      routing.prefixNames.emplace_back(names[at], captures[at]);
    }
    if (position + 1 == routing.reached) routing.ownNames = names.size();
  }
}

namespace table {

inline task<> failed(std::exception_ptr error) {
  std::rethrow_exception(std::move(error));
  co_return;
}

}  // namespace table

// One that is no coroutine may throw at once. Whoever awaits it hears that as from a coroutine.
SLUICE_DECL task<> RouteTable::call(Handler& handler, const Next& next) {
  try {
    return handler.call(*next.req_, *next.res_, next);
  } catch (...) {
    return table::failed(std::current_exception());
  }
}

// The steps around one that would send events to HEAD see it return.
SLUICE_DECL task<> RouteTable::callForHead(Handler& handler, Next next) {
  try {
    co_await call(handler, next);
  } catch (const EventsOfHead&) {
    // All is said.
  }
}

SLUICE_DECL task<> RouteTable::callMounted(Handler& handler, const Scope& caller,
                                           const Next& next) {
  // An error that leaves a mounted router passes its handlers first.
  const Scope* until = next.scope_;
  bool handlers = false;
  while (!table::isAround(until, &caller)) {
    handlers = handlers || !until->onError.empty();
    until = until->parent;
  }
  const bool isHead = detail::RequestAccess::routing(*next.req_).isHead;
  task<> step = isHead ? callForHead(handler, next) : call(handler, next);
  if (!handlers) return step;
  return guarded(std::move(step), next.scope_, until, *next.req_, *next.res_);
}

SLUICE_DECL task<> RouteTable::guarded(task<> step, const Scope* scope, const Scope* until,
                                       Request& req, Response& res) {
  std::exception_ptr error;
  try {
    co_await std::move(step);
  } catch (...) {
    error = std::current_exception();
  }
  if (!error) co_return;
  for (; scope != until && !req.aborted(); scope = scope->parent) {
    // By their number: more may be added while one runs.
    for (std::size_t index = 0; index < scope->onError.size(); ++index) {
      ErrorHandler& handler = *scope->onError[index];
      std::exception_ptr again;
      try {
        co_await handler(error, req, res);
      } catch (...) {
        again = std::current_exception();
      }
      if (!again) co_return;
      error = std::move(again);
    }
  }
  std::rethrow_exception(error);
}

SLUICE_DECL task<> RouteTable::answerError(std::exception_ptr error, Request& req, Response& res) {
  if (res.headersSent() || req.aborted()) std::rethrow_exception(error);
  int status = 0;
  std::string message;
  try {
    std::rethrow_exception(error);
  } catch (const HttpError& thrown) {
    status = thrown.status;
    message = thrown.message;
  } catch (const http::Error& thrown) {
    if (thrown.code() != http::errc::ERR_BODY_TOO_LARGE) throw;
    status = 413;
  }
  co_await answerStatus(req, res, status, message);
}

SLUICE_DECL task<> RouteTable::answerNotFound(Request& req, Response& res) {
  co_await answerStatus(req, res, 404);
}

SLUICE_DECL task<> RouteTable::answerWithoutRoute(Request& req, Response& res) const {
  const Routing& routing = detail::RequestAccess::routing(req);
  if (routing.target == Routing::Target::refused) {
    co_await answerStatus(req, res, 400);
    co_return;
  }
  std::string methods;
  if (routing.endpoint == nullptr) methods = allowed(routing.path.segments());
  if (methods.empty()) {
    co_await answerStatus(req, res, 404);
    co_return;
  }
  res.setHeader("Allow", methods);
  if (req.method() == "OPTIONS") {
    co_await res.status(204).end();
  } else {
    co_await answerStatus(req, res, 405);
  }
}

SLUICE_DECL std::string RouteTable::allowed(std::string_view path) const {
  std::vector<std::string_view> methods;
  const auto add = [&methods](std::string_view method) {
    if (std::find(methods.begin(), methods.end(), method) == methods.end())
      methods.push_back(method);
  };
  const auto addLeaf = [&](const Leaf& leaf) {
    for (const auto& endpoint : leaf) {
      add(endpoint->route->method);
      if (endpoint->route->method == "GET") add("HEAD");
    }
  };
  if (path == "*") {
    for (const Leaf& leaf : leaves_) addLeaf(leaf);
    add("OPTIONS");
  } else {
    Captures captures;
    tree_.match(path, captures, [&](std::size_t number, std::size_t, std::size_t) {
      addLeaf(leaves_[number]);
      return false;
    });
  }
  std::sort(methods.begin(), methods.end());
  std::string list;
  for (const std::string_view method : methods) {
    if (method.empty()) continue;
    if (!list.empty()) list += ", ";
    list += method;
  }
  return list;
}

}  // namespace sluice::app::detail
