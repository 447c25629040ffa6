// SPDX-License-Identifier: BSL-1.0
//
// W3C Trace Context: which trace a request belongs to.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_TRACE_CONTEXT_HPP
#define SLUICE_WEB_APP_TRACE_CONTEXT_HPP

#include <memory>
#include <optional>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/next.hpp>
#include <string>
#include <string_view>

namespace sluice::app {

namespace detail {
class RandomIds;
}

/// What traceContext() has found out: `req.locals<app::Trace>()`. Pass it on with a request to
/// another server:
///
///     FetchRequest().trace(req.locals<app::Trace>())
struct Trace {
  std::string traceId = {};   // 32 digits; empty without traceContext()
  std::string parentId = {};  // 16 digits, of who sent the request; empty if the trace begins here
  std::string spanId = {};    // 16 digits, of this request
  bool sampled = false;       // whether who sent the request records the trace
  std::string state = {};  // the `tracestate` that came with it, up to 512 bytes; otherwise empty

  /// The value of `traceparent` for what this request asks of others.
  std::string header() const;
};

/// A `traceparent`; nullopt for what is none. Its spanId is empty.
std::optional<Trace> parseTraceparent(std::string_view text);

/// A middleware.
class TraceContext {
 public:
  TraceContext();

  // There is no moved-from one: moving copies.
  TraceContext(const TraceContext&) = default;
  TraceContext& operator=(const TraceContext&) = default;

  /// What the router calls for each request.
  task<> operator()(Request& req, Response& res, Next next) const;

 private:
  std::shared_ptr<detail::RandomIds> random_;  // shared by copies
};

/// router.use(app::traceContext());
inline TraceContext traceContext() { return {}; }

}  // namespace sluice::app

#endif
