// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server_connection.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <sluice/detail/post.hpp>
#include <sluice/detail/suspend.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/server/connection.hpp>
#include <sluice/http/detail/server/state.hpp>
#include <utility>

namespace sluice::http::detail {

/// Keeps account of a socket that an "upgrade" handler took with it: close() waits for its end.
struct ServerConnection::MovedOut final : net::detail::SocketObserver {
  explicit MovedOut(ServerConnection& from) : connection(&from) {}

  void onGone(const error_code&) override { connection->server().remove(*connection); }

  boost::intrusive_ptr<ServerConnection> connection;
};

SLUICE_DECL ServerConnection::ServerConnection(boost::intrusive_ptr<ServerState> server,
                                               net::Socket socket)
    : server_(std::move(server)), socket_(std::move(socket)), core_(socket_.core()) {}

SLUICE_DECL ServerConnection::~ServerConnection() {
  if (core_->user() == this) core_->setUser(nullptr);
  if (exchange_) releaseExchange();
  server_->remove(*this);
}

SLUICE_DECL void ServerConnection::start() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  core_->setUser(this);
  if (server_->secures()) {
    phase_ = Phase::securing;
  } else {
    secured();
  }
  server_->emit<"connection">(socket_);
  if (gone()) {
    ended();
  } else if (phase_ != Phase::securing && core_->readWithoutBuffer()) {
    rest_ = Rest::resting;
    self_ = this;
  } else {
    spawn();
  }
}

SLUICE_DECL void ServerConnection::spawn() {
  rest_ = Rest::awake;
  exchange_ = server_->takeExchange();
  exchange_->attach(*this);
  const boost::intrusive_ptr<ServerConnection> self = this;
  self_ = nullptr;
  asio::co_spawn(core_->loop().executor(), run(self),
                 asio::bind_cancellation_slot(cancel_.slot(), [self](std::exception_ptr failure) {
                   if (failure) self->failed(failure);
                   self->ended();
                 }));
}

SLUICE_DECL bool ServerConnection::restIfIdle() {
  if (phase_ != Phase::head || started_ || rest_ != Rest::awake || !exchange_) return false;
  const bool waits = exchange_->waiting && reader().empty() && core_->reading();
  if (!waits || !std::exchange(quiet_, true)) return true;
  if (!reader().readWithoutBuffer()) return false;
  const boost::intrusive_ptr<ServerConnection> alive(this);
  rest_ = Rest::lyingDown;
  wokenEarly_ = false;
  wake();
  return false;
}

// There is something to read.
SLUICE_DECL void ServerConnection::getUp() {
  if (rest_ == Rest::lyingDown) {
    wokenEarly_ = true;
  } else {
    spawn();
    wake();
  }
}

// The coroutine has come to its end, or there is none and the socket is gone.
SLUICE_DECL void ServerConnection::ended() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  if (exchange_) releaseExchange();
  if (rest_ == Rest::lyingDown && !gone()) {
    rest_ = Rest::resting;
    self_ = this;
    // Nothing was cancelled, so Asio has posted nothing that looks at it.
    cancel_.slot().clear();
    core_->rest();
    if (wokenEarly_) getUp();
  } else if (phase_ == Phase::upgraded && !core_->destroyed()) {
    core_->setObserver(std::make_shared<MovedOut>(*this));
  } else {
    self_ = nullptr;
    destroy();
    server_->remove(*this);
  }
}

// What a handler throws is dealt with in run(). This is from a listener or a callback of the
// user's, or says that what the connection waited for was cancelled.
SLUICE_DECL void ServerConnection::failed(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted) return;
  } catch (...) {
  }
  server_->reportHandlerError(failure);
}

SLUICE_DECL void ServerConnection::releaseExchange() {
  exchange_->conclude();
  exchange_->detach();
  server_->giveBack(std::move(exchange_));
}

SLUICE_DECL void ServerConnection::secured() {
  // A listener of "connection" may have set its own while hands were shaken.
  const bool own = phase_ == Phase::securing && core_->timeout().count() != 0;
  if (!own) core_->setTimeout(server_->settings().timeout);
  messageStart_ = core_->loop().now();
}

SLUICE_DECL void ServerConnection::cancelHandler() {
  if (core_->loop().stopped()) return;
  cancel_.emit(asio::cancellation_type::terminal);
  // From outside the loop Asio posts the emission, with a pointer into cancel_.
  sluice::detail::post(core_->loop().executor(),
                       [alive = boost::intrusive_ptr<ServerConnection>(this)] {});
}

