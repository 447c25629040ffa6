// SPDX-License-Identifier: BSL-1.0
//
// Headers that make browsers careful with what a server sends.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_SECURITY_HEADERS_HPP
#define SLUICE_WEB_APP_SECURITY_HEADERS_HPP

#include <sluice/http/prepared_headers.hpp>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/next.hpp>
#include <string>

namespace sluice::app {

/// The values of the headers. Empty: the header is not sent.
struct SecurityHeaderOptions {
  /// Content-Security-Policy.
  std::string contentSecurityPolicy =
      "default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; "
      "frame-ancestors 'self'; img-src 'self' data:; object-src 'none'; script-src 'self'; "
      "script-src-attr 'none'; style-src 'self' https: 'unsafe-inline'";
  /// Sent over https only.
  std::string strictTransportSecurity = "max-age=31536000; includeSubDomains";
  std::string contentTypeOptions = "nosniff";
  std::string frameOptions = "SAMEORIGIN";
  std::string referrerPolicy = "no-referrer";
  std::string crossOriginOpenerPolicy = "same-origin";
  std::string crossOriginResourcePolicy = "same-origin";
  std::string permissionsPolicy = {};
};

/// A middleware. A later step may set any of the headers anew.
class SecurityHeaders {
 public:
  explicit SecurityHeaders(SecurityHeaderOptions options);
  /// What the router calls for each request.
  task<> operator()(Request& req, Response& res, Next next) const;

 private:
  http::PreparedHeaders plain_;
  http::PreparedHeaders encrypted_;  // with Strict-Transport-Security
};

/// router.use(app::securityHeaders());
inline SecurityHeaders securityHeaders(SecurityHeaderOptions options = {}) {
  return SecurityHeaders(std::move(options));
}

}  // namespace sluice::app

#endif
