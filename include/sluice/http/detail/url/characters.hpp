// SPDX-License-Identifier: BSL-1.0
//
// Which characters a part of a URL writes as %XX. Section numbers are the WHATWG URL Standard's.
#pragma once

#include <sluice/config.hpp>
#include <sluice/detail/ascii.hpp>
#include <string>
#include <string_view>

namespace sluice::http::detail::urls {

using sluice::detail::ByteSet;
using sluice::detail::isAlpha;
using sluice::detail::isControl;
using sluice::detail::isDigit;
using sluice::detail::toLower;

// The percent-encode sets (1.3).
inline constexpr ByteSet controlSet = ByteSet::range(0, 0x1F) | ByteSet::range(0x7F, 0xFF);
inline constexpr ByteSet fragmentSet = controlSet | ByteSet(" \"<>`");
inline constexpr ByteSet querySet = controlSet | ByteSet(" \"#<>");
inline constexpr ByteSet specialQuerySet = querySet | ByteSet("'");
inline constexpr ByteSet pathSet = querySet | ByteSet("?`{}");
inline constexpr ByteSet userinfoSet = pathSet | ByteSet("/:;=@[\\]^|");
// A blank becomes '+' in a form, not %20.
inline constexpr ByteSet formSet = controlSet | ByteSet("!\"#$%&'()+,/:;<=>?@[\\]^`{|}~");

// What a host must not contain (3.1).
inline constexpr ByteSet forbiddenInHost{std::string_view("\0\t\n\r #/:<>?@[\\]^|", 17)};

inline void appendEncoded(std::string& out, std::string_view text, const ByteSet& set) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    if (set.has(c)) {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    } else {
      out += c;
    }
  }
}

}  // namespace sluice::http::detail::urls