SLUICE_DECL void ServerConnection::destroy(bool inAnyCase) {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  const bool handedOver = upgraded();
  const bool cancels = !handedOver && !gone() && server_->options().cancelOnDisconnect;
  // A socket that was moved out of here is its new owner's.
  if (!handedOver || socket_) core_->destroy();
  if (exchange_ && exchange_->handlerRuns && (handedOver || (inAnyCase && !cancels))) {
    cancelHandler();
  }
}

// Until input, an end, or the end of the socket.
SLUICE_DECL void ServerConnection::whenInputArrived(Wake handler) {
  exchange_->waiting = std::move(handler);
  core_->callAtTurnEnd();
}

SLUICE_DECL task<> ServerConnection::run(
    [[maybe_unused]] boost::intrusive_ptr<ServerConnection> self) {
  using Wait = sluice::detail::Suspend<&ServerConnection::whenInputArrived>;
  if (phase_ == Phase::securing) {
    co_await server_->secure(socket_);
    if (!gone()) secured();
  } else if (!over()) {
    // Until getUp() goes on. Asio lets a cancellation escape from a coroutine that was never
    // suspended, and a handler may destroy its server.
    co_await Wait{this};
  }
  bool goesOn = !over();
  while (goesOn) {
    beginHead();
    Head head = readHead();
    while (head == Head::partial) {
      co_await Wait{this};
      if (rest_ != Rest::awake) co_return;
      head = readHead();
    }
    if (head == Head::none) break;
    beginExchange();
    if (reader().head().isConnect() || exchange_->takesUpgrade()) {
      co_await handOver();
      co_return;
    }
    exchange_->handlerRuns = true;
    std::exception_ptr failure;
    try {
      if (const auto handler = exchange_->chooseHandler()) {
        MessagePair& messages = exchange_->messages();
        co_await (*handler)(messages.req(), messages.res());
      }
    } catch (...) {
      failure = std::current_exception();
    }
    exchange_->handlerRuns = false;
    handlerReturned(failure);
    if (phase_ == Phase::closing) {
      // What cancels the handler, maybe only now, is nothing to the wait for the last bytes.
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    }
    while (!over() && !exchange_->isSent()) co_await Wait{this};
    while (exchange_->discardsRest()) co_await Wait{this};
    goesOn = endExchange();
  }
  while (!gone()) co_await Wait{this};
}

SLUICE_DECL void ServerConnection::beginHead() {
  phase_ = Phase::head;
  started_ = false;
  quiet_ = false;
  const std::size_t most = server_->options().maxHeaderSize;
  reader().beginMessage({most != 0 ? most : maxHeaderSize.load(),
                         server_->settings().maxHeadersCount,
                         server_->options().insecureHTTPParser});
}

SLUICE_DECL ServerConnection::Head ServerConnection::readHead() {
  using Event = MessageReader::Event;
  if (gone()) return Head::none;
  const Event event = reader().next().event;
  if (event == Event::head) return Head::complete;
  if (event == Event::needMore) {
    if (!started_ && reader().started()) {
      started_ = true;
      if (requests_ != 0) messageStart_ = core_->loop().now();
    }
    return Head::partial;
  }
  if (event == Event::end) {
    core_->destroySoon();
  } else {
    refuse(reader().fault());
  }
  return Head::none;
}

SLUICE_DECL void ServerConnection::beginExchange() {
  if (requests_ != 0 && !started_) messageStart_ = core_->loop().now();
  ++requests_;
  started_ = true;
  phase_ = Phase::handler;
  if (std::exchange(keepAliveTimer_, false)) core_->changeTimeout(server_->settings().timeout);
  output().setBatching(false);
  exchange_->begin();
}

