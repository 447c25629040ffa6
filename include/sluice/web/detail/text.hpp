// SPDX-License-Identifier: BSL-1.0
//
// What reading header values needs: comparing without case, trimming, and lists with commas.
#pragma once

#include <sluice/config.hpp>
#include <algorithm>
#include <string_view>

namespace sluice::web::detail {

constexpr char lowerCase(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

/// Equal but for the case of ASCII letters.
constexpr bool sameText(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lowerCase(a) == lowerCase(b); });
}

/// Without the spaces and tabs around it.
constexpr std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// The part before the first of these characters, trimmed: "text/html" of "text/html; charset=x".
constexpr std::string_view partBefore(std::string_view text, std::string_view ends) {
  return trimmed(text.substr(0, text.find_first_of(ends)));
}

/// Calls `f` with each item of a list with commas, trimmed. Empty items are left out.
template <class F>
constexpr void forEachItem(std::string_view list, F&& f) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (const std::string_view item = trimmed(list.substr(0, comma)); !item.empty()) f(item);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

/// Whether a list of tokens, which may have parameters or values, has this one.
constexpr bool listHas(std::string_view list, std::string_view token) {
  bool found = false;
  forEachItem(list, [&](std::string_view item) {
    found = found || sameText(partBefore(item, ";="), token);
  });
  return found;
}

}  // namespace sluice::web::detail
