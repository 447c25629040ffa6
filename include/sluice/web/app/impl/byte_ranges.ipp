// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/byte_ranges.hpp>.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <sluice/web/app/detail/byte_ranges.hpp>
#include <sluice/web/app/detail/negotiation.hpp>

namespace sluice::app::detail {

namespace byte_ranges {

// nullopt if `text` is no number; a number that is too large is the largest there is.
inline std::optional<std::uint64_t> number(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return {};
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() ? value : static_cast<std::uint64_t>(-1);
}

}  // namespace byte_ranges

SLUICE_DECL RangeRequest parseRanges(std::string_view header, std::uint64_t size) {
  const std::size_t equals = header.find('=');
  if (equals == std::string_view::npos) return {};
  if (!equalIgnoreCase(trimBlanks(header.substr(0, equals)), "bytes")) return {};
  std::string_view list = header.substr(equals + 1);
  RangeRequest request{RangeRequest::Kind::unsatisfiable};
  std::uint64_t left = size;
  std::size_t asked = 0;
  while (!list.empty()) {
    const std::string_view element = takeElement(list);
    if (element.empty()) continue;
    const std::size_t dash = element.find('-');
    if (dash == std::string_view::npos || ++asked > maxRanges) return {};
    const std::string_view from = element.substr(0, dash), to = element.substr(dash + 1);
    const auto first = byte_ranges::number(from), last = byte_ranges::number(to);
    if ((!from.empty() && !first) || (!to.empty() && !last) || (!first && !last)) return {};
    ByteRange range{};
    if (!first) {  // the last so many bytes
      if (*last == 0) continue;
      // RFC 9110 §14.1.1: satisfiable, and it is all of nothing, which no Content-Range can say.
      if (size == 0) return {};
      range.size = std::min(*last, size);
      range.first = size - range.size;
    } else {
      if (last && *last < *first) return {};
      if (*first >= size) continue;
      range.first = *first;
      range.size = std::min(last.value_or(size - 1), size - 1) - *first + 1;
    }
    // RFC 9110 §14.2: parts that overlap may be an attack.
    if (range.size > left) return {};
    left -= range.size;
    request.parts.push_back(range);
  }
  if (asked == 0) return {};
  if (!request.parts.empty()) request.kind = RangeRequest::Kind::parts;
  return request;
}

SLUICE_DECL std::string contentRange(const ByteRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.first) + '-' +
         std::to_string(range.first + range.size - 1) + '/' + std::to_string(size);
}

}  // namespace sluice::app::detail
