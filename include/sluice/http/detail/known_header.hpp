// SPDX-License-Identifier: BSL-1.0
//
// The headers that decide about framing and the connection, or are written in their own way: of
// messages that are received and of those that are sent.
#pragma once

#include <cstdint>
#include <sluice/config.hpp>
#include <sluice/http/detail/header_chars.hpp>
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
  const auto orOther = [name](KnownHeader header, std::string_view lowerName) {
    return equalIgnoreCase(name, lowerName) ? header : KnownHeader::other;
  };
  switch (name.size()) {
    case 2:
      return orOther(KnownHeader::te, "te");
    case 4:
      return toLower(name[0]) == 'd' ? orOther(KnownHeader::date, "date")
                                     : orOther(KnownHeader::host, "host");
    case 6:
      return toLower(name[0]) == 'c' ? orOther(KnownHeader::cookie, "cookie")
                                     : orOther(KnownHeader::expect, "expect");
    case 7:
      return toLower(name[0]) == 't' ? orOther(KnownHeader::trailer, "trailer")
                                     : orOther(KnownHeader::upgrade, "upgrade");
    case 10:
      return toLower(name[0]) == 'c' ? orOther(KnownHeader::connection, "connection")
                                     : orOther(KnownHeader::keepAlive, "keep-alive");
    case 14:
      return orOther(KnownHeader::contentLength, "content-length");
    case 16:
      return orOther(KnownHeader::proxyConnection, "proxy-connection");
    case 17:
      return orOther(KnownHeader::transferEncoding, "transfer-encoding");
    default:
      return KnownHeader::other;
  }
}

}  // namespace sluice::http::detail
