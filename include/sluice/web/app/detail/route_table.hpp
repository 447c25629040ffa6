// SPDX-License-Identifier: BSL-1.0
//
// What a router holds: middleware in the order it was added, routes in a tree, and the handlers of
// errors. Also runs a request through them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <sluice/web/app/detail/handler.hpp>
#include <sluice/web/app/detail/networks.hpp>
#include <sluice/web/app/detail/route_tree.hpp>
#include <sluice/web/app/detail/routing.hpp>
#include <sluice/web/app/pattern.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::app::detail {

/// A router, or one that is mounted in it: what its error handlers answer for.
struct Scope {
  const Scope* parent = nullptr;
  std::vector<std::shared_ptr<ErrorHandler>> onError;
};

struct Route {
  std::string method;  // empty: every one
  std::string pattern;
  std::string where;
  std::vector<PatternTokens> variants;
  Handlers handlers;
  std::size_t before = 0;  // how many middlewares run before it
  const Scope* scope = nullptr;
};

struct Middleware {
  struct Match {
    enum class Kind { no, yes, undecided } kind = Kind::no;
    std::size_t variant = 0;
    std::size_t end = 0;  // in the path, before a slash
  };

  explicit Middleware(bool caseSensitive) : tree(caseSensitive) {}

  /// By the first of its plain patterns that is a prefix of the path.
  ///
  /// undecided  the search for it was given up
  Match match(std::string_view path, Captures& captures) const {
    using Kind = Match::Kind;
    Match best;
    Captures kept;
    std::size_t keptCount = 0;
    const auto better = [&](std::size_t number, std::size_t count, std::size_t end) {
      if (best.kind == Kind::yes && number >= best.variant) return false;
      best = {Kind::yes, number, end > 0 && path[end - 1] == '/' ? end - 1 : end};
      if (number == 0) return true;
      std::copy_n(captures.begin(), count, kept.begin());
      keptCount = count;
      return false;
    };
    const auto search = tree.matchPrefix(path, captures, better);
    if (search == RouteTree::Search::givenUp) return {Kind::undecided};
    if (best.variant != 0) std::copy_n(kept.begin(), keptCount, captures.begin());
    return best;
  }

  std::string pattern;  // empty: every path
  std::vector<PatternTokens> variants;
  RouteTree tree;
  std::vector<std::vector<std::string>> names;
  HandlerPtr handler;
  const Scope* scope = nullptr;
};

namespace table {

// The endpoints of one pattern. Requests that are answered refer to theirs while others are added.
using Leaf = std::vector<std::unique_ptr<const Endpoint>>;

// The endpoint of a method; null if it has none.
inline const Endpoint* find(const Leaf& leaf, std::string_view method) {
  for (const auto& endpoint : leaf) {
    if (endpoint->route->method == method) return endpoint.get();
  }
  return nullptr;
}

}  // namespace table

class RouteTable {
 public:
  explicit RouteTable(bool caseSensitive) : tree_(caseSensitive), caseSensitive_(caseSensitive) {
    scopes_.emplace_back();
  }
  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;

  // Each throws ERR_INVALID_ARG_VALUE with the place in the program, and changes nothing then.
  void addRoute(std::string_view method, const Pattern& pattern, Handlers handlers);
  void addMiddleware(const Pattern* prefix, Handlers handlers);
  void mount(const Pattern* prefix, std::span<RouteTable* const> others);
  void addErrorHandler(ErrorHandler handler);

  void trust(Networks networks) { trusted_ = std::move(networks); }
  const Networks& trusted() const { return trusted_; }

  /// What a name stands for in the step that runs; null if nothing has it.
  const Capture* valueOf(std::string_view name, Routing& routing) const;

  /// Answers a request.
  static task<> run(std::shared_ptr<const RouteTable> table, Request& req, Response& res);
  /// Runs the step that is due, or the first one after it that matches.
  task<> step(const Next& due) const;

 private:
  using Leaf = table::Leaf;

  void requireOpen(std::string_view call) const;
  void insert(std::unique_ptr<Route> route, const std::string& place);
  void copyFrom(const Pattern* prefix, const RouteTable& other);
  void findRoute(Request& req) const;
  const Middleware* middlewareAt(std::size_t position, const Routing& routing) const;
  void findPrefixNames(Routing& routing) const;
  std::string allowed(std::string_view path) const;
  static task<> call(Handler& handler, const Next& next);
  static task<> callForHead(Handler& handler, Next next);
  static task<> callMounted(Handler& handler, const Scope& caller, const Next& next);
  static task<> guarded(task<> step, const Scope* scope, const Scope* until, Request& req,
                        Response& res);
  static void tellEnd(Request& req, Response& res);
  static task<> answerError(std::exception_ptr error, Request& req, Response& res);
  static task<> answerNotFound(Request& req, Response& res);
  task<> answerWithoutRoute(Request& req, Response& res) const;

  RouteTree tree_;
  std::vector<Leaf> leaves_;
  std::vector<std::unique_ptr<Route>> routes_;
  std::vector<std::unique_ptr<Middleware>> middleware_;
  std::deque<Scope> scopes_;  // the first is the router's own
  Networks trusted_;
  bool caseSensitive_;
  bool mounted_ = false;
};

}  // namespace sluice::app::detail
