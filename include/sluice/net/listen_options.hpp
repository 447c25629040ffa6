// SPDX-License-Identifier: BSL-1.0
//
// Where a server is to listen.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_NET_LISTEN_OPTIONS_HPP
#define SLUICE_NET_LISTEN_OPTIONS_HPP

#include <sluice/config.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice::net {

/// The long form of listen(). One of `fd`, `port` and `path` says where, the first that is given.
///
///     server.listen({.port = 0, .host = "127.0.0.1"});
struct ListenOptions {
  std::optional<std::uint16_t> port{};  ///< TCP; 0: the system picks a free one
  std::string host{};  ///< an address or a name; empty: every address, IPv6 and IPv4
  std::string path{};  ///< a Unix socket, which close() removes again
  int backlog = 511;   ///< connections that may wait to be accepted; the system has its own limit
  int fd = -1;         ///< a bound socket of the system, which is closed with the server
  bool reusePort = false;  ///< several sockets may listen on one port and share its connections
  bool ipv6Only = false;   ///< "::" is not to take IPv4 connections as well
  bool exclusive = false;  ///< in a cluster: this worker does not share the port with the others
  /// Every connection begins with a header of the PROXY protocol (version 1 or 2, as HAProxy, nginx
  /// and load balancers write it), also before a TLS handshake. remoteAddress(), remotePort(),
  /// localAddress() and localPort() of its socket are then those that the header gives. Without a
  /// valid header, or with one above 536 bytes, the connection is closed before anybody sees it,
  /// and "drop" says why: ERR_PROXY_PROTOCOL_HEADER. So does one whose header takes longer than the
  /// server's headersTimeout (60 s if it has none): ERR_PROXY_PROTOCOL_TIMEOUT. Whoever reaches the
  /// port can claim any address: let only the proxy reach it. Node has no such option.
  bool proxyProtocol = false;
};

}  // namespace sluice::net

#endif
