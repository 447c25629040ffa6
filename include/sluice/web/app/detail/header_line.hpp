// SPDX-License-Identifier: BSL-1.0
//
// One header of a request, for middleware that asks for a few of them every time: headers() makes
// all of them ready first.
#pragma once

#include <optional>
#include <sluice/detail/ascii.hpp>
#include <sluice/http/incoming_message.hpp>
#include <string_view>

namespace sluice::app::detail {

/// The value of the first line with this name, as it came; nullopt if there is none.
inline std::optional<std::string_view> findHeaderLine(const http::IncomingMessage& req,
                                                      std::string_view name) {
  for (const http::RawHeader& line : req.rawHeaders()) {
    if (line.name.size() == name.size() && sluice::detail::equalIgnoreCase(line.name, name)) {
      return line.value;
    }
  }
  return std::nullopt;
}

/// The same, "" if there is none.
inline std::string_view headerLine(const http::IncomingMessage& req, std::string_view name) {
  return findHeaderLine(req, name).value_or(std::string_view());
}

}  // namespace sluice::app::detail
