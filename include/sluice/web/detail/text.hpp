// SPDX-License-Identifier: BSL-1.0
//
// What reading header values needs: lists with commas and parameters.
#pragma once

#include <sluice/config.hpp>
#include <algorithm>
#include <sluice/detail/ascii.hpp>
#include <string_view>

namespace sluice::web::detail {

using sluice::detail::equalIgnoreCase, sluice::detail::toLower, sluice::detail::trimBlanks;

/// The part before the first of these characters, trimmed: "text/html" of "text/html; charset=x".
inline std::string_view partBefore(std::string_view text, std::string_view ends) {
  return trimBlanks(text.substr(0, text.find_first_of(ends)));
}

/// Calls `f` with each item of a list with commas, trimmed. Empty items are left out.
template <class F>
void forEachItem(std::string_view list, F&& f) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (const std::string_view item = trimBlanks(list.substr(0, comma)); !item.empty()) f(item);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

/// Whether a list of tokens, which may have parameters or values, has this one.
inline bool listHas(std::string_view list, std::string_view token) {
  bool found = false;
  forEachItem(list, [&](std::string_view item) {
    found = found || equalIgnoreCase(partBefore(item, ";="), token);
  });
  return found;
}

}  // namespace sluice::web::detail
