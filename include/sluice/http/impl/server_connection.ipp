// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server_connection.hpp.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <sluice/detail/post.hpp>
#include <sluice/detail/suspend.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/framing.hpp>
#include <sluice/http/detail/server_connection.hpp>
#include <sluice/http/detail/server_state.hpp>

namespace sluice::http::detail {

/// Keeps account of a socket that an "upgrade" handler took with it: close() waits for its end.
struct ServerConnection::MovedOut final : net::detail::SocketObserver {
  explicit MovedOut(ServerConnection& from) : connection(&from) {}

  void onGone(const error_code&) override { connection->server_->remove(*connection); }

  boost::intrusive_ptr<ServerConnection> connection;
};

// Until input, an end, or the end of the socket.
SLUICE_DECL void ServerConnection::whenInputArrived(Wake handler) {
  work_->waiting = std::move(handler);
  core_->callAtTurnEnd();
}

SLUICE_DECL ServerConnection::ServerConnection(boost::intrusive_ptr<ServerState> server,
                                               net::Socket socket)
    : server_(std::move(server)), socket_(std::move(socket)), core_(socket_.core()) {}

SLUICE_DECL ServerConnection::~ServerConnection() {
  if (core_->user() == this) core_->setUser(nullptr);
  if (work_) releaseWork();
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
  work_ = server_->takeWork();
  work_->connection = this;
  reader().attach(core_.get());
  const boost::intrusive_ptr<ServerConnection> self = this;
  self_ = nullptr;
  asio::co_spawn(core_->loop().executor(), run(self),
                 asio::bind_cancellation_slot(cancel_.slot(), [self](std::exception_ptr) {
                   // What a handler throws is dealt with in run(); what is left is the end.
                   self->ended();
                 }));
}

SLUICE_DECL void ServerConnection::restIfIdle() {
  const bool idles = phase_ == Phase::head && !started_ && rest_ == Rest::awake && work_ &&
                     work_->waiting && reader().input.empty() && core_->reading();
  if (!idles || !std::exchange(quiet_, true) || !core_->readWithoutBuffer()) return;
  const boost::intrusive_ptr<ServerConnection> alive(this);
  rest_ = Rest::lyingDown;
  wokenEarly_ = false;
  wake();
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
  if (work_) releaseWork();
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

SLUICE_DECL void ServerConnection::releaseWork() {
  work_->messages->end();
  resetMessages();
  reader().attach(nullptr);
  work_->connection = nullptr;
  server_->giveBack(std::move(work_));
}

SLUICE_DECL void ServerConnection::resetMessages() {
  // A handle that a user moved out outlives this: it keeps the state, and gets its own copies.
  if (incoming().use_count() > 1) {
    if (incoming().source() != nullptr) incoming().detach();
    work_->incoming = new IncomingState;
  } else {
    incoming().reset();
  }
  outgoingState().reset();
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
  destroyedHere_ = false;
  const bool handedOver = phase_ == Phase::upgraded;
  // A socket that was moved out of here is its new owner's.
  if (!handedOver || socket_) core_->destroy();
  const bool cancelled = !handedOver && server_->options().cancelOnDisconnect;
  if (handlerRuns_ && (handedOver || (inAnyCase && !cancelled))) {
    cancelHandler();
  }
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
    if (reader().parser.isConnect() || takesUpgrade()) {
      co_await handOver();
      co_return;
    }
    handlerRuns_ = true;
    std::exception_ptr failure;
    try {
      if (const auto handler = chooseHandler()) {
        co_await (*handler)(work_->messages->req(), work_->messages->res());
      }
    } catch (...) {
      failure = std::current_exception();
    }
    handlerRuns_ = false;
    handlerReturned(failure);
    if (phase_ == Phase::closing) {
      // What cancels the handler, maybe only now, is nothing to the wait for the last bytes.
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    }
    while (sendsOn()) co_await Wait{this};
    while (discardsRest()) co_await Wait{this};
    goesOn = endExchange();
  }
  while (!gone()) co_await Wait{this};
}

SLUICE_DECL void ServerConnection::beginHead() {
  phase_ = Phase::head;
  started_ = false;
  quiet_ = false;
  const std::size_t most = server_->options().maxHeaderSize;
  reader().beginMessage({most != 0 ? most : maxHeaderSize, server_->settings().maxHeadersCount,
                         server_->options().insecureHTTPParser});
}

SLUICE_DECL ServerConnection::Head ServerConnection::readHead() {
  using Status = MessageParser::Status;
  if (gone()) return Head::none;
  const Status status = reader().parseHead();
  MessageParser& parser = reader().parser;
  if (status == Status::complete) return Head::complete;
  if (status == Status::needMore && !reader().end) {
    if (!started_ && parser.startedMessage()) {
      started_ = true;
      if (requests_ != 0) messageStart_ = core_->loop().now();
    }
    return Head::partial;
  }
  if (status == Status::needMore && parser.atEof() == Status::complete) {
    core_->destroySoon();
  } else {
    refuse(parser.error(), parser.reason());
  }
  return Head::none;
}

SLUICE_DECL void ServerConnection::beginExchange() {
  const auto& options = server_->options();
  reader().beginBody();
  if (requests_ != 0 && !started_) messageStart_ = core_->loop().now();
  ++requests_;
  started_ = true;
  phase_ = Phase::handler;
  bodyRefused_ = false;
  if (std::exchange(keepAliveTimer_, false)) core_->changeTimeout(server_->settings().timeout);
  output().setBatching(false);
  incoming().begin(reader().parser, *this, options.joinDuplicateHeaders);
  outgoingState().begin(&output(), *this);
  work_->messages->renew();
  work_->messages->req().attach(work_->incoming);
  work_->messages->res().attach(*this);
}

SLUICE_DECL bool ServerConnection::takesUpgrade() {
  if (!reader().parser.upgrade() || reader().parser.framing() != Framing::none) return false;
  const auto& decide = server_->options().shouldUpgradeCallback;
  return decide ? decide(work_->messages->req()) : server_->handler<"upgrade">() != nullptr;
}

SLUICE_DECL task<> ServerConnection::handOver() {
  const auto handler =
      reader().parser.isConnect() ? server_->handler<"connect">() : server_->handler<"upgrade">();
  if (!handler) {
    core_->destroy();
    co_return;
  }
  phase_ = Phase::upgraded;
  incoming().upgraded = true;
  const std::string head(reader().input.unparsed());
  incoming().ownHead();
  reader().input.dropAll();
  reader().input.release();
  core_->setUser(nullptr);
  core_->setTimeout({});
  handlerRuns_ = true;
  std::exception_ptr failure;
  try {
    co_await (*handler)(work_->messages->req(), socket_, head);
  } catch (...) {
    failure = std::current_exception();
  }
  handlerRuns_ = false;
  const bool over = socket_ || core_->destroyed();
  if (over) phase_ = Phase::gone;
  work_->messages->end();
  if (failure && !core_->destroyed()) reportHandlerError(failure);
  if (socket_) socket_.destroy();
}

// The handler for a request, none where it is answered from here.
SLUICE_DECL ServerConnection::RequestHandler ServerConnection::chooseHandler() {
  const auto& options = server_->options();
  IncomingMessage& req = work_->messages->req();
  ServerResponse& res = work_->messages->res();
  if (options.requireHostHeader ? reader().parser.hostProblem() != HostProblem::none
                                : reader().parser.hostProblem() > HostProblem::missing) {
    res.setHeader("Connection", "close");
    answerEmpty(400);
    return nullptr;
  }
  const std::size_t most = server_->settings().maxRequestsPerSocket;
  if (most != 0 && requests_ > most) {
    server_->emit<"dropRequest">(req, socket_);
    res.shouldKeepAlive = false;
    answerEmpty(503);
    return nullptr;
  }
  auto handler = server_->handler<"request">();
  if (reader().parser.expectContinue()) {
    awaitsContinue_ = true;
    if (auto check = server_->handler<"checkContinue">()) {
      handler = std::move(check);
    } else {
      res.writeContinue();
    }
  } else if (reader().parser.expectOther()) {
    handler = server_->handler<"checkExpectation">();
    if (!handler) {
      answerEmpty(417);
      return nullptr;
    }
  }
  if (!handler) {
    answerEmpty(404);
    return nullptr;
  }
  core_->callAtTurnEnd();
  return handler;
}

SLUICE_DECL void ServerConnection::handlerReturned(const std::exception_ptr& failure) {
  // Refused at the end of this turn, if the handler had not been faster.
  if (bodyRefused_ && !over()) refuse(reader().body.error(), reader().body.reason());
  if (over()) return;
  if (failure) handlerFailed(failure);
  if (gone()) return;
  if (!outgoingState().ended()) endForHandler();
  if (gone()) return;
  phase_ = Phase::finishing;
}

// What stands in the way of the end (a status that is none, a length that was not kept) is as if
// the handler had thrown it.
SLUICE_DECL void ServerConnection::endForHandler() {
  std::exception_ptr failure;
  try {
    work_->messages->res().end();
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) handlerFailed(failure);
}

SLUICE_DECL bool ServerConnection::sendsOn() { return !over() && !outgoingState().isSent(); }

SLUICE_DECL bool ServerConnection::discardsRest() {
  emitEvents();
  // What is kept: both messages complete, nothing failed, nothing left unread.
  const bool mayContinue = outgoingState().framing.keepAlive && !server_->closing();
  if (over() || incoming().complete() || awaitsContinue_) return false;
  // Also before a close: a request that is here to its end was not cut short.
  if (incoming().mode() != IncomingState::Mode::flowing) incoming().discard();
  incoming().pump();
  return mayContinue && !over() && !incoming().complete() && !reader().end &&
         incoming().discardedBytes() <= server_->options().maxDiscardedBody;
}

SLUICE_DECL void ServerConnection::answerEmpty(int status) {
  ServerResponse& res = work_->messages->res();
  res.writeHead(status);
  res.end();
}

// false: the connection has served its last request.
SLUICE_DECL bool ServerConnection::endExchange() {
  if (over()) return false;
  if (incoming().complete() && incoming().mode() != IncomingState::Mode::flowing) {
    incoming().discard();
  }
  emitEvents();
  if (!readsOn()) closeSoon();
  if (over()) return false;
  work_->messages->end();
  resetMessages();
  output().queue().shrink();
  const auto& settings = server_->settings();
  if (reader().input.empty() && settings.keepAliveTimeout.count() > 0) {
    keepAliveTimer_ = true;
    core_->changeTimeout(settings.keepAliveTimeout + server_->options().keepAliveTimeoutBuffer);
  }
  return true;
}

// Of maxRequestsPerSocket: what had arrived behind the last request that is served gets 503.
SLUICE_DECL bool ServerConnection::dropsNext() const {
  const std::size_t most = server_->settings().maxRequestsPerSocket;
  return most != 0 && requests_ >= most && reader().parser.keepAlive() && !reader().input.empty();
}

SLUICE_DECL bool ServerConnection::readsOn() const {
  return (outgoingState().framing.keepAlive || dropsNext()) && incoming().complete() &&
         !awaitsContinue_ && !server_->closing() && !core_->destroyed() &&
         (!reader().end || server_->options().httpAllowHalfOpen || !reader().input.empty());
}

SLUICE_DECL void ServerConnection::closeSoon() {
  phase_ = Phase::closing;
  // RFC 9112 §9.6: what follows a request that said close is no message; line ends are nothing.
  if (!reader().parser.keepAlive() && incoming().complete() && !reader().limits.insecure &&
      server_->has<"clientError">() &&
      reader().input.unparsed().find_first_not_of("\r\n") != std::string_view::npos) {
    const Error error = Error::parse(make_error_code(errc::HPE_CLOSED_CONNECTION), {}, 0,
                                     std::string(reader().input.unparsed()));
    server_->emit<"clientError">(error, socket_);
    if (gone()) return;
  }
  if (incoming().complete() && reader().input.empty()) {
    core_->destroySoon();
  } else {
    core_->linger();
  }
}

SLUICE_DECL void ServerConnection::reportHandlerError(const std::exception_ptr& failure) {
  if (!server_->has<"error">()) return;
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    server_->emit<"error">(error);
  } catch (const boost::system::system_error& error) {
    server_->emit<"error">(Error(error.code(), error.what()));
  } catch (const std::exception& error) {
    server_->emit<"error">(Error(make_error_code(errc::ERR_UNHANDLED_ERROR), error.what()));
  } catch (...) {
    server_->emit<"error">(Error(make_error_code(errc::ERR_UNHANDLED_ERROR)));
  }
}