SLUICE_DECL task<> ServerConnection::handOver() {
  const auto handler =
      reader().head().isConnect() ? server_->handler<"connect">() : server_->handler<"upgrade">();
  if (!handler) {
    core_->destroy();
    co_return;
  }
  using Wait = sluice::detail::Suspend<&ServerConnection::whenInputArrived>;
  phase_ = Phase::leaving;
  // A read that began while the request before was answered fills our buffer: its bytes are part of
  // `head`, or it has none.
  while (!gone() && core_->reading()) {
    core_->cancelRead();
    co_await Wait{this};
  }
  if (gone()) co_return;
  phase_ = Phase::upgraded;
  exchange_->incoming().upgraded = true;
  const std::string head(reader().unread());
  exchange_->incoming().ownHead();
  reader().attach(nullptr);
  core_->setUser(nullptr);
  core_->setTimeout({});
  exchange_->handlerRuns = true;
  if (server_->shutsDown()) {
    // Not before the handler listens.
    sluice::detail::post(
        core_->loop().executor(),
        [self = boost::intrusive_ptr<ServerConnection>(this)] { self->tellShutdown(); });
  }
  std::exception_ptr failure;
  try {
    co_await (*handler)(exchange_->messages().req(), socket_, head);
  } catch (...) {
    failure = std::current_exception();
  }
  exchange_->handlerRuns = false;
  const bool over = socket_ || core_->destroyed();
  if (over) phase_ = Phase::gone;
  exchange_->reset();
  if (failure && !core_->destroyed()) server_->reportHandlerError(failure);
  if (socket_) socket_.destroy();
}

SLUICE_DECL void ServerConnection::endUpgraded() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  core_->destroy();
  destroy();
}

SLUICE_DECL void ServerConnection::tellShutdown() {
  if (!core_->destroyed()) sluice::detail::emit<net::SocketEvents, "shutdown">(core_->listeners());
}

SLUICE_DECL void ServerConnection::handlerReturned(const std::exception_ptr& failure) {
  // Refused at the end of this turn, if the handler had not been faster.
  if (refusesBody() || over()) return;
  exchange_->handlerReturned(failure);
  if (!gone()) phase_ = Phase::finishing;
}

// false: the connection has served its last request.
SLUICE_DECL bool ServerConnection::endExchange() {
  if (over()) return false;
  exchange_->finish();
  if (!over()) closeUnlessKept();
  if (over()) return false;
  exchange_->conclude();
  exchange_->reset();
  output().queue().shrink();
  server_->restLater();
  const auto& settings = server_->settings();
  if (reader().empty() && settings.keepAliveTimeout.count() > 0) {
    keepAliveTimer_ = true;
    const auto atMost = net::detail::longestTimer;
    core_->changeTimeout(std::min(settings.keepAliveTimeout, atMost) +
                         std::min(server_->options().keepAliveTimeoutBuffer, atMost));
  }
  return true;
}

// Of maxRequestsPerSocket: what had arrived behind the last request that is served gets 503.
SLUICE_DECL bool ServerConnection::dropsNext() const {
  const std::size_t most = server_->settings().maxRequestsPerSocket;
  return most != 0 && requests_ >= most && reader().head().keepAlive() && !reader().empty();
}

SLUICE_DECL Fate ServerConnection::fate() const {
  const OutgoingState& response = exchange_->outgoing();
  // What had arrived when the server began to close is answered, and so is what came before the
  // end of the peer's half.
  const bool more = !reader().empty();
  const bool peerIsThere = !reader().end() || server_->options().httpAllowHalfOpen || more;
  const ReuseFacts facts{
      .requestComplete = exchange_->isRead(),
      .responseComplete = response.ended(),
      .lengthKept = response.lengthKept(),
      .ownSideWilling = exchange_->keepsAlive() || dropsNext(),
      // As in Node, a response that says keep-alive overrules a request that said close.
      .peerWilling = exchange_->keepsAlive() || reader().head().keepAlive(),
      .nothingUnread = !exchange_->awaitsContinue(),
      .nothingFailed = !exchange_->bodyRefused() && !core_->destroyed(),
      .open = peerIsThere && (!server_->closing() || more),
  };
  return fateOf(facts, !exchange_->isRead() || more);
}

SLUICE_DECL void ServerConnection::closeUnlessKept() {
  const Fate ending = fate();
  if (ending == Fate::keep) return;
  phase_ = Phase::closing;
  // RFC 9112 §9.6: what follows a request that said close is no message; line ends are nothing.
  if (!reader().head().keepAlive() && exchange_->isRead() &&
      !server_->options().insecureHTTPParser && server_->has<"clientError">() &&
      reader().unread().find_first_not_of("\r\n") != std::string_view::npos) {
    const Error error = Error::parse(make_error_code(errc::HPE_CLOSED_CONNECTION), {}, 0,
                                     std::string(reader().unread()));
    server_->emit<"clientError">(error, socket_);
    if (gone()) return;
  }
  if (ending == Fate::close) {
    core_->destroySoon();
  } else {
    core_->linger();
  }
}

