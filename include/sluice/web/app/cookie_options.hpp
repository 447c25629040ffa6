// SPDX-License-Identifier: BSL-1.0
//
// What a browser is told about a cookie.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_COOKIE_OPTIONS_HPP
#define SLUICE_WEB_APP_COOKIE_OPTIONS_HPP

#include <chrono>
#include <optional>
#include <sluice/web/app/config.hpp>
#include <string_view>

namespace sluice::app {

/// RFC 6265bis. `unset` leaves the choice to the browser, which takes lax.
enum class SameSite { unset, lax, strict, none };

/// Attributes of a cookie. The texts must live until the call returns.
struct CookieOptions {
  /// The browser sends it for this path and all below.
  std::string_view path = "/";
  /// Empty: the host that sets it, without its subdomains.
  std::string_view domain = {};
  /// Not set: until the browser is closed. 0 or less deletes the cookie.
  std::optional<std::chrono::seconds> maxAge = {};
  /// Not set: as `maxAge` says.
  std::optional<std::chrono::system_clock::time_point> expires = {};
  bool httpOnly = false;
  bool secure = false;
  SameSite sameSite = SameSite::unset;
  bool partitioned = false;
};

}  // namespace sluice::app

#endif
