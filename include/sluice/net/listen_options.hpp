// SPDX-License-Identifier: BSL-1.0
//
// Where a server is to listen.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_NET_LISTEN_OPTIONS_HPP
#define SLUICE_NET_LISTEN_OPTIONS_HPP

#include <cstdint>
#include <optional>
#include <sluice/config.hpp>
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
};

}  // namespace sluice::net

#endif