SLUICE_DECL bool ServerConnection::refusesBody() {
  if (!exchange_->bodyRefused() || over()) return false;
  refuse(reader().fault());
  return true;
}

SLUICE_DECL void ServerConnection::refuse(const Error& error) {
  std::string_view reply = badRequestReply;
  if (error.code() == errc::HPE_HEADER_OVERFLOW) reply = headerFieldsTooLargeReply;
  if (error.code() == errc::HPE_CHUNK_EXTENSIONS_OVERFLOW) reply = payloadTooLargeReply;
  refuseWith(error, reply);
}

SLUICE_DECL void ServerConnection::refuseWith(const Error& error, std::string_view reply) {
  const bool answered = phase_ != Phase::head && exchange_->outgoing().headSent();
  const bool handling = exchange_->handlerRuns;
  phase_ = Phase::closing;
  exchange_->refuse(error.code());
  if (server_->has<"clientError">()) {
    server_->emit<"clientError">(error, socket_);
    endWithPeer();
  } else if (answered) {
    core_->destroy(error);
  } else {
    output().write(reply);
    core_->linger(error);
  }
  if (handling && !gone()) {
    exchange_->emitEvents();
    if (server_->options().cancelOnDisconnect) cancelHandler();
  }
}

// A listener of "clientError" has ended its half where the peer had ended before: nobody is left to
// wait for.
SLUICE_DECL void ServerConnection::endWithPeer() {
  if (phase_ != Phase::closing || !exchange_ || !reader().end()) return;
  if (core_->writeEnding()) core_->destroySoon();
}

SLUICE_DECL void ServerConnection::checkTimeouts(net::detail::TimePoint now) {
  const auto& settings = server_->settings();
  const bool head = phase_ == Phase::head && (started_ || requests_ == 0);
  const bool body = exchanging() && !exchange_->isRead();
  // A limit as long as can be said is not one that nanoseconds could tell.
  const auto spent = std::chrono::floor<std::chrono::milliseconds>(now - messageStart_);
  const auto passed = [&](std::chrono::milliseconds limit) {
    return limit.count() > 0 && spent >= limit;
  };
  if ((head && passed(settings.headersTimeout)) ||
      ((head || body) && passed(settings.requestTimeout))) {
    const boost::intrusive_ptr<ServerConnection> alive(this);
    // It listens to the last words of its peer.
    if (rest_ == Rest::resting) getUp();
    refuseWith(Error(make_error_code(errc::ERR_HTTP_REQUEST_TIMEOUT)), requestTimeoutReply);
    wake();
  }
}

SLUICE_DECL void ServerConnection::peerEnded() {
  if (exchange_->bodyRefused() || reader().head().framing() == Framing::untilClose) return;
  if (exchange_->isCut()) {
    refuseWith(Error::parse(make_error_code(errc::HPE_INVALID_EOF_STATE), {}, 0,
                            std::string(reader().unread())),
               badRequestReply);
  } else if (!server_->options().httpAllowHalfOpen && !exchange_->outgoing().ended()) {
    output().flush();
    // For whoever waits it is a reset; the socket itself came to an orderly end.
    output().fail(make_error_code(boost::system::errc::connection_reset));
    core_->destroy();
  }
}

SLUICE_DECL bool ServerConnection::wantsRead() const {
  if (rest_ != Rest::awake) return false;
  if (core_->reading() || reader().end() || core_->destroyed()) return false;
  switch (phase_) {
    case Phase::head:
      return static_cast<bool>(exchange_->waiting);
    case Phase::handler:
    case Phase::finishing:
      return exchange_->isRead() ? reader().empty() : true;
    case Phase::closing:
      // A "clientError" listener has the socket: only its end is of interest. What a handler that
      // still runs has views of stays as it is.
      return !exchange_->handlerRuns && !core_->lingering();
    case Phase::securing:
    case Phase::leaving:
    case Phase::upgraded:
    case Phase::gone:
      return false;
  }
  return false;
}

SLUICE_DECL void ServerConnection::onTurn() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  if (exchange_ && refusesBody()) wake();
  if (exchanging()) exchange_->emitEvents();
  if (!wantsRead()) return;
  if (phase_ == Phase::closing) reader().dropUnread();
  reader().startRead();
}