SLUICE_DECL void ServerConnection::handlerFailed(const std::exception_ptr& failure) {
  const bool sent = outgoingState().headSent();
  const bool over = outgoingState().ended();
  if (!sent) {
    outgoingState().headers.clear();
    ServerResponse& res = work_->messages->res();
    res.statusCode = 500;
    res.statusMessage.clear();
    // To HEAD the body does not go out, which is no misuse here.
    const bool rejects = std::exchange(outgoingState().rejectBody, false);
    res.end("Internal Server Error");
    outgoingState().rejectBody = rejects;
  }
  reportHandlerError(failure);
  if (sent && !over && !gone()) core_->destroy();
}

SLUICE_DECL void ServerConnection::refuse(const error_code& code, std::string_view reason) {
  std::string_view reply = badRequestReply;
  if (code == errc::HPE_HEADER_OVERFLOW) reply = headerFieldsTooLargeReply;
  if (code == errc::HPE_CHUNK_EXTENSIONS_OVERFLOW) reply = payloadTooLargeReply;
  refuseWith(Error::parse(code, std::string(reason), reader().parser.bytesParsed(),
                          std::string(reader().input.unparsed())),
             reply);
}

SLUICE_DECL void ServerConnection::refuseWith(const Error& error, std::string_view reply) {
  const bool answered = phase_ != Phase::head && outgoingState().headSent();
  const bool handling = handlerRuns_;
  phase_ = Phase::closing;
  if (work_ && incoming().source() != nullptr) {
    incoming().fail(make_error_code(boost::system::errc::connection_reset));
    outgoingState().destroy(error.code());
  }
  if (server_->has<"clientError">()) {
    server_->emit<"clientError">(error, socket_);
    endWithPeer();
  } else if (answered) {
    core_->destroy();
  } else {
    output().write(reply);
    core_->linger();
  }
  if (handling && !gone()) {
    emitEvents();
    if (server_->options().cancelOnDisconnect) cancelHandler();
  }
}

