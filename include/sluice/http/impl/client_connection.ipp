// SPDX-License-Identifier: BSL-1.0
//
// Definitions of client_connection.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <charconv>
#include <sluice/detail/post.hpp>
#include <sluice/detail/spawn.hpp>
#include <sluice/http/agent.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/client/agent_state.hpp>
#include <sluice/http/detail/client/connection.hpp>
#include <sluice/http/detail/client/exchange.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <sluice/net/detail/handler_error.hpp>
#include <utility>

namespace sluice::http::detail {

// More 1xx answers than this before a response are an attack.
inline constexpr unsigned maxInformational = 32;

// What is left of a response that nobody will read is read up to this much; then the connection is
// cheaper to open anew.
inline constexpr std::size_t maxAbandonedBody = 64 * 1024;

struct LeaveAgent {
  ClientConnection* connection;
  void operator()() const { connection->leaveAgent(); }
};

struct KeepUntilClosed {
  boost::intrusive_ptr<ClientConnection> connection;
  void operator()(bool) const {}
};

struct DestroyUnclaimed {
  boost::intrusive_ptr<ClientConnection> connection;
  boost::intrusive_ptr<ClientExchange> exchange;
  void operator()() const {
    if (net::Socket* socket = connection->socketIfAny()) socket->destroy();
  }
};

SLUICE_DECL ClientConnection::ClientConnection(boost::intrusive_ptr<AgentState> agent,
                                               std::string name)
    : LoopMember(agent->loop()), agent_(std::move(agent)), name_(std::move(name)) {}

SLUICE_DECL Agent* ClientConnection::opener() const { return agent_->agent(); }

SLUICE_DECL asio::any_io_executor ClientConnection::executor() const {
  return agent_->loop().executor();
}

SLUICE_DECL ClientConnection::~ClientConnection() {
  unwatch();
  if (incoming_) incoming_->detach();
}

// The signal has to live as long as the coroutine that it cancels.
struct ClientConnection::OpeningIsOver {
  std::shared_ptr<asio::cancellation_signal> signal;
  void operator()(std::exception_ptr) const {}
};

struct ClientConnection::StopOpening {
  boost::intrusive_ptr<ClientConnection> connection;
  void operator()() const {
    const auto signal = connection->opening_;
    if (signal) signal->emit(asio::cancellation_type::terminal);
  }
};

SLUICE_DECL task<> openSocket(boost::intrusive_ptr<Opening> opening, net::ConnectionOptions options,
                              CreateConnection create) {
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

SLUICE_DECL void ClientConnection::open(ClientExchange& exchange) {
  self_ = this;
  exchange_ = &exchange;
  const RequestOptions& request = exchange.options();
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
  options.hook = this;
  exchange.opening(*this);
  opening_ = std::make_shared<asio::cancellation_signal>();
  boost::intrusive_ptr<Opening> self(this);
  sluice::detail::spawn(agent_->loop().executor(),
                        openSocket(std::move(self), std::move(options), request.createConnection),
                        opening_->slot(), sluice::detail::Ended(OpeningIsOver{opening_}));
}

SLUICE_DECL void ClientConnection::opened(net::Socket socket, const std::exception_ptr& failure) {
  opening_ = nullptr;
  if (phase_ == Phase::gone) return;
  if (!failure && socket) {
    adopt(std::move(socket));
    return;
  }
  if (!failure) {
    fail(Error(make_error_code(errc::ERR_SOCKET_CLOSED)));
    return;
  }
  const Error error = net::detail::handlerError(failure);
  if (error.code() == asio::error::operation_aborted) {
    // Somebody destroyed the socket while it was being connected.
    fail(destroyedWhileOpening());
  } else {
    fail(error);
  }
}

SLUICE_DECL Error ClientConnection::destroyedWhileOpening() const {
  if (openingReason_) return Error(openingReason_);
  return Error(make_error_code(boost::system::errc::connection_reset), "socket hang up");
}

SLUICE_DECL boost::intrusive_ptr<net::detail::SocketCore> ClientConnection::onConnecting() {
  boost::intrusive_ptr<net::detail::SocketCore> core(new net::detail::SocketCore(
      agent_->loop().shared_from_this(), exchange_ ? exchange_->options().highWaterMark : 1));
  if (phase_ != Phase::opening || !exchange_) {
    core->destroy();
    return core;
  }
  // Who opens connections may try one after the other.
  unwatch();
  core_ = core;
  socket_ = net::Socket(core_);
  attachExchange();
  return core;
}

SLUICE_DECL void ClientConnection::adopt(net::Socket socket) {
  if (socket.core() == core_) {
    static_cast<void>(socket.release());
  } else {
    unwatch();
    core_ = socket.core();
    socket_ = std::move(socket);
    attachExchange();
  }
  if (phase_ == Phase::gone || !exchange_) return;
  if (!connected()) {
    fail(destroyedWhileOpening());
    return;
  }
  core_->touch();
  beginHead();
  exchange_->connected(*this);
}

SLUICE_DECL void ClientConnection::attachExchange() {
  watch();
  setIdleTimeout(exchange_->idleTimeout());
  bytesBefore_ = core_->bytesRead();
  exchange_->socketAssigned(*this, false);
}

SLUICE_DECL void ClientConnection::assign(ClientExchange& exchange, bool reused) {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  exchange_ = &exchange;
  bytesBefore_ = core_->bytesRead();
  setIdleTimeout(exchange.idleTimeout());
  beginHead();
  if (reused && !tellReuse()) return;
  exchange.socketAssigned(*this, reused);
  if (exchange_ == &exchange) exchange.connected(*this);
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
  if (exchange_ != exchange) return false;
  if (!exchange->over()) return true;
  // Nothing was sent on it: it is as free as before.
  exchange_ = nullptr;
  phase_ = Phase::idle;
  if (inAgent_) {
    agent_->release(*this);
  } else {
    destroy();
  }
  return false;
}

SLUICE_DECL void ClientConnection::beginHead() {
  phase_ = Phase::head;
  informational_ = 0;
  hint_.reset();
  const RequestOptions& request = exchange_->options();
  reader_.beginMessage({request.maxHeaderSize != 0 ? request.maxHeaderSize : maxHeaderSize.load(),
                        exchange_->handle != nullptr ? exchange_->handle->maxHeadersCount : 2000,
                        request.insecureHTTPParser},
                       request.method);
  if (!core_->reading()) core_->callAtTurnEnd();
}

SLUICE_DECL void ClientConnection::setIdleTimeout(std::chrono::milliseconds idle) {
  if (core_) core_->setTimeout(idle);
}

SLUICE_DECL void ClientConnection::watch() {
  openingReason_ = {};
  reader_.attach(core_.get());
  core_->setUser(this);
  agentRemove_ = socket_.addListener<"agentRemove">(LeaveAgent{this});
}

SLUICE_DECL void ClientConnection::unwatch() {
  if (!core_) return;
  if (core_->user() == this) core_->setUser(nullptr);
  if (auto* listeners = core_->listeners().get()) listeners->remove(agentRemove_);
}

SLUICE_DECL void ClientConnection::leaveAgent() {
  if (!std::exchange(inAgent_, false) || phase_ == Phase::gone) return;
  const boost::intrusive_ptr<ClientConnection> alive(this);
  agent_->remove(*this);
  if (phase_ != Phase::idle) return;
  phase_ = Phase::leaving;
  core_->setTimeout({});
  if (core_->reading()) {
    core_->cancelRead();
  } else {
    giveAway();
  }
}

// The socket is open and nobody's: it is whose who moves it out, and stays until it is closed.
SLUICE_DECL void ClientConnection::giveAway() {
  phase_ = Phase::gone;
  unwatch();
  if (!reader_.empty()) core_->unshift(reader_.unread());
  if (socket_) socket_.once<"close">(KeepUntilClosed{std::move(self_)});
  self_ = nullptr;
}

SLUICE_DECL void ClientConnection::onInput(const error_code& ec, std::size_t count) {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  reader_.received(ec, count);
  if (count != 0) core_->touch();
  if (phase_ == Phase::leaving) {
    giveAway();
    return;
  }
  if (ec == asio::error::operation_aborted) return;
  // What arrived before the connection broke is read first.
  const bool unread = phase_ == Phase::body && !reader_.empty();
  const bool unasked = phase_ == Phase::idle || (phase_ == Phase::ended && count != 0);
  if (unasked || (ec && ec != asio::error::eof && !unread)) {
    // Bytes behind the response, an end while idle, or a broken connection.
    core_->destroy(ec == asio::error::eof ? error_code() : ec);
    return;
  }
  if (phase_ == Phase::head) {
    parseHead();
  } else if (phase_ == Phase::body) {
    if (exchange_->unclaimed() && incoming_->mode() == IncomingState::Mode::idle) {
      incoming_->prefetch(exchange_->options().highWaterMark);
    } else {
      incoming_->onInput();
    }
  }
  if (phase_ != Phase::gone) core_->callAtTurnEnd();
}

SLUICE_DECL void ClientConnection::parseHead() {
  while (phase_ == Phase::head) {
    const auto event = reader_.next().event;
    if (event == MessageReader::Event::needMore) return;
    if (event == MessageReader::Event::head) {
      headIsComplete();
    } else if (event == MessageReader::Event::fault && !reader_.cut()) {
      fail(reader_.fault());
    } else {
      core_->destroy();
    }
  }
}

SLUICE_DECL void ClientConnection::headIsComplete() {
  const int status = reader_.head().statusCode();
  if (status == 101) {
    if (exchange_->outgoing()->headers.has("upgrade")) {
      handOver(true);
    } else {
      fail(Error::parse(make_error_code(errc::HPE_INVALID_STATUS), "101 that nobody asked for", 0,
                        {}));
    }
    return;
  }
  if (status < 200) {
    if (++informational_ > maxInformational) {
      fail(Error::parse(make_error_code(errc::HPE_INVALID_STATUS), "Too many 1xx answers", 0, {}));
      return;
    }
    inform();
    return;
  }
  if (exchange_->isConnect()) {
    handOver(false);
    return;
  }
  readHint();
  phase_ = Phase::body;
  responseDropped_ = false;
  incoming_ = exchange_->freshIncoming();
  incoming_->begin(reader_.head(), *this, exchange_->options().joinDuplicateHeaders);
  const boost::intrusive_ptr<ClientExchange> exchange = exchange_;
  exchange->responded(incoming_);
  if (phase_ != Phase::body) return;
  // Here and not later: who goes on reads from where the bytes are, and what it does next is part
  // of this turn. An exception that leaves here does not keep the turn from coming.
  core_->callAtTurnEnd();
  const bool heard = exchange->delivered();
  exchange->tellResponse();
  if (phase_ != Phase::body) return;
  if (incoming_->complete()) {
    bodyEnded();
  } else if (heard) {
    incoming_->onInput();
  } else if (incoming_->mode() == IncomingState::Mode::idle) {
    incoming_->prefetch(exchange->options().highWaterMark);
  }
}

SLUICE_DECL void ClientConnection::readHint() {
  constexpr std::string_view name = "timeout=";
  std::string_view rest = reader_.head().keepAliveHint();
  while (!rest.empty()) {
    std::string_view parameter = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(parameter.size() + 1, rest.size()));
    parameter.remove_prefix(std::min(parameter.find_first_not_of(" \t"), parameter.size()));
    if (!equalIgnoreCase(parameter.substr(0, name.size()), name)) continue;
    unsigned seconds = 0;
    const char* end = parameter.data() + parameter.size();
    if (std::from_chars(parameter.data() + name.size(), end, seconds).ec == std::errc()) {
      hint_ = std::chrono::seconds(seconds);
    }
    return;
  }
}

SLUICE_DECL void ClientConnection::inform() {
  Information information;
  information.httpVersionMajor = reader_.head().version() / 10;
  information.httpVersionMinor = reader_.head().version() % 10;
  information.httpVersion = std::to_string(information.httpVersionMajor) + '.' +
                            std::to_string(information.httpVersionMinor);
  information.statusCode = reader_.head().statusCode();
  information.statusMessage = reader_.head().statusMessage();
  const std::vector<RawHeader> lines(reader_.head().headers().begin(),
                                     reader_.head().headers().end());
  information.headers.assign(lines, exchange_->options().joinDuplicateHeaders);
  information.rawHeaders = lines;
  const boost::intrusive_ptr<ClientExchange> exchange = exchange_;
  exchange->informed(information);
  if (phase_ != Phase::head || exchange_ != exchange) return;
  reader_.beginAfterInformation(exchange->options().method);
}

SLUICE_DECL void ClientConnection::handOver(bool upgrade) {
  const boost::intrusive_ptr<ClientExchange> exchange = std::move(exchange_);
  incoming_ = new IncomingState;
  incoming_->begin(reader_.head(), *this, exchange->options().joinDuplicateHeaders);
  incoming_->upgraded = true;
  incoming_->ownHead();
  incoming_->markComplete();
  const std::string head(reader_.unread());
  phase_ = Phase::gone;
  unwatch();
  core_->setTimeout({});
  const boost::intrusive_ptr<ClientConnection> alive = std::move(self_);
  agent_->remove(*this);
  exchange->handedOver(incoming_, socket_, head, upgrade);
  // A coroutine that awaited the event gets its turn to move the socket out.
  if (socket_) sluice::detail::post(agent_->loop().executor(), DestroyUnclaimed{alive, exchange});
}

SLUICE_DECL BodySource::Piece ClientConnection::takePiece() {
  Piece piece = reader_.next();
  if (piece.event == MessageReader::Event::fault) {
    if (!reader_.cut()) parseError_ = reader_.fault();
    incoming_->fail(reader_.failure());
    core_->callAtTurnEnd();
  }
  return piece;
}

SLUICE_DECL void ClientConnection::bodyEnded() {
  if (phase_ != Phase::body) return;
  phase_ = Phase::ended;
  core_->callAtTurnEnd();
}

SLUICE_DECL void ClientConnection::releaseIfDone() {
  if (phase_ != Phase::ended || !exchange_) return;
  const auto& outgoing = exchange_->outgoing();
  const bool sent = outgoing->ended() && outgoing->isSent();
  const bool refused = !sent && (!reader_.head().keepAlive() || reader_.end());
  // A server that answered and closes will not read the rest of the request.
  if (!sent && !refused) return;
  const boost::intrusive_ptr<ClientConnection> alive(this);
  // Kept only if both messages are complete, both sides want it, and nothing came behind.
  const bool reusable = sent && reader_.head().keepAlive() && outgoing->framing.keepAlive &&
                        reader_.empty() && inAgent_ && connected();
  const boost::intrusive_ptr<ClientExchange> exchange = std::move(exchange_);
  const boost::intrusive_ptr<IncomingState> incoming = std::move(incoming_);
  if (responseDropped_) {
    incoming->letGo();
  } else {
    incoming->detach();
  }
  core_->output().queue().shrink();
  reader_.rest();
  // From here on whatever comes is not asked for.
  phase_ = Phase::idle;
  exchange->complete(reusable ? this : nullptr);
  if (!reusable) destroy();
}

SLUICE_DECL void ClientConnection::becomeIdle(std::chrono::milliseconds limit) {
  phase_ = Phase::idle;
  core_->setTimeout(limit);
}

SLUICE_DECL void ClientConnection::onTurn() {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  if (answered()) {
    if (incoming_->state() == IncomingState::State::cut) {
      if (parseError_) {
        fail(*parseError_);
      } else {
        core_->destroy(make_error_code(boost::system::errc::connection_reset));
      }
      return;
    }
    const boost::intrusive_ptr<IncomingState> incoming = incoming_;
    incoming->emitDue();
    if (phase_ == Phase::body && incoming->discardedBytes() > maxAbandonedBody &&
        exchange_->abandoned()) {
      core_->destroy();
      return;
    }
  }
  releaseIfDone();
  if (phase_ == Phase::gone || phase_ == Phase::opening || phase_ == Phase::leaving ||
      !connected() || core_->reading()) {
    return;
  }
  reader_.startRead();
}

SLUICE_DECL void ClientConnection::onSent() {
  if (!exchange_) return;
  exchange_->sent();
  if (phase_ == Phase::ended) core_->callAtTurnEnd();
}

SLUICE_DECL void ClientConnection::onDrained() {
  if (exchange_) exchange_->drained();
}

SLUICE_DECL bool ClientConnection::onIdle() {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  if (phase_ == Phase::idle) {
    core_->destroy();
  } else if (exchange_) {
    if (incoming_ && phase_ == Phase::body) {
      sluice::detail::emit<IncomingEvents, "timeout">(incoming_->listeners());
    }
    if (exchange_) exchange_->idled();
  }
  return phase_ == Phase::gone;
}

SLUICE_DECL void ClientConnection::fail(const Error& error) {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  if (exchange_) exchange_->fail(error);
  destroy();
}

SLUICE_DECL void ClientConnection::destroy(const error_code& reason) {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  destroyedHere_ = true;
  if (core_ && !core_->destroyed()) {
    core_->destroy(reason);
  } else {
    onDestroyed(reason);
  }
}

SLUICE_DECL void ClientConnection::destroy(const Error& error) {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  destroyedHere_ = true;
  core_->destroy(error);
}

SLUICE_DECL void ClientConnection::onLoopEnd() {
  if (phase_ != Phase::opening) return;
  opening_ = nullptr;
  destroy();
}

SLUICE_DECL void ClientConnection::onDestroyed(const error_code& ec) {
  if (phase_ == Phase::gone) return;
  // What opens it knows better why it failed, and will say so.
  const bool opening = phase_ == Phase::opening;
  if (opening && exchange_ && !exchange_->over() && !destroyedHere_) {
    if (ec != asio::error::operation_aborted) openingReason_ = ec;
    return;
  }
  const boost::intrusive_ptr<ClientConnection> alive(this);
  self_ = nullptr;
  const bool wasAnswered = answered();
  phase_ = Phase::gone;
  const boost::intrusive_ptr<ClientExchange> exchange = std::move(exchange_);
  const boost::intrusive_ptr<IncomingState> incoming = std::move(incoming_);
  const bool reset = ec == boost::system::errc::connection_reset;
  const auto cut = make_error_code(boost::system::errc::connection_reset);
  if (incoming) {
    if (!incoming->complete()) incoming->fail(ec && !reset ? ec : cut);
    incoming->detach();
  }
  if (exchange) {
    if (wasAnswered && incoming->complete()) {
      exchange->complete(nullptr);
    } else if (ec && !reset) {
      exchange->fail(Error(ec));
    } else {
      const bool hungUp = !ec || destroyedHere_;
      exchange->fail(wasAnswered ? Error(cut, "aborted")
                     : hungUp    ? Error(cut, "socket hang up")
                                 : Error::connection(cut, "read"));
    }
  }
  agent_->remove(*this);
  // Not from here, which may be inside that coroutine.
  if (opening && opening_) sluice::detail::post(agent_->loop().executor(), StopOpening{alive});
}

SLUICE_DECL void ClientConnection::destroyIncoming(const error_code& reason) {
  if (exchange_) {
    exchange_->destroyResponse(reason);
  } else {
    core_->destroy(reason);
  }
}

SLUICE_DECL void ClientConnection::handleIsGone() {
  responseDropped_ = true;
  if (phase_ != Phase::body || !exchange_) return;
  incoming_->drop();
  exchange_->abandon();
  core_->callAtTurnEnd();
}

}  // namespace sluice::http::detail
