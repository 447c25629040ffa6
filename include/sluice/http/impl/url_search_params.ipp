// SPDX-License-Identifier: BSL-1.0
//
// The names and values of a query: the second class of url.hpp.
#pragma once

#include <algorithm>
#include <sluice/http/detail/url/characters.hpp>
#include <sluice/http/url.hpp>
#include <string>
#include <utility>

namespace sluice::http {

namespace detail::urls {

inline std::string formEncode(std::string_view text) {
  std::string out;
  appendEncoded(out, text, formSet);
  std::replace(out.begin(), out.end(), ' ', '+');
  return out;
}

}  // namespace detail::urls

SLUICE_DECL URLSearchParams::URLSearchParams(std::string_view query) {
  const auto decoded = [](std::string_view text) {
    std::string spaced(text);
    std::replace(spaced.begin(), spaced.end(), '+', ' ');
    return detail::percentDecode(spaced);
  };
  if (query.starts_with('?')) query.remove_prefix(1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const std::string_view name = pair.substr(0, pair.find('='));
    const std::string_view value = pair.substr(std::min(name.size() + 1, pair.size()));
    pairs_.emplace_back(decoded(name), decoded(value));
  }
}

SLUICE_DECL URLSearchParams& URLSearchParams::operator=(URLSearchParams other) noexcept {
  pairs_.swap(other.pairs_);
  edited_ = true;
  return *this;
}

SLUICE_DECL std::optional<std::string> URLSearchParams::get(std::string_view name) const {
  for (const value_type& pair : pairs_) {
    if (pair.first == name) return pair.second;
  }
  return std::nullopt;
}

SLUICE_DECL std::vector<std::string> URLSearchParams::getAll(std::string_view name) const {
  std::vector<std::string> values;
  for (const value_type& pair : pairs_) {
    if (pair.first == name) values.push_back(pair.second);
  }
  return values;
}

SLUICE_DECL bool URLSearchParams::has(std::string_view name) const {
  return std::any_of(begin(), end(), [&](const value_type& pair) { return pair.first == name; });
}

SLUICE_DECL bool URLSearchParams::has(std::string_view name, std::string_view value) const {
  return std::any_of(begin(), end(), [&](const value_type& pair) {
    return pair.first == name && pair.second == value;
  });
}

SLUICE_DECL void URLSearchParams::append(std::string_view name, std::string_view value) {
  edited_ = true;
  pairs_.emplace_back(name, value);
}

SLUICE_DECL void URLSearchParams::set(std::string_view name, std::string_view value) {
  edited_ = true;
  // A copy: `name` may be a view into a pair that is about to go. remove() does the same.
  const auto named = [wanted = std::string(name)](const value_type& pair) {
    return pair.first == wanted;
  };
  const auto first = std::find_if(pairs_.begin(), pairs_.end(), named);
  if (first == pairs_.end()) {
    pairs_.emplace_back(name, value);
    return;
  }
  first->second = value;
  pairs_.erase(std::remove_if(first + 1, pairs_.end(), named), pairs_.end());
}

SLUICE_DECL void URLSearchParams::remove(std::string_view name) {
  edited_ = true;
  std::erase_if(pairs_, [wanted = std::string(name)](const value_type& pair) {
    return pair.first == wanted;
  });
}

SLUICE_DECL void URLSearchParams::remove(std::string_view name, std::string_view value) {
  edited_ = true;
  std::erase_if(pairs_, [wanted = value_type(name, value)](const value_type& pair) {
    return pair == wanted;
  });
}

SLUICE_DECL void URLSearchParams::sort() {
  edited_ = true;
  // In UTF-16 what lies above U+FFFF begins with a surrogate, which is below U+E000. In UTF-8 the
  // lead bytes EE and EF of U+E000..U+FFFF are therefore the ones to put last.
  const auto rank = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte;
  };
  const auto below = [&](char left, char right) { return rank(left) < rank(right); };
  std::stable_sort(
      pairs_.begin(), pairs_.end(), [&](const value_type& left, const value_type& right) {
        return std::lexicographical_compare(left.first.begin(), left.first.end(),
                                            right.first.begin(), right.first.end(), below);
      });
}

SLUICE_DECL std::string URLSearchParams::toString() const {
  std::string out;
  for (const value_type& pair : pairs_) {
    if (!out.empty()) out += '&';
    out += detail::urls::formEncode(pair.first) + '=' + detail::urls::formEncode(pair.second);
  }
  return out;
}

}  // namespace sluice::http
