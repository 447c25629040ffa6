// SPDX-License-Identifier: BSL-1.0
//
// Definitions of client/exchange.hpp: how an exchange ends, be it complete, given up or cut short.
#pragma once

#include <sluice/http/detail/client/agent_state.hpp>
#include <sluice/http/detail/client/connection.hpp>
#include <sluice/http/detail/client/exchange.hpp>
#include <utility>

namespace sluice::http::detail {

SLUICE_DECL void ClientExchange::complete(ClientConnection& connection, bool reusable) {
  if (over()) return;
  if (beginning_.isObserved) observeEnd({});
  (reusable ? reusable_ : ended_) = &connection;
  become(State::done);
  connection_ = nullptr;
  // A listener of "response" has ended the connection before they were told.
  if (!waiters_.empty()) wakeWaiters();
  emitSent();
  if (reusable) {
    // At once, from the end of a turn: the next request of a coroutine that has read the body finds
    // the connection.
    emitEnd();
  } else {
    later(&ClientExchange::emitEnd);
  }
}

// A body is gone once it is sent: only its head could be repeated.
SLUICE_DECL bool ClientExchange::retry() {
  if (!options().retryStale || !reused || retried || sentCopy_.empty() ||
      connection_->bytesOfExchange() != 0 || !isIdempotent(options().method)) {
    return false;
  }
  retried = true;
  reused = false;
  const boost::intrusive_ptr<ClientConnection> stale = std::move(connection_);
  boost::intrusive_ptr<net::detail::OutputStream> fresh(
      new net::detail::OutputStream(loop_, options().highWaterMark));
  fresh->queue().gathered().append(std::exchange(sentCopy_, {}));
  outgoing_->output = fresh;
  outgoing_->endPosition = fresh->queue().queued();
  become(State::created);
  stale->leavePool();
  agent_->submit(*this);
  beginAtTurnEnd();
  return true;
}

SLUICE_DECL void ClientExchange::end(EndedBy by, const Error& error, bool told) {
  if (over()) return;
  const boost::intrusive_ptr<ClientExchange> alive(this);
  if (by == EndedBy::peer && connection_ && state_ == State::assigned && retry()) return;
  // As in Node: both messages are complete, and the agent gets the connection at the end of this
  // turn.
  if (by == EndedBy::request && connection_ && connection_->isDone()) return;
  // That it had left comes before what the peer has made of it.
  if (by == EndedBy::peer) emitSent();
  if (over()) return;
  if (!connection_) agent_->withdraw(*this);
  const bool answered = state_ == State::responded;
  endedBy_ = by;
  if (beginning_.isObserved) observeEnd(error.code());
  if (by == EndedBy::peer || by == EndedBy::here) {
    observe::detail::tell(loop_->observers(), &observe::Observer::failed, observe::Side::client,
                          error);
  }
  become(State::failed);
  if (told) failure_ = error;
  if (answered) stopResponse(by, error.code());
  outgoing_->output->current().flushLast();
  outgoing_->output->current().fail(error);
  outgoing_->destroy(error.code());
  ended_ = std::move(connection_);
  if (ended_ && !ended_->giveUp(error.code())) ended_ = nullptr;
  // The events come first: coroutines that wait are resumed by what is posted after this.
  later(&ClientExchange::emitEnd);
  wakeWaiters();
}

SLUICE_DECL void ClientExchange::stopResponse(EndedBy by, const error_code& reason) {
  if (incoming_->complete()) return;
  incoming_->endedByOther = by == EndedBy::request;
  incoming_->fail(reason);
}

SLUICE_DECL void ClientExchange::destroyMessage(const error_code& reason) {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  giveUp(reason);
  dropWhatHasCome();
}

SLUICE_DECL void ClientExchange::destroyMessageWith(const Error& reason) {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  fail(EndedBy::request, reason);
  dropWhatHasCome();
}

// As in Node: a response that is whole and was not read tells of its end all the same.
SLUICE_DECL void ClientExchange::dropWhatHasCome() {
  if (incoming_ && incoming_->complete()) incoming_->drop();
}

SLUICE_DECL void ClientExchange::giveUp(const error_code& reason) {
  if (reason) {
    fail(EndedBy::request, Error(reason));
  } else {
    const bool answered = state_ == State::responded;
    cutShort(EndedBy::request, Error(make_error_code(boost::system::errc::connection_reset),
                                     answered ? "aborted" : "socket hang up"));
  }
}

SLUICE_DECL void ClientExchange::destroyResponse(const error_code& reason) {
  if (over()) return;
  const boost::intrusive_ptr<ClientExchange> alive(this);
  if (!incoming_->ended()) {
    incoming_->fail(reason ? reason : make_error_code(errc::ERR_STREAM_DESTROYED));
  }
  if (reason) {
    fail(EndedBy::response, Error(reason));
  } else {
    cutShort(EndedBy::response, Error(make_error_code(boost::system::errc::connection_reset)));
  }
}

SLUICE_DECL void ClientExchange::abort() {
  if (std::exchange(abortCalled, true) || over()) return;
  failsInSilence_ = outgoingSocket() == nullptr;
  destroyMessage({});
}

SLUICE_DECL void ClientExchange::handleIsGone() {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  handle = nullptr;
  if (over()) return;
  if (state_ != State::responded || !outgoing_->ended()) {
    giveUp({});
    return;
  }
  if (response_ == ResponseHandle::held) {
    dropMessage();
  } else {
    abandonUnread();
  }
  // One that the agent has would wait for the rest of it.
  if (connection_ && !connection_->inAgent()) connection_->exchangeChanged();
}

// Listeners have heard of the response, and nobody of them reads it: nobody can any more.
SLUICE_DECL void ClientExchange::abandonUnread() {
  if (handle != nullptr || running_ != 0 || response_ != ResponseHandle::heard || !incoming_ ||
      IncomingMessageAccess::state(message()) != incoming_) {
    return;
  }
  using Mode = IncomingState::Mode;
  const Mode mode = incoming_->mode();
  if (mode != Mode::idle && mode != Mode::paused && mode != Mode::pulling) return;
  if (sluice::detail::has<IncomingEvents, "data">(incoming_->listeners())) return;
  dropMessage();
}

}  // namespace sluice::http::detail
