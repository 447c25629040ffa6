// SPDX-License-Identifier: BSL-1.0
//
// Definitions of transport.hpp.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <sluice/detail/post.hpp>
#include <sluice/net/detail/epoll/transport.hpp>
#include <sluice/net/detail/timers.hpp>
#include <utility>

namespace sluice::net::detail {

SLUICE_DECL EpollTransport::EpollTransport(Poller& poller, SystemSocket socket)
    : socket_(std::move(socket)), poller_(poller) {
  noteUnwatched(poller_.add(socket_.fd(), *this, Poller::input));
}

SLUICE_DECL EpollTransport::EpollTransport(Poller& poller, SystemSocket socket,
                                           Poller::Watched& before, std::uint32_t events)
    : socket_(std::move(socket)), poller_(poller), watchesOutput_(true) {
  poller_.handOver(before, *this);
  note(events);
}

SLUICE_DECL EpollTransport::~EpollTransport() {
  // The one that waited has gone, or keeps a transport that is in use.
  if (reader_) finish(reader_);
  if (writer_) finish(writer_);
  close();
}

// An operation under way is work of the loop's.
SLUICE_DECL void EpollTransport::start(Owner& waiting) {
  waiting = owner_;
  poller_.operationStarted();
}

SLUICE_DECL EpollTransport::Owner EpollTransport::finish(Owner& waiting) {
  poller_.operationEnded();
  return std::move(waiting);
}

SLUICE_DECL std::size_t EpollTransport::tryWrite(std::span<const asio::const_buffer> buffers,
                                                 error_code& ec) {
  ssize_t sent = 0;
  std::size_t offered = 0;
  do {
    if (buffers.size() == 1) {
      offered = buffers[0].size();
      sent = ::send(socket_.fd(), buffers[0].data(), offered, MSG_NOSIGNAL);
    } else {
      std::array<iovec, 16> pieces;
      const std::size_t count = std::min(buffers.size(), pieces.size());
      offered = 0;
      for (std::size_t i = 0; i < count; ++i) {
        pieces[i] = {const_cast<void*>(buffers[i].data()), buffers[i].size()};
        offered += buffers[i].size();
      }
      msghdr message{};
      message.msg_iov = pieces.data();
      message.msg_iovlen = count;
      sent = ::sendmsg(socket_.fd(), &message, MSG_NOSIGNAL);
    }
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) {
    if (static_cast<std::size_t>(sent) < offered) writable_ = false;
    return static_cast<std::size_t>(sent);
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    writable_ = false;
  } else {
    ec = lastError();
    // The event that tells of it may still come; what the peer has said before is there.
    readable_ = true;
  }
  return 0;
}

SLUICE_DECL void EpollTransport::waitWritable() {
  start(writer_);
  if (!watchesOutput_) {
    // What has room by now is told at once. It stays: an edge costs nothing if it does not come.
    watchesOutput_ = true;
    noteUnwatched(poller_.change(socket_.fd(), *this, Poller::input | Poller::output));
  }
  if (writable_ || unwatched_) poller_.again(*this);
}

SLUICE_DECL void EpollTransport::read(asio::mutable_buffer buffer) {
  buffer_ = buffer;
  start(reader_);
  // Never from inside the call that starts it.
  if (readable_ || unwatched_) poller_.again(*this);
}

SLUICE_DECL bool EpollTransport::readWithoutBuffer() {
  buffer_ = {};
  return true;
}

SLUICE_DECL std::size_t EpollTransport::receive(asio::mutable_buffer buffer, error_code& ec) {
  ssize_t received = 0;
  do {
    received = ::recv(socket_.fd(), buffer.data(), buffer.size(), 0);
  } while (received < 0 && errno == EINTR);
  // The next bytes are an edge again, if the kernel had fewer than there was room for.
  if (received < static_cast<ssize_t>(buffer.size()) && !inputEnded_) readable_ = false;
  if (received > 0) return static_cast<std::size_t>(received);
  if (received == 0) {
    ec = asio::error::eof;
  } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
    ec = lastError();
  }
  return 0;
}

SLUICE_DECL std::size_t EpollTransport::tryRead(asio::mutable_buffer buffer, error_code& ec) {
  return readable_ ? receive(buffer, ec) : 0;
}

