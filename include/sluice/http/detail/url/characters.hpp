// SPDX-License-Identifier: BSL-1.0
//
// Which characters a part of a URL writes as %XX. Section numbers are the WHATWG URL Standard's.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::http::detail::urls {

// The percent-encode sets (1.3) and what a host must not contain (3.1), one bit each.
enum URLCharacters : std::uint8_t {
  controlSet = 1,
  fragmentSet = 2,
  querySet = 4,
  specialQuerySet = 8,
  pathSet = 16,
  userinfoSet = 32,
  formSet = 64,
  forbiddenInHost = 128
};

constexpr bool isDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool isAlpha(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
constexpr bool isControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
constexpr char toLower(char c) { return static_cast<char>(isAlpha(c) ? c | 0x20 : c); }

inline constexpr auto urlCharacters = [] {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&table](std::string_view characters, int sets) {
    for (const char c : characters) {
      auto& entry = table[static_cast<unsigned char>(c)];
      entry = static_cast<std::uint8_t>(entry | sets);
    }
  };
  constexpr int inPath = pathSet | userinfoSet;
  constexpr int inQuery = querySet | specialQuerySet | inPath;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const std::string_view self(&c, 1);
    if (byte < 0x20 || byte > 0x7E) mark(self, controlSet | fragmentSet | inQuery);
    const bool plain = isDigit(c) || isAlpha(c) || c == '*' || c == '-' || c == '.' || c == '_';
    // A blank becomes '+' in a form, not %20.
    if (byte > 0x7E || (!plain && c != ' ')) mark(self, formSet);
  }
  mark(" \"<>", fragmentSet | inQuery);
  mark("#", inQuery);
  mark("'", specialQuerySet);
  mark("`", fragmentSet | inPath);
  mark("?{}", inPath);
  mark("/:;=@[\\]^|", userinfoSet);
  mark(std::string_view("\0\t\n\r #/:<>?@[\\]^|", 17), forbiddenInHost);
  return table;
}();

inline bool isIn(char c, URLCharacters set) {
  return (urlCharacters[static_cast<unsigned char>(c)] & set) != 0;
}

inline void appendEncoded(std::string& out, std::string_view text, URLCharacters set) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    if (isIn(c, set)) {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    } else {
      out += c;
    }
  }
}

}  // namespace sluice::http::detail::urls
