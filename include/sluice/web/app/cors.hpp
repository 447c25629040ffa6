// SPDX-License-Identifier: BSL-1.0
//
// Cross-origin requests (Fetch standard): which pages of other origins may read the answers.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_CORS_HPP
#define SLUICE_WEB_APP_CORS_HPP

#include <chrono>
#include <functional>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/next.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::app {

struct CorsOptions {
  /// "https://example.org". Empty, and no `allow`: every origin.
  std::vector<std::string> origins = {};
  /// Asked about an origin that is not among `origins`.
  std::function<bool(std::string_view origin)> allow = {};
  std::vector<std::string> methods = {"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"};
  /// Request headers that a page may set. Empty: those that it asks for.
  std::vector<std::string> headers = {};
  /// Response headers that a page may read, besides the few that it always may.
  std::vector<std::string> exposedHeaders = {};
  /// Whether cookies and authorization count. Only with named origins.
  bool credentials = false;
  /// How long a browser remembers the answer to a preflight request. 0: as it likes.
  std::chrono::seconds maxAge = std::chrono::seconds(0);
};

/// A middleware. It answers preflight requests itself, with 204.
class Cors {
 public:
  /// throws  ERR_INVALID_ARG_VALUE for credentials of every origin
  explicit Cors(CorsOptions options);
  task<> operator()(Request& req, Response& res, Next next) const;

 private:
  bool allows(std::string_view origin) const;
  static task<> answerPreflight(Response& res);

  CorsOptions options_;
  bool everyOrigin_;
  std::string methods_, headers_, exposed_;
};

/// router.use(app::cors({.origins = {"https://example.org"}}));
inline Cors cors(CorsOptions options = {}) { return Cors(std::move(options)); }

}  // namespace sluice::app

#endif
