// SPDX-License-Identifier: BSL-1.0
//
// Definitions of client_exchange.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <sluice/detail/post.hpp>
#include <sluice/detail/spawn.hpp>
#include <sluice/http/agent.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/detail/client/agent_state.hpp>
#include <sluice/http/detail/client/connection.hpp>
#include <sluice/http/detail/client/exchange.hpp>
#include <sluice/http/detail/wire/framing.hpp>
#include <sluice/net/detail/handler_error.hpp>
#include <utility>

namespace sluice::http::detail {

// More than this is not kept for the next request.
inline constexpr std::size_t keptExchangeBytes = 16 * 1024;

SLUICE_DECL ClientExchange::ClientExchange(std::shared_ptr<net::detail::Loop> loop)
    : LoopMember(*loop), loop_(std::move(loop)) {}

SLUICE_DECL ClientExchange::~ClientExchange() {
  if (signalled_) *signalled_ = nullptr;
}

SLUICE_DECL boost::intrusive_ptr<ClientExchange> ClientExchange::of(AgentState& agent) {
  ClientExchange* spare = agent.takeSpare();
  return spare != nullptr ? spare : new ClientExchange(agent.loop().shared_from_this());
}

SLUICE_DECL boost::intrusive_ptr<ClientExchange> ClientExchange::of(
    const asio::any_io_executor& executor, RequestOptions&& options) {
  const Agent* agent = options.agent.agent();
  const bool own = options.agent.fresh() || options.createConnection;
  if (agent == nullptr && !own) agent = usualAgent(executor);
  boost::intrusive_ptr<ClientExchange> exchange;
  if (agent != nullptr && agent->state().loop().executor() == executor) {
    exchange = of(agent->state());
  } else {
    exchange = new ClientExchange(net::detail::Loop::of(executor));
  }
  exchange->wanted_.set(std::move(options));
  return exchange;
}

SLUICE_DECL void ClientExchange::begin() {
  Agent& agent = chooseAgent();
  wanted_.resolve(agent);
  agent_ = &agent.state();
  if (!outgoing_) outgoing_ = new OutgoingState;
  if (outgoing_->uniqueHeaders != options().uniqueHeaders) {
    outgoing_->uniqueHeaders = options().uniqueHeaders;
  }
  outgoing_->rejectBody = true;
  outgoing_->closeIsOwners = true;
  boost::intrusive_ptr<net::detail::OutputStream> stream = std::move(outgoing_->output);
  if (stream) {
    stream->setHighWaterMark(options().highWaterMark);
  } else {
    stream = new net::detail::OutputStream(loop_, options().highWaterMark);
  }
  outgoing_->begin(std::move(stream), *this);
  wanted_.addHeaders(outgoing_->headers);
}

SLUICE_DECL Agent& ClientExchange::chooseAgent() {
  if (Agent* agent = options().agent.agent()) return *agent;
  if (!options().agent.fresh() && !options().createConnection) {
    if (Agent* agent = usualAgent(loop_->executor())) return *agent;
  }
  ownAgent_ = std::make_unique<Agent>(loop_->executor());
  return *ownAgent_;
}

// Nobody refers to it any more.
SLUICE_DECL boost::intrusive_ptr<AwaitedExchange> ClientExchange::beginOwn(
    const asio::any_io_executor& executor) {
  if (loop_->executor() != executor) {
    return of(executor, RequestOptions(options()))->beginOwn(executor);
  }
  // Not even a time-out has anybody else to hear of it.
  destroyedAtTimeout = true;
  ClientRequest made{boost::intrusive_ptr<ClientExchange>(this)};
  made.end();
  own_.emplace(std::move(made));
  return this;
}

SLUICE_DECL void ClientExchange::retire() {
  const boost::intrusive_ptr<AgentState> agent = std::move(agent_);
  if (agent && !ownAgent_ && heldBytes() <= keptExchangeBytes) {
    reset();
    if (agent->keepSpare(*this)) return;
  }
  delete this;
}

SLUICE_DECL void ClientExchange::reset() {
  if (signalled_) *signalled_ = nullptr;
  static_cast<ExchangeProgress&>(*this) = ExchangeProgress();
  waiters_.clear();
  wanted_.forget();
  // Who still looks at a part of it keeps that.
  if (outgoing_ && outgoing_->use_count() == 1) {
    outgoing_->reset();
    if (outgoing_->output && outgoing_->output->use_count() == 1) {
      outgoing_->output->reset();
    } else {
      outgoing_->output = nullptr;
    }
  } else {
    if (outgoing_) outgoing_->owner = nullptr;
    outgoing_ = nullptr;
  }
  if (responseMemory_ && responseMemory_->use_count() == 1) {
    responseMemory_->reset();
  } else {
    responseMemory_ = nullptr;
  }
}

SLUICE_DECL std::size_t ClientExchange::heldBytes() const {
  return options().path.capacity() + (outgoing_ ? outgoing_->heldBytes() : 0) +
         (responseMemory_ ? responseMemory_->heldBytes() : 0);
}

// Where the context ends, coroutines that wait here own what keeps this alive.
SLUICE_DECL void ClientExchange::onLoopEnd() {
  // One that is kept for later has nothing to let go.
  if (references_ == 0) return;
  const boost::intrusive_ptr<ClientExchange> alive(this);
  const auto kept = std::exchange(keptForTurn_, nullptr);
  if (!over()) {
    if (state_ == State::waiting && !connection_) agent_->withdraw(*this);
    state_ = State::failed;
    failure_ = Error(asio::error::operation_aborted);
  }
  const auto connection = std::exchange(connection_, nullptr);
  const auto reusable = std::exchange(reusable_, nullptr);
  const auto waiters = std::exchange(waiters_, {});
  const auto held = std::exchange(held_, std::nullopt);
  if (outgoing_) outgoing_->listeners.clear();
}

SLUICE_DECL std::chrono::milliseconds ClientExchange::idleTimeout() const {
  if (timeout_) return *timeout_;
  if (options().timeout.count() > 0) return options().timeout;
  return agent_->options().timeout;
}

SLUICE_DECL bool ClientExchange::shouldKeepAlive() const {
  return ownAgent_ == nullptr && agent_->keepsAlive();
}

SLUICE_DECL void ClientExchange::later(void (ClientExchange::*what)()) {
  sluice::detail::post(loop_->executor(), [self = boost::intrusive_ptr<ClientExchange>(this),
                                           what] { (self.get()->*what)(); });
}

struct ClientExchange::AbortSignal {
  std::shared_ptr<ClientExchange*> exchange;
  void operator()(asio::cancellation_type) const {
    if (*exchange != nullptr) (*exchange)->destroyMessage(make_error_code(errc::ABORT_ERR));
  }
};

SLUICE_DECL void ClientExchange::start() {
  if (asio::cancellation_slot signal = options().signal; signal.is_connected()) {
    signalled_ = std::make_shared<ClientExchange*>(this);
    signal.assign(AbortSignal{signalled_});
  }
  submitAtTurnEnd();
}

SLUICE_DECL void ClientExchange::submitAtTurnEnd() {
  if (loop_->stopped()) return;
  keptForTurn_ = this;
  loop_->atTurnEnd(*this);
}

SLUICE_DECL void ClientExchange::onTurnEnd() {
  const boost::intrusive_ptr<ClientExchange> alive = std::move(keptForTurn_);
  submit();
}

SLUICE_DECL void ClientExchange::submit() {
  if (state_ != State::created) return;
  if (outgoing_->headers.has(KnownHeader::expect) && !outgoing_->headSent()) {
    if (outgoing_->filter && handle != nullptr) {
      handle->flushHeaders();
    } else {
      composeHead(std::nullopt, false);
    }
  }
  state_ = State::waiting;
  agent_->submit(*this);
}

SLUICE_DECL void ClientExchange::composeHead(std::optional<std::uint64_t> bodyLength,
                                             bool bodyFollows) {
  net::detail::OutputStream& stream = outgoing_->output->current();
  const RequestHead head{
      .method = options().method,
      .path = options().path,
      .headers = outgoing_->headers,
      .uniqueHeaders = outgoing_->uniqueHeaders,
      .shouldKeepAlive = shouldKeepAlive() && (handle == nullptr || handle->shouldKeepAlive),
      .setDefaultHeaders = options().setDefaultHeaders,
      .bodyLength = bodyLength,
      .bodyFollows = bodyFollows,
  };
  outgoing_->headIsSent(composeRequestHead(stream.queue().gathered(), head));
  // Expect: the server is asked before there is a body.
  if (outgoing_->headers.has(KnownHeader::expect)) static_cast<void>(stream.queued());
}

SLUICE_DECL void ClientExchange::socketAssigned(ClientConnection& connection, bool reusedSocket) {
  connection_ = &connection;
  reused = reusedSocket;
  state_ = State::assigned;
  const boost::intrusive_ptr<ClientExchange> alive(this);
  if (options().retryStale && reused && outgoing_->ended()) {
    sentCopy_ = outgoing_->output->copyOfWaiting();
  }
  sluice::detail::emit<OutgoingEvents, "socket">(outgoing_->listeners, *connection.socketIfAny());
}

SLUICE_DECL void ClientExchange::connected(ClientConnection& connection) {
  if (state_ != State::assigned || connection_.get() != &connection) return;
  net::Socket& socket = *connection.socketIfAny();
  if (noDelay_) socket.setNoDelay(*noDelay_);
  if (keepAlive_) socket.setKeepAlive(keepAlive_->first, keepAlive_->second);
  net::detail::OutputStream& output = socket.core()->output();
  output.setHighWaterMark(options().highWaterMark);
  outgoing_->output->continueIn(&output);
}

SLUICE_DECL void ClientExchange::informed(const Information& information) {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  if (information.statusCode == 100) {
    sluice::detail::emit<ClientRequestEvents, "continue">(outgoing_->listeners);
  }
  sluice::detail::emit<ClientRequestEvents, "information">(outgoing_->listeners, information);
}

SLUICE_DECL bool ClientExchange::unclaimed() const {
  return held_.has_value() && waiters_.empty() &&
         !sluice::detail::has<ClientRequestEvents, "response">(outgoing_->listeners) && !delivered_;
}

SLUICE_DECL boost::intrusive_ptr<IncomingState> ClientExchange::freshIncoming() {
  if (!responseMemory_) responseMemory_ = new IncomingState;
  return responseMemory_;
}

SLUICE_DECL void ClientExchange::responded(boost::intrusive_ptr<IncomingState> incoming) {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  state_ = State::responded;
  incoming_ = std::move(incoming);
  incoming_->closeIsSources = true;
  held_.emplace(*incoming_);
  if (sluice::detail::has<ClientRequestEvents, "response">(outgoing_->listeners)) {
    delivered_ = true;
    sluice::detail::emit<ClientRequestEvents, "response">(outgoing_->listeners, *held_);
  }
}

SLUICE_DECL void ClientExchange::tellResponse() {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  // Not those who begin to wait meanwhile.
  for (std::size_t count = waiters_.size(); count != 0 && !waiters_.empty(); --count) {
    auto handler = std::move(waiters_.front().handler);
    waiters_.erase(waiters_.begin());
    handler.dispatch(loop_->executor(), error_code());
  }
}

SLUICE_DECL IncomingMessage ClientExchange::takeResponse() {
  if (failure_ && !held_) throw *failure_;
  if (!held_) throw Error(make_error_code(errc::ERR_INVALID_STATE), "The response was taken");
  taken_ = true;
  IncomingMessage response = std::move(*held_);
  held_.reset();
  return response;
}

SLUICE_DECL void ClientExchange::handedOver(boost::intrusive_ptr<IncomingState> incoming,
                                            net::Socket& socket, std::string_view head,
                                            bool upgrade) {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  connection_ = nullptr;
  held_.emplace(*incoming);
  state_ = State::done;
  bool heard = false;
  if (upgrade) {
    heard = sluice::detail::emit<ClientRequestEvents, "upgrade">(outgoing_->listeners, *held_,
                                                                 socket, head);
  } else {
    heard = sluice::detail::emit<ClientRequestEvents, "connect">(outgoing_->listeners, *held_,
                                                                 socket, head);
  }
  if (!heard) {
    failure_.emplace(make_error_code(boost::system::errc::connection_reset), "socket hang up");
    held_.reset();
    silent_ = true;
  }
  wakeWaiters();
  later(&ClientExchange::emitEnd);
}

SLUICE_DECL void ClientExchange::sent() {
  if (outgoing_->eventsDue()) later(&ClientExchange::emitSent);
}

SLUICE_DECL void ClientExchange::drained() {
  if (!outgoing_->ended()) {
    sluice::detail::emit<OutgoingEvents, "drain">(outgoing_->listeners);
  }
}

SLUICE_DECL void ClientExchange::idled() {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  sluice::detail::emit<OutgoingEvents, "timeout">(outgoing_->listeners);
  if (destroyedAtTimeout) destroyMessage(make_error_code(boost::system::errc::timed_out));
}

SLUICE_DECL void ClientExchange::emitSent() {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  outgoing_->emitDue();
}

SLUICE_DECL void ClientExchange::complete(ClientConnection* reusable) {
  if (over()) return;
  reusable_ = reusable;
  state_ = State::done;
  connection_ = nullptr;
  emitSent();
  if (reusable != nullptr) {
    // At once, from the end of a turn: the next request of whoever has read the body finds it.
    emitEnd();
  } else {
    later(&ClientExchange::emitEnd);
  }
}

SLUICE_DECL bool ClientExchange::retry() {
  if (!options().retryStale || !reused || retried || sentCopy_.empty() ||
      connection_->bytesOfExchange() != 0 || connection_->destroyedHere()) {
    return false;
  }
  static constexpr std::string_view idempotent[] = {"GET",   "HEAD", "OPTIONS",
                                                    "TRACE", "PUT",  "DELETE"};
  if (std::find(std::begin(idempotent), std::end(idempotent), options().method) ==
      std::end(idempotent)) {
    return false;
  }
  retried = true;
  reused = false;
  connection_ = nullptr;
  boost::intrusive_ptr<net::detail::OutputStream> fresh(
      new net::detail::OutputStream(loop_, options().highWaterMark));
  fresh->queue().gathered().append(std::exchange(sentCopy_, {}));
  outgoing_->output = fresh;
  outgoing_->endPosition = fresh->queue().queued();
  state_ = State::created;
  submitAtTurnEnd();
  return true;
}

SLUICE_DECL void ClientExchange::fail(const Error& error) {
  if (over()) return;
  const boost::intrusive_ptr<ClientExchange> alive(this);
  if (endedBy_ == EndedBy::peer && connection_ && state_ == State::assigned && retry()) return;
  const bool answered = state_ == State::responded;
  const bool cut = error.code() == boost::system::errc::connection_reset;
  if (state_ == State::waiting && !connection_) agent_->withdraw(*this);
  state_ = State::failed;
  // A response that is cut short says so itself.
  if (!answered || !cut) failure_ = error;
  if (answered && !incoming_->complete()) {
    incoming_->endedByOther = endedBy_ == EndedBy::request;
    incoming_->fail(error.code());
  }
  const boost::intrusive_ptr<ClientConnection> connection = std::move(connection_);
  outgoing_->output->current().flushLast();
  outgoing_->output->current().fail(error.code());
  outgoing_->destroy(error.code());
  if (connection) connection->destroy(error.code());
  // The events come first: whoever waits is resumed by what is posted after this.
  later(&ClientExchange::emitEnd);
  wakeWaiters();
}

SLUICE_DECL void ClientExchange::destroyMessage(const error_code& reason) {
  if (over()) return;
  endedBy_ = EndedBy::request;
  if (reason) {
    fail(Error(reason));
  } else {
    const bool answered = state_ == State::responded;
    fail(Error(make_error_code(boost::system::errc::connection_reset),
               answered ? "aborted" : "socket hang up"));
  }
}

SLUICE_DECL void ClientExchange::destroyResponse(const error_code& reason) {
  if (over()) return;
  const boost::intrusive_ptr<ClientExchange> alive(this);
  endedBy_ = EndedBy::response;
  if (!incoming_->complete()) {
    incoming_->fail(reason ? reason : make_error_code(errc::ERR_STREAM_DESTROYED));
  }
  fail(Error(reason ? reason : make_error_code(boost::system::errc::connection_reset)));
}

SLUICE_DECL void ClientExchange::abort() {
  if (std::exchange(abortCalled, true) || over()) return;
  silent_ = outgoingSocket() == nullptr;
  destroyMessage({});
}

SLUICE_DECL void ClientExchange::emitEnd() {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  const boost::intrusive_ptr<IncomingState> incoming = std::move(incoming_);
  sluice::detail::Listeners& listeners = outgoing_->listeners;
  const bool cut = incoming && incoming->aborted();
  const bool byResponse = endedBy_ == EndedBy::response;
  if (abortCalled) sluice::detail::emit<ClientRequestEvents, "abort">(listeners);
  if (cut && byResponse) incoming->emitAborted();
  if (failure_ && !silent_) sluice::detail::emit<OutgoingEvents, "error">(listeners, *failure_);
  if (cut) incoming->emitAborted();
  // The response is over before its connection is, and after it where that goes on.
  if (incoming && (cut ? byResponse : reusable_ == nullptr)) incoming->emitClose();
  outgoing_->emitClose();
  if (const auto connection = std::exchange(reusable_, nullptr)) agent_->release(*connection);
  if (incoming) incoming->emitClose();
  listeners.clear();
}

struct ClientExchange::StopWaiting {
  ClientExchange* exchange;
  std::uint64_t id;
  void operator()(asio::cancellation_type) const { exchange->stopWaiting(id); }
};

SLUICE_DECL void ClientExchange::whenAnswered(
    sluice::detail::Completion<void(error_code)> handler) {
  const std::uint64_t id = loop_->nextId();
  if (auto slot = handler.slot(); slot.is_connected()) slot.assign(StopWaiting{this, id});
  waiters_.push_back({id, std::move(handler)});
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

SLUICE_DECL void ClientExchange::handleIsGone() {
  const boost::intrusive_ptr<ClientExchange> alive(this);
  handle = nullptr;
  if (over()) return;
  if (state_ == State::responded && outgoing_->ended()) {
    if (!delivered_) held_.reset();
  } else {
    destroyMessage({});
  }
}

SLUICE_DECL void ClientExchange::setNoDelay(bool on) {
  noDelay_ = on;
  if (auto* socket = outgoingSocket()) socket->setNoDelay(on);
}

SLUICE_DECL void ClientExchange::setKeepAlive(bool on, std::chrono::milliseconds initialDelay) {
  keepAlive_ = {on, initialDelay};
  if (auto* socket = outgoingSocket()) socket->setKeepAlive(on, initialDelay);
}

SLUICE_DECL net::Socket* ClientExchange::outgoingSocket() {
  return connection_ ? connection_->socketIfAny() : nullptr;
}

SLUICE_DECL void ClientExchange::onMessageEnded() {
  outgoing_->output->current().flush();
  if (connection_) connection_->callAtTurnEnd();
  if (outgoing_->eventsDue()) later(&ClientExchange::emitSent);
}

SLUICE_DECL void ClientExchange::setTimeout(std::chrono::milliseconds idle) {
  timeout_ = idle;
  if (connection_) connection_->setIdleTimeout(idle);
}

SLUICE_DECL void ClientExchange::spawn(task<> listener) {
  sluice::detail::spawn(loop_->executor(), std::move(listener), {},
                        sluice::detail::Ended([self = boost::intrusive_ptr<ClientExchange>(this)](
                                                  const std::exception_ptr& thrown) {
                          if (thrown) self->fail(net::detail::handlerError(thrown));
                        }));
}

}  // namespace sluice::http::detail