SLUICE_DECL void ServerConnection::onInput(const error_code& result, std::size_t count) {
  // RFC 9112 §9.8: a request says how long it is, and an end that was not announced cuts nothing
  // off.
  const bool cut = result == errc::ERR_SSL_UNEXPECTED_EOF;
  const error_code ec = cut ? error_code(asio::error::eof) : result;
  const boost::intrusive_ptr<ServerConnection> alive(this);
  if (rest_ != Rest::awake) {
    if (ec) {
      core_->destroy(ec);
      return;
    }
    getUp();
    if (started_) core_->touch();
    return;
  }
  reader().received(ec, count);
  if (phase_ != Phase::head) core_->touch();
  if (phase_ == Phase::leaving) {
    if (reader().end() && reader().end() != asio::error::eof) core_->destroy(ec);
    wake();
    return;
  }
  if (ec == asio::error::operation_aborted) return;
  if (phase_ == Phase::closing) {
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
  // Where a whole request came, its end has set the time anew.
  if (phase_ == Phase::head && started_) core_->touch();
}

SLUICE_DECL void ServerConnection::onSent() {
  if (!exchange_) return;
  const OutgoingState& outgoing = exchange_->outgoing();
  if (phase_ == Phase::finishing) {
    core_->callAtTurnEnd();
    if (outgoing.isSent()) wakeSoon();
  } else if (outgoing.stage() == OutgoingState::Stage::ended && outgoing.observed()) {
    core_->callAtTurnEnd();
  } else {
    endWithPeer();
  }
}

SLUICE_DECL void ServerConnection::onDrained() {
  if (phase_ == Phase::handler) exchange_->onDrained();
}

SLUICE_DECL bool ServerConnection::onIdle() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  bool heard = exchanging() && exchange_->onIdle();
  heard |= server_->emit<"timeout">(socket_);
  heard |= sluice::detail::has<net::SocketEvents, "timeout">(core_->listeners());
  if (!heard && !gone()) core_->destroy();
  return gone();
}

SLUICE_DECL void ServerConnection::onDestroyed(const error_code& ec) {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  const Phase before = std::exchange(phase_, Phase::gone);
  self_ = nullptr;
  if (core_->loop().stopped()) {
    if (exchange_) exchange_->onLoopEnd();
    return;
  }
  // The events come first: whoever waits is resumed by what is posted after this.
  sluice::detail::post(core_->loop().executor(), [alive, before, ec] {
    const bool ended = alive->exchange_ && alive->reader().end() == asio::error::eof;
    if (ec && !ended && before != Phase::closing) {
      alive->server_->emit<"clientError">(Error(ec), alive->socket_);
    }
    if (alive->exchange_) alive->tellEnd();
    if (alive->rest_ == Rest::resting) alive->ended();
  });
  if (!exchange_) return;
  if (before == Phase::handler || before == Phase::finishing || before == Phase::closing) {
    exchange_->connectionIsGone();
    // Who waits for room hears what broke the connection, and not that the wait was cancelled.
    output().fail(ec ? ec : make_error_code(errc::ERR_STREAM_DESTROYED));
    if (exchange_->handlerRuns && !exchange_->destroyedHere() &&
        server_->options().cancelOnDisconnect) {
      cancelHandler();
    }
  }
  wakeSoon();
}

// What the messages have to say of the connection's end, and then nothing more.
SLUICE_DECL void ServerConnection::tellEnd() {
  exchange_->emitEvents();
  if (!exchange_) return;
  exchange_->stopListening();
  if (!exchange_->handlerRuns || !exchange_->destroyedHere() ||
      !server_->options().cancelOnDisconnect) {
    return;
  }
  // The caller of destroy() has had its turn; what it waits for now may never come.
  sluice::detail::post(core_->loop().executor(),
                       [alive = boost::intrusive_ptr<ServerConnection>(this)] {
                         if (alive->exchange_ && alive->exchange_->handlerRuns) {
                           alive->cancelHandler();
                         }
                       });
}

SLUICE_DECL void ServerConnection::wake() {
  if (!exchange_ || !exchange_->waiting) return;
  Wake handler = std::move(exchange_->waiting);
  handler();
}

SLUICE_DECL void ServerConnection::wakeSoon() {
  if (!exchange_->waiting) return;
  // With the coroutine in it: where the loop ends first, they go together.
  Wake handler = std::move(exchange_->waiting);
  handler.post(core_->loop().executor());
}

}  // namespace sluice::http::detail
