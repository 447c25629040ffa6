// SPDX-License-Identifier: BSL-1.0
//
// The way from a middleware to what comes after it.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_NEXT_HPP
#define SLUICE_WEB_APP_NEXT_HPP

#include <cstddef>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>

namespace sluice::app {

class Request;
class Response;

namespace detail {
class RouteTable;
struct Scope;
}  // namespace detail

/// Runs the rest of the chain: the next middleware, or the route's handler, or the answer that
/// there is none.
///
///     router.use([](app::Request& req, app::Response& res, app::Next next) -> task<> {
///       const auto start = std::chrono::steady_clock::now();
///       co_await next();
///       report(req.path(), std::chrono::steady_clock::now() - start);
///     });
///
/// A middleware that does not call it has answered the request itself. It may be called once, and
/// not after the middleware has returned.
///
/// throws  what a later step throws; ERR_INVALID_STATE at the second call
class Next {
 public:
  /// Runs the later steps, and resumes when they are done.
  task<> operator()() const;

 private:
  friend class detail::RouteTable;
  Next(Request& req, Response& res, std::size_t position, const detail::Scope& scope)
      : req_(&req), res_(&res), position_(position), scope_(&scope) {}

  Request* req_;
  Response* res_;
  std::size_t position_;
  const detail::Scope* scope_;
};

}  // namespace sluice::app

#endif
