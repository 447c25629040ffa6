// SPDX-License-Identifier: BSL-1.0
//
// Dates of header fields, written and read (RFC 9110 §5.6.7).
#pragma once

#include <chrono>
#include <optional>
#include <sluice/web/app/config.hpp>
#include <string>
#include <string_view>

namespace sluice::app::detail {

/// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string formatHttpDate(std::chrono::system_clock::time_point time);

/// Any of the three forms; nullopt for what is none of them.
std::optional<std::chrono::sys_seconds> parseHttpDate(std::string_view text);

}  // namespace sluice::app::detail
