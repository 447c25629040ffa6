// SPDX-License-Identifier: BSL-1.0
//
// Definitions of client/exchange.hpp: how an exchange begins, goes on and is used again. How it
// ends is in client_exchange_end.ipp, what it tells in client_exchange_events.ipp.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/assert.hpp>
#include <boost/system/errc.hpp>
#include <new>
#include <sluice/detail/post.hpp>
#include <sluice/detail/reserve.hpp>
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
    : LoopMember(*loop),
      loop_(std::move(loop)),
      deadline_(
          [](void* self) {
            const auto late = make_error_code(boost::system::errc::timed_out);
            static_cast<ClientExchange*>(self)->destroyMessage(late);
          },
          this) {}

SLUICE_DECL ClientExchange::~ClientExchange() {
  if (signalled_) *signalled_ = nullptr;
}

// The connections of an agent belong to one executor, on which nothing runs at the same time.
inline void requireHome(const Agent& agent, const asio::any_io_executor& executor) {
  if (agent.get_executor() == executor) return;
  throw Error(make_error_code(errc::ERR_INVALID_ARG_VALUE),
              "The argument 'agent' is invalid. It belongs to another executor than the request");
}

SLUICE_DECL boost::intrusive_ptr<ClientExchange> ClientExchange::of(AgentState& agent) {
  ClientExchange* spare = agent.takeSpare();
  return spare != nullptr ? spare : new ClientExchange(agent.loop().shared_from_this());
}

SLUICE_DECL boost::intrusive_ptr<ClientExchange> ClientExchange::of(
    const asio::any_io_executor& executor, RequestOptions&& options) {
  const Agent* agent = AgentAccess::named(options.agent);
  const bool own = AgentAccess::fresh(options.agent) || options.createConnection;
  if (agent == nullptr && !own) agent = usualAgent(executor);
  boost::intrusive_ptr<ClientExchange> exchange;
  if (agent != nullptr) {
    requireHome(*agent, executor);
    exchange = of(AgentAccess::state(*agent));
  } else {
    exchange = new ClientExchange(net::detail::Loop::of(executor));
  }
  exchange->wanted_.set(std::move(options));
  return exchange;
}

SLUICE_DECL void ClientExchange::begin() {
  Agent& agent = chooseAgent();
  wanted_.resolve(agent);
  agent_ = &AgentAccess::state(agent);
  if (!outgoing_) outgoing_ = new OutgoingState;
  if (outgoing_->uniqueHeaders != options().uniqueHeaders) {
    outgoing_->uniqueHeaders = options().uniqueHeaders;
  }
  outgoing_->rejectBody = true;
  outgoing_->closeIsOwners = true;
  if (outgoing_->output) {
    outgoing_->output->setHighWaterMark(options().highWaterMark);
  } else {
    outgoing_->output = new net::detail::OutputStream(loop_, options().highWaterMark);
  }
  outgoing_->begin(*outgoing_->output, *this);
  wanted_.addHeaders(outgoing_->headers, shouldKeepAlive());
  if (options().deadline.count() > 0) loop_->startTimer(deadline_, options().deadline);
}

SLUICE_DECL Agent& ClientExchange::chooseAgent() {
  if (Agent* agent = AgentAccess::named(options().agent)) return *agent;
  if (!AgentAccess::fresh(options().agent) && !options().createConnection) {
    if (Agent* agent = usualAgent(loop_->executor())) return *agent;
  }
  ownAgent_ = std::make_unique<Agent>(loop_->executor());
  return *ownAgent_;
}

SLUICE_DECL boost::intrusive_ptr<AwaitedExchange> ClientExchange::beginOwn(
    const asio::any_io_executor& executor) {
  if (const Agent* agent = AgentAccess::named(options().agent)) requireHome(*agent, executor);
  // Not even a time-out has anybody else to hear of it.
  destroyedAtTimeout = true;
  ClientRequest made{boost::intrusive_ptr<ClientExchange>(this)};
  made.end();
  own_.emplace(std::move(made));
  return this;
}

// Nobody refers to it any more.
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
  lent_.reset();
  static_cast<ExchangeProgress&>(*this) = ExchangeProgress();
  deadline_.stop();
  waiters_.clear();
  wanted_.forget();
  // A part that somebody still looks at is not ours any more.
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

// If the context ends, coroutines that wait here own what keeps this alive.
SLUICE_DECL void ClientExchange::onLoopEnd() {
  // One that is kept for later holds nothing.
  if (references_ == 0) return;
  const boost::intrusive_ptr<ClientExchange> alive(this);
  const auto kept = std::exchange(keptForTurn_, nullptr);
  if (!over()) {
    if (!connection_) agent_->withdraw(*this);
    become(State::failed);
    failure_ = Error(asio::error::operation_aborted);
  }
  const auto connection = std::exchange(connection_, nullptr);
  const auto reusable = std::exchange(reusable_, nullptr);
  const auto ended = std::exchange(ended_, nullptr);
  const auto waiters = std::exchange(waiters_, {});
  const IncomingMessage held = std::move(message());
  if (outgoing_) outgoing_->listeners.clear();
  if (const auto incoming = std::exchange(incoming_, nullptr)) incoming->listeners().clear();
}

