// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/security_headers.hpp>.
#pragma once

#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>
#include <sluice/web/app/security_headers.hpp>
#include <utility>

namespace sluice::app {

SLUICE_DECL SecurityHeaders::SecurityHeaders(SecurityHeaderOptions options)
    : options_(std::move(options)) {}

SLUICE_DECL task<> SecurityHeaders::operator()(Request& req, Response& res, Next next) const {
  const auto set = [&res](std::string_view name, const std::string& value) {
    if (!value.empty()) res.setHeader(name, value);
  };
  set("Content-Security-Policy", options_.contentSecurityPolicy);
  if (req.protocol() == "https") set("Strict-Transport-Security", options_.strictTransportSecurity);
  set("X-Content-Type-Options", options_.contentTypeOptions);
  set("X-Frame-Options", options_.frameOptions);
  set("Referrer-Policy", options_.referrerPolicy);
  set("Cross-Origin-Opener-Policy", options_.crossOriginOpenerPolicy);
  set("Cross-Origin-Resource-Policy", options_.crossOriginResourcePolicy);
  set("Permissions-Policy", options_.permissionsPolicy);
  return next();
}

}  // namespace sluice::app
