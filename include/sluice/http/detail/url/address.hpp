// SPDX-License-Identifier: BSL-1.0
//
// Numbers and addresses as a URL may spell them, and as it writes them. Section numbers are the
// WHATWG URL Standard's.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <sluice/http/detail/url/characters.hpp>
#include <string>
#include <string_view>
#include <system_error>

namespace sluice::http::detail::urls {

/// The number that all of `text` spells in that base; nothing if it spells none. One that 64
/// bits do not hold comes out as the largest that they do, which every caller refuses.
inline std::optional<std::uint64_t> wholeNumber(std::string_view text, int base = 10) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const std::from_chars_result result = std::from_chars(text.data(), end, number, base);
  if (text.empty() || result.ptr != end) return std::nullopt;
  return result.ec == std::errc::result_out_of_range ? ~std::uint64_t{0} : number;
}

// One number of an IPv4 address: decimal, 0x and hexadecimal, or 0 and octal (3.5).
inline std::optional<std::uint64_t> ipv4Number(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) {
    return text.size() == 2 ? 0 : wholeNumber(text.substr(2), 16);
  }
  return wholeNumber(text, text.size() > 1 && text.front() == '0' ? 8 : 10);
}

// 3.5, "ends in a number": such a host is an IPv4 address or an error, never a name.
inline bool endsInNumber(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string_view last = host.substr(host.rfind('.') + 1);
  return ipv4Number(last) || (!last.empty() && std::all_of(last.begin(), last.end(), isDigit));
}

// Up to four numbers, a byte each, but the last one fills all bytes that are left.
inline std::optional<std::uint32_t> parseIPv4(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  std::uint64_t address = 0;
  for (int bits = 32; bits > 0; bits -= 8) {
    const std::size_t dot = text.find('.');
    const auto number = ipv4Number(text.substr(0, dot));
    const bool last = dot == std::string_view::npos;
    if (!number || *number >> (last ? bits : 8) != 0) return std::nullopt;
    if (last) return static_cast<std::uint32_t>(address | *number);
    address |= *number << (bits - 8);
    text.remove_prefix(dot + 1);
  }
  return std::nullopt;
}

// The form within an IPv6 address: four decimals without leading zeros (3.5).
inline std::optional<std::uint32_t> parseDottedQuad(std::string_view text) {
  std::uint32_t address = 0;
  for (int count = 1; count <= 4; ++count) {
    const std::size_t dot = count < 4 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    const std::string_view digits = text.substr(0, dot);
    const auto number = wholeNumber(digits);
    if (!number || *number > 255 || (digits.size() > 1 && digits.front() == '0')) {
      return std::nullopt;
    }
    address = address << 8 | static_cast<std::uint32_t>(*number);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return address;
}

using IPv6Pieces = std::array<std::uint16_t, 8>;

inline std::optional<IPv6Pieces> parseIPv6(std::string_view text) {
  IPv6Pieces pieces{};
  std::size_t count = 0;
  std::optional<std::size_t> compressedAt;  // "::" stands for at least one piece of zeros
  if (text.starts_with(':')) {
    if (!text.starts_with("::")) return std::nullopt;
    text.remove_prefix(1);
  }
  while (!text.empty()) {
    if (count == pieces.size()) return std::nullopt;
    if (text.front() == ':') {
      if (compressedAt) return std::nullopt;
      compressedAt = ++count;
      text.remove_prefix(1);
      continue;
    }
    const std::size_t colon = text.find(':');
    const std::string_view piece = text.substr(0, colon);
    if (colon == std::string_view::npos && piece.find('.') != std::string_view::npos) {
      const auto address = parseDottedQuad(piece);
      if (!address || count > 6) return std::nullopt;
      pieces[count++] = static_cast<std::uint16_t>(*address >> 16);
      pieces[count++] = static_cast<std::uint16_t>(*address);
      break;
    }
    const auto number = wholeNumber(piece, 16);
    // A single colon at the end announces a piece that does not come.
    if (!number || piece.size() > 4 || colon == text.size() - 1) return std::nullopt;
    pieces[count++] = static_cast<std::uint16_t>(*number);
    text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
  }
  if (compressedAt) {
    const auto from = pieces.begin() + static_cast<std::ptrdiff_t>(*compressedAt);
    std::rotate(from, pieces.begin() + static_cast<std::ptrdiff_t>(count), pieces.end());
  } else if (count != pieces.size()) {
    return std::nullopt;
  }
  return pieces;
}

inline std::string serializeIPv4(std::uint32_t address) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += std::to_string(address >> shift & 0xFF);
    if (shift != 0) out += '.';
  }
  return out;
}

// RFC 5952 §4: the first of the longest runs of two or more zero pieces is "::".
inline std::string serializeIPv6(const IPv6Pieces& pieces) {
  std::size_t runAt = pieces.size();
  std::size_t runLength = 1;
  for (std::size_t at = 0; at < pieces.size(); ++at) {
    std::size_t end = at;
    while (end < pieces.size() && pieces[end] == 0) ++end;
    if (end - at > runLength) {
      runAt = at;
      runLength = end - at;
    }
  }
  std::string out = "[";
  for (std::size_t at = 0; at < pieces.size(); ++at) {
    if (at == runAt) {
      out += at == 0 ? "::" : ":";
      at += runLength - 1;
      continue;
    }
    std::array<char, 4> digits{};
    char* end = std::to_chars(digits.data(), digits.data() + digits.size(), pieces[at], 16).ptr;
    out.append(digits.data(), end);
    if (at + 1 < pieces.size()) out += ':';
  }
  return out += ']';
}

}  // namespace sluice::http::detail::urls
