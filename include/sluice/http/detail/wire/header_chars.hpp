// SPDX-License-Identifier: BSL-1.0
//
// Which bytes may stand in a header name, a header value and a request path. Pure.
#pragma once

#include <sluice/config.hpp>
#include <cstddef>
#include <cstdint>
#include <sluice/detail/ascii.hpp>
#include <string_view>

namespace sluice::http::detail {

using sluice::detail::ByteSet;
using sluice::detail::copyLower;
using sluice::detail::equalIgnoreCase;
using sluice::detail::isNamed;
using sluice::detail::toLower;

// RFC 9110 §5.6.2: tchar.
inline constexpr ByteSet tokenBytes = sluice::detail::alphanumerics | ByteSet("!#$%&'*+-.^_`|~");

// RFC 9110 §5.5: tab, space, visible ASCII and obs-text.
inline constexpr ByteSet headerTextBytes =
    ByteSet("\t") | ByteSet::range(0x20, 0x7E) | ByteSet::range(0x80, 0xFF);

// RFC 9112 §3.2, RFC 3986 §2: what a target is made of.
inline constexpr ByteSet targetBytes = ByteSet::range(0x21, 0x7E);

/// A non-empty token: a header name or a method.
inline bool isToken(std::string_view text) { return !text.empty() && tokenBytes.hasAll(text); }

/// Text that may be a header's value or a reason phrase; empty is allowed.
inline bool isHeaderText(std::string_view text) {
  const auto isPlain = [](std::uint64_t word) {
    using sluice::detail::markRange;
    return (markRange(word, 0, 0x1F) | markRange(word, 0x7F, 0x7F)) == 0;
  };
  return sluice::detail::wordsPass(text, isPlain) || headerTextBytes.hasAll(text);
}

/// A request target that Node would send: no controls, no space.
inline bool isRequestPath(std::string_view text) {
  bool allowed = !text.empty();
  for (const char byte : text) allowed &= static_cast<unsigned char>(byte) > 0x20;
  return allowed;
}

/// Whether `word`, in lower case, stands in `text` with no letter, digit or underscore beside it.
/// This is how Node looks for "close" and "chunked": looser than a list of tokens.
inline bool containsWord(std::string_view text, std::string_view word) {
  constexpr ByteSet wordBytes = sluice::detail::alphanumerics | ByteSet("_");
  for (std::size_t at = 0; at + word.size() <= text.size(); ++at) {
    const std::size_t end = at + word.size();
    if (equalIgnoreCase(text.substr(at, word.size()), word) &&
        (at == 0 || !wordBytes.has(text[at - 1])) &&
        (end == text.size() || !wordBytes.has(text[end]))) {
      return true;
    }
  }
  return false;
}

}  // namespace sluice::http::detail