SLUICE_DECL std::chrono::milliseconds ClientExchange::idleTimeout() const {
  if (timeout_) return *timeout_;
  if (options().timeout.count() > 0) return options().timeout;
  return agent_->options().timeout;
}

SLUICE_DECL void ClientExchange::become(State next) {
  BOOST_ASSERT(mayFollow(state_, next));
  state_ = next;
  if (over()) deadline_.stop();
}

SLUICE_DECL bool ClientExchange::shouldKeepAlive() const {
  return ownAgent_ == nullptr && wanted_.sharesConnection() && agent_->keepsAlive();
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
  if (!loop_->observers().empty()) observeBeginning();
  agent_->submit(*this);
  beginAtTurnEnd();
}

SLUICE_DECL void ClientExchange::beginAtTurnEnd() {
  if (loop_->stopped()) return;
  keptForTurn_ = this;
  loop_->atTurnEnd(*this);
}

SLUICE_DECL void ClientExchange::onTurnEnd() {
  const boost::intrusive_ptr<ClientExchange> alive = std::move(keptForTurn_);
  if (state_ == State::created) {
    try {
      askToContinue();
    } catch (...) {
      // No call of the user's is under way that it could be thrown from.
      fail(EndedBy::here, net::detail::handlerError(std::current_exception()));
      return;
    }
    become(State::waiting);
  }
  if (state_ != State::waiting) return;
  try {
    if (!connection_) agent_->begin(*this);
    if (const boost::intrusive_ptr<ClientConnection> connection = connection_) connection->begin();
  } catch (const std::bad_alloc&) {
    endWithoutMemory();
  }
}

SLUICE_DECL void ClientExchange::endWithoutMemory() {
  sluice::detail::Reserve::giveUp();
  const error_code ec = make_error_code(boost::system::errc::not_enough_memory);
  if (const boost::intrusive_ptr<ClientConnection> connection = connection_) {
    connection->destroy(ec);
  } else {
    fail(EndedBy::here, Error(ec));
  }
}

// Expect: the head leaves before there is a body.
SLUICE_DECL void ClientExchange::askToContinue() {
  if (!outgoing_->headers.has(KnownHeader::expect) || outgoing_->headSent()) return;
  if (outgoing_->filter && handle != nullptr) {
    handle->flushHeaders();
  } else {
    composeHead(std::nullopt, false);
  }
}

SLUICE_DECL void ClientExchange::composeHead(std::optional<std::uint64_t> bodyLength,
                                             bool bodyFollows) {
  net::detail::OutputStream& stream = outgoing_->output->current();
  const RequestHead head{
      .method = options().method,
      .path = wanted_.target(),
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

SLUICE_DECL void ClientExchange::promised(ClientConnection& connection, bool wasIdle) {
  connection_ = &connection;
  reused = wasIdle;
}

SLUICE_DECL void ClientExchange::promiseBroken() {
  connection_ = nullptr;
  reused = false;
  agent_->submit(*this);
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
  return connection_ && hasSocket() ? connection_->socketIfAny() : nullptr;
}

SLUICE_DECL void ClientExchange::onMessageEnded() {
  outgoing_->output->current().flush();
  if (connection_) connection_->exchangeChanged();
  sent();
}

SLUICE_DECL void ClientExchange::setTimeout(std::chrono::milliseconds idle) {
  timeout_ = idle;
  if (connection_ && hasSocket()) connection_->setIdleTimeout(idle);
}

struct ClientExchange::ListenerEnded {
  boost::intrusive_ptr<ClientExchange> exchange;
  void operator()(const std::exception_ptr& thrown) const {
    --exchange->running_;
    if (thrown) {
      const Error error = net::detail::handlerError(thrown);
      // One that has read the response to its end may come after "close". It is told all the same.
      if (exchange->state_ == State::done) {
        exchange->tell(error);
      } else {
        exchange->fail(EndedBy::here, error);
      }
    }
    if (!exchange->over()) {
      exchange->abandonUnread();
    } else if (exchange->running_ == 0 && exchange->outgoing_->closed()) {
      exchange->outgoing_->listeners.clear();
    }
  }
};

SLUICE_DECL void ClientExchange::spawn(task<> listener) {
  ++running_;
  sluice::detail::spawn(
      loop_->executor(), std::move(listener), {},
      sluice::detail::Ended(ListenerEnded{boost::intrusive_ptr<ClientExchange>(this)}));
}

}  // namespace sluice::http::detail
