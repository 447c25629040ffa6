// SPDX-License-Identifier: BSL-1.0
//
// Definitions of stream_transport.hpp. Sends go to the kernel directly: Asio's own try-send wraps
// the same call in buffer sequences and retries that the hot path has no use for.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <boost/asio/socket_base.hpp>
#include <cerrno>
#include <sluice/net/detail/stream_transport.hpp>

namespace sluice::net::detail {

SLUICE_DECL Address toAddress(const asio::generic::stream_protocol::endpoint& endpoint) {
  Address result;
  const auto* data = endpoint.data();
  if (data->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, data, sizeof in);
    result.address = asio::ip::address_v4(ntohl(in.sin_addr.s_addr)).to_string();
    result.family = "IPv4";
    result.port = ntohs(in.sin_port);
  } else if (data->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, data, sizeof in);
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    result.address = asio::ip::address_v6(bytes, in.sin6_scope_id).to_string();
    result.family = "IPv6";
    result.port = ntohs(in.sin6_port);
  } else if (data->sa_family == AF_UNIX && endpoint.size() > offsetof(sockaddr_un, sun_path)) {
    const auto* un = reinterpret_cast<const sockaddr_un*>(data);
    const std::size_t room = endpoint.size() - offsetof(sockaddr_un, sun_path);
    result.path.assign(un->sun_path, un->sun_path[0] == '\0' ? room : strnlen(un->sun_path, room));
  }
  return result;
}

SLUICE_DECL StreamTransport::StreamTransport(Socket socket) : socket_(std::move(socket)) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
}

SLUICE_DECL std::size_t StreamTransport::tryWrite(std::span<const asio::const_buffer> buffers,
                                                  error_code& ec) {
  ssize_t sent = 0;
  do {
    if (buffers.size() == 1) {
      sent = ::send(socket_.native_handle(), buffers[0].data(), buffers[0].size(), MSG_NOSIGNAL);
    } else {
      std::array<iovec, 16> pieces;
      const std::size_t count = std::min(buffers.size(), pieces.size());
      for (std::size_t i = 0; i < count; ++i) {
        pieces[i] = {const_cast<void*>(buffers[i].data()), buffers[i].size()};
      }
      msghdr message{};
      message.msg_iov = pieces.data();
      message.msg_iovlen = count;
      sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
    }
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno != EAGAIN && errno != EWOULDBLOCK) ec.assign(errno, boost::system::system_category());
  return 0;
}

SLUICE_DECL void StreamTransport::waitWritable() {
  socket_.async_wait(Socket::wait_write,
                     [self = boost::intrusive_ptr<StreamTransport>(this),
                      owner = boost::intrusive_ptr<TransportOwner>(owner_)](const error_code& ec) {
                       if (self->owner_ != nullptr) owner->onWritable(ec);
                     });
}

struct StreamTransport::ReadHandler {
  using allocator_type = HandlerMemory::Allocator<std::byte>;

  void operator()(const error_code& ec, std::size_t count) const {
    if (self->owner_ != nullptr) owner->onRead(ec, count);
  }
  allocator_type get_allocator() const noexcept { return allocator_type(self->readMemory_); }

  boost::intrusive_ptr<StreamTransport> self;
  boost::intrusive_ptr<TransportOwner> owner;
};

SLUICE_DECL void StreamTransport::read(asio::mutable_buffer buffer) {
  socket_.async_read_some(buffer, ReadHandler{this, owner_});
}

SLUICE_DECL std::size_t StreamTransport::tryRead(asio::mutable_buffer buffer, error_code& ec) {
  ssize_t received = 0;
  do {
    received = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
  } while (received < 0 && errno == EINTR);
  if (received > 0) return static_cast<std::size_t>(received);
  if (received == 0) {
    ec = asio::error::eof;
  } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
    ec.assign(errno, boost::system::system_category());
  }
  return 0;
}

SLUICE_DECL void StreamTransport::cancelRead() {
  error_code ignored;
  socket_.cancel(ignored);
}

SLUICE_DECL void StreamTransport::shutdownWrite(error_code& ec) {
  socket_.shutdown(Socket::shutdown_send, ec);
}

SLUICE_DECL void StreamTransport::close() {
  error_code ignored;
  socket_.close(ignored);
}

SLUICE_DECL void StreamTransport::reset() {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

SLUICE_DECL Address StreamTransport::localAddress() const {
  error_code ec;
  const auto endpoint = socket_.local_endpoint(ec);
  return ec ? Address{} : toAddress(endpoint);
}

SLUICE_DECL Address StreamTransport::remoteAddress() const {
  error_code ec;
  const auto endpoint = socket_.remote_endpoint(ec);
  return ec ? Address{} : toAddress(endpoint);
}

SLUICE_DECL void StreamTransport::setNoDelay(bool on) {
  // Unix sockets refuse this, and have nothing to delay.
  const int value = on ? 1 : 0;
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &value, sizeof value);
}

SLUICE_DECL void StreamTransport::setKeepAlive(bool on, std::chrono::milliseconds initialDelay) {
  // An agent says it once more for every request.
  const KeepAlive wanted{on, initialDelay};
  if (std::exchange(keepAlive_, wanted) == wanted) return;
  error_code ignored;
  socket_.set_option(asio::socket_base::keep_alive(on), ignored);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(initialDelay).count();
  if (!on || seconds <= 0) return;
  const auto set = [this](int option, int value) {
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
  };
  set(TCP_KEEPIDLE, static_cast<int>(seconds));
  set(TCP_KEEPINTVL, 1);
  set(TCP_KEEPCNT, 10);
}

}  // namespace sluice::net::detail
