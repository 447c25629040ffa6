// SPDX-License-Identifier: BSL-1.0
//
// Definitions of listening.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <charconv>
#include <sluice/net/detail/listening.hpp>
#include <string>
#include <system_error>

namespace sluice::net::detail {

[[noreturn]] inline void throwBadPort(std::string_view port) {
  throw Error(make_error_code(errc::ERR_SOCKET_BAD_PORT),
              "A port must be from 0 to 65535, and not " + std::string(port));
}

SLUICE_DECL ListenOptions portToListenOn(int port) {
  if (port < 0 || port > 65535) throwBadPort(std::to_string(port));
  ListenOptions options;
  options.port = static_cast<std::uint16_t>(port);
  return options;
}

SLUICE_DECL ListenOptions pathOrPortToListenOn(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool digits = text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!text.empty() && digits) {
    if (error != std::errc() || end != text.data() + text.size()) throwBadPort(text);
    return portToListenOn(port);
  }
  ListenOptions options;
  options.path = text;
  return options;
}

inline asio::ip::address addressToListenOn(Loop& loop, const std::string& host) {
  if (host.empty()) return asio::ip::address_v6();
  error_code ec;
  auto literal = asio::ip::make_address(host, ec);
  if (!ec) return literal;
  const auto found = asio::ip::tcp::resolver(loop.executor()).resolve(host, {}, ec);
  if (ec) throw http::Error::connection(ec, "getaddrinfo", host);
  return found.begin()->endpoint().address();
}

inline void openTcp(Listener& listener, Loop& loop, const ListenOptions& options) {
  Place place{.address = addressToListenOn(loop, options.host), .port = *options.port};
  error_code ec = listener.open(place, options);
  const bool noIpv6 = ec == asio::error::address_family_not_supported ||
                      ec == boost::system::errc::address_not_available;
  if (options.host.empty() && !options.ipv6Only && noIpv6) {
    place.address = asio::ip::address_v4();
    ec = listener.open(place, options);
  }
  if (ec) throw http::Error::connection(ec, "listen", place.address.to_string(), place.port);
}

SLUICE_DECL void openListener(Listener& listener, Loop& loop, const ListenOptions& options) {
  if (options.fd >= 0) {
    const error_code ec = listener.adopt(options.fd, options.backlog);
    if (ec) throw http::Error::connection(ec, "listen");
  } else if (options.port) {
    openTcp(listener, loop, options);
  } else if (!options.path.empty()) {
    const error_code ec = listener.open({.path = options.path}, options);
    if (ec) throw http::Error::connection(ec, "listen", options.path);
  } else {
    throw http::Error(make_error_code(http::errc::ERR_INVALID_ARG_VALUE),
                      "The listen options must have a port, a path or an fd");
  }
}

}  // namespace sluice::net::detail
