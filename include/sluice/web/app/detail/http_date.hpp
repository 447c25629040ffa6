// SPDX-License-Identifier: BSL-1.0
//
// Dates of header fields, read (RFC 9110 §5.6.7). http::formatDate() writes them.
#pragma once

#include <chrono>
#include <optional>
#include <sluice/web/app/config.hpp>
#include <string_view>

namespace sluice::app::detail {

/// Any of the three forms; nullopt for what is none of them.
std::optional<std::chrono::sys_seconds> parseHttpDate(std::string_view text);

}  // namespace sluice::app::detail
