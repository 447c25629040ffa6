// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/cors.hpp>.
#pragma once

#include <algorithm>
#include <sluice/error.hpp>
#include <sluice/web/app/cors.hpp>
#include <sluice/web/app/detail/header_line.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>
#include <utility>

namespace sluice::app {

namespace detail {

inline std::string joinedList(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) {
    if (!list.empty()) list += ", ";
    list += text;
  }
  return list;
}

}  // namespace detail

SLUICE_DECL Cors::Cors(CorsOptions options)
    : options_(std::move(options)),
      everyOrigin_(options_.origins.empty() && !options_.allow),
      methods_(detail::joinedList(options_.methods)),
      headers_(detail::joinedList(options_.headers)),
      exposed_(detail::joinedList(options_.exposedHeaders)) {
  if (everyOrigin_ && options_.credentials) {
    throw Error(errc::ERR_INVALID_ARG_VALUE,
                "cors(): credentials are for named origins only, or any page could use them");
  }
}

SLUICE_DECL bool Cors::allows(std::string_view origin) const {
  const auto& origins = options_.origins;
  if (everyOrigin_ || std::find(origins.begin(), origins.end(), origin) != origins.end())
    return true;
  return options_.allow && options_.allow(origin);
}

SLUICE_DECL task<> Cors::operator()(Request& req, Response& res, Next next) const {
  const auto origin = detail::findHeaderLine(req.rawHeaders(), "origin");
  const bool preflight =
      origin && req.method() == "OPTIONS" && req.headers().has("access-control-request-method");
  if (!everyOrigin_) res.appendHeader("Vary", "Origin");
  const bool allowed = origin && allows(*origin);
  if (allowed) {
    res.setHeader("Access-Control-Allow-Origin", everyOrigin_ ? std::string_view("*") : *origin);
    if (options_.credentials) res.setHeader("Access-Control-Allow-Credentials", "true");
    if (!exposed_.empty() && !preflight) res.setHeader("Access-Control-Expose-Headers", exposed_);
  }
  if (!preflight) return next();
  // Without these headers the browser does not send the request.
  if (allowed) {
    res.setHeader("Access-Control-Allow-Methods", methods_);
    std::string_view headers = headers_;
    if (headers.empty()) {
      headers = req.headers()["access-control-request-headers"];
      res.appendHeader("Vary", "Access-Control-Request-Headers");
    }
    if (!headers.empty()) res.setHeader("Access-Control-Allow-Headers", headers);
    if (options_.maxAge.count() > 0)
      res.setHeader("Access-Control-Max-Age", options_.maxAge.count());
  }
  return answerPreflight(res);
}

SLUICE_DECL task<> Cors::answerPreflight(Response& res) { co_await res.status(204).end(); }

}  // namespace sluice::app
