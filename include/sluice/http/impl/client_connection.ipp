// SPDX-License-Identifier: BSL-1.0
//
// Definitions of client/connection.hpp: its life, from the plan to its end. What it reads is in
// client_connection_input.ipp.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/assert.hpp>
#include <new>
#include <sluice/detail/post.hpp>
#include <sluice/http/agent.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/detail/client/agent_state.hpp>
#include <sluice/http/detail/client/connection.hpp>
#include <sluice/http/detail/client/exchange.hpp>
#include <sluice/net/detail/handler_error.hpp>
#include <utility>

namespace sluice::http::detail {

struct LeaveAgent {
  ClientConnection* connection;
  void operator()() const { connection->leaveAgent(); }
};

struct KeepUntilClosed {
  boost::intrusive_ptr<ClientConnection> connection;
  void operator()(bool) const {}
};

SLUICE_DECL ClientConnection::ClientConnection(boost::intrusive_ptr<AgentState> agent,
                                               std::string name)
    : LoopMember(agent->loop()), agent_(std::move(agent)), name_(std::move(name)) {}

SLUICE_DECL ClientConnection::~ClientConnection() {
  unwatch();
  if (incoming_) incoming_->detach();
  leavePool();
}

SLUICE_DECL const asio::any_io_executor& ClientConnection::executor() const {
  return agent_->loop().executor();
}

SLUICE_DECL void ClientConnection::become(State next) {
  BOOST_ASSERT(mayFollow(state_, next));
  state_ = next;
}

SLUICE_DECL void ClientConnection::promise(ClientExchange& exchange, bool reused) {
  exchange_ = &exchange;
  if (state_ == State::planned) {
    makeSocket();
    self_ = this;
  } else {
    become(State::promised);
  }
  exchange.promised(*this, reused);
}

SLUICE_DECL void ClientConnection::begin() {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  if (state_ == State::planned) {
    become(State::opening);
    opening_ = new Opening(agent_, *this);
    opening_->start(exchange_->wanted());
    return;
  }
  if (state_ != State::promised) return;
  const boost::intrusive_ptr<ClientExchange> exchange = exchange_;
  if (exchange->reused && !tellReuse()) return;
  bytesBefore_ = core_->bytesRead();
  setIdleTimeout(exchange->idleTimeout());
  beginHead();
  exchange->socketAssigned();
  if (exchange_ == exchange) exchange->connected(*this);
}

SLUICE_DECL bool ClientConnection::giveUp(const error_code& reason) {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  if (state_ != State::promised) {
    destroy(reason);
    return true;
  }
  exchange_ = nullptr;
  become(State::idle);
  agent_->place(*this);
  return false;
}

// There from the first turn on, so that the agent can show it.
SLUICE_DECL void ClientConnection::makeSocket() {
  unwatch();
  core_ = new net::detail::SocketCore(agent_->loop().shared_from_this(),
                                      exchange_->options().highWaterMark);
  socket_ = net::detail::SocketAccess::make(core_);
  watch();
}

SLUICE_DECL boost::intrusive_ptr<net::detail::SocketCore> ClientConnection::socketToConnect() {
  // The first attempt of several has the one that is there.
  if (exchange_->hasSocket()) makeSocket();
  attachExchange();
  return core_;
}

SLUICE_DECL void ClientConnection::onOpened(net::Socket socket) {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  if (net::detail::SocketAccess::core(socket) == core_) {
    static_cast<void>(net::detail::SocketAccess::release(socket));
  } else {
    unwatch();
    core_ = net::detail::SocketAccess::core(socket);
    socket_ = std::move(socket);
    watch();
    attachExchange();
  }
  if (state_ != State::opening) return;
  if (!connected()) {
    fail(opening_->lost());
    return;
  }
  opening_ = nullptr;
  core_->touch();
  beginHead();
  try {
    exchange_->connected(*this);
  } catch (const std::bad_alloc&) {
    endWithoutMemory();
  }
}

SLUICE_DECL void ClientConnection::onOpeningFailed(const Error& error) { fail(error); }

SLUICE_DECL void ClientConnection::attachExchange() {
  setIdleTimeout(exchange_->idleTimeout());
  bytesBefore_ = core_->bytesRead();
  exchange_->socketAssigned();
}

// false: reuseSocket() has ended the exchange, or the connection.
SLUICE_DECL bool ClientConnection::tellReuse() {
  const boost::intrusive_ptr<ClientExchange> exchange = exchange_;
  Agent* agent = agent_->agent();
  if (agent == nullptr || exchange->handle == nullptr) return true;
  try {
    agent->reuseSocket(socket_, *exchange->handle);
  } catch (...) {
    fail(net::detail::handlerError(std::current_exception()));
    return false;
  }
  return exchange_ == exchange;
}

SLUICE_DECL void ClientConnection::watch() {
  reader_.attach(core_.get());
  core_->setUser(this);
  agentRemove_ = socket_.addListener<"agentRemove">(LeaveAgent{this});
}

SLUICE_DECL void ClientConnection::unwatch() {
  if (!core_) return;
  if (core_->user() == this) core_->setUser(nullptr);
  if (auto* listeners = core_->listeners().get()) listeners->remove(agentRemove_);
}

SLUICE_DECL void ClientConnection::setIdleTimeout(std::chrono::milliseconds idle) {
  if (core_) core_->setTimeout(idle);
}

SLUICE_DECL void ClientConnection::exchangeChanged() {
  if (core_) core_->callAtTurnEnd();
}

SLUICE_DECL void ClientConnection::becomeIdle(std::chrono::milliseconds limit) {
  core_->setTimeout(limit);
}

SLUICE_DECL void ClientConnection::leavePool() {
  if (std::exchange(inAgent_, false)) agent_->remove(*this);
}

SLUICE_DECL void ClientConnection::leaveAgent() {
  if (state_ == State::gone || !inAgent_) return;
  const boost::intrusive_ptr<ClientConnection> alive(this);
  leavePool();
  if (state_ != State::idle) {
    core_->callAtTurnEnd();
    return;
  }
  become(State::leaving);
  core_->setTimeout({});
  if (core_->userReads()) {
    core_->cancelRead();
  } else {
    giveAway();
  }
}

// The socket is open and belongs to nobody: it stays until it is closed, or until somebody who
// moved it out is done with it.
SLUICE_DECL void ClientConnection::giveAway() {
  become(State::gone);
  unwatch();
  if (!reader_.empty()) core_->unshift(reader_.unread());
  if (socket_) socket_.once<"close">(KeepUntilClosed{std::move(self_)});
  self_ = nullptr;
}

SLUICE_DECL void ClientConnection::onSent() {
  if (!exchange_) return;
  exchange_->sent();
  if (state_ == State::ended) core_->callAtTurnEnd();
}

SLUICE_DECL void ClientConnection::onDrained() {
  if (exchange_) exchange_->drained();
}

// As in Node the request is told first, then the socket, then the response.
SLUICE_DECL bool ClientConnection::onIdle() {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  const boost::intrusive_ptr<net::detail::SocketCore> core = core_;
  const boost::intrusive_ptr<IncomingState> incoming = incoming_;
  const bool reading = state_ == State::body;
  if (state_ == State::promised) return true;
  if (state_ == State::idle) core->destroy();
  if (exchange_) exchange_->idled();
  sluice::detail::tell<net::SocketEvents, "timeout">(core->listeners(), executor());
  if (reading) sluice::detail::tell<IncomingEvents, "timeout">(incoming->listeners(), executor());
  // Nobody waits for the rest; a request that is still being sent goes on.
  if (readsForNobody() && requestSent()) core->destroy();
  return true;
}

SLUICE_DECL void ClientConnection::fail(const Error& error) {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  if (exchange_) exchange_->fail(ClientExchange::EndedBy::peer, error);
  destroy();
}

SLUICE_DECL void ClientConnection::destroy(const error_code& reason) {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  conclude(reason, Ended::here);
  if (core_) core_->destroy(reason);
}

SLUICE_DECL void ClientConnection::destroy(const Error& error) {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  conclude(error.code(), Ended::here);
  core_->destroy(error);
}

SLUICE_DECL void ClientConnection::onLoopEnd() {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  if (opening_) std::exchange(opening_, nullptr)->abandon();
  // Coroutines that wait for an event of the response may own it.
  if (incoming_) incoming_->listeners().clear();
  // Its socket may have ended before it, and have left the last word to what opens it.
  if (state_ == State::planned || state_ == State::opening) destroy();
}

SLUICE_DECL void ClientConnection::onDestroyed(const error_code& reason) {
  if (state_ == State::opening && opening_ && exchange_ && !exchange_->over()) {
    opening_->socketDestroyed(reason);
    return;
  }
  conclude(reason, Ended::bySocket);
}

SLUICE_DECL void ClientConnection::conclude(const error_code& reason, Ended ended) {
  if (state_ == State::gone) return;
  const boost::intrusive_ptr<ClientConnection> alive(this);
  const State before = state_;
  become(State::gone);
  self_ = nullptr;
  unwatch();
  if (opening_) std::exchange(opening_, nullptr)->stop();
  endExchange(before, reason, ended);
}

// The agent forgets the connection after the request's "error", as in Node.
SLUICE_DECL void ClientConnection::endExchange(State before, const error_code& reason,
                                               Ended ended) {
  const boost::intrusive_ptr<ClientExchange> exchange = std::move(exchange_);
  const boost::intrusive_ptr<IncomingState> incoming = std::move(incoming_);
  const auto cut = make_error_code(boost::system::errc::connection_reset);
  const bool reset = reason == boost::system::errc::connection_reset;
  const auto by =
      ended == Ended::here ? ClientExchange::EndedBy::here : ClientExchange::EndedBy::peer;
  if (incoming) {
    if (!incoming->complete()) incoming->fail(reason && !reset ? reason : cut);
    incoming->detach();
  }
  if (!exchange || exchange->over()) {
    if (!exchange || !exchange->forgets(*this)) leavePool();
    return;
  }
  if (before == State::promised && ended == Ended::bySocket && !exchange->begun()) {
    leavePool();
    exchange->promiseBroken();
  } else if (incoming && incoming->complete()) {
    exchange->complete(*this, false);
  } else if (reason && !(reset && ended == Ended::here)) {
    exchange->fail(by, reset ? Error::connection(cut, "read") : Error(reason));
  } else {
    exchange->cutShort(by, Error(cut, incoming ? "aborted" : "socket hang up"));
  }
}

}  // namespace sluice::http::detail
