// SPDX-License-Identifier: BSL-1.0
//
// Opening a connection: names are resolved, and if a name has several addresses they are tried
// side by side, so that one that is dead costs a quarter of a second and not a minute.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_NET_CONNECT_HPP
#define SLUICE_NET_CONNECT_HPP

#include <boost/asio/ip/address.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::net {

/// The addresses of a name, the ones to be tried first in front. `family` is 4, 6, or 0 for both.
using Lookup =
    std::function<task<std::vector<asio::ip::address>>(std::string_view host, int family)>;

namespace detail {

/// The addresses in the order in which they are tried: the first one's family, then the other, and
/// so on.
std::vector<asio::ip::address> alternating(std::vector<asio::ip::address> found);

/// Brings the socket that is to be connected, if others have to see it before it is.
struct ConnectHook {
  virtual boost::intrusive_ptr<SocketCore> onConnecting() = 0;

 protected:
  ~ConnectHook() = default;
};

}  // namespace detail

/// Where to connect to, and how.
struct ConnectionOptions {
  std::string host{};           ///< an address or a name; empty: "localhost"
  std::uint16_t port = 0;       ///< the TCP port; not used if `path` is set
  std::string path{};           ///< a Unix socket, in place of host and port
  std::string localAddress{};   ///< an address of this machine; empty: the system's choice
  std::uint16_t localPort = 0;  ///< 0: the system's choice
  int family = 0;               ///< 4 or 6: only such addresses of a name; 0: both
  std::chrono::milliseconds
      timeout{};           ///< for the whole attempt, ETIMEDOUT after it; 0: the system's
  Lookup lookup{};         ///< in place of the system's resolver
  bool noDelay = true;     ///< TCP_NODELAY
  bool keepAlive = false;  ///< TCP keep-alive probes
  std::chrono::milliseconds keepAliveInitialDelay{};  ///< silence before the first probe
  /// Bytes that wait in user memory before write() is false.
  std::size_t highWaterMark = 16 * 1024;
  std::shared_ptr<const void> tls{};    ///< for https: what only TLS understands
  std::shared_ptr<const void> way{};    ///< for an agent: the proxy that the request has chosen
  detail::ConnectHook* hook = nullptr;  ///< for the library
};

/// Connects, on the awaiting coroutine's executor.
///
/// A name's addresses are tried alternating between IPv6 and IPv4, the next one when the last has
/// failed or has not answered for 250 ms. The first that answers is taken, the others are closed.
///
/// named   an object with a name; one made in the same statement is refused on g++ before 13, which
///         would destroy it twice
/// throws  http::Error with syscall, address and port: ECONNREFUSED, ETIMEDOUT, ENOENT …, with
///         "getaddrinfo" ENOTFOUND; of several addresses the first error that says something about
///         the peer. ERR_INVALID_ARG_VALUE for a family, ERR_INVALID_IP_ADDRESS for a local
///         address, ERR_OUT_OF_RANGE for a time below 0
/// cancel  total: operation_aborted, every socket is closed
task<Socket> connect(const ConnectionOptions& named);
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
task<Socket> connect(ConnectionOptions&&) = delete;
#endif

}  // namespace sluice::net

#endif
