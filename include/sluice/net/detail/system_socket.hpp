// SPDX-License-Identifier: BSL-1.0
//
// Sockets made by the system's own call, which sets close-on-exec and non-blocking in one go (Asio
// has no way to ask for the former), and the address of a Unix socket for it.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <sluice/task.hpp>
#include <string_view>

namespace sluice::net::detail {

inline error_code lastError() { return {errno, boost::system::system_category()}; }

/// Opens one of Asio's sockets or acceptors.
template <class Socket>
error_code openSocket(Socket& socket, const asio::generic::stream_protocol& protocol) {
  const int fd = ::socket(protocol.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return lastError();
  error_code ec;
  socket.assign(protocol, fd, ec);
  if (ec) ::close(fd);
  return ec;
}

template <class Socket>
error_code setOption(Socket& socket, int level, int option, bool on) {
  const int value = on ? 1 : 0;
  const int result = ::setsockopt(socket.native_handle(), level, option, &value, sizeof value);
  return result == 0 ? error_code() : lastError();
}

/// A path that begins with a zero byte is a name without a file, which Linux has. Asio's own type
/// has other ideas of an address's length.
inline asio::generic::stream_protocol::endpoint unixEndpoint(std::string_view path,
                                                             error_code& ec) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) {
    ec.assign(ENAMETOOLONG, boost::system::system_category());
    return {};
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  std::size_t size = offsetof(sockaddr_un, sun_path) + path.size();
  if (!path.empty() && path.front() != '\0') ++size;
  return {&address, size};
}

}  // namespace sluice::net::detail
