// SPDX-License-Identifier: BSL-1.0
//
// Definitions of detail/strictness.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <sluice/http/detail/wire/strictness.hpp>

namespace sluice::http::detail {

namespace strictness {

using sluice::detail::isBlank;
using sluice::detail::isDigit;

// RFC 3986 §3.2.2: a name or an IPv4 address. §3.1: a scheme, after its first letter.
inline constexpr ByteSet hostBytes = sluice::detail::alphanumerics | ByteSet("-._~%!$&'()*+,;=");
inline constexpr ByteSet schemeBytes = sluice::detail::alphanumerics | ByteSet("+-.");

constexpr bool allDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), isDigit);
}

// Takes the host off the front of `text`; false if there is none. RFC 3986 §3.2.2.
constexpr bool takeHost(std::string_view& text) {
  std::size_t size = 0;
  if (!text.empty() && text.front() == '[') {
    size = text.find(']');
    if (size == std::string_view::npos || size == 1) return false;
    for (const char c : text.substr(1, size - 1)) {
      if (c != ':' && !hostBytes.has(c)) return false;
    }
    ++size;
  } else {
    const auto end =
        std::find_if_not(text.begin(), text.end(), [](char c) { return hostBytes.has(c); });
    size = static_cast<std::size_t>(end - text.begin());
    if (size == 0) return false;
  }
  text.remove_prefix(size);
  return true;
}

// Takes a quoted-string off the front of `text`; false if it does not end.
constexpr bool takeQuoted(std::string_view& text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] == '\\') ++i;
  }
  return false;
}

constexpr std::string_view takeToken(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && tokenBytes.has(text[size])) ++size;
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(size);
  return taken;
}

constexpr void skipBlanks(std::string_view& text) {
  while (!text.empty() && isBlank(text.front())) text.remove_prefix(1);
}

// RFC 9112 §7: transfer-parameter = token BWS "=" BWS ( token / quoted-string ).
constexpr bool takeParameter(std::string_view& text) {
  if (takeToken(text).empty()) return false;
  skipBlanks(text);
  if (text.empty() || text.front() != '=') return false;
  text.remove_prefix(1);
  skipBlanks(text);
  if (!text.empty() && text.front() == '"') return takeQuoted(text);
  return !takeToken(text).empty();
}

}  // namespace strictness

SLUICE_DECL Fault methodFault(std::string_view line) {
  // No method is half as long as this; without the bound a peer that speaks another protocol would
  // be listened to until the head is too large.
  constexpr std::size_t longest = 32;
  const std::string_view front = line.substr(0, longest);
  for (std::size_t i = 0; i < front.size(); ++i) {
    const char c = front[i];
    if (c == ' ' && isKnownMethod(front.substr(0, i))) return {};
    if ((c < 'A' || c > 'Z') && c != '-') {
      return {errc::HPE_INVALID_METHOD, "The line does not begin with a known method and a space"};
    }
  }
  if (front.size() < longest) return {};
  return {errc::HPE_INVALID_METHOD, "The method is too long"};
}

SLUICE_DECL Fault protocolFault(std::string_view line) {
  constexpr std::string_view name = "HTTP/";
  if (name.starts_with(line.substr(0, name.size()))) return {};
  return {errc::HPE_INVALID_CONSTANT, "The line does not begin with HTTP/"};
}

SLUICE_DECL bool isTargetText(std::string_view target) { return targetBytes.hasAll(target); }

SLUICE_DECL bool isTargetForm(std::string_view method, std::string_view target) {
  if (method == "CONNECT") return isAuthority(target);
  if (target.starts_with('/')) return true;
  if (target == "*") return method == "OPTIONS" || method == "M-SEARCH";
  const std::size_t colon = target.find("://");
  if (colon == std::string_view::npos || colon + 3 == target.size()) return false;
  return sluice::detail::isAlpha(target.front()) &&
         strictness::schemeBytes.hasAll(target.substr(0, colon));
}