// A listener of "clientError" has ended its half where the peer had ended before: nobody is left to
// wait for.
SLUICE_DECL void ServerConnection::endWithPeer() {
  if (phase_ != Phase::closing || !work_ || !reader().end) return;
  if (core_->writeEnding()) core_->destroySoon();
}

SLUICE_DECL void ServerConnection::checkTimeouts(net::detail::TimePoint now) {
  const auto& settings = server_->settings();
  const bool head = phase_ == Phase::head && (started_ || requests_ == 0);
  const bool body =
      (phase_ == Phase::handler || phase_ == Phase::finishing) && !incoming().complete();
  const auto passed = [&](std::chrono::milliseconds limit) {
    return limit.count() > 0 && now - messageStart_ >= limit;
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

SLUICE_DECL void ServerConnection::composeHead(ByteBuffer& out, ServerResponse& res,
                                               std::string_view reason, const Headers* headers,
                                               std::optional<std::uint64_t> bodyLength) {
  const auto& settings = server_->settings();
  const std::size_t most = settings.maxRequestsPerSocket;
  const ResponseHead head{
      .statusCode = res.statusCode,
      .reason = reason,
      .headers = outgoingState().headers,
      .writeHeadHeaders = headers,
      .uniqueHeaders = outgoingState().uniqueHeaders,
      .isHead = reader().parser.method() == "HEAD",
      .http10 = reader().parser.isHttp10(),
      .acceptsChunked = reader().parser.teChunked(),
      .requestKeepAlive = reader().parser.keepAlive(),
      .shouldKeepAlive = res.shouldKeepAlive,
      .forceClose = awaitsContinue_ || (reader().end && reader().input.empty()),
      .lastRequest = most != 0 && requests_ >= most,
      .keepAliveTimeout = settings.keepAliveTimeout,
      .maxRequestsPerSocket = most,
      .dateLine = res.sendDate ? server_->dateLine() : std::string_view(),
      .bodyLength = bodyLength,
  };
  outgoingState().headIsSent(composeResponseHead(out, head));
}

SLUICE_DECL void ServerConnection::sendInformation() {
  static_cast<void>(output().queued());
  output().flush();
}

SLUICE_DECL void ServerConnection::onMessageEnded() {
  // More requests wait in the buffer: their answers leave together.
  const bool more =
      incoming().complete() && !reader().input.empty() && outgoingState().framing.keepAlive;
  output().setBatching(more);
  if (!more) output().flush();
  if (outgoingState().observed()) eventsAreDue();
}

SLUICE_DECL void ServerConnection::destroyMessage(const error_code& reason) {
  if (gone() || phase_ == Phase::closing) return;
  destroyedHere_ = true;
  outgoingState().destroy(reason);
  core_->destroy(reason);
}

SLUICE_DECL asio::mutable_buffer ServerConnection::inputRoom() {
  if (phase_ == Phase::head) return reader().roomForHead();
  const bool body = phase_ != Phase::closing && !incoming().complete();
  return body ? reader().roomForBody() : reader().roomForNext();
}

SLUICE_DECL BodySource::Piece ServerConnection::takePiece() {
  const Piece piece = reader().takePiece();
  if (piece.status == BodyDecoder::Status::failed && !bodyRefused_) {
    bodyRefused_ = true;
    incoming().fail(reader().bodyFailure());
    core_->callAtTurnEnd();
  }
  return piece;
}

SLUICE_DECL bool ServerConnection::wantsRead() const {
  if (rest_ != Rest::awake) return false;
  if (core_->reading() || reader().end || core_->destroyed()) return false;
  switch (phase_) {
    case Phase::head:
      return static_cast<bool>(work_->waiting);
    case Phase::handler:
    case Phase::finishing:
      return incoming().complete() ? reader().input.empty() : true;
    case Phase::closing:
      // A "clientError" listener has the socket: only its end is of interest. What a handler that
      // still runs has views of stays as it is.
      return !handlerRuns_ && !core_->lingering();
    case Phase::securing:
    case Phase::upgraded:
    case Phase::gone:
      return false;
  }
  return false;
}

SLUICE_DECL void ServerConnection::onTurn() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  if (bodyRefused_ && phase_ != Phase::closing && !gone()) {
    refuse(reader().body.error(), reader().body.reason());
    wake();
  }
  if (phase_ == Phase::handler || phase_ == Phase::finishing) emitEvents();
  if (!wantsRead()) return;
  if (phase_ == Phase::closing) reader().input.dropAll();
  const auto room = inputRoom();
  if (room.size() != 0) core_->startRead(room);
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
  reader().input.commit(count);
  if (phase_ != Phase::head) core_->touch();
  if (ec == asio::error::operation_aborted) return;
  if (ec) reader().end = ec;
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
  if (phase_ == Phase::handler || phase_ == Phase::finishing) {
    incoming().onInput();
    if (ec && !gone() && phase_ != Phase::closing) peerEnded();
    if (!gone()) core_->callAtTurnEnd();
  }
  wake();
  // Where a whole request came, its end has set the time anew.
  if (phase_ == Phase::head && started_) core_->touch();
}

SLUICE_DECL void ServerConnection::peerEnded() {
  if (bodyRefused_ || reader().parser.framing() == Framing::untilClose) return;
  const bool cut =
      !incoming().complete() &&
      (reader().input.empty() || reader().body.remaining() > reader().input.unparsed().size());
  if (cut) {
    refuseWith(Error::parse(make_error_code(errc::HPE_INVALID_EOF_STATE), {}, 0,
                            std::string(reader().input.unparsed())),
               badRequestReply);
  } else if (!server_->options().httpAllowHalfOpen && !outgoingState().ended()) {
    output().flush();
    // For whoever waits it is a reset; the socket itself came to an orderly end.
    output().fail(make_error_code(boost::system::errc::connection_reset));
    core_->destroy();
  }
}

SLUICE_DECL void ServerConnection::onSent() {
  if (!work_) return;
  if (phase_ == Phase::finishing) {
    core_->callAtTurnEnd();
    if (outgoingState().isSent()) wakeSoon();
  } else if (outgoingState().stage == OutgoingState::Stage::ended && outgoingState().observed()) {
    core_->callAtTurnEnd();
  } else {
    endWithPeer();
  }
}

SLUICE_DECL void ServerConnection::onDrained() {
  if (phase_ == Phase::handler && !outgoingState().ended()) {
    sluice::detail::emit<OutgoingEvents, "drain">(outgoingState().listeners);
  }
}

SLUICE_DECL bool ServerConnection::onIdle() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  bool heard = false;
  if (phase_ == Phase::handler || phase_ == Phase::finishing) {
    if (!incoming().complete()) {
      heard = sluice::detail::emit<IncomingEvents, "timeout">(incoming().listeners());
    }
    heard |= sluice::detail::emit<OutgoingEvents, "timeout">(outgoingState().listeners);
  }
  heard |= server_->emit<"timeout">(socket_);
  heard |= sluice::detail::has<net::SocketEvents, "timeout">(core_->listeners());
  if (!heard && !gone()) core_->destroy();
  return gone();
}

