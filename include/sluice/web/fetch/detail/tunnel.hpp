// SPDX-License-Identifier: BSL-1.0
//
// Connections through a proxy: CONNECT of HTTP, RFC 9110 9.3.6, and SOCKS 5, RFC 1928 and 1929.
#pragma once

#include <cstdint>
#include <sluice/http/url.hpp>
#include <sluice/net/connect.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <string>
#include <string_view>

namespace sluice::detail {

struct Proxy {
  bool isSocks = false;
  std::string host;
  std::uint16_t port = 0;
  std::string user;
  std::string password;
  bool hasUser = false;

  /// Tells one from another.
  std::string key() const;
  /// The value of Proxy-Authorization; "" if there is no user.
  std::string authorization() const;
};

/// throws  ERR_INVALID_ARG_VALUE if it is neither http nor socks5
Proxy proxyOf(const http::URL& url);

/// A host without the brackets of an IPv6 address.
std::string_view bareHost(std::string_view hostname);
/// The port of a URL, or that of its scheme.
std::uint16_t portOf(const http::URL& url);
std::string percentDecoded(std::string_view text);
std::string basicAuthorization(std::string_view user, std::string_view password);

/// A socket that leads to host and port of `target` by way of the proxy. Of `target` the lookup and
/// the local address are for the proxy.
///
/// throws  as net::connect(), ERR_PROXY_CONNECTION_FAILED
/// cancel  terminal
task<net::Socket> connectThrough(Proxy proxy, net::ConnectionOptions target);

}  // namespace sluice::detail
