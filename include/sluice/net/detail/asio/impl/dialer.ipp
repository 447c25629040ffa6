// SPDX-License-Identifier: BSL-1.0
//
// Definitions of dialer.hpp.
#pragma once

#include <boost/asio/post.hpp>
#include <boost/system/errc.hpp>
#include <new>
#include <sluice/net/detail/asio/dialer.hpp>
#include <utility>

namespace sluice::net::detail {

struct AsioDialer::Connected {
  void operator()(error_code ec) const {
    if (*dialer == nullptr || loop->stopped()) return;
    AsioDialer& self = **dialer;
    self.pending_ = false;
    boost::intrusive_ptr<Transport> transport;
    try {
      if (!ec) transport = new AsioTransport(*loop, std::move(self.socket_));
    } catch (const std::bad_alloc&) {
      ec = make_error_code(boost::system::errc::not_enough_memory);
    }
    Loop::Turn turn(*loop);
    ended(ec, std::move(transport));
    turn.end();
  }

  std::shared_ptr<Loop> loop;
  std::shared_ptr<AsioDialer*> dialer;
  Ended ended;
};

SLUICE_DECL AsioDialer::AsioDialer(Loop& loop)
    : loop_(loop), socket_(loop.executor()), self_(std::make_shared<AsioDialer*>(this)) {}

SLUICE_DECL AsioDialer::~AsioDialer() { *self_ = nullptr; }

SLUICE_DECL error_code AsioDialer::open(const Place& remote) {
  error_code ec;
  const auto endpoint = endpointOf(remote, ec);
  if (!ec) socket_.open(endpoint.protocol(), ec);
  if (!ec) closeOnExec(socket_);
  return ec;
}

SLUICE_DECL error_code AsioDialer::bind(const Place& local) {
  error_code ec = setReuseAddress(socket_);
  if (!ec) socket_.bind(endpointOf(local, ec), ec);
  return ec;
}

SLUICE_DECL void AsioDialer::connect(const Place& remote, Ended ended) {
  pending_ = true;
  error_code ec;
  const auto endpoint = endpointOf(remote, ec);
  Connected connected{loop_.shared_from_this(), self_, std::move(ended)};
  if (remote.isUnix()) {
    if (!ec) ec = connectNow(socket_, endpoint);
    asio::post(loop_.executor(), [connected = std::move(connected), ec] { connected(ec); });
  } else {
    socket_.async_connect(endpoint, std::move(connected));
  }
}

}  // namespace sluice::net::detail
