// SPDX-License-Identifier: BSL-1.0
//
// A line for each request.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_ACCESS_LOG_HPP
#define SLUICE_WEB_APP_ACCESS_LOG_HPP

#include <cstddef>
#include <functional>
#include <memory>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/next.hpp>
#include <string_view>

namespace sluice::app {

/// combined: as Apache and nginx write it, and the milliseconds at the end. json: one object a
/// line.
enum class LogFormat { combined, json };

struct LogOptions {
  /// How a line is written.
  LogFormat format = LogFormat::combined;
  /// Gets whole lines, on a thread of the log's own. Not set: standard output.
  std::function<void(std::string_view lines)> write = {};
  /// How many bytes may wait to be written. What comes past it is dropped, and a line says how
  /// much.
  std::size_t buffer = 4 * 1024 * 1024;
  /// Asked when a request has ended; false: no line. Not set: every request has one.
  std::function<bool(const Request&, const Response&)> filter = {};
};

/// A middleware. The line is made when the handlers have returned and the response has left, and
/// reaches `write` within a hundredth of a second. If the connection broke before the response
/// began, its status is 499. "bytes" are those of the connection, heads included.
class AccessLog {
 public:
  explicit AccessLog(LogOptions options);

  // There is no moved-from one: moving copies.
  AccessLog(const AccessLog&) = default;
  AccessLog& operator=(const AccessLog&) = default;

  /// What the router calls for each request.
  task<> operator()(Request& req, Response& res, Next next) const;

 private:
  struct State;

  std::shared_ptr<const State> state_;  // shared by copies and by requests that have not ended
};

/// router.use(app::accessLog());
inline AccessLog accessLog(LogOptions options = {}) { return AccessLog(std::move(options)); }

}  // namespace sluice::app

#endif
