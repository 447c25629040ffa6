// SPDX-License-Identifier: BSL-1.0
//
// Definitions of listener.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/system/errc.hpp>
#include <new>
#include <sluice/net/detail/accept_error.hpp>
#include <sluice/net/detail/asio/listener.hpp>
#include <utility>

namespace sluice::net::detail {

// How many clients that wait are turned away at once while no descriptor is free.
inline constexpr int dropsAtOnce = 32;

SLUICE_DECL AsioListener::AsioListener(std::shared_ptr<Loop> loop)
    : LoopMember(*loop),
      loop_(std::move(loop)),
      acceptor_(loop_->executor()),
      peer_(loop_->executor()),
      reserve_(loop_->executor()),
      pause_([](void* self) { static_cast<AsioListener*>(self)->acceptNext(); }, this) {}

SLUICE_DECL AsioListener::~AsioListener() { close(); }

SLUICE_DECL error_code AsioListener::open(const Place& place, const ListenOptions& options) {
  error_code ec;
  const auto at = endpointOf(place, ec);
  if (!ec) acceptor_.open(at.protocol(), ec);
  if (!ec) closeOnExec(acceptor_);
  if (!ec) ec = place.isUnix() ? openUnix(at, place.path) : openTcp(at, options);
  if (!ec) acceptor_.listen(options.backlog, ec);
  if (ec) {
    error_code ignored;
    acceptor_.close(ignored);
    return ec;
  }
  if (place.isUnix() && place.path.front() != '\0') file_.remember(place.path);
  takeReserve();
  return {};
}

SLUICE_DECL error_code AsioListener::openTcp(const GenericProtocol::endpoint& at,
                                             const ListenOptions& options) {
  error_code ec = setReuseAddress(acceptor_);
  if (!ec && options.reusePort) ec = setReusePort(acceptor_);
  if (!ec && at.protocol().family() == asio::ip::tcp::v6().family()) {
    acceptor_.set_option(asio::ip::v6_only(options.ipv6Only), ec);
  }
  if (!ec) acceptor_.bind(at, ec);
  return ec;
}

SLUICE_DECL error_code AsioListener::openUnix(const GenericProtocol::endpoint& at,
                                              const std::string& path) {
  error_code ec;
  acceptor_.bind(at, ec);
  if (ec == asio::error::address_in_use && isStale(at, path) && SocketFile::remove(path)) {
    acceptor_.bind(at, ec);
  }
  return ec;
}

// Whether a Unix socket's file was left behind by a process that is gone.
SLUICE_DECL bool AsioListener::isStale(const GenericProtocol::endpoint& at,
                                       const std::string& path) const {
  if (path.front() == '\0' || !SocketFile::isSocket(path)) return false;
  Socket probe(loop_->executor());
  error_code ec;
  probe.open(at.protocol(), ec);
  return !ec && connectNow(probe, at) == asio::error::connection_refused;
}

SLUICE_DECL error_code AsioListener::adopt(int fd, int backlog) {
  error_code ec;
  acceptor_.assign(asio::ip::tcp::v4(), static_cast<Acceptor::native_handle_type>(fd), ec);
  if (ec) return ec;
  acceptor_.listen(backlog, ec);
  error_code unknown;
  const auto protocol = acceptor_.local_endpoint(unknown).protocol();
  if (!ec && !unknown && protocol.family() != asio::ip::tcp::v4().family()) {
    // Asio makes the sockets that it accepts of the family that it was told.
    const auto handle = acceptor_.release(ec);
    if (!ec) acceptor_.assign(protocol, handle, ec);
  }
  if (ec) {
    // It stays its owner's.
    error_code ignored;
    if (acceptor_.is_open()) acceptor_.release(ignored);
    return ec;
  }
  closeOnExec(acceptor_);
  takeReserve();
  return {};
}

SLUICE_DECL Address AsioListener::address() const {
  error_code ec;
  const auto endpoint = acceptor_.local_endpoint(ec);
  return ec ? Address{} : nameOf(endpoint);
}

SLUICE_DECL void AsioListener::close() {
  user_ = nullptr;
  pause_.stop();
  error_code ignored;
  reserve_.close(ignored);
  acceptor_.close(ignored);
  file_.remove();
}

SLUICE_DECL void AsioListener::start(User& user) {
  user_ = &user;
  error_code ignored;
  acceptor_.non_blocking(true, ignored);
  acceptNext();
}

SLUICE_DECL void AsioListener::acceptNext() {
  const auto ready = [self = boost::intrusive_ptr<AsioListener>(this)](const error_code& ec) {
    self->onAccepted(ec);
  };
  try {
#if defined(_WIN32)
    acceptor_.async_accept(peer_, ready);
#else
    acceptor_.async_wait(Acceptor::wait_read, ready);
#endif
  } catch (const std::bad_alloc&) {
    loop_->startTimer(pause_, acceptPause);
  }
}

// Asio's own accept takes memory for the new connection before it calls anybody, so that where
// there is none std::bad_alloc leaves run(). Windows has no other.
SLUICE_DECL error_code AsioListener::takePeer() {
#if defined(_WIN32)
  return {};
#else
  try {
    error_code ec;
    acceptor_.accept(peer_, ec);
    return ec;
  } catch (const std::bad_alloc&) {
    return make_error_code(boost::system::errc::not_enough_memory);
  }
#endif
}

SLUICE_DECL void AsioListener::onAccepted(error_code ec) {
  if (user_ == nullptr || loop_->stopped()) return;
  // Also if a listener of the user's throws.
  struct Continue {
    AsioListener& self;
    bool accepts = true;
    ~Continue() {
      if (accepts && self.user_ != nullptr) self.acceptNext();
    }
  } rest{*this};
  if (!ec) ec = takePeer();
  // A process that shares the listener may have been first.
  if (ec == asio::error::would_block || concernsOneConnection(ec)) return;
  Loop::Turn turn(*loop_);
  if (ec) {
    rest.accepts = false;
    acceptFailed(ec);
  } else {
    closeOnExec(peer_);
    try {
      user_->onAccept(new AsioTransport(*loop_, std::exchange(peer_, Socket(loop_->executor()))));
      failing_ = false;
    } catch (const std::bad_alloc&) {
      // This one is closed; what others give back may be enough for the next.
      peer_ = Socket(loop_->executor());
      rest.accepts = false;
      acceptFailed(make_error_code(boost::system::errc::not_enough_memory));
    }
  }
  turn.end();
}

SLUICE_DECL void AsioListener::acceptFailed(const error_code& ec) {
  if (user_ == nullptr) return;
  if (isLackOfDescriptors(ec)) dropWaiting();
  loop_->startTimer(pause_, acceptPause);
  if (std::exchange(failing_, true)) return;
  try {
    user_->onAcceptError(http::Error::connection(ec, "accept"));
  } catch (const std::bad_alloc&) {
    // Not even to tell of it.
  }
}

SLUICE_DECL void AsioListener::takeReserve() {
  error_code ignored;
  reserve_.open(acceptor_.local_endpoint(ignored).protocol(), ignored);
  if (reserve_.is_open()) closeOnExec(reserve_);
}

// The clients that wait see an end now rather than silence for as long as no descriptor is free.
SLUICE_DECL void AsioListener::dropWaiting() {
  error_code ec;
  for (int i = 0; i < dropsAtOnce && !ec && reserve_.is_open(); ++i) {
    error_code ignored;
    reserve_.close(ignored);
    acceptor_.accept(peer_, ec);
    peer_.close(ignored);
    takeReserve();
  }
}

}  // namespace sluice::net::detail
