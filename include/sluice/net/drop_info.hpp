// SPDX-License-Identifier: BSL-1.0
//
// What a server's "drop" event tells.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_NET_DROP_INFO_HPP
#define SLUICE_NET_DROP_INFO_HPP

#include <cstdint>
#include <sluice/config.hpp>
#include <string>

namespace sluice::net {

/// A connection that was closed at once because the server has as many as it may have. All fields
/// are empty for Unix sockets.
struct DropInfo {
  /// The end of the server: its address, and "IPv4" or "IPv6".
  std::string localAddress{}, localFamily{};
  /// The port of the server.
  std::uint16_t localPort = 0;
  /// The end of the client: its address, and "IPv4" or "IPv6".
  std::string remoteAddress{}, remoteFamily{};
  /// The port of the client.
  std::uint16_t remotePort = 0;
};

}  // namespace sluice::net

#endif
