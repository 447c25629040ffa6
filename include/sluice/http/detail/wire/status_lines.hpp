// SPDX-License-Identifier: BSL-1.0
//
// The status lines of all known codes, made at compile time. Pure.
#pragma once

#include <sluice/config.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <sluice/http/constants.hpp>
#include <string_view>

namespace sluice::http::detail {

/// All status lines in one text, so that each is one copy.
class StatusLines {
 public:
  constexpr StatusLines() {
    std::size_t at = 0;
    for (const auto& [code, phrase] : STATUS_CODES) {
      const std::size_t begin = at;
      at = copy("HTTP/1.1 ", at);
      for (const int digit : {code / 100, code / 10 % 10, code % 10}) {
        text_[at++] = static_cast<char>('0' + digit);
      }
      text_[at++] = ' ';
      at = copy("\r\n", copy(phrase, at));
      entries_[static_cast<std::size_t>(code - first)] = {static_cast<std::uint16_t>(begin),
                                                          static_cast<std::uint16_t>(at - begin)};
    }
  }

  /// Empty for a code without a phrase.
  constexpr std::string_view operator[](int code) const {
    const auto index = static_cast<std::size_t>(code - first);
    if (index >= entries_.size()) return {};
    return {text_.data() + entries_[index].at, entries_[index].size};
  }

 private:
  struct Entry {
    std::uint16_t at = 0;
    std::uint16_t size = 0;
  };

  static constexpr int first = 100;
  static constexpr std::size_t codes = 412;
  static constexpr std::size_t textSize = [] {
    std::size_t size = 0;
    for (const auto& [code, phrase] : STATUS_CODES) size += 15 + phrase.size();
    return size;
  }();

  constexpr std::size_t copy(std::string_view text, std::size_t at) {
    std::copy(text.begin(), text.end(), text_.begin() + static_cast<std::ptrdiff_t>(at));
    return at + text.size();
  }

  std::array<char, textSize> text_{};
  std::array<Entry, codes> entries_{};
};

inline constexpr StatusLines statusLines;

}  // namespace sluice::http::detail
