// SPDX-License-Identifier: BSL-1.0
//
// What becomes of a header that a message has more than once: Node's table, for headers and
// trailers of requests and responses alike.
#pragma once

#include <sluice/config.hpp>
#include <algorithm>
#include <array>
#include <string_view>

namespace sluice::http::detail {

enum class Joining {
  firstWins,   // later lines do not count
  comma,       // ", " between the values
  semicolon,   // "; " between the values
  listOfLines  // the lines stay apart; if one text is asked for, ", " is between them
};

inline constexpr std::array<std::string_view, 18> firstWinsNames = {"age",
                                                                    "authorization",
                                                                    "content-length",
                                                                    "content-type",
                                                                    "etag",
                                                                    "expires",
                                                                    "from",
                                                                    "host",
                                                                    "if-modified-since",
                                                                    "if-unmodified-since",
                                                                    "last-modified",
                                                                    "location",
                                                                    "max-forwards",
                                                                    "proxy-authorization",
                                                                    "referer",
                                                                    "retry-after",
                                                                    "server",
                                                                    "user-agent"};

/// How the lines of one name become one value.
///
/// name            in lower case
/// joinDuplicates  the option joinDuplicateHeaders: no first line wins any more
constexpr Joining joiningOf(std::string_view name, bool joinDuplicates = false) {
  if (name == "set-cookie") return Joining::listOfLines;
  if (name == "cookie") return Joining::semicolon;
  if (joinDuplicates) return Joining::comma;
  const auto* const found = std::find(firstWinsNames.begin(), firstWinsNames.end(), name);
  return found != firstWinsNames.end() ? Joining::firstWins : Joining::comma;
}

constexpr std::string_view separatorOf(Joining joining) {
  return joining == Joining::semicolon ? "; " : ", ";
}

}  // namespace sluice::http::detail
