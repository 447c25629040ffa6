// SPDX-License-Identifier: BSL-1.0
//
// Definitions of listening.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <sluice/net/detail/listening.hpp>

namespace sluice::net::detail {

inline asio::ip::address addressToListenOn(Loop& loop, const std::string& host) {
  if (host.empty()) return asio::ip::address_v6();
  error_code ec;
  const auto literal = asio::ip::make_address(host, ec);
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