SLUICE_DECL Fault versionFault(std::string_view text) {
  if (!text.starts_with("HTTP/")) {
    return {errc::HPE_INVALID_CONSTANT, "There is no HTTP/ behind the target"};
  }
  const bool complete = text.size() > 9 && strictness::isDigit(text[5]) && text[6] == '.' &&
                        strictness::isDigit(text[7]);
  if (complete && text[8] == '\r' && text[9] != '\n') {
    return {errc::HPE_STRICT, "CR without LF behind the version"};
  }
  return {errc::HPE_INVALID_VERSION, "The version is not HTTP/1.0 or HTTP/1.1 and the line's end"};
}

SLUICE_DECL bool isStatus(int status) { return status >= 100; }

SLUICE_DECL Fault lineStartFault(std::string_view rest, bool first) {
  if (rest.empty()) return {};
  if (strictness::isBlank(rest.front())) {
    if (first) return {errc::HPE_UNEXPECTED_SPACE, "There is a blank behind the start line"};
    return {errc::HPE_INVALID_HEADER_TOKEN, "A header line is folded"};
  }
  if (rest.front() == '\n') {
    return {errc::HPE_INVALID_HEADER_TOKEN, "LF without CR instead of a header line"};
  }
  if (rest.front() == '\r' && rest.size() > 1 && rest[1] != '\n') {
    return {errc::HPE_STRICT, "CR without LF at the end of the headers"};
  }
  return {};
}

SLUICE_DECL bool isHost(std::string_view value) {
  if (value.empty()) return true;
  if (!strictness::takeHost(value)) return false;
  return value.empty() || (value.front() == ':' && strictness::allDigits(value.substr(1)));
}

SLUICE_DECL bool isAuthority(std::string_view target) {
  if (!strictness::takeHost(target) || target.empty() || target.front() != ':') return false;
  target.remove_prefix(1);
  std::uint16_t port = 0;
  const char* const end = target.data() + target.size();
  const std::from_chars_result read = std::from_chars(target.data(), end, port);
  return read.ec == std::errc{} && read.ptr == end;
}

SLUICE_DECL std::optional<std::uint64_t> contentLength(std::string_view value) {
  std::uint64_t length = 0;
  const char* const end = value.data() + value.size();
  const std::from_chars_result read = std::from_chars(value.data(), end, length);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return length;
}

SLUICE_DECL Fault trailerFault(KnownHeader header) {
  if (header == KnownHeader::contentLength) {
    return {errc::HPE_INVALID_CONTENT_LENGTH, "Content-Length is among the trailers"};
  }
  if (header == KnownHeader::transferEncoding) {
    return {errc::HPE_INVALID_TRANSFER_ENCODING, "Transfer-Encoding is among the trailers"};
  }
  return {};
}

SLUICE_DECL void ConnectionHeader::add(std::string_view value) {
  if (value == "keep-alive") {  // what nearly everybody sends
    keepAlive = true;
    return;
  }
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view option = sluice::detail::trimBlanks(value.substr(0, comma));
    value.remove_prefix(std::min(comma + 1, value.size()));
    close |= equalIgnoreCase(option, "close");
    keepAlive |= equalIgnoreCase(option, "keep-alive");
    upgrade |= equalIgnoreCase(option, "upgrade");
  }
}

SLUICE_DECL void TransferCodings::add(std::string_view value) {
  present_ = true;
  for (;;) {
    strictness::skipBlanks(value);
    const std::string_view name = strictness::takeToken(value);
    wellFormed_ &= !name.empty();
    bool plain = true;
    for (;;) {
      strictness::skipBlanks(value);
      if (value.empty() || value.front() != ';') break;
      value.remove_prefix(1);
      strictness::skipBlanks(value);
      wellFormed_ &= strictness::takeParameter(value);
      plain = false;
    }
    lastIsChunked_ = plain && equalIgnoreCase(name, "chunked");
    chunked_ += lastIsChunked_ ? 1 : 0;
    if (value.empty()) return;
    if (value.front() != ',') {
      wellFormed_ = false;
      return;
    }
    value.remove_prefix(1);
  }
}

}  // namespace sluice::http::detail
