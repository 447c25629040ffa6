// SPDX-License-Identifier: BSL-1.0
//
// What a server's "drop" event tells.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_NET_DROP_INFO_HPP
#define SLUICE_NET_DROP_INFO_HPP

#include <cstdint>
#include <sluice/error.hpp>
#include <string>

namespace sluice::net {

/// A connection that was closed before anybody saw it: the server has as many as it may have, or
/// with ListenOptions::proxyProtocol its header was missing. The addresses are those of the peer
/// itself, and empty for Unix sockets.
struct DropInfo {
  /// The end of the server: its address, and "IPv4" or "IPv6".
  std::string localAddress{}, localFamily{};
  /// The port of the server.
  std::uint16_t localPort = 0;
  /// The end of the client: its address, and "IPv4" or "IPv6".
  std::string remoteAddress{}, remoteFamily{};
  /// The port of the client.
  std::uint16_t remotePort = 0;
  /// Empty: there were too many connections. Otherwise what was wrong with the PROXY header:
  /// ERR_PROXY_PROTOCOL_HEADER, ERR_PROXY_PROTOCOL_TIMEOUT, or how the connection broke.
  error_code reason{};
};

}  // namespace sluice::net

#endif
