// SPDX-License-Identifier: BSL-1.0
//
// Frames of WebSocket as words, so that a test can say what is sent and what has come.
//
//     word      [marks] opcode [":" payload] ["!"]
//     marks     "-" not final, "rN" reserved bits, "u" the mask that the side must not leave out,
//     or
//               must not have, is, "l" and "L" a length of 16 and 64 bits, "H" and "G" a length
//               that is not true: 1 TiB, and one with the highest bit
//     opcode    t text, b binary, c continuation, x close, p ping, o pong, or one digit of hex
//     payload   characters, "<hex>", "{N*c}" for N times c; after x a number is a code, and ","
//               begins the reason
//     "!"       the second half of the frame is missing
//
// Frames that are rendered have no marks but "-" and "r", and show what is not printable in hex.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::test {

namespace detail {

inline constexpr std::string_view opcodeLetters = "ctb?????xpo";

inline std::string frameText(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    if (text[0] == '<') {
      for (text.remove_prefix(1); text[0] != '>'; text.remove_prefix(2)) {
        unsigned byte = 0;
        std::from_chars(text.data(), text.data() + 2, byte, 16);
        bytes += static_cast<char>(byte);
      }
      text.remove_prefix(1);
    } else if (text[0] == '{') {
      std::size_t count = 0;
      std::from_chars(text.data() + 1, text.data() + text.size(), count);
      const std::size_t star = text.find('*');
      bytes.append(count, text[star + 1]);
      text.remove_prefix(star + 3);
    } else {
      bytes += text[0];
      text.remove_prefix(1);
    }
  }
  return bytes;
}

inline std::string framePayload(char opcode, std::string_view text) {
  int code = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), code).ptr;
  if (opcode != 'x' || end == text.data()) return frameText(text);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty()) text.remove_prefix(1);
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + frameText(text);
}

inline std::string bigEndian(std::uint64_t number, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = size; i-- > 0; number >>= 8) bytes[i] = static_cast<char>(number);
  return bytes;
}

inline std::string frame(std::string_view word, bool masked) {
  unsigned first = 0x80;
  std::size_t lengthBytes = 0;
  std::uint64_t lie = 0;
  const bool half = word.ends_with('!');
  if (half) word.remove_suffix(1);
  for (;; word.remove_prefix(1)) {
    if (word[0] == '-') {
      first &= 0x7f;
    } else if (word[0] == 'r') {
      word.remove_prefix(1);
      first |= static_cast<unsigned>(word[0] - '0') << 4;
    } else if (word[0] == 'u') {
      masked = !masked;
    } else if (word[0] == 'l' || word[0] == 'L') {
      lengthBytes = word[0] == 'l' ? 2 : 8;
    } else if (word[0] == 'H' || word[0] == 'G') {
      lengthBytes = 8;
      lie = word[0] == 'H' ? std::uint64_t{1} << 40 : std::uint64_t{1} << 63;
    } else {
      break;
    }
  }
  const std::size_t letter = opcodeLetters.find(word[0]);
  unsigned opcode = static_cast<unsigned>(letter);
  if (letter == std::string_view::npos) std::from_chars(word.data(), word.data() + 1, opcode, 16);
  const std::string payload =
      framePayload(word[0], word.substr(std::min<std::size_t>(word.size(), 2)));
  const std::uint64_t length = lie != 0 ? lie : payload.size();
  if (lengthBytes == 0 && length > 125) lengthBytes = length > 65535 ? 8 : 2;
  const unsigned shown = lengthBytes == 0   ? static_cast<unsigned>(length)
                         : lengthBytes == 2 ? 126
                                            : 127;
  std::string bytes{static_cast<char>(first | opcode),
                    static_cast<char>(shown | (masked ? 0x80 : 0))};
  bytes += bigEndian(length, lengthBytes);
  constexpr std::string_view key = "\x12\xf4\x56\x78";
  if (masked) bytes += key;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    bytes += masked ? static_cast<char>(payload[i] ^ key[i % 4]) : payload[i];
  }
  if (half) bytes.resize(bytes.size() / 2);
  return bytes;
}

inline std::string shownText(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  std::string hex;
  const auto endHex = [&] {
    if (!hex.empty()) text += '<' + hex + '>';
    hex.clear();
  };
  while (!bytes.empty()) {
    const char c = bytes[0];
    const std::size_t run = std::min(bytes.find_first_not_of(c), bytes.size());
    const bool plain =
        c > ' ' && c < '\x7f' && std::string_view("<>{}").find(c) == std::string_view::npos;
    if (plain && run > 8) {
      endHex();
      text += '{' + std::to_string(run) + '*' + c + '}';
      bytes.remove_prefix(run);
      continue;
    }
    if (plain) {
      endHex();
      text += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      hex += digits[byte >> 4];
      hex += digits[byte & 15];
    }
    bytes.remove_prefix(1);
  }
  endHex();
  return text;
}

}  // namespace detail

/// The bytes of the words.
inline std::string frames(std::string_view words, bool masked) {
  std::string bytes;
  while (!words.empty()) {
    const std::size_t blank = std::min(words.find(' '), words.size());
    if (const std::string_view word = words.substr(0, blank); word != "|") {
      bytes += detail::frame(word, masked);
    }
    words.remove_prefix(std::min(blank + 1, words.size()));
  }
  return bytes;
}

/// The words of the bytes. Payloads are unmasked, and what is no whole frame is shown in hex.
inline std::string framesOf(std::string_view bytes) {
  std::string words;
  while (!bytes.empty()) {
    if (!words.empty()) words += ' ';
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    std::size_t used = 2;
    std::uint64_t length = bytes.size() < 2 ? 0 : at(1) & 0x7f;
    const std::size_t lengthBytes = length == 126 ? 2 : length == 127 ? 8 : 0;
    const bool masked = bytes.size() >= 2 && (at(1) & 0x80) != 0;
    const std::size_t header = 2 + lengthBytes + (masked ? 4 : 0);
    if (bytes.size() < header) return words + "half " + detail::shownText(bytes);
    if (lengthBytes != 0) length = 0;
    for (std::size_t i = 0; i < lengthBytes; ++i) length = length << 8 | at(used++);
    const std::string_view key = bytes.substr(used, masked ? 4 : 0);
    if (bytes.size() - header < length) return words + "half " + detail::shownText(bytes);
    std::string payload(bytes.substr(header, static_cast<std::size_t>(length)));
    for (std::size_t i = 0; masked && i < payload.size(); ++i) {
      payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
    }
    const unsigned opcode = at(0) & 15;
    if ((at(0) & 0x80) == 0) words += '-';
    if ((at(0) & 0x70) != 0) words += 'r' + std::to_string((at(0) & 0x70) >> 4);
    words += opcode < detail::opcodeLetters.size() && detail::opcodeLetters[opcode] != '?'
                 ? detail::opcodeLetters[opcode]
                 : "0123456789ABCDEF"[opcode];
    std::string text;
    if (opcode == 8 && payload.size() >= 2) {
      text = std::to_string(static_cast<unsigned char>(payload[0]) << 8 |
                            static_cast<unsigned char>(payload[1]));
      if (payload.size() > 2) text += ',' + detail::shownText(std::string_view(payload).substr(2));
    } else {
      text = detail::shownText(payload);
    }
    if (!text.empty()) words += ':' + text;
    bytes.remove_prefix(header + static_cast<std::size_t>(length));
  }
  return words;
}

}  // namespace sluice::test
