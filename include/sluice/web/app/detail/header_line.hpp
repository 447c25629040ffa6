// SPDX-License-Identifier: BSL-1.0
//
// One header of a request, for middleware that asks for a few of them every time: headers() makes
// all of them ready first.
#pragma once

#include <optional>
#include <sluice/detail/ascii.hpp>
#include <sluice/http/headers.hpp>
#include <span>
#include <string_view>

namespace sluice::app::detail {

/// The value of the first of these lines with this name, as it came; nullopt if there is none.
inline std::optional<std::string_view> findHeaderLine(std::span<const http::RawHeader> lines,
                                                      std::string_view name) {
  for (const http::RawHeader& line : lines) {
    if (line.name.size() == name.size() && sluice::detail::equalIgnoreCase(line.name, name)) {
      return line.value;
    }
  }
  return std::nullopt;
}

/// The same, "" if there is none.
inline std::string_view headerLine(std::span<const http::RawHeader> lines, std::string_view name) {
  return findHeaderLine(lines, name).value_or(std::string_view());
}

}  // namespace sluice::app::detail
