// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/route_table.hpp>: what is added to a router.
#pragma once

#include <algorithm>
#include <cstddef>
#include <sluice/error.hpp>
#include <sluice/web/app/detail/route_table.hpp>
#include <span>
#include <utility>

namespace sluice::app::detail {

namespace table {

inline std::string placeOf(const Pattern& pattern) {
  return std::string(pattern.where().file_name()) + ':' + std::to_string(pattern.where().line());
}

inline std::vector<PatternTokens> parsed(std::string_view call, const Pattern& pattern) {
  try {
    return parsePattern(pattern.text());
  } catch (const PatternError& error) {
    throw http::Error(http::errc::ERR_INVALID_ARG_VALUE,
                      placeOf(pattern) + ": " + std::string(call) + " \"" +
                          std::string(pattern.text()) + "\": " + error.what());
  }
}

inline std::vector<std::string> namesOf(const PatternTokens& tokens) {
  std::vector<std::string> names;
  for (const PatternToken& token : tokens) {
    if (token.kind != PatternToken::Kind::text) names.push_back(token.value);
  }
  return names;
}

inline std::vector<PatternTokens> below(const std::vector<PatternTokens>& prefixes,
                                        const std::vector<PatternTokens>& rest) {
  if (prefixes.size() * rest.size() > maxVariants) {
    throw PatternError(0, "there are too many optional groups");
  }
  std::vector<PatternTokens> all;
  for (const PatternTokens& prefix : prefixes) {
    for (const PatternTokens& tokens : rest) all.push_back(joined(prefix, tokens));
  }
  return all;
}

// For a route, which a path matches as a whole, "/" is the same as nothing.
inline std::vector<PatternTokens> wholePaths(std::vector<PatternTokens> variants) {
  for (PatternTokens& variant : variants) {
    const bool root = variant.size() == 1 && variant.front().kind == PatternToken::Kind::text &&
                      variant.front().value == "/";
    if (root) variant.clear();
  }
  return variants;
}

inline void setVariants(Middleware& middleware, std::vector<PatternTokens> variants) {
  for (const PatternTokens& variant : variants) {
    const std::size_t next = middleware.names.size();
    if (middleware.tree.add(variant, next) == next) middleware.names.push_back(namesOf(variant));
  }
  middleware.variants = std::move(variants);
}

inline std::string textBelow(const std::string& prefix, const std::string& rest) {
  if (prefix.empty()) return rest;
  return rest == "/" || rest.empty() ? prefix : prefix + rest;
}

}  // namespace table

SLUICE_DECL void RouteTable::requireOpen(std::string_view call) const {
  if (!mounted_) return;
  throw http::Error(
      http::errc::ERR_INVALID_STATE,
      std::string(call) + ": this router was mounted in another one, add to it before");
}

SLUICE_DECL void RouteTable::addRoute(std::string_view method, const Pattern& pattern,
                                      Handlers handlers) {
  const std::string_view call = method.empty() ? std::string_view("ALL") : method;
  requireOpen(call);
  auto route = std::make_unique<Route>();
  route->method = method;
  route->pattern = pattern.text();
  route->where = table::placeOf(pattern);
  route->variants = table::wholePaths(table::parsed(call, pattern));
  route->handlers = std::move(handlers);
  route->before = middleware_.size();
  route->scope = &scopes_.front();
  const std::string place = route->where;
  insert(std::move(route), place);
}

SLUICE_DECL void RouteTable::insert(std::unique_ptr<Route> route, const std::string& place) {
  std::vector<std::size_t> numbers;
  for (const PatternTokens& variant : route->variants) {
    const std::size_t number = tree_.add(variant, leaves_.size());
    if (number == leaves_.size()) leaves_.emplace_back();
    numbers.push_back(number);
    const Endpoint* const other = table::find(leaves_[number], route->method);
    if (other == nullptr) continue;
    throw http::Error(http::errc::ERR_INVALID_ARG_VALUE,
                      place + ": " + (route->method.empty() ? "ALL" : route->method) + " \"" +
                          route->pattern + "\" is there already, as \"" + other->route->pattern +
                          "\" at " + other->route->where);
  }
  for (std::size_t index = 0; index < numbers.size(); ++index) {
    Leaf& leaf = leaves_[numbers[index]];
    // Two of the route's own variants can be alike but for their names: the first counts.
    if (table::find(leaf, route->method) != nullptr) continue;
    leaf.push_back(std::make_unique<const Endpoint>(
        Endpoint{route.get(), table::namesOf(route->variants[index]), index}));
  }
  routes_.push_back(std::move(route));
}

SLUICE_DECL void RouteTable::addMiddleware(const Pattern* prefix, Handlers handlers) {
  requireOpen("use()");
  std::vector<PatternTokens> variants(1);
  std::string text;
  if (prefix != nullptr && prefix->text() != "/") {
    variants = table::parsed("use", *prefix);
    text = prefix->text();
    if (text.ends_with('/')) text.pop_back();
  }
  for (HandlerPtr& handler : handlers) {
    Middleware& added = *middleware_.emplace_back(std::make_unique<Middleware>(caseSensitive_));
    added.pattern = text;
    table::setVariants(added, variants);
    added.handler = std::move(handler);
    added.scope = &scopes_.front();
  }
}

SLUICE_DECL void RouteTable::mount(const Pattern* prefix, std::span<RouteTable* const> others) {
  requireOpen("use()");
  const std::size_t middleware = middleware_.size(), routes = routes_.size(),
                    scopes = scopes_.size();
  try {
    for (RouteTable* const other : others) copyFrom(prefix, *other);
  } catch (...) {
    middleware_.resize(middleware);
    scopes_.resize(scopes);
    const auto isNew = [&](const std::unique_ptr<const Endpoint>& endpoint) {
      return std::any_of(routes_.begin() + static_cast<std::ptrdiff_t>(routes), routes_.end(),
                         [&](const auto& route) { return route.get() == endpoint->route; });
    };
    for (Leaf& leaf : leaves_) std::erase_if(leaf, isNew);
    routes_.resize(routes);
    throw;
  }
  for (RouteTable* const other : others) other->mounted_ = true;
}

SLUICE_DECL void RouteTable::copyFrom(const Pattern* prefix, const RouteTable& other) {
  std::vector<PatternTokens> prefixes(1);
  std::string text;
  std::string place = "use()";
  if (prefix != nullptr && prefix->text() != "/") {
    prefixes = table::parsed("use", *prefix);
    text = prefix->text();
    if (text.ends_with('/')) text.pop_back();
    place = table::placeOf(*prefix);
  }
  place += ": use \"" + text + '"';
  std::vector<std::pair<const Scope*, const Scope*>> scopes;
  for (const Scope& scope : other.scopes_) {
    Scope& copy = scopes_.emplace_back(scope);
    copy.parent = scope.parent == nullptr ? &scopes_.front() : nullptr;
    for (const auto& [from, to] : scopes) {
      if (from == scope.parent) copy.parent = to;
    }
    scopes.emplace_back(&scope, &copy);
  }
  const auto copyOf = [&scopes](const Scope* scope) {
    return std::find_if(scopes.begin(), scopes.end(),
                        [scope](const auto& pair) { return pair.first == scope; })
        ->second;
  };
  const std::size_t middlewareBefore = middleware_.size();
  try {
    for (const auto& from : other.middleware_) {
      auto copy = std::make_unique<Middleware>(caseSensitive_);
      copy->pattern = table::textBelow(text, from->pattern);
      table::setVariants(*copy, table::below(prefixes, from->variants));
      copy->handler = from->handler;
      copy->scope = copyOf(from->scope);
      middleware_.push_back(std::move(copy));
    }
    for (const auto& from : other.routes_) {
      auto copy = std::make_unique<Route>(*from);
      copy->pattern = table::textBelow(text, from->pattern);
      copy->variants = table::wholePaths(table::below(prefixes, from->variants));
      copy->before = middlewareBefore + from->before;
      copy->scope = copyOf(from->scope);
      insert(std::move(copy), place);
    }
  } catch (const PatternError& error) {
    throw http::Error(http::errc::ERR_INVALID_ARG_VALUE, place + ": " + error.what());
  }
}

SLUICE_DECL void RouteTable::addErrorHandler(ErrorHandler handler) {
  requireOpen("onError()");
  scopes_.front().onError.push_back(std::make_shared<ErrorHandler>(std::move(handler)));
}

}  // namespace sluice::app::detail
