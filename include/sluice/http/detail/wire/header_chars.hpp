// SPDX-License-Identifier: BSL-1.0
//
// Which bytes may stand in a header name, a header value and a request path, and how names are
// compared. Pure functions on text that is about to leave; received text is judged elsewhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sluice/config.hpp>
#include <sluice/http/detail/wire/byte_run.hpp>
#include <string_view>
#include <utility>

namespace sluice::http::detail {

// RFC 9110 §5.6.2: tchar.
inline constexpr std::array<bool, 256> tokenBytes = [] {
  std::array<bool, 256> allowed{};
  for (std::size_t byte = '0'; byte <= '9'; ++byte) allowed[byte] = true;
  for (std::size_t byte = 'A'; byte <= 'Z'; ++byte) allowed[byte] = true;
  for (std::size_t byte = 'a'; byte <= 'z'; ++byte) allowed[byte] = true;
  for (const char byte : std::string_view("!#$%&'*+-.^_`|~")) {
    allowed[static_cast<unsigned char>(byte)] = true;
  }
  return allowed;
}();

// RFC 9110 §5.5: tab, space, visible ASCII and obs-text.
inline constexpr std::array<bool, 256> headerTextBytes = [] {
  std::array<bool, 256> allowed{};
  for (std::size_t byte = 0x20; byte < allowed.size(); ++byte) allowed[byte] = byte != 0x7F;
  allowed['\t'] = true;
  return allowed;
}();

// RFC 9112 §3.2, RFC 3986 §2: what a target is made of.
inline constexpr std::array<bool, 256> targetBytes = [] {
  std::array<bool, 256> allowed{};
  for (std::size_t byte = 0x21; byte < 0x7F; ++byte) allowed[byte] = true;
  return allowed;
}();

inline constexpr std::uint64_t everyByte = 0x0101010101010101U;

inline std::uint64_t loadEight(const char* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

/// The first four bytes and the last four, of `count` from four to eight.
inline std::uint64_t loadEnds(const char* bytes, std::size_t count) {
  std::uint32_t first, last;
  std::memcpy(&first, bytes, sizeof(first));
  std::memcpy(&last, bytes + count - sizeof(last), sizeof(last));
  return (std::uint64_t{first} << 32) | last;
}

/// Whether a search comes to the end of every run that `text` is made of; the last one begins
/// within the one before. false for less than eight bytes as well.
template <class Search>
bool passesRuns(std::string_view text, Search search) {
  const auto passes = [&]<class Run>(std::in_place_type_t<Run>) {
    const char* const last = text.data() + text.size() - Run::size;
    for (const char* at = text.data(); at < last; at += Run::size) {
      if (search(Run(at)) != Run::size) return false;
    }
    return search(Run(last)) == Run::size;
  };
  if (text.size() >= ByteRun::size) return passes(std::in_place_type<ByteRun>);
  return text.size() >= WordRun::size && passes(std::in_place_type<WordRun>);
}

/// A non-empty token: a header name or a method.
inline bool isToken(std::string_view text) {
  if (passesRuns(text, [](auto run) { return run.firstUnusualInName(); })) return true;
  bool allowed = !text.empty();
  for (const char byte : text) allowed &= tokenBytes[static_cast<unsigned char>(byte)];
  return allowed;
}

/// The first byte that may not stand in a header's value; `end` where all may.
inline const char* findNoText(const char* at, const char* end) {
  while (at != end) {
    if (static_cast<std::size_t>(end - at) >= ByteRun::size) {
      const std::size_t passed = ByteRun(at).firstControl();
      at += passed;
      if (passed == ByteRun::size) continue;
    }
    if (!headerTextBytes[static_cast<unsigned char>(*at)]) return at;
    ++at;
  }
  return end;
}

/// Text that may be a header's value or a reason phrase; empty is allowed.
inline bool isHeaderText(std::string_view text) {
  if (passesRuns(text, [](auto run) { return run.firstControl(); })) return true;
  const char* const end = text.data() + text.size();
  return findNoText(text.data(), end) == end;
}

/// A request target that Node would send: no controls, no space.
inline bool isRequestPath(std::string_view text) {
  bool allowed = !text.empty();
  for (const char byte : text) allowed &= static_cast<unsigned char>(byte) > 0x20;
  return allowed;
}

constexpr char toLower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : byte;
}

// Names hold '^' and '~', which differ in the bit of the case as letters do: setting that bit
// everywhere would make them equal.
inline std::uint64_t toLower(std::uint64_t word) {
  const std::uint64_t sevenBits = word & (everyByte * 0x7F);
  const std::uint64_t aboveZ = sevenBits + everyByte * (0x7F - 'Z');
  const std::uint64_t fromA = sevenBits + everyByte * (0x80 - 'A');
  const std::uint64_t letters = (fromA ^ aboveZ) & ~word & (everyByte * 0x80);
  return word | (letters >> 2);
}

/// Writes `text` in lower case, ASCII letters only.
inline void copyLower(char* to, std::string_view text) {
  const char* from = text.data();
  std::size_t left = text.size();
  for (; left >= 8; from += 8, to += 8, left -= 8) {
    const std::uint64_t word = toLower(loadEight(from));
    std::memcpy(to, &word, sizeof(word));
  }
  for (; left != 0; ++from, ++to, --left) *to = toLower(*from);
}

/// Whether eight bytes each are the same but for the case of ASCII letters.
inline bool equalIgnoreCase(std::uint64_t left, std::uint64_t right) {
  const std::uint64_t differing = left ^ right;
  if ((differing & ~(everyByte * 0x20)) != 0) return false;
  // What differs in that bit has to be a letter; no other byte becomes one by setting it.
  const std::uint64_t lower = left | (everyByte * 0x20);
  const std::uint64_t sevenBits = lower & (everyByte * 0x7F);
  const std::uint64_t aboveZ = sevenBits + everyByte * (0x7F - 'z');
  const std::uint64_t fromA = sevenBits + everyByte * (0x80 - 'a');
  const std::uint64_t letters = (fromA ^ aboveZ) & ~lower & (everyByte * 0x80);
  return (differing << 2 & ~letters) == 0;
}

/// The same for texts of any length.
inline bool equalIgnoreCase(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  const char* a = left.data();
  const char* b = right.data();
  std::size_t count = left.size();
  // What is left behind whole words is compared with some of the bytes before it.
  if (count >= 8) {
    for (std::size_t at = 0; at + 8 < count; at += 8) {
      if (!equalIgnoreCase(loadEight(a + at), loadEight(b + at))) return false;
    }
    return equalIgnoreCase(loadEight(a + count - 8), loadEight(b + count - 8));
  }
  if (count >= 4) return equalIgnoreCase(loadEnds(a, count), loadEnds(b, count));
  for (; count != 0; ++a, ++b, --count) {
    if (toLower(*a) != toLower(*b)) return false;
  }
  return true;
}

/// Whether a text of the same size is this name, which has lower letters and hyphens only.
template <std::size_t Size>
inline bool isNamed(const char* text, const char (&name)[Size]) {
  constexpr std::size_t count = Size - 1;
  // Letters, which have the bit 0x40, may differ in the bit of the case.
  const auto same = [](std::uint64_t given, std::uint64_t expected) {
    return ((given ^ expected) & ~((expected & (everyByte * 0x40)) >> 1)) == 0;
  };
  if constexpr (count >= 8) {
    for (std::size_t at = 0; at + 8 < count; at += 8) {
      if (!same(loadEight(text + at), loadEight(name + at))) return false;
    }
    return same(loadEight(text + count - 8), loadEight(name + count - 8));
  } else if constexpr (count >= 4) {
    return same(loadEnds(text, count), loadEnds(name, count));
  } else {
    for (std::size_t at = 0; at != count; ++at) {
      if (toLower(text[at]) != name[at]) return false;
    }
    return true;
  }
}

/// Whether `word`, in lower case, stands in `text` with no letter, digit or underscore beside it.
/// This is how Node looks for "close" and "chunked": looser than a list of tokens.
inline bool containsWord(std::string_view text, std::string_view word) {
  const auto isWordByte = [](char byte) {
    const char lower = toLower(byte);
    return (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '_';
  };
  for (std::size_t at = 0; at + word.size() <= text.size(); ++at) {
    const std::size_t behind = at + word.size();
    if (equalIgnoreCase(text.substr(at, word.size()), word) &&
        (at == 0 || !isWordByte(text[at - 1])) &&
        (behind == text.size() || !isWordByte(text[behind]))) {
      return true;
    }
  }
  return false;
}

}  // namespace sluice::http::detail
