// SPDX-License-Identifier: BSL-1.0
//
// A socket of the kernel by its descriptor, and the addresses that its calls take. The system's own
// calls, not Asio's: these set close-on-exec and non-blocking in one go, and know how long the
// address of a Unix socket is.
#pragma once

#include <sys/socket.h>
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <sluice/net/address.hpp>
#include <sluice/task.hpp>
#include <string_view>
#include <utility>

namespace sluice::net::detail {

/// What errno says.
error_code lastError();

/// An address as the kernel has it: IPv4, IPv6 or the path of a Unix socket.
class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(const asio::ip::address& address, std::uint16_t port);
  /// A path that begins with a zero byte is a name without a file, which Linux has.
  static SocketAddress ofPath(std::string_view path, error_code& ec);
  /// Of this end of a connection, or of a listener.
  static SocketAddress local(int fd, error_code& ec);
  static SocketAddress remote(int fd, error_code& ec);

  int family() const { return storage_.ss_family; }
  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }

  /// What it is called in the public API.
  Address toAddress() const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

/// Owns a descriptor.
class SystemSocket {
 public:
  SystemSocket() = default;
  explicit SystemSocket(int fd) : fd_(fd) {}
  SystemSocket(SystemSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  SystemSocket& operator=(SystemSocket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~SystemSocket() { close(); }

  /// A stream socket that does not block and is closed on exec.
  static SystemSocket open(int family, error_code& ec);

  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void close();

  error_code setOption(int level, int option, bool on) const;
  error_code bind(const SocketAddress& address) const;

 private:
  int fd_ = -1;
};

}  // namespace sluice::net::detail