SLUICE_DECL void EpollTransport::note(std::uint32_t events) {
  if ((events & (EPOLLIN | Poller::ended)) != 0) readable_ = true;
  if ((events & Poller::ended) != 0) inputEnded_ = true;
  if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) writable_ = true;
}

SLUICE_DECL void EpollTransport::onEvents(std::uint32_t events) {
  note(events);
  goOn();
}

SLUICE_DECL void EpollTransport::goOn() {
  const boost::intrusive_ptr<EpollTransport> alive(this);
  if (writer_ && (writable_ || unwatched_)) {
    const Owner owner = finish(writer_);
    if (owner_ != nullptr) owner->onWritable(failure());
  }
  if (reader_ && (readable_ || unwatched_)) goOnReading();
}

SLUICE_DECL void EpollTransport::goOnReading() {
  error_code ec = failure();
  const bool onlyTells = buffer_.size() == 0;
  const std::size_t count = ec || onlyTells ? 0 : receive(buffer_, ec);
  // There was nothing: the event was for bytes that are taken.
  if (count == 0 && !ec && !onlyTells) return;
  const Owner owner = finish(reader_);
  if (owner_ != nullptr) owner->onRead(ec, count);
}

SLUICE_DECL void EpollTransport::cancelRead() {
  if (!reader_) return;
  sluice::detail::post(
      poller_.loop().executor(),
      [self = boost::intrusive_ptr<EpollTransport>(this), owner = finish(reader_)] {
        if (self->owner_ != nullptr) owner->onRead(asio::error::operation_aborted, 0);
      });
}

SLUICE_DECL void EpollTransport::shutdownWrite(error_code& ec) {
  if (::shutdown(socket_.fd(), SHUT_WR) != 0) ec = lastError();
}

SLUICE_DECL void EpollTransport::close() {
  if (!socket_) return;
  poller_.remove(*this);
  socket_.close();
  cancelRead();
  if (!writer_) return;
  sluice::detail::post(
      poller_.loop().executor(),
      [self = boost::intrusive_ptr<EpollTransport>(this), owner = finish(writer_)] {
        if (self->owner_ != nullptr) owner->onWritable(asio::error::operation_aborted);
      });
}

// Nobody will hear of anything any more, and the owner must not be kept by what it waits for.
SLUICE_DECL void EpollTransport::onLoopEnd() {
  const boost::intrusive_ptr<EpollTransport> alive(this);
  const Owner reader = std::move(reader_);
  const Owner writer = std::move(writer_);
  socket_.close();
}

SLUICE_DECL void EpollTransport::reset() {
  const linger now{1, 0};
  ::setsockopt(socket_.fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

SLUICE_DECL Address EpollTransport::localAddress() const {
  error_code ec;
  const auto address = SocketAddress::local(socket_.fd(), ec);
  return ec ? Address{} : address.toAddress();
}

SLUICE_DECL Address EpollTransport::remoteAddress() const {
  error_code ec;
  const auto address = SocketAddress::remote(socket_.fd(), ec);
  return ec ? Address{} : address.toAddress();
}

SLUICE_DECL void EpollTransport::setNoDelay(bool on) {
  // Unix sockets refuse this, and have nothing to delay.
  static_cast<void>(socket_.setOption(IPPROTO_TCP, TCP_NODELAY, on));
}

SLUICE_DECL void EpollTransport::setKeepAlive(bool on, std::chrono::milliseconds initialDelay) {
  const auto seconds = static_cast<std::int32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::min(initialDelay, longestTimer))
          .count());
  // An agent says it once more for every request.
  if (keepAlive_ == on && keepAliveSeconds_ == seconds) return;
  keepAlive_ = on;
  keepAliveSeconds_ = seconds;
  static_cast<void>(socket_.setOption(SOL_SOCKET, SO_KEEPALIVE, on));
  if (!on || seconds <= 0) return;
  const auto set = [this](int option, int value) {
    ::setsockopt(socket_.fd(), IPPROTO_TCP, option, &value, sizeof value);
  };
  set(TCP_KEEPIDLE, seconds);
  set(TCP_KEEPINTVL, 1);
  set(TCP_KEEPCNT, 10);
}

}  // namespace sluice::net::detail
