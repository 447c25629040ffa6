// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/security_headers.hpp>.
#pragma once

#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>
#include <sluice/web/app/security_headers.hpp>

namespace sluice::app {

namespace detail {

inline http::Headers headersOf(const SecurityHeaderOptions& options, bool encrypted) {
  http::Headers headers;
  const auto add = [&headers](std::string_view name, const std::string& value) {
    if (!value.empty()) headers.set(name, value);
  };
  add("Content-Security-Policy", options.contentSecurityPolicy);
  if (encrypted) add("Strict-Transport-Security", options.strictTransportSecurity);
  add("X-Content-Type-Options", options.contentTypeOptions);
  add("X-Frame-Options", options.frameOptions);
  add("Referrer-Policy", options.referrerPolicy);
  add("Cross-Origin-Opener-Policy", options.crossOriginOpenerPolicy);
  add("Cross-Origin-Resource-Policy", options.crossOriginResourcePolicy);
  add("Permissions-Policy", options.permissionsPolicy);
  return headers;
}

}  // namespace detail

SLUICE_DECL SecurityHeaders::SecurityHeaders(SecurityHeaderOptions options)
    : plain_(detail::headersOf(options, false)), encrypted_(detail::headersOf(options, true)) {}

SLUICE_DECL task<> SecurityHeaders::operator()(Request& req, Response& res, Next next) const {
  res.setHeaders(detail::RequestAccess::isEncrypted(req) ? encrypted_ : plain_);
  return next();
}

}  // namespace sluice::app
