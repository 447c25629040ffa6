// SPDX-License-Identifier: BSL-1.0
//
// Definitions of system_socket.hpp.
#pragma once

#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <sluice/net/detail/epoll/system_socket.hpp>

namespace sluice::net::detail {

SLUICE_DECL error_code lastError() { return {errno, boost::system::system_category()}; }

SLUICE_DECL SocketAddress::SocketAddress(const asio::ip::address& address, std::uint16_t port) {
  if (address.is_v6()) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    const auto bytes = address.to_v6().to_bytes();
    std::memcpy(&in.sin6_addr, bytes.data(), bytes.size());
    in.sin6_scope_id = static_cast<std::uint32_t>(address.to_v6().scope_id());
    std::memcpy(&storage_, &in, sizeof in);
    size_ = sizeof in;
  } else {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    in.sin_addr.s_addr = htonl(address.to_v4().to_uint());
    std::memcpy(&storage_, &in, sizeof in);
    size_ = sizeof in;
  }
}

SLUICE_DECL SocketAddress SocketAddress::ofPath(std::string_view path, error_code& ec) {
  SocketAddress result;
  sockaddr_un un{};
  if (path.size() >= sizeof un.sun_path) {
    ec.assign(ENAMETOOLONG, boost::system::system_category());
    return result;
  }
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.data(), path.size());
  std::memcpy(&result.storage_, &un, sizeof un);
  std::size_t size = offsetof(sockaddr_un, sun_path) + path.size();
  if (!path.empty() && path.front() != '\0') ++size;
  result.size_ = static_cast<socklen_t>(size);
  return result;
}

SLUICE_DECL SocketAddress SocketAddress::local(int fd, error_code& ec) {
  SocketAddress result;
  result.size_ = sizeof result.storage_;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&result.storage_), &result.size_) != 0) {
    ec = lastError();
  }
  return result;
}

SLUICE_DECL SocketAddress SocketAddress::remote(int fd, error_code& ec) {
  SocketAddress result;
  result.size_ = sizeof result.storage_;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&result.storage_), &result.size_) != 0) {
    ec = lastError();
  }
  return result;
}

SLUICE_DECL Address SocketAddress::toAddress() const {
  Address result;
  if (family() == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage_, sizeof in);
    result.address = asio::ip::address_v4(ntohl(in.sin_addr.s_addr)).to_string();
    result.family = "IPv4";
    result.port = ntohs(in.sin_port);
  } else if (family() == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &storage_, sizeof in);
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    result.address = asio::ip::address_v6(bytes, in.sin6_scope_id).to_string();
    result.family = "IPv6";
    result.port = ntohs(in.sin6_port);
  } else if (family() == AF_UNIX && size_ > offsetof(sockaddr_un, sun_path)) {
    sockaddr_un un{};
    std::memcpy(&un, &storage_, sizeof un);
    const std::size_t room = size_ - offsetof(sockaddr_un, sun_path);
    result.path.assign(un.sun_path, un.sun_path[0] == '\0' ? room : strnlen(un.sun_path, room));
  }
  return result;
}

SLUICE_DECL SystemSocket SystemSocket::open(int family, error_code& ec) {
  SystemSocket result(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!result) ec = lastError();
  return result;
}

SLUICE_DECL void SystemSocket::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

SLUICE_DECL error_code SystemSocket::setOption(int level, int option, bool on) const {
  const int value = on ? 1 : 0;
  return ::setsockopt(fd_, level, option, &value, sizeof value) == 0 ? error_code() : lastError();
}

SLUICE_DECL error_code SystemSocket::bind(const SocketAddress& address) const {
  return ::bind(fd_, address.data(), address.size()) == 0 ? error_code() : lastError();
}

}  // namespace sluice::net::detail
