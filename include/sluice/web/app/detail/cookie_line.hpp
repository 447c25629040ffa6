// SPDX-License-Identifier: BSL-1.0
//
// A cookie as Set-Cookie has it.
#pragma once

#include <sluice/web/app/config.hpp>
#include <sluice/web/app/cookie_options.hpp>
#include <string>
#include <string_view>

namespace sluice::app::detail {

/// The value of Set-Cookie. What a cookie's value may not hold is percent-encoded.
///
/// throws  as Response::cookie()
std::string cookieLine(std::string_view name, std::string_view value, const CookieOptions& options);

}  // namespace sluice::app::detail