SLUICE_DECL void ServerWork::onLoopEnd() {
  if (connection != nullptr) connection->onLoopEnd();
}

SLUICE_DECL void ServerConnection::onLoopEnd() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  if (!work_) return;
  const Wake dropped = std::move(work_->waiting);
  incoming().fail(make_error_code(errc::ERR_STREAM_DESTROYED));
  incoming().listeners().clear();
  outgoingState().listeners.clear();
}

SLUICE_DECL void ServerConnection::onDestroyed(const error_code& ec) {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  const Phase before = std::exchange(phase_, Phase::gone);
  self_ = nullptr;
  if (core_->loop().stopped()) {
    onLoopEnd();
    return;
  }
  // The events come first: whoever waits is resumed by what is posted after this.
  sluice::detail::post(core_->loop().executor(), [alive, before, ec] {
    const bool ended = alive->work_ && alive->reader().end == asio::error::eof;
    if (ec && !ended && before != Phase::closing) {
      alive->server_->emit<"clientError">(Error(ec), alive->socket_);
    }
    alive->emitEvents();
    if (alive->rest_ == Rest::resting) alive->ended();
  });
  if (!work_) return;
  if (before == Phase::handler || before == Phase::finishing || before == Phase::closing) {
    const auto reset = make_error_code(boost::system::errc::connection_reset);
    if (incoming().source() != nullptr) {
      const bool ended = outgoingState().ended();
      outgoingState().destroy(reset);
      if (!ended || !incoming().complete()) incoming().fail(reset);
    }
    // Who waits for room hears what broke the connection, and not that the wait was cancelled.
    output().fail(ec ? ec : make_error_code(errc::ERR_STREAM_DESTROYED));
    if (handlerRuns_ && !destroyedHere_ && server_->options().cancelOnDisconnect) {
      cancelHandler();
    }
  }
  wakeSoon();
}

SLUICE_DECL void ServerConnection::emitEvents() {
  if (!work_ || incoming().source() == nullptr) return;
  if (!incoming().observed() && !outgoingState().observed()) return;
  const boost::intrusive_ptr<ServerConnection> alive(this);
  const boost::intrusive_ptr<IncomingState> incoming = work_->incoming;
  const boost::intrusive_ptr<OutgoingState> outgoing = work_->outgoing;
  if (incoming->aborted()) {
    incoming->emitAborted();
    outgoing->emitDue();
    incoming->emitDue();
  } else if (incoming->ended()) {
    incoming->emitDue();
    outgoing->emitDue();
  } else {
    outgoing->emitDue();
    incoming->emitDue();
  }
}

SLUICE_DECL void ServerConnection::wake() {
  if (!work_ || !work_->waiting) return;
  Wake handler = std::move(work_->waiting);
  handler();
}

SLUICE_DECL void ServerConnection::wakeSoon() {
  if (!work_->waiting) return;
  // With the coroutine in it: where the loop ends first, they go together.
  Wake handler = std::move(work_->waiting);
  handler.post(core_->loop().executor());
}

}  // namespace sluice::http::detail
