// SPDX-License-Identifier: BSL-1.0
//
// Definitions of client/opening.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <sluice/detail/post.hpp>
#include <sluice/detail/spawn.hpp>
#include <sluice/http/agent.hpp>
#include <sluice/http/detail/client/agent_state.hpp>
#include <sluice/http/detail/client/opening.hpp>
#include <sluice/http/detail/client/wanted_request.hpp>
#include <sluice/net/detail/handler_error.hpp>
#include <utility>

namespace sluice::http::detail {

SLUICE_DECL Opening::Opening(boost::intrusive_ptr<AgentState> agent, OpeningOwner& owner)
    : agent_(std::move(agent)),
      owner_(&owner),
      limit_([](void* self) { static_cast<Opening*>(self)->tookTooLong(); }, this) {}

SLUICE_DECL Opening::~Opening() = default;

// The signal has to live as long as the coroutine that it cancels.
struct Opening::IsOver {
  boost::intrusive_ptr<Opening> opening;
  void operator()(std::exception_ptr) const {}
};

struct Opening::Cancel {
  boost::intrusive_ptr<Opening> opening;
  void operator()() const { opening->signal_.emit(asio::cancellation_type::terminal); }
};

SLUICE_DECL task<> openSocket(boost::intrusive_ptr<AwaitedOpening> opening,
                              net::ConnectionOptions options, CreateConnection create) {
  net::Socket socket;
  std::exception_ptr failure;
  try {
    if (create) {
      socket = co_await create(options);
    } else if (Agent* agent = opening->opener()) {
      socket = co_await agent->createConnection(options);
    }
  } catch (...) {
    failure = std::current_exception();
  }
  opening->opened(std::move(socket), failure);
}

SLUICE_DECL void Opening::start(const WantedRequest& wanted) {
  const RequestOptions& request = wanted.options();
  net::ConnectionOptions options;
  options.host = request.hostname;
  options.port = request.port;
  options.path = request.socketPath;
  options.localAddress = request.localAddress;
  options.localPort = request.localPort;
  options.family = request.family;
  options.lookup = request.lookup;
  options.noDelay = agent_->options().noDelay;
  options.keepAlive = agent_->options().keepAlive;
  options.keepAliveInitialDelay = agent_->options().keepAliveMsecs;
  options.highWaterMark = request.highWaterMark;
  options.tls = request.tls;
  options.way = wanted.way();
  options.hook = this;
  if (request.connectTimeout.count() > 0) {
    agent_->loop().startTimer(limit_, request.connectTimeout);
  }
  const boost::intrusive_ptr<Opening> self(this);
  sluice::detail::spawn(agent_->loop().executor(),
                        openSocket(self, std::move(options), request.createConnection),
                        signal_.slot(), sluice::detail::Ended(IsOver{self}));
}

SLUICE_DECL void Opening::stop() {
  if (std::exchange(owner_, nullptr) == nullptr) return;
  limit_.stop();
  sluice::detail::post(agent_->loop().executor(), Cancel{boost::intrusive_ptr<Opening>(this)});
}

SLUICE_DECL void Opening::tookTooLong() {
  OpeningOwner* const owner = owner_;
  stop();
  owner->onOpeningFailed(Error(make_error_code(boost::system::errc::timed_out)));
}

SLUICE_DECL void Opening::socketDestroyed(const error_code& reason) {
  if (reason != asio::error::operation_aborted) destroyedWith_ = reason;
}

SLUICE_DECL Agent* Opening::opener() const { return agent_->agent(); }

SLUICE_DECL boost::intrusive_ptr<net::detail::SocketCore> Opening::onConnecting() {
  destroyedWith_ = {};
  if (owner_ != nullptr) return owner_->socketToConnect();
  boost::intrusive_ptr<net::detail::SocketCore> unwanted(
      new net::detail::SocketCore(agent_->loop().shared_from_this(), 1));
  unwanted->destroy();
  return unwanted;
}

SLUICE_DECL void Opening::opened(net::Socket socket, const std::exception_ptr& failure) {
  OpeningOwner* const owner = std::exchange(owner_, nullptr);
  if (owner == nullptr) return;
  limit_.stop();
  if (!failure && socket) {
    owner->onOpened(std::move(socket));
    return;
  }
  Error error(make_error_code(errc::ERR_SOCKET_CLOSED));
  if (failure) error = net::detail::handlerError(failure);
  // A socket that was destroyed while it was being connected ends the attempt as well.
  if (error.code() == asio::error::operation_aborted) error = lost();
  owner->onOpeningFailed(error);
}

SLUICE_DECL Error Opening::lost() const {
  if (destroyedWith_) return Error(destroyedWith_);
  return Error(make_error_code(boost::system::errc::connection_reset), "socket hang up");
}

}  // namespace sluice::http::detail
