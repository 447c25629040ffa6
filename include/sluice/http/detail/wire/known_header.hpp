// SPDX-License-Identifier: BSL-1.0
//
// The headers that decide about framing and the connection, or are written in their own way: of
// messages that are received and of those that are sent.
#pragma once

#include <sluice/config.hpp>
#include <cstdint>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <string_view>

namespace sluice::http::detail {

enum class KnownHeader : std::uint8_t {
  other,
  connection,
  contentLength,
  transferEncoding,
  date,
  keepAlive,
  trailer,
  expect,
  host,
  upgrade,
  cookie,
  te,
  proxyConnection
};

/// Which of them `name` is, in any case.
inline KnownHeader knownHeader(std::string_view name) {
  const char* const text = name.data();
  const auto orOther = [](bool found, KnownHeader header) {
    return found ? header : KnownHeader::other;
  };
  switch (name.size()) {
    case 2:
      return orOther(isNamed(text, "te"), KnownHeader::te);
    case 4:
      if (isNamed(text, "host")) return KnownHeader::host;
      return orOther(isNamed(text, "date"), KnownHeader::date);
    case 6:
      if (isNamed(text, "cookie")) return KnownHeader::cookie;
      return orOther(isNamed(text, "expect"), KnownHeader::expect);
    case 7:
      if (isNamed(text, "upgrade")) return KnownHeader::upgrade;
      return orOther(isNamed(text, "trailer"), KnownHeader::trailer);
    case 10:
      if (isNamed(text, "connection")) return KnownHeader::connection;
      return orOther(isNamed(text, "keep-alive"), KnownHeader::keepAlive);
    case 14:
      return orOther(isNamed(text, "content-length"), KnownHeader::contentLength);
    case 16:
      return orOther(isNamed(text, "proxy-connection"), KnownHeader::proxyConnection);
    case 17:
      return orOther(isNamed(text, "transfer-encoding"), KnownHeader::transferEncoding);
    default:
      return KnownHeader::other;
  }
}

}  // namespace sluice::http::detail
