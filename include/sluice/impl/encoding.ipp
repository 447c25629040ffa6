// SPDX-License-Identifier: BSL-1.0
//
// The encodings themselves. Each direction is one pass per encoding; the streaming decoder only
// finds out where a piece may be cut.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <sluice/detail/ascii.hpp>
#include <sluice/encoding.hpp>

namespace sluice {

namespace detail {

inline constexpr char32_t replacementCharacter = 0xFFFD;

struct Utf8Sequence {
  enum class State {
    valid,
    malformed,  // `length` bytes are to be replaced by one U+FFFD
    truncated   // malformed only because the text ends here
  };
  State state;
  std::size_t length;
  char32_t codePoint;
};

// The first sequence of a text that is not empty.
// Unicode 15 table 3-7, and section 3.9: the maximal subpart of a malformed sequence is replaced.
inline Utf8Sequence readUtf8(std::string_view text) {
  const auto byteAt = [text](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  using State = Utf8Sequence::State;

  const unsigned lead = byteAt(0);
  if (lead < 0x80) return {State::valid, 1, lead};
  if (lead < 0xC2 || lead > 0xF4) return {State::malformed, 1, replacementCharacter};

  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte alone decides on overlong forms, surrogates and what is above U+10FFFF.
  unsigned lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t codePoint = lead & (0x7FU >> length);
  for (std::size_t index = 1; index < length; ++index) {
    if (index == text.size()) return {State::truncated, index, replacementCharacter};
    const unsigned byte = byteAt(index);
    if (byte < lowest || byte > highest) return {State::malformed, index, replacementCharacter};
    codePoint = codePoint << 6 | (byte & 0x3FU);
    lowest = 0x80;
    highest = 0xBF;
  }
  return {State::valid, length, codePoint};
}

inline std::size_t asciiPrefix(std::string_view text) {
  constexpr std::uint64_t highBits = 0x8080808080808080;
  std::size_t length = 0;
  std::uint64_t word = 0;
  for (; text.size() - length >= sizeof word; length += sizeof word) {
    std::memcpy(&word, text.data() + length, sizeof word);
    if ((word & highBits) != 0) break;
  }
  while (length < text.size() && static_cast<unsigned char>(text[length]) < 0x80) ++length;
  return length;
}

inline std::size_t validUtf8Prefix(std::string_view text) {
  std::size_t length = 0;
  while (true) {
    length += asciiPrefix(text.substr(length));
    if (length == text.size()) return length;
    const Utf8Sequence sequence = readUtf8(text.substr(length));
    if (sequence.state != Utf8Sequence::State::valid) return length;
    length += sequence.length;
  }
}

SLUICE_DECL bool isUtf8(std::string_view bytes) { return validUtf8Prefix(bytes) == bytes.size(); }

inline void appendUtf8(std::string& text, char32_t codePoint) {
  const auto append = [&text](char32_t byte) { text += static_cast<char>(byte); };
  if (codePoint < 0x80) {
    append(codePoint);
    return;
  }
  if (codePoint < 0x800) {
    append(0xC0 | codePoint >> 6);
  } else {
    if (codePoint < 0x10000) {
      append(0xE0 | codePoint >> 12);
    } else {
      append(0xF0 | codePoint >> 18);
      append(0x80 | (codePoint >> 12 & 0x3F));
    }
    append(0x80 | (codePoint >> 6 & 0x3F));
  }
  append(0x80 | (codePoint & 0x3F));
}

inline bool isHighSurrogate(char32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
inline bool isLowSurrogate(char32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

// Calls `use` with each UTF-16 code unit of a text.
template <class Use>
void forEachCodeUnit(std::string_view text, Use use) {
  while (!text.empty()) {
    const Utf8Sequence sequence = readUtf8(text);
    text.remove_prefix(sequence.length);
    if (sequence.codePoint < 0x10000) {
      use(sequence.codePoint);
    } else {
      use(0xD800 + (sequence.codePoint - 0x10000) / 0x400);
      use(0xDC00 + (sequence.codePoint - 0x10000) % 0x400);
    }
  }
}

inline std::string encodeLatin1(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  forEachCodeUnit(text, [&bytes](char32_t unit) { bytes += static_cast<char>(unit & 0xFF); });
  return bytes;
}

inline std::string encodeUtf16le(std::string_view text) {
  std::string bytes;
  bytes.reserve(2 * text.size());
  forEachCodeUnit(text, [&bytes](char32_t unit) {
    bytes += static_cast<char>(unit & 0xFF);
    bytes += static_cast<char>(unit >> 8);
  });
  return bytes;
}

inline constexpr std::string_view hexDigits = "0123456789abcdef";

inline constexpr std::string_view base64Alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
inline constexpr std::string_view base64urlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using DigitValues = std::array<std::uint8_t, 256>;
inline constexpr std::uint8_t notADigit = 0xFF;

constexpr void assignValues(DigitValues& values, std::string_view digits) {
  std::uint8_t value = 0;
  for (const char digit : digits) values[static_cast<unsigned char>(digit)] = value++;
}

inline constexpr DigitValues base64Values = [] {
  DigitValues values{};
  values.fill(notADigit);
  assignValues(values, base64Alphabet);
  assignValues(values, base64urlAlphabet);
  return values;
}();

inline std::string encodeHex(std::string_view text) {
  const std::string digits = encodeLatin1(text);
  std::string bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t index = 0; index + 1 < digits.size(); index += 2) {
    const int high = hexValue(digits[index]);
    const int low = hexValue(digits[index + 1]);
    if (high < 0 || low < 0) break;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

inline std::string encodeBase64(std::string_view text) {
  const std::string digits = encodeLatin1(text);
  std::string bytes;
  bytes.reserve(digits.size() / 4 * 3 + 2);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char digit : digits) {
    if (digit == '=') break;
    const std::uint8_t value = base64Values[static_cast<unsigned char>(digit)];
    if (value == notADigit) continue;
    group = group << 6 | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(group >> bits & 0xFF);
    }
  }
  return bytes;
}

inline void decodeUtf8(std::string_view bytes, std::string& text) {
  while (true) {
    const std::size_t valid = validUtf8Prefix(bytes);
    text.append(bytes.substr(0, valid));
    bytes.remove_prefix(valid);
    if (bytes.empty()) return;
    appendUtf8(text, replacementCharacter);
    bytes.remove_prefix(readUtf8(bytes).length);
  }
}

inline char32_t codeUnitAt(std::string_view bytes, std::size_t index) {
  return static_cast<char32_t>(static_cast<unsigned char>(bytes[index]) |
                               static_cast<unsigned char>(bytes[index + 1]) << 8);
}

inline void decodeUtf16le(std::string_view bytes, std::string& text) {
  const std::size_t end = bytes.size() - bytes.size() % 2;
  for (std::size_t index = 0; index < end; index += 2) {
    char32_t codePoint = codeUnitAt(bytes, index);
    if (isHighSurrogate(codePoint) && index + 2 < end &&
        isLowSurrogate(codeUnitAt(bytes, index + 2))) {
      index += 2;
      codePoint = 0x10000 + (codePoint - 0xD800) * 0x400 + (codeUnitAt(bytes, index) - 0xDC00);
    } else if (isHighSurrogate(codePoint) || isLowSurrogate(codePoint)) {
      codePoint = replacementCharacter;
    }
    appendUtf8(text, codePoint);
  }
}

inline void decodeHex(std::string_view bytes, std::string& text) {
  for (const char byte : bytes) {
    text += hexDigits[static_cast<unsigned char>(byte) >> 4];
    text += hexDigits[static_cast<unsigned char>(byte) & 0xF];
  }
}

inline void decodeBase64(std::string_view bytes, std::string_view alphabet, bool padded,
                         std::string& text) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
    std::uint32_t group = 0;
    for (std::size_t index = 0; index < 3; ++index) {
      group = group << 8 | (index < bytes.size() ? static_cast<unsigned char>(bytes[index]) : 0U);
    }
    for (std::size_t index = 0; index < 4; ++index) {
      if (index <= bytes.size()) {
        text += alphabet[group >> (18 - 6 * index) & 0x3F];
      } else if (padded) {
        text += '=';
      }
    }
  }
}

inline void decodeTo(std::string& text, std::string_view bytes, Encoding encoding) {
  switch (encoding) {
    case Encoding::utf8:
      return decodeUtf8(bytes, text);
    case Encoding::latin1:
      for (const char byte : bytes) appendUtf8(text, static_cast<unsigned char>(byte));
      return;
    case Encoding::ascii:
      for (const char byte : bytes) text += static_cast<char>(byte & 0x7F);
      return;
    case Encoding::base64:
      return decodeBase64(bytes, base64Alphabet, true, text);
    case Encoding::base64url:
      return decodeBase64(bytes, base64urlAlphabet, false, text);
    case Encoding::hex:
      return decodeHex(bytes, text);
    case Encoding::utf16le:
      return decodeUtf16le(bytes, text);
  }
}

// How many of the bytes can be decoded before it is known what follows them.
inline std::size_t decodableLength(std::string_view bytes, Encoding encoding) {
  switch (encoding) {
    case Encoding::utf8: {
      const std::size_t longest = std::min<std::size_t>(3, bytes.size());
      for (std::size_t tail = 1; tail <= longest; ++tail) {
        const std::size_t start = bytes.size() - tail;
        const bool continuation = (static_cast<unsigned char>(bytes[start]) & 0xC0) == 0x80;
        if (continuation) continue;
        const bool open = readUtf8(bytes.substr(start)).state == Utf8Sequence::State::truncated;
        return open ? start : bytes.size();
      }
      return bytes.size();
    }
    case Encoding::utf16le: {
      const std::size_t even = bytes.size() - bytes.size() % 2;
      return even >= 2 && isHighSurrogate(codeUnitAt(bytes, even - 2)) ? even - 2 : even;
    }
    case Encoding::base64:
    case Encoding::base64url:
      return bytes.size() - bytes.size() % 3;
    case Encoding::latin1:
    case Encoding::ascii:
    case Encoding::hex:
      break;
  }
  return bytes.size();
}

}  // namespace detail

SLUICE_DECL std::string toBytes(std::string_view text, Encoding encoding) {
  switch (encoding) {
    case Encoding::utf8:
      break;
    case Encoding::latin1:
    case Encoding::ascii:
      return detail::encodeLatin1(text);
    case Encoding::base64:
    case Encoding::base64url:
      return detail::encodeBase64(text);
    case Encoding::hex:
      return detail::encodeHex(text);
    case Encoding::utf16le:
      return detail::encodeUtf16le(text);
  }
  return std::string(text);
}

SLUICE_DECL std::string toText(std::string_view bytes, Encoding encoding) {
  std::string text;
  detail::decodeTo(text, bytes, encoding);
  return text;
}

SLUICE_DECL std::string_view StringDecoder::write(std::string_view bytes) {
  text_.clear();
  while (heldSize_ != 0 && !bytes.empty()) {
    held_[heldSize_++] = bytes.front();
    bytes.remove_prefix(1);
    const std::size_t ready = detail::decodableLength(held(), encoding_);
    detail::decodeTo(text_, held().substr(0, ready), encoding_);
    heldSize_ -= ready;
    std::memmove(held_.data(), held_.data() + ready, heldSize_);
  }

  const std::string_view ready = bytes.substr(0, detail::decodableLength(bytes, encoding_));
  bytes.remove_prefix(ready.size());
  if (!bytes.empty()) {
    heldSize_ = bytes.size();
    std::memcpy(held_.data(), bytes.data(), heldSize_);
  }

  const bool asItIs = encoding_ == Encoding::utf8 && text_.empty() &&
                      detail::validUtf8Prefix(ready) == ready.size();
  if (asItIs) return ready;
  detail::decodeTo(text_, ready, encoding_);
  return text_;
}

SLUICE_DECL std::string_view StringDecoder::end() {
  text_.clear();
  detail::decodeTo(text_, held(), encoding_);
  heldSize_ = 0;
  return text_;
}

}  // namespace sluice
