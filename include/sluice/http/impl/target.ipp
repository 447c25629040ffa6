// SPDX-License-Identifier: BSL-1.0
//
// Definitions of target.hpp.
#pragma once

#include <algorithm>
#include <sluice/detail/ascii.hpp>
#include <sluice/encoding.hpp>
#include <sluice/http/target.hpp>

namespace sluice::http {

SLUICE_DECL Target splitTarget(std::string_view url) noexcept {
  url = url.substr(0, url.find('#'));
  if (!url.starts_with('/')) {
    // A scheme has no '?', so the "://" of a query does not count.
    const std::size_t authority = url.substr(0, url.find('?')).find("://");
    if (authority != std::string_view::npos) {
      url.remove_prefix(std::min(url.find_first_of("/?", authority + 3), url.size()));
      if (!url.starts_with('/')) {
        // RFC 9110 §4.2.3: an empty path is "/".
        return {"/", url.empty() ? url : url.substr(1)};
      }
    }
  }
  const std::size_t question = std::min(url.find('?'), url.size());
  return {url.substr(0, question), url.substr(std::min(question + 1, url.size()))};
}

SLUICE_DECL std::optional<std::string> decodeURIComponent(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      bytes += text[at];
      continue;
    }
    if (text.size() - at < 3) return std::nullopt;
    const int high = sluice::detail::hexValue(text[at + 1]);
    const int low = sluice::detail::hexValue(text[at + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
    at += 2;
  }
  if (!sluice::detail::isUtf8(bytes)) return std::nullopt;
  return bytes;
}

}  // namespace sluice::http
