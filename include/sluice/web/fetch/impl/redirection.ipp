// SPDX-License-Identifier: BSL-1.0
//
// Definitions of redirection.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <sluice/web/detail/text.hpp>
#include <sluice/web/fetch/detail/cookie.hpp>
#include <sluice/web/fetch/detail/redirection.hpp>

namespace sluice::detail {

SLUICE_DECL bool isRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

SLUICE_DECL http::URL redirectTarget(const http::URL& from, std::string_view location) {
  http::URL target(location, from);
  if (target.protocol() != "http:" && target.protocol() != "https:") {
    throw http::Error(make_error_code(http::errc::ERR_INVALID_PROTOCOL),
                      "A redirect leads to the protocol \"" + std::string(target.protocol()) + '"');
  }
  if (location.find('#') == std::string_view::npos && !from.hash().empty()) {
    target = http::URL(target.href() + std::string(from.hash()));
  }
  return target;
}

SLUICE_DECL bool becomesGet(int status, std::string_view method) {
  if (status == 301 || status == 302) return method == "POST";
  return status == 303 && method != "GET" && method != "HEAD";
}

SLUICE_DECL void removeBodyHeaders(http::Headers& headers) {
  for (const std::string_view name :
       {"content-encoding", "content-language", "content-location", "content-type",
        "content-length", "transfer-encoding", "expect", "trailer"}) {
    headers.remove(name);
  }
}

SLUICE_DECL void removeSecrets(http::Headers& headers) {
  for (const std::string_view name : {"authorization", "cookie", "proxy-authorization", "host"}) {
    headers.remove(name);
  }
}

SLUICE_DECL bool isTransient(int status) { return status == 502 || status == 503 || status == 504; }

SLUICE_DECL bool isTransient(const error_code& ec) {
  constexpr std::string_view names[] = {"ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EPIPE",
                                        "ETIMEDOUT",    "ENETDOWN",   "ENETUNREACH",  "EHOSTDOWN",
                                        "EHOSTUNREACH", "EAI_AGAIN",  "ENOTFOUND"};
  return std::find(std::begin(names), std::end(names), http::errorName(ec)) != std::end(names);
}

SLUICE_DECL std::optional<std::chrono::milliseconds> retryAfter(
    std::string_view value, std::chrono::system_clock::time_point now) {
  value = trimBlanks(value);
  if (value.empty()) return std::nullopt;
  if (std::all_of(value.begin(), value.end(), isDigit)) {
    // A day stands for everything that is longer.
    std::int64_t seconds = 0;
    for (const char digit : value) {
      seconds = std::min<std::int64_t>(24 * 3600, seconds * 10 + (digit - '0'));
    }
    return std::chrono::seconds(seconds);
  }
  const auto date = cookieDate(value);
  if (!date) return std::nullopt;
  if (*date <= now) return std::chrono::milliseconds(0);
  if (*date >= now + std::chrono::hours(24)) return std::chrono::hours(24);
  return std::chrono::ceil<std::chrono::milliseconds>(*date - now);
}

}  // namespace sluice::detail
