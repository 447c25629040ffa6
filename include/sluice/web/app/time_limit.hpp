// SPDX-License-Identifier: BSL-1.0
//
// A limit of the time that a request may take.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_TIME_LIMIT_HPP
#define SLUICE_WEB_APP_TIME_LIMIT_HPP

#include <chrono>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/next.hpp>

namespace sluice::app {

/// A middleware. When the time is up, what the later steps await is cancelled, and the answer is
/// 503; if the response has begun, the connection is closed.
class TimeLimit {
 public:
  explicit TimeLimit(std::chrono::milliseconds limit);
  /// What the router calls for each request.
  task<> operator()(Request& req, Response& res, Next next) const;

 private:
  std::chrono::milliseconds limit_;
};

/// router.use("/reports", app::timeLimit(30s));
///
/// throws  ERR_OUT_OF_RANGE for less than 1 ms
inline TimeLimit timeLimit(std::chrono::milliseconds limit) { return TimeLimit(limit); }

}  // namespace sluice::app

#endif
