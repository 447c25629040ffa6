// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server_core.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sluice/detail/post.hpp>
#include <sluice/detail/sight.hpp>
#include <sluice/detail/suspend.hpp>
#include <sluice/net/detail/backend.hpp>
#include <sluice/net/detail/cluster_member.hpp>
#include <sluice/net/detail/listening.hpp>
#include <sluice/net/detail/server_core.hpp>
#include <utility>

namespace sluice::net::detail {

// Windows has no SO_REUSEPORT: the first worker to listen gets the port, and the others an error.
#if defined(_WIN32)
inline constexpr bool sharesPorts = false;
#else
inline constexpr bool sharesPorts = true;
#endif

SLUICE_DECL void ClusterMember::join(Place& place) {
  if (!servers_.contains(place)) servers_.pushBack(place);
}

SLUICE_DECL void ClusterMember::drain(std::chrono::milliseconds grace) {
  // Held: a listener of one may destroy others.
  std::vector<boost::intrusive_ptr<ServerCore>> servers;
  for (const Place& each : servers_) servers.emplace_back(&each.server);
  for (const auto& server : servers) server->drain(grace);
}

SLUICE_DECL ServerCore::ServerCore(asio::any_io_executor executor, User& user)
    : ServerCore(Loop::of(executor), user) {}

SLUICE_DECL ServerCore::ServerCore(std::shared_ptr<Loop> loop, User& user)
    : LoopMember(*loop), loop_(std::move(loop)), user_(&user) {}

SLUICE_DECL void ServerCore::onLoopEnd() {
  const boost::intrusive_ptr<ServerCore> self(this);
  const auto dropped = std::exchange(waiters_, {});
  stopListening();
}

SLUICE_DECL void ServerCore::stopListening() {
  if (listener_) listener_->close();
  listener_.reset();
  gate_.reset();
}

SLUICE_DECL bool ServerCore::listen(const ListenOptions& options) {
  if (listening()) throw http::Error(make_error_code(http::errc::ERR_SERVER_ALREADY_LISTEN));
  const boost::intrusive_ptr<ServerCore> self(this);
  const boost::intrusive_ptr<Listener> listener = makeListener(loop_);
  ListenOptions place = options;
  if (ClusterMember* cluster = loop_->cluster()) {
    place.reusePort = place.reusePort || (sharesPorts && !place.exclusive);
    cluster->join(place_);
  }
  try {
    openListener(*listener, *loop_, place);
  } catch (const http::Error& error) {
    if (error.code() == http::errc::ERR_INVALID_ARG_VALUE || !user_->hasErrorListener()) throw;
    sluice::detail::post(loop_->executor(), [self, error] {
      if (self->user_ != nullptr) self->user_->onError(error);
    });
    return false;
  }
  listener_ = listener;
  if (options.proxyProtocol)
    gate_ = std::make_unique<ProxyGate>(*loop_, static_cast<ProxyGate::User&>(*this));
  state_ = State::listening;
  sluice::detail::post(loop_->executor(), [self, listener] {
    if (self->listener_ != listener) return;
    // First: a listener that throws must not leave a server that does not accept.
    listener->start(*self);
    // What it told of an error may have closed or destroyed the server.
    if (self->listener_ == listener) self->user_->onListening();
  });
  return true;
}

SLUICE_DECL void ServerCore::close(std::function<void(error_code)> callback) {
  // A shutdown() that began after its server was gone.
  if (user_ == nullptr) return;
  const error_code ec = listening() ? error_code() : http::errc::ERR_SERVER_NOT_RUNNING;
  if (callback) {
    callbacks_.push_back([callback = std::move(callback), ec] { callback(ec); });
  }
  stopListening();
  state_ = State::closing;
  closeIfDone();
}

SLUICE_DECL void ServerCore::closeIfDone() {
  if (state_ != State::closing || closePosted_ || user_ == nullptr || user_->connections() != 0) {
    return;
  }
  closePosted_ = true;
  sluice::detail::post(loop_->executor(), [self = boost::intrusive_ptr<ServerCore>(this)] {
    self->closePosted_ = false;
    self->closeNow();
  });
}

SLUICE_DECL void ServerCore::closeNow() {
  if (user_ == nullptr) return;
  // If it listens again by now, it has been closed all the same, and Node tells so too.
  if (state_ == State::closing) {
    if (user_->connections() != 0) return;
    state_ = State::idle;
  }
  // After 'close', and each by itself: what one of them throws takes nothing from the others.
  for (auto& callback : std::exchange(callbacks_, {})) {
    sluice::detail::post(loop_->executor(), [self = boost::intrusive_ptr<ServerCore>(this),
                                             callback = std::move(callback)] {
      if (self->user_ != nullptr) callback();
    });
  }
  settleAll({});
  user_->onClose();
}

SLUICE_DECL task<> ServerCore::closed(boost::intrusive_ptr<ServerCore> self) {
  if (self->state_ == State::idle) co_return;
  co_await sluice::detail::Suspend<&ServerCore::startWait>{self.get()};
}

SLUICE_DECL void ServerCore::startWait(CloseHandler handler) {
  const auto id = loop_->nextId();
  handler.onCancel([this, id](asio::cancellation_type) {
    const auto place = std::find_if(waiters_.begin(), waiters_.end(),
                                    [id](const Waiter& waiter) { return waiter.id == id; });
    Waiter waiter = std::move(*place);
    waiters_.erase(place);
    waiter.handler.post(loop_->executor(), asio::error::operation_aborted);
  });
  waiters_.push_back({id, std::move(handler)});
}

SLUICE_DECL void ServerCore::settleAll(const error_code& ec) {
  for (Waiter& waiter : std::exchange(waiters_, {})) waiter.handler.post(loop_->executor(), ec);
}

SLUICE_DECL void ServerCore::detach() {
  user_ = nullptr;
  state_ = State::idle;
  callbacks_.clear();
  stopListening();
  settleAll(asio::error::operation_aborted);
}

SLUICE_DECL bool ServerCore::full() const {
  const std::size_t limit = user_->maxConnections();
  const std::size_t waiting = gate_ ? gate_->size() : 0;
  return limit != 0 && user_->connections() + waiting >= limit;
}

SLUICE_DECL void ServerCore::onAccept(boost::intrusive_ptr<Transport> transport) {
  if (full()) {
    drop(*transport, {});
    transport->close();
  } else if (gate_) {
    gate_->add(std::move(transport), user_->headerTimeout());
  } else {
    user_->onConnection(std::move(transport));
  }
}

SLUICE_DECL void ServerCore::onHeader(boost::intrusive_ptr<Transport> transport) {
  const boost::intrusive_ptr<ServerCore> alive(this);
  user_->onConnection(std::move(transport));
}

SLUICE_DECL void ServerCore::onNoHeader(const Transport& transport, const error_code& reason) {
  const boost::intrusive_ptr<ServerCore> alive(this);
  tellFailure(http::Error(reason));
  drop(transport, reason);
}

SLUICE_DECL void ServerCore::drop(const Transport& transport, const error_code& reason) {
  const Address local = transport.localAddress();
  const Address remote = transport.remoteAddress();
  user_->onDrop({.localAddress = local.address,
                 .localFamily = local.family,
                 .localPort = local.port,
                 .remoteAddress = remote.address,
                 .remoteFamily = remote.family,
                 .remotePort = remote.port,
                 .reason = reason});
}

SLUICE_DECL void ServerCore::onAcceptError(const http::Error& error) {
  tellFailure(error);
  user_->onError(error);
}

SLUICE_DECL void ServerCore::tellFailure(const http::Error& error) {
  observe::detail::tell(loop_->observers(), &observe::Observer::failed, observe::Side::server,
                        error);
}

}  // namespace sluice::net::detail
