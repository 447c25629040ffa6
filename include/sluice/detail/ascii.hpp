// SPDX-License-Identifier: BSL-1.0
//
// What ASCII characters are, and sets of bytes: the one place for headers, URLs and encodings. What
// each grammar allows is said where that grammar is. Pure.
#pragma once

#include <sluice/config.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluice::detail {

constexpr bool isDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool isAlpha(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
constexpr bool isBlank(char c) { return c == ' ' || c == '\t'; }
constexpr bool isControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
constexpr char toLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

/// 0 to 15; -1 if `c` is no hexadecimal digit.
constexpr int hexValue(char c) {
  if (isDigit(c)) return c - '0';
  const char lower = toLower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr std::string_view trimBlanks(std::string_view text) {
  while (!text.empty() && isBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && isBlank(text.back())) text.remove_suffix(1);
  return text;
}

/// A set of bytes, asked in one load.
class ByteSet {
 public:
  constexpr ByteSet() = default;
  constexpr explicit ByteSet(std::string_view members) {
    for (const char c : members) members_[static_cast<unsigned char>(c)] = true;
  }

  /// All bytes from `first` to `last`, both included.
  static constexpr ByteSet range(unsigned first, unsigned last) {
    ByteSet set;
    for (unsigned byte = first; byte <= last; ++byte) set.members_[byte] = true;
    return set;
  }

  constexpr bool has(char c) const { return members_[static_cast<unsigned char>(c)]; }
  constexpr bool hasAll(std::string_view text) const {
    return std::all_of(text.begin(), text.end(), [this](char c) { return has(c); });
  }

  constexpr ByteSet operator|(const ByteSet& other) const {
    ByteSet set = *this;
    for (std::size_t byte = 0; byte != members_.size(); ++byte) {
      set.members_[byte] |= other.members_[byte];
    }
    return set;
  }

 private:
  std::array<bool, 256> members_{};
};

inline constexpr ByteSet alphanumerics =
    ByteSet::range('0', '9') | ByteSet::range('A', 'Z') | ByteSet::range('a', 'z');

// --- eight bytes at once ------------------------------------------------------------------------
// Most names and values are longer than a word, so these save most of the loads. Each function
// marks what it finds in the top bit of a byte; none depends on the order of bytes in a word.

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

/// Marks the bytes from `first` to `last`, which are ASCII.
constexpr std::uint64_t markRange(std::uint64_t word, unsigned first, unsigned last) {
  const std::uint64_t sevenBits = word & (everyByte * 0x7F);
  const std::uint64_t above = sevenBits + everyByte * (0x7F - last);
  const std::uint64_t from = sevenBits + everyByte * (0x80 - first);
  return (from ^ above) & ~word & (everyByte * 0x80);
}

/// Whether every word of `text` passes; the last word begins within the one before. false if the
/// text is shorter than a word.
template <class Passes>
bool wordsPass(std::string_view text, Passes passes) {
  if (text.size() < sizeof(std::uint64_t)) return false;
  const char* const last = text.data() + text.size() - sizeof(std::uint64_t);
  for (const char* at = text.data(); at < last; at += sizeof(std::uint64_t)) {
    if (!passes(loadEight(at))) return false;
  }
  return passes(loadEight(last));
}

// Names hold '^' and '~', which differ in the bit of the case as letters do: setting that bit
// everywhere would make them equal.
inline std::uint64_t toLower(std::uint64_t word) { return word | (markRange(word, 'A', 'Z') >> 2); }

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
  return (differing << 2 & ~markRange(left | (everyByte * 0x20), 'a', 'z')) == 0;
}

/// The same for texts of any length.
inline bool equalIgnoreCase(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  const char* a = left.data();
  const char* b = right.data();
  std::size_t count = left.size();
  // What is left after whole words is compared with some of the bytes before it.
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

}  // namespace sluice::detail
