// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/target_path.hpp>.
#pragma once

#include <algorithm>
#include <sluice/detail/ascii.hpp>
#include <sluice/encoding.hpp>
#include <sluice/web/app/detail/target_path.hpp>

namespace sluice::app::detail {

namespace target_path {

// The byte of the escape at `at`; -1 if there is none.
inline int escapeAt(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size()) return -1;
  using sluice::detail::hexValue;
  const int high = hexValue(text[at + 1]), low = hexValue(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Whether a file system could take a part of this segment for "." or "..".
inline bool hidesDotSegment(std::string_view segment) {
  constexpr std::string_view separators = "\xFF\\";
  if (segment.find_first_of(separators) == std::string_view::npos) return false;
  while (true) {
    const std::size_t end = segment.find_first_of(separators);
    const std::string_view part = segment.substr(0, end);
    if (part == "." || part == "..") return true;
    if (end == std::string_view::npos) return false;
    segment.remove_prefix(end + 1);
  }
}

// Whether the path is in its final form already, as nearly every one is.
inline bool isPlain(std::string_view path) {
  using sluice::detail::ByteSet;
  constexpr ByteSet ordinary = ByteSet::range(0x01, '$') | ByteSet::range('&', '-') |
                               ByteSet::range('0', '[') | ByteSet::range(']', 0x7F);
  if (!path.starts_with('/')) return false;
  for (std::size_t at = 1; at < path.size(); ++at) {
    if (ordinary.has(path[at])) continue;
    const bool mayFollow = path[at] == '/' || path[at] == '.';
    if (!mayFollow || path[at - 1] == '/') return false;
  }
  return true;
}

// false: an escape is malformed, and may not stand for itself.
inline bool decode(std::string& out, std::string_view text, bool plus, bool lenient) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int byte = text[at] == '%' ? escapeAt(text, at) : -1;
    if (byte >= 0) {
      out += static_cast<char>(byte);
      at += 2;
    } else if (text[at] == '%' && !lenient) {
      return false;
    } else {
      out += text[at] == '+' && plus ? ' ' : text[at];
    }
  }
  return true;
}

}  // namespace target_path

SLUICE_DECL bool appendDecoded(std::string& out, std::string_view text, bool plus) {
  return target_path::decode(out, text, plus, false);
}

SLUICE_DECL void appendLeniently(std::string& out, std::string_view text) {
  target_path::decode(out, text, true, true);
}

SLUICE_DECL std::string percentEncoded(std::string_view text) {
  using sluice::detail::ByteSet;
  constexpr ByteSet unreserved = sluice::detail::alphanumerics | ByteSet("-._~");
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (unreserved.has(letter)) {
      out += letter;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

SLUICE_DECL bool TargetPath::assign(std::string_view target) {
  decoded_ = segments_ = query_ = {};
  // RFC 9112 §3.2.2: a proxy's client names scheme and host as well.
  if (!target.starts_with('/')) {
    const std::size_t scheme = target.find("://");
    if (scheme != std::string_view::npos) {
      const std::size_t path = target.find_first_of("/?", scheme + 3);
      target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
    }
  }
  const std::size_t fragment = target.find('#');
  if (fragment != std::string_view::npos) target = target.substr(0, fragment);
  const std::size_t question = target.find('?');
  const std::string_view path = target.substr(0, question);
  if (target_path::isPlain(path)) {
    decoded_ = segments_ = path;
  } else if (!normalise(path)) {
    return false;
  }
  if (question != std::string_view::npos) query_ = target.substr(question + 1);
  return true;
}

SLUICE_DECL bool TargetPath::normalise(std::string_view path) {
  if (path == "*") {
    decoded_ = segments_ = path;
    return true;
  }
  segmentsText_.clear();
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (!addSegment(path.substr(at, end - at))) return false;
    at = end + 1;
  }
  const bool isFolder = path.empty() || path.ends_with('/');
  if (isFolder && !segmentsText_.ends_with('/')) segmentsText_ += '/';
  decodedText_ = segmentsText_;
  std::replace(decodedText_.begin(), decodedText_.end(), encodedSlash, '/');
  if (!sluice::detail::isUtf8(decodedText_)) return false;
  decoded_ = decodedText_;
  segments_ = segmentsText_;
  return true;
}

SLUICE_DECL bool TargetPath::addSegment(std::string_view raw) {
  // A dot segment leaves a slash at the end.
  const std::size_t before =
      segmentsText_.ends_with('/') ? segmentsText_.size() - 1 : segmentsText_.size();
  std::string segment;
  for (std::size_t at = 0; at < raw.size(); ++at) {
    int byte = static_cast<unsigned char>(raw[at]);
    if (byte == 0xFF) return false;
    if (byte == '%') {
      byte = target_path::escapeAt(raw, at);
      if (byte < 0 || byte == 0xFF) return false;
      if (byte == '/') byte = 0xFF;
      at += 2;
    }
    if (byte == 0) return false;
    segment += static_cast<char>(byte);
  }
  if (target_path::hidesDotSegment(segment)) return false;
  if (segment.empty()) return true;
  if (segment == "." || segment == "..") {
    segmentsText_.resize(before);
    if (segment == "..") {
      const std::size_t parent = segmentsText_.rfind('/');
      segmentsText_.resize(parent == std::string::npos ? 0 : parent);
    }
    segmentsText_ += '/';
    return true;
  }
  segmentsText_.resize(before);
  segmentsText_ += '/';
  segmentsText_ += segment;
  return true;
}

}  // namespace sluice::app::detail
