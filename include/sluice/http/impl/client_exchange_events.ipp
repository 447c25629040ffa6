// SPDX-License-Identifier: BSL-1.0
//
// Definitions of client/exchange.hpp: what a request and its response tell, and when. Each event of
// an exchange that is not the message's own is emitted here.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <sluice/detail/post.hpp>
#include <sluice/detail/reserve.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/detail/client/agent_state.hpp>
#include <sluice/http/detail/client/connection.hpp>
#include <sluice/http/detail/client/exchange.hpp>
#include <utility>

namespace sluice::http::detail {

SLUICE_DECL void ClientExchange::later(void (ClientExchange::*what)()) {
  sluice::detail::post(loop_->executor(), [self = boost::intrusive_ptr<ClientExchange>(this),
                                           what] { (self.get()->*what)(); });
}

// What a listener throws does not cut the exchange short: an agent would lose the connection.
template <class Events, fixed_string Name, class... Args>
SLUICE_DECL bool ClientExchange::tellAll(Args&&... args) {
  return sluice::detail::tell<Events, Name>(outgoing_->listeners, loop_->executor(),
                                            std::forward<Args>(args)...);
}

SLUICE_DECL void ClientExchange::socketAssigned() {
  become(State::assigned);
  if (beginning_.isObserved) observeSocket();
  const boost::intrusive_ptr<ClientExchange> alive(this);
  if (options().retryStale && reused && outgoing_->ended() && outgoing_->bodyWritten == 0) {
    sentCopy_ = outgoing_->output->copyOfWaiting();
  }
  tellAll<OutgoingEvents, "socket">(connection_->handle());
}

SLUICE_DECL void ClientExchange::observeBeginning() {
  beginning_ = {.time = loop_->clock().now(), .isObserved = true};
  observe::detail::tell(loop_->observers(), &observe::Observer::began, observed());
}

SLUICE_DECL observe::Request ClientExchange::observed() const {
  return {.id = this,
          .side = observe::Side::client,
          .method = options().method,
          .url = wanted_.target(),
          .host = options().hostname,
          .statusCode = 0,
          .bytesRead = 0,
          .bytesWritten = 0,
          .duration = {},
          .error = {}};
}

SLUICE_DECL void ClientExchange::observeSocket() {
  beginning_.bytesWritten = connection_->core().output().written();
}

SLUICE_DECL void ClientExchange::observeEnd(const error_code& reason) {
  beginning_.isObserved = false;
  observe::Request request = observed();
  if (incoming_) request.statusCode = incoming_->statusCode();
  if (connection_ && connection_->socketIfAny() != nullptr) {
    request.bytesRead = connection_->bytesOfExchange();
    request.bytesWritten = connection_->core().output().written() - beginning_.bytesWritten;
  }
  request.duration = loop_->clock().now() - beginning_.time;
  request.error = reason;
  observe::detail::tell(loop_->observers(), &observe::Observer::ended, request);
}

SLUICE_DECL void ClientExchange::connected(ClientConnection& connection) {
  if (state_ != State::assigned || connection_.get() != &connection) return;
  if (net::Socket* socket = connection.socketIfAny()) {
    if (noDelay_) socket->setNoDelay(*noDelay_);
    if (keepAlive_) socket->setKeepAlive(keepAlive_->first, keepAlive_->second);
  }
  net::detail::OutputStream& output = connection.core().output();
  output.setHighWaterMark(options().highWaterMark);
  outgoing_->output->continueIn(&output);
}

SLUICE_DECL void ClientExchange::informed(const Information& information) {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  if (information.statusCode == 100) tellAll<ClientRequestEvents, "continue">();
  tellAll<ClientRequestEvents, "information">(information);
}

SLUICE_DECL boost::intrusive_ptr<IncomingState> ClientExchange::freshIncoming() {
  if (!responseMemory_) responseMemory_ = new IncomingState;
  return responseMemory_;
}

SLUICE_DECL void ClientExchange::responded(boost::intrusive_ptr<IncomingState> incoming,
                                           bool keepAlive) {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  become(State::responded);
  if (!keepAlive && handle != nullptr) handle->shouldKeepAlive = false;
  incoming_ = std::move(incoming);
  incoming_->closeIsSources = true;
  response_ = ResponseHandle::held;
  if (!sluice::detail::has<ClientRequestEvents, "response">(outgoing_->listeners)) {
    IncomingMessageAccess::attach(held_, incoming_);
    return;
  }
  lend(incoming_);
  tellAll<ClientRequestEvents, "response">(*lent_);
}

SLUICE_DECL void ClientExchange::lend(boost::intrusive_ptr<IncomingState> incoming) {
  response_ = ResponseHandle::heard;
  lent_ = LentResponses::of(*loop_).lend();
  IncomingMessageAccess::attach(*lent_, std::move(incoming));
}

SLUICE_DECL void ClientExchange::tellResponse() {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  // Not those that begin to wait meanwhile.
  for (std::size_t count = waiters_.size(); count != 0 && !waiters_.empty(); --count) {
    auto handler = std::move(waiters_.front().handler);
    waiters_.erase(waiters_.begin());
    handler.dispatch(loop_->executor(), error_code());
  }
}

SLUICE_DECL IncomingMessage ClientExchange::takeResponse() {
  if (failure_ && !IncomingMessageAccess::state(message())) throw *failure_;
  // A listener may have moved it out.
  if (!IncomingMessageAccess::state(message())) {
    throw Error(make_error_code(errc::ERR_INVALID_STATE), "The response was taken");
  }
  response_ = ResponseHandle::taken;
  IncomingMessage response = std::move(message());
  if (over()) tellLate(IncomingMessageAccess::state(response));
  return response;
}

struct ClientExchange::TellLate {
  boost::intrusive_ptr<IncomingState> incoming;
  void operator()() const { incoming->emitClose(); }
};

// The exchange was over before anybody had the response: what it has to say comes when its owner
// has had a turn to listen.
SLUICE_DECL void ClientExchange::tellLate(boost::intrusive_ptr<IncomingState> incoming) {
  sluice::detail::post(loop_->executor(), TellLate{std::move(incoming)});
}

SLUICE_DECL void ClientExchange::handedOver(boost::intrusive_ptr<IncomingState> incoming,
                                            net::Socket& socket, std::string_view head,
                                            bool upgrade) {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  incoming_ = incoming;
  if (beginning_.isObserved) observeEnd({});
  incoming_ = nullptr;
  connection_ = nullptr;
  lend(std::move(incoming));
  become(State::done);
  const bool heard = upgrade ? tellAll<ClientRequestEvents, "upgrade">(*lent_, socket, head)
                             : tellAll<ClientRequestEvents, "connect">(*lent_, socket, head);
  if (!heard) {
    failure_.emplace(make_error_code(boost::system::errc::connection_reset), "socket hang up");
    dropMessage();
    response_ = ResponseHandle::none;
    failsInSilence_ = true;
  }
  wakeWaiters();
  later(&ClientExchange::emitEnd);
}

SLUICE_DECL void ClientExchange::sent() {
  if (outgoing_->eventsDue()) eventsAreDue();
}

SLUICE_DECL void ClientExchange::drained() {
  if (!outgoing_->ended()) {
    tellAll<OutgoingEvents, "drain">();
  }
}

SLUICE_DECL void ClientExchange::idled() {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  tellAll<OutgoingEvents, "timeout">();
  if (destroyedAtTimeout) destroyMessage(make_error_code(boost::system::errc::timed_out));
}

SLUICE_DECL void ClientExchange::tell(const Error& error) {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  tellAll<OutgoingEvents, "error">(error);
}

SLUICE_DECL void ClientExchange::emitSent() {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  outgoing_->emitDue();
}

// Node's order. A response that nobody has taken tells nothing: see tellLate().
SLUICE_DECL void ClientExchange::emitEnd() {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  boost::intrusive_ptr<IncomingState> incoming = std::move(incoming_);
  if (response_ == ResponseHandle::held) incoming = nullptr;
  sluice::detail::Listeners& listeners = outgoing_->listeners;
  const bool cut = incoming && incoming->aborted();
  const bool byResponse = endedBy_ == EndedBy::response;
  if (abortCalled) tellAll<ClientRequestEvents, "abort">();
  if (cut && byResponse) incoming->emitAborted();
  if (failure_ && !failsInSilence_) tellAll<OutgoingEvents, "error">(*failure_);
  if (const auto ended = std::exchange(ended_, nullptr)) ended->leavePool();
  if (cut) incoming->emitAborted();
  // The response is over before its connection is, and after it if that goes on.
  if (incoming && (cut ? byResponse : reusable_ == nullptr)) incoming->emitClose();
  outgoing_->emitClose();
  if (const auto connection = std::exchange(reusable_, nullptr)) agent_->release(*connection);
  if (incoming) incoming->emitClose();
  // What a listener that still runs may throw is told to those for "error".
  if (running_ == 0) {
    listeners.clear();
  } else if (auto* table = listeners.get()) {
    table->keepOnly(sluice::detail::eventIndex<OutgoingEvents, "error">);
  }
}

struct ClientExchange::StopWaiting {
  ClientExchange* exchange;
  std::uint64_t id;
  void operator()(asio::cancellation_type) const { exchange->stopWaiting(id); }
};

SLUICE_DECL void ClientExchange::whenAnswered(
    sluice::detail::Completion<void(error_code)> handler) {
  const std::uint64_t id = loop_->nextId();
  handler.onCancel(StopWaiting{this, id});
  Waiter waiter{id, std::move(handler)};
  sluice::detail::withReserve([&] { waiters_.push_back(std::move(waiter)); });
}

SLUICE_DECL void ClientExchange::stopWaiting(std::uint64_t id) {
  const auto waiter = std::find_if(waiters_.begin(), waiters_.end(),
                                   [id](const Waiter& waiting) { return waiting.id == id; });
  if (waiter == waiters_.end()) return;
  auto handler = std::move(waiter->handler);
  waiters_.erase(waiter);
  handler.post(loop_->executor(), asio::error::operation_aborted);
}

SLUICE_DECL void ClientExchange::wakeWaiters() {
  for (Waiter& waiter : std::exchange(waiters_, {})) {
    waiter.handler.post(loop_->executor(), error_code());
  }
}

}  // namespace sluice::http::detail
