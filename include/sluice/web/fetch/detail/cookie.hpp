// SPDX-License-Identifier: BSL-1.0
//
// One cookie, and the rules of RFC 6265 that decide about it. Pure: texts and the time in.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <sluice/http/url.hpp>
#include <string>
#include <string_view>

namespace sluice::detail {

using WallTime = std::chrono::system_clock::time_point;

struct Cookie {
  std::string name;
  std::string value;
  std::string domain;  // in lower case, without a dot in front
  std::string path;
  std::optional<WallTime> expires;  // unset: with the program
  bool hostOnly = true;
  bool secure = false;
  bool httpOnly = false;
  std::uint64_t created = 0;  // counted, not timed

  bool expired(WallTime now) const { return expires && *expires <= now; }
};

/// A date as cookies have it, RFC 6265 5.1.1; also reads those of HTTP. nullopt if it is none.
std::optional<WallTime> cookieDate(std::string_view text);

/// Whether a host is the domain or below it, 5.1.3. Addresses have nothing below them.
bool domainMatches(std::string_view host, std::string_view domain);

/// 5.1.4.
bool pathMatches(std::string_view path, std::string_view cookiePath);
std::string_view defaultPath(std::string_view path);

/// Reads a Set-Cookie line that came from `url`, 5.2 and 5.3; nullopt if it must be ignored.
std::optional<Cookie> parseCookie(std::string_view line, const http::URL& url, WallTime now);

}  // namespace sluice::detail
