// SPDX-License-Identifier: BSL-1.0
//
// The few socket options and descriptor flags that systems name differently and Asio has no name
// for. What a system lacks is left out, or refused if the user asked for it.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <sluice/net/address.hpp>
#include <sluice/net/detail/place.hpp>
#include <sluice/task.hpp>
#if !defined(_WIN32)
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#endif

namespace sluice::net::detail {

using GenericProtocol = asio::generic::stream_protocol;

/// A socket option of Asio's kind with an int in it.
template <int Level, int Name>
class NativeOption {
 public:
  explicit NativeOption(int value) : value_(value) {}

  template <class Protocol>
  int level(const Protocol&) const {
    return Level;
  }
  template <class Protocol>
  int name(const Protocol&) const {
    return Name;
  }
  template <class Protocol>
  const int* data(const Protocol&) const {
    return &value_;
  }
  template <class Protocol>
  std::size_t size(const Protocol&) const {
    return sizeof value_;
  }

 private:
  int value_;
};

/// Probes after so many seconds of silence, every second, ten times.
template <class Socket>
void setKeepAliveTimes(Socket& socket, int seconds) {
  error_code ignored;
#if defined(_WIN32)
  // Windows 10 has all three by these numbers, for which the headers of mingw-w64 have no names.
  constexpr int idle = 3, interval = 17, count = 16;
#elif defined(TCP_KEEPIDLE)
  constexpr int idle = TCP_KEEPIDLE, interval = TCP_KEEPINTVL, count = TCP_KEEPCNT;
#elif defined(TCP_KEEPALIVE)
  constexpr int idle = TCP_KEEPALIVE, interval = TCP_KEEPINTVL, count = TCP_KEEPCNT;
#endif
#if defined(_WIN32) || defined(TCP_KEEPIDLE) || defined(TCP_KEEPALIVE)
  socket.set_option(NativeOption<IPPROTO_TCP, idle>(seconds), ignored);
  socket.set_option(NativeOption<IPPROTO_TCP, interval>(1), ignored);
  socket.set_option(NativeOption<IPPROTO_TCP, count>(10), ignored);
#endif
  static_cast<void>(socket);
  static_cast<void>(seconds);
  static_cast<void>(ignored);
}

/// Several sockets may listen on one port and share its connections.
template <class Socket>
error_code setReusePort(Socket& socket) {
  error_code ec;
#if defined(SO_REUSEPORT)
  socket.set_option(NativeOption<SOL_SOCKET, SO_REUSEPORT>(1), ec);
#else
  static_cast<void>(socket);
  ec = asio::error::operation_not_supported;
#endif
  return ec;
}

/// A port whose last connections are in TIME_WAIT may be bound again. On Windows that needs no
/// option, and the option of this name lets a stranger take the port over.
template <class Socket>
error_code setReuseAddress(Socket& socket) {
  error_code ec;
#if defined(_WIN32)
  static_cast<void>(socket);
#else
  socket.set_option(asio::socket_base::reuse_address(true), ec);
#endif
  return ec;
}

/// A program that is started from here does not get the socket.
template <class Socket>
void closeOnExec(Socket& socket) {
#if defined(_WIN32)
  const SOCKET handle = socket.native_handle();
  ::SetHandleInformation(reinterpret_cast<HANDLE>(handle), HANDLE_FLAG_INHERIT, 0);
#else
  ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
#endif
}

/// connect() for a Unix socket, which is never in progress: if too many wait already, it fails at
/// once. Asio would take that for a connection that is being made.
template <class Socket>
error_code connectNow(Socket& socket, const GenericProtocol::endpoint& remote) {
  error_code ec;
#if defined(_WIN32)
  socket.connect(remote, ec);
#else
  if (::connect(socket.native_handle(), remote.data(), static_cast<socklen_t>(remote.size())) !=
      0) {
    ec = error_code(errno, boost::system::system_category());
  }
#endif
  return ec;
}

inline GenericProtocol::endpoint endpointOf(const Place& place, error_code& ec) {
  if (!place.isUnix()) return asio::ip::tcp::endpoint(place.address, place.port);
#if defined(BOOST_ASIO_HAS_LOCAL_SOCKETS)
  // Its constructor throws what is too long.
  try {
    return asio::local::stream_protocol::endpoint(place.path);
  } catch (const boost::system::system_error&) {
    ec = asio::error::name_too_long;
    return {};
  }
#else
  ec = asio::error::operation_not_supported;
  return {};
#endif
}

template <class Specific>
Specific specificEndpoint(const GenericProtocol::endpoint& endpoint) {
  Specific result;
  // In this order: a path's length depends on its bytes.
  std::memcpy(result.data(), endpoint.data(), std::min(endpoint.size(), result.capacity()));
  result.resize(endpoint.size());
  return result;
}

/// What an end is called in the public API.
inline Address nameOf(const GenericProtocol::endpoint& endpoint) {
  const int family = endpoint.protocol().family();
  Address result;
  if (family == asio::ip::tcp::v4().family() || family == asio::ip::tcp::v6().family()) {
    const auto at = specificEndpoint<asio::ip::tcp::endpoint>(endpoint);
    result.address = at.address().to_string();
    result.family = at.address().is_v6() ? "IPv6" : "IPv4";
    result.port = at.port();
  }
#if defined(BOOST_ASIO_HAS_LOCAL_SOCKETS)
  if (family == asio::local::stream_protocol().family()) {
    result.path = specificEndpoint<asio::local::stream_protocol::endpoint>(endpoint).path();
  }
#endif
  return result;
}

}  // namespace sluice::net::detail
