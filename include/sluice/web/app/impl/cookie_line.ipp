// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/cookie_line.hpp>.
#pragma once

#include <algorithm>
#include <cstdint>
#include <sluice/error.hpp>
#include <sluice/http/headers.hpp>
#include <sluice/web/app/detail/cookie_line.hpp>
#include <sluice/web/app/detail/target_path.hpp>

namespace sluice::app::detail {

// RFC 6265 §4.1.1: what the value of a cookie may hold; '%' is ours.
inline bool isCookieOctet(char letter) {
  return letter > ' ' && letter < 0x7F && letter != '"' && letter != ',' && letter != ';' &&
         letter != '\\' && letter != '%';
}

inline void requireAttribute(std::string_view what, std::string_view value) {
  for (const char letter : value) {
    if (letter >= ' ' && letter < 0x7F && letter != ';') continue;
    throw http::Error(
        http::errc::ERR_INVALID_ARG_VALUE,
        "cookie(): the " + std::string(what) + " has a character that is not allowed");
  }
}

SLUICE_DECL std::string cookieLine(std::string_view name, std::string_view value,
                                   const CookieOptions& options) {
  http::validateHeaderName(name);
  requireAttribute("path", options.path);
  requireAttribute("domain", options.domain);
  if (!options.secure && (options.sameSite == SameSite::none || options.partitioned)) {
    throw http::Error(http::errc::ERR_INVALID_ARG_VALUE,
                      "cookie(): browsers refuse SameSite=None and Partitioned without Secure");
  }
  std::string line(name);
  line += '=';
  for (const char& letter : value) {
    if (isCookieOctet(letter))
      line += letter;
    else
      line += percentEncoded({&letter, 1});
  }
  if (!options.domain.empty()) line.append("; Domain=").append(options.domain);
  if (!options.path.empty()) line.append("; Path=").append(options.path);
  if (options.maxAge) {
    line.append("; Max-Age=")
        .append(std::to_string(std::max<std::int64_t>(options.maxAge->count(), 0)));
  }
  if (options.expires) line.append("; Expires=").append(http::formatDate(*options.expires));
  if (options.httpOnly) line += "; HttpOnly";
  if (options.secure) line += "; Secure";
  if (options.sameSite == SameSite::lax) line += "; SameSite=Lax";
  if (options.sameSite == SameSite::strict) line += "; SameSite=Strict";
  if (options.sameSite == SameSite::none) line += "; SameSite=None";
  if (options.partitioned) line += "; Partitioned";
  return line;
}

}  // namespace sluice::app::detail
