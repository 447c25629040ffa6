// SPDX-License-Identifier: BSL-1.0
//
// Definitions of dialer.hpp.
#pragma once

#include <sys/socket.h>
#include <boost/system/errc.hpp>
#include <cerrno>
#include <new>
#include <sluice/detail/post.hpp>
#include <sluice/net/detail/epoll/dialer.hpp>
#include <sluice/net/detail/epoll/transport.hpp>
#include <utility>

namespace sluice::net::detail {

inline SocketAddress addressOf(const Place& place, error_code& ec) {
  if (place.isUnix()) return SocketAddress::ofPath(place.path, ec);
  return {place.address, place.port};
}

SLUICE_DECL EpollDialer::~EpollDialer() {
  if (poller_ == nullptr) return;
  poller_->remove(*this);
  poller_->operationEnded();
}

SLUICE_DECL error_code EpollDialer::open(const Place& remote) {
  error_code ec;
  const SocketAddress address = addressOf(remote, ec);
  if (!ec) socket_ = SystemSocket::open(address.family(), ec);
  return ec;
}

SLUICE_DECL error_code EpollDialer::bind(const Place& local) {
  const error_code ec = socket_.setOption(SOL_SOCKET, SO_REUSEADDR, true);
  return ec ? ec : socket_.bind({local.address, local.port});
}

SLUICE_DECL void EpollDialer::connect(const Place& remote, Ended ended) {
  error_code ec;
  const SocketAddress address = addressOf(remote, ec);
  Poller* const poller = Poller::of(loop_, ec);
  // A Unix socket is never in progress: if too many wait already, it says EAGAIN.
  if (!ec && ::connect(socket_.fd(), address.data(), address.size()) != 0) ec = lastError();
  if (!ec || ec.value() == EINPROGRESS) {
    // Input and output from the start, since its transport will want both.
    ec = poller->add(socket_.fd(), *this, Poller::input | Poller::output);
    if (ec) poller->remove(*this);
  }
  if (ec) {
    sluice::detail::post(loop_.executor(), [ended = std::move(ended), ec] { ended(ec, nullptr); });
    return;
  }
  ended_ = std::move(ended);
  poller_ = poller;
  poller_->operationStarted();
}

SLUICE_DECL void EpollDialer::onEvents(std::uint32_t events) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket_.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (!ended_ || (error == 0 && (events & EPOLLOUT) == 0)) return;
  const Ended ended = std::exchange(ended_, nullptr);
  if (error != 0) {
    ended(error_code(error, boost::system::system_category()), nullptr);
    return;
  }
  boost::intrusive_ptr<Transport> transport;
  try {
    transport = new EpollTransport(*poller_, std::move(socket_), *this, events);
  } catch (const std::bad_alloc&) {
    ended(make_error_code(boost::system::errc::not_enough_memory), nullptr);
    return;
  }
  std::exchange(poller_, nullptr)->operationEnded();
  ended({}, std::move(transport));
}

}  // namespace sluice::net::detail
