// SPDX-License-Identifier: BSL-1.0
//
// Where a socket or a server is: an IP address with its port, or the path of a Unix socket.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_NET_ADDRESS_HPP
#define SLUICE_NET_ADDRESS_HPP

#include <sluice/config.hpp>
#include <cstdint>
#include <string>

namespace sluice::net {

/// One end of a connection, or the place where a server listens.
///
///     server.listen(0);
///     std::cout << server.address().port << '\n';
struct Address {
  std::string address;     ///< "127.0.0.1", "::1"; empty for a Unix socket
  std::string family;      ///< "IPv4", "IPv6", or empty for a Unix socket
  std::uint16_t port = 0;  ///< 0 for a Unix socket
  std::string path;        ///< of a Unix socket, else empty

  bool operator==(const Address&) const = default;
};

}  // namespace sluice::net

#endif
