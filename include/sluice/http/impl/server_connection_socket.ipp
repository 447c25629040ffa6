// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server/connection.hpp: what its socket tells it, and what it asks of the socket.
#pragma once

#include <boost/asio/error.hpp>
#include <new>
#include <sluice/detail/post.hpp>
#include <sluice/http/detail/server/connection.hpp>
#include <sluice/http/detail/server/state.hpp>
#include <utility>

namespace sluice::http::detail {

SLUICE_DECL bool ServerConnection::wantsRead() const {
  if (!exchange_ || core_->reading() || reader().end() || core_->destroyed()) return false;
  switch (state_) {
    case State::idle:
    case State::quiet:
    case State::head:
      return static_cast<bool>(exchange_->waiting);
    case State::handler:
    case State::finishing:
      return exchange_->isRead() ? reader().empty() : true;
    case State::closing:
      // A "clientError" listener has the socket: only its end is of interest. What a handler that
      // still runs has views of stays as it is.
      return !handlerRuns_ && !core_->lingering();
    case State::securing:
    case State::resting:
    case State::suspending:
    case State::recalled:
    case State::leaving:
    case State::upgraded:
    case State::gone:
      return false;
  }
  return false;
}

SLUICE_DECL void ServerConnection::onTurn() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  if (exchange_ && refusesBody()) wake();
  if (exchanging()) exchange_->emitEvents();
  // Also if it has read since its handler ran, to hear of an end.
  if (state_ == State::idle && !staysAwake_ && hasNothing() && rest()) return;
  if (!wantsRead()) return;
  if (state_ == State::closing) reader().dropUnread();
  try {
    reader().startRead();
  } catch (const std::bad_alloc&) {
    endWithoutMemory();
  }
}

SLUICE_DECL void ServerConnection::onInput(const error_code& result, std::size_t count) {
  // RFC 9112 §9.8: a request says how long it is, and an end that was not announced cuts nothing
  // off.
  const bool cut = result && result == errc::ERR_SSL_UNEXPECTED_EOF;
  const error_code ec = cut ? error_code(asio::error::eof) : result;
  const boost::intrusive_ptr<ServerConnection> alive(this);
  if (state_ == State::resting || suspends()) {
    if (ec) {
      core_->destroy(ec);
      return;
    }
    resume();
    if (!idle()) core_->touch();
    return;
  }
  reader().received(ec, count);
  if (!awaitsHead()) core_->touch();
  if (state_ == State::leaving) {
    if (reader().end() && reader().end() != asio::error::eof) core_->destroy(ec);
    wake();
    return;
  }
  if (ec && ec == asio::error::operation_aborted) return;
  if (state_ == State::closing) {
    if (ec) {
      core_->destroySoon();
    } else {
      core_->callAtTurnEnd();
    }
    return;
  }
  if (ec && ec != asio::error::eof) {
    core_->destroy(ec);
    return;
  }
  if (exchanging()) {
    exchange_->onInput();
    if (ec && !over()) peerEnded();
    if (!gone()) core_->callAtTurnEnd();
  }
  wake();
  // If a whole request came, its end has set the time anew.
  if (state_ == State::head) core_->touch();
}

SLUICE_DECL void ServerConnection::onSent() {
  if (!exchange_) return;
  const OutgoingState& outgoing = exchange_->outgoing();
  if (state_ == State::finishing) {
    core_->callAtTurnEnd();
    if (outgoing.isSent()) wakeSoon();
  } else if (outgoing.stage() == OutgoingState::Stage::ended && outgoing.observed()) {
    core_->callAtTurnEnd();
  } else {
    endWithPeer();
  }
}

SLUICE_DECL void ServerConnection::onDrained() {
  if (state_ == State::handler) exchange_->onDrained();
}

SLUICE_DECL bool ServerConnection::onIdle() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  bool heard = exchanging() && exchange_->onIdle();
  heard |= sluice::detail::tell<ServerEvents, "timeout">(server_->listeners(),
                                                         core_->loop().executor(), socket_);
  // As in Node, listeners of the socket itself are told after this, and do not keep it.
  if (!heard && !gone()) core_->destroy();
  return false;
}

SLUICE_DECL void ServerConnection::onDestroyed(const error_code& ec) {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  const State before = state_;
  become(State::gone);
  self_ = nullptr;
  if (core_->loop().stopped()) {
    if (exchange_) exchange_->onLoopEnd();
    return;
  }
  // The events come first: waiters are resumed by what is posted after this.
  sluice::detail::post(core_->loop().executor(), [alive, before, ec] {
    const bool ended = alive->exchange_ && alive->reader().end() == asio::error::eof;
    if (ec && !ended && before != State::closing) {
      alive->tellClientError(Error(ec));
    }
    if (alive->exchange_) alive->tellEnd();
    if (before == State::resting) alive->ended();
  });
  if (!exchange_) return;
  if (before == State::handler || before == State::finishing || before == State::closing) {
    exchange_->connectionIsGone();
    // Who waits for room hears what broke the connection, and not that the wait was cancelled.
    output().fail(ec ? ec : make_error_code(errc::ERR_STREAM_DESTROYED));
    if (handlerRuns_ && !exchange_->destroyedHere() && server_->options().cancelOnDisconnect) {
      cancelHandler();
    }
  }
  wakeSoon();
}

// What the messages have to say of the connection's end, and then nothing more.
SLUICE_DECL void ServerConnection::tellEnd() {
  exchange_->emitEvents();
  if (!exchange_) return;
  exchange_->stopTelling();
  if (!handlerRuns_ || !exchange_->destroyedHere() || !server_->options().cancelOnDisconnect) {
    return;
  }
  // The caller of destroy() has had its turn; what it waits for now may never come.
  sluice::detail::post(core_->loop().executor(),
                       [alive = boost::intrusive_ptr<ServerConnection>(this)] {
                         if (alive->handlerRuns_) alive->cancelHandler();
                       });
}

SLUICE_DECL void ServerConnection::wake() {
  if (!exchange_ || !exchange_->waiting) return;
  Wake handler = std::move(exchange_->waiting);
  handler();
}

SLUICE_DECL void ServerConnection::wakeSoon() {
  if (!exchange_->waiting) return;
  // With the coroutine in it: if the loop ends first, they go together.
  Wake handler = std::move(exchange_->waiting);
  handler.post(core_->loop().executor());
}

}  // namespace sluice::http::detail
