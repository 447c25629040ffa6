// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server_connection.hpp.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
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
  waiting_ = std::move(handler);
  core_->callAtTurnEnd();
}

SLUICE_DECL ServerConnection::ServerConnection(boost::intrusive_ptr<ServerState> server,
                                               net::Socket socket)
    : LoopMember(socket.core()->loop()),
      server_(std::move(server)),
      socket_(std::move(socket)),
      core_(socket_.core()),
      output_(core_->output()),
      input_(2048),
      incoming_(new IncomingState),
      outgoing_(new OutgoingState),
      messages_(server_->makeMessages()) {
  outgoing_->uniqueHeaders = server_->options().uniqueHeaders;
  outgoing_->rejectBody = server_->options().rejectNonStandardBodyWrites;
}

SLUICE_DECL ServerConnection::~ServerConnection() {
  if (core_->user() == this) core_->setUser(nullptr);
  messages_->end();
  // A handle that a user moved out is not ours any more.
  if (incoming_->source() != nullptr && incoming_->use_count() > 1) incoming_->detach();
  server_->remove(*this);
}

SLUICE_DECL void ServerConnection::start() {
  core_->setUser(this);
  if (server_->secures()) {
    phase_ = Phase::securing;
  } else {
    secured();
  }
  server_->emit<"connection">(socket_);
  const std::size_t most = server_->options().maxHeaderSize;
  limits_ = {most != 0 ? most : maxHeaderSize, server_->settings().maxHeadersCount,
             server_->options().insecureHTTPParser};
  const boost::intrusive_ptr<ServerConnection> self(this);
  asio::co_spawn(core_->loop().executor(), run(self),
                 asio::bind_cancellation_slot(cancel_.slot(), [self](std::exception_ptr) {
                   // What a handler throws is dealt with in exchange(); what is left is the end.
                   self->end();
                 }));
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
  asio::post(core_->loop().executor(), [alive = boost::intrusive_ptr<ServerConnection>(this)] {});
}

SLUICE_DECL void ServerConnection::end() {
  if (phase_ == Phase::upgraded && !core_->destroyed()) {
    core_->setObserver(std::make_shared<MovedOut>(*this));
    return;
  }
  destroy();
  server_->remove(*this);
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
  }
  if (gone()) co_return;
  do {
    beginHead();
    Head head = readHead();
    while (head == Head::partial) {
      co_await Wait{this};
      head = readHead();
    }
    if (head == Head::none) break;
    beginExchange();
    if (parser_.isConnect() || takesUpgrade()) {
      co_await handOver();
      co_return;
    }
    handlerRuns_ = true;
    std::exception_ptr failure;
    try {
      if (const auto handler = chooseHandler()) {
        co_await (*handler)(messages_->req(), messages_->res());
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
  } while (endExchange());
  while (!gone()) co_await Wait{this};
}

SLUICE_DECL void ServerConnection::beginHead() {
  phase_ = Phase::head;
  started_ = false;
  input_.startMessage(core_->reading());
  parser_.reset(limits_);
}

SLUICE_DECL ServerConnection::Head ServerConnection::readHead() {
  if (gone()) return Head::none;
  auto status = parser_.parseHead(input_.unparsed());
  while (status == MessageParser::Status::needMore && readsMore()) {
    status = parser_.parseHead(input_.unparsed());
  }
  if (status == MessageParser::Status::complete) return Head::complete;
  if (status == MessageParser::Status::needMore && !inputEnd_) {
    if (!started_ && parser_.startedMessage()) {
      started_ = true;
      if (requests_ != 0) messageStart_ = core_->loop().now();
    }
    return Head::partial;
  }
  if (status == MessageParser::Status::needMore &&
      parser_.atEof() == MessageParser::Status::complete) {
    core_->destroySoon();
  } else {
    refuse(parser_.error(), parser_.reason());
  }
  return Head::none;
}

SLUICE_DECL void ServerConnection::beginExchange() {
  const auto& options = server_->options();
  input_.keepHead(parser_.consumed());
  body_.reset(parser_.framing(), parser_.contentLength(), limits_);
  if (requests_ != 0 && !started_) messageStart_ = core_->loop().now();
  ++requests_;
  started_ = true;
  phase_ = Phase::handler;
  bodyRefused_ = false;
  if (std::exchange(keepAliveTimer_, false)) core_->setTimeout(server_->settings().timeout);
  output_.setBatching(false);
  incoming_->begin(parser_, *this, options.joinDuplicateHeaders);
  outgoing_->begin(&output_, *this);
  messages_->renew();
  messages_->req().attach(incoming_);
  messages_->res().attach(*this);
}

SLUICE_DECL bool ServerConnection::takesUpgrade() {
  if (!parser_.upgrade() || parser_.framing() != Framing::none) return false;
  const auto& decide = server_->options().shouldUpgradeCallback;
  return decide ? decide(messages_->req()) : server_->handler<"upgrade">() != nullptr;
}

SLUICE_DECL task<> ServerConnection::handOver() {
  const auto handler =
      parser_.isConnect() ? server_->handler<"connect">() : server_->handler<"upgrade">();
  if (!handler) {
    core_->destroy();
    co_return;
  }
  phase_ = Phase::upgraded;
  incoming_->upgraded = true;
  const std::string head(input_.unparsed());
  incoming_->ownHead();
  input_.dropAll();
  input_.release();
  core_->setUser(nullptr);
  core_->setTimeout({});
  handlerRuns_ = true;
  std::exception_ptr failure;
  try {
    co_await (*handler)(messages_->req(), socket_, head);
  } catch (...) {
    failure = std::current_exception();
  }
  handlerRuns_ = false;
  const bool over = socket_ || core_->destroyed();
  if (over) phase_ = Phase::gone;
  messages_->end();
  if (failure && !core_->destroyed()) reportHandlerError(failure);
  if (socket_) socket_.destroy();
}

// The handler for a request, none where it is answered from here.
SLUICE_DECL ServerConnection::RequestHandler ServerConnection::chooseHandler() {
  const auto& options = server_->options();
  IncomingMessage& req = messages_->req();
  ServerResponse& res = messages_->res();
  if (options.requireHostHeader ? parser_.hostProblem() != HostProblem::none
                                : parser_.hostProblem() > HostProblem::missing) {
    res.shouldKeepAlive = false;
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
  if (parser_.expectContinue()) {
    awaitsContinue_ = true;
    if (auto check = server_->handler<"checkContinue">()) {
      handler = std::move(check);
    } else {
      res.writeContinue();
    }
  } else if (parser_.expectOther()) {
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
  if (bodyRefused_ && !over()) refuse(body_.error(), body_.reason());
  if (over()) return;
  if (failure) handlerFailed(failure);
  if (gone()) return;
  if (!outgoing_->ended()) messages_->res().end();
  phase_ = Phase::finishing;
}

SLUICE_DECL bool ServerConnection::sendsOn() { return !over() && !outgoing_->isSent(); }

SLUICE_DECL bool ServerConnection::discardsRest() {
  emitEvents();
  // What is kept: both messages complete, nothing failed, nothing left unread.
  const bool mayContinue = outgoing_->framing.keepAlive && !server_->closing();
  if (over() || !mayContinue || incoming_->complete() || awaitsContinue_) return false;
  if (incoming_->mode() != IncomingState::Mode::flowing) incoming_->discard();
  incoming_->pump();
  return !over() && !incoming_->complete() && !inputEnd_ &&
         incoming_->discardedBytes() <= server_->options().maxDiscardedBody;
}

SLUICE_DECL void ServerConnection::answerEmpty(int status) {
  ServerResponse& res = messages_->res();
  res.writeHead(status);
  res.end();
}

// false: the connection has served its last request.
SLUICE_DECL bool ServerConnection::endExchange() {
  if (over()) return false;
  if (incoming_->complete() && incoming_->mode() != IncomingState::Mode::flowing) {
    incoming_->discard();
  }
  emitEvents();
  if (!readsOn()) closeSoon();
  if (over()) return false;
  // A handle that a user moved out outlives this: it keeps the state, and gets its own copies.
  messages_->end();
  if (incoming_->use_count() > 1) {
    incoming_->detach();
    incoming_ = new IncomingState;
  } else {
    incoming_->reset();
  }
  outgoing_->reset();
  output_.queue().shrink();
  const auto& settings = server_->settings();
  if (input_.empty() && settings.keepAliveTimeout.count() > 0) {
    keepAliveTimer_ = true;
    core_->setTimeout(settings.keepAliveTimeout + server_->options().keepAliveTimeoutBuffer);
  }
  return true;
}

// Of maxRequestsPerSocket: what had arrived behind the last request that is served gets its 503.
SLUICE_DECL bool ServerConnection::dropsNext() const {
  const std::size_t most = server_->settings().maxRequestsPerSocket;
  return most != 0 && requests_ == most && parser_.keepAlive() && !input_.empty();
}

SLUICE_DECL bool ServerConnection::readsOn() const {
  return (outgoing_->framing.keepAlive || dropsNext()) && incoming_->complete() &&
         !awaitsContinue_ && !server_->closing() && !core_->destroyed() &&
         (!inputEnd_ || server_->options().httpAllowHalfOpen || !input_.empty());
}

SLUICE_DECL void ServerConnection::closeSoon() {
  phase_ = Phase::closing;
  // RFC 9112 §9.6: what follows a request that said close is no message; line ends are nothing.
  if (!parser_.keepAlive() && incoming_->complete() && !limits_.insecure &&
      server_->has<"clientError">() &&
      input_.unparsed().find_first_not_of("\r\n") != std::string_view::npos) {
    const Error error = Error::parse(make_error_code(errc::HPE_CLOSED_CONNECTION), {}, 0,
                                     std::string(input_.unparsed()));
    server_->emit<"clientError">(error, socket_);
    if (gone()) return;
  }
  if (incoming_->complete() && input_.empty()) {
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
  const bool sent = outgoing_->headSent();
  const bool over = outgoing_->ended();
  if (!sent) {
    outgoing_->headers.clear();
    ServerResponse& res = messages_->res();
    res.statusCode = 500;
    res.statusMessage.clear();
    res.end("Internal Server Error");
  }
  reportHandlerError(failure);
  if (sent && !over && !gone()) core_->destroy();
}

SLUICE_DECL void ServerConnection::refuse(const error_code& code, std::string_view reason) {
  std::string_view reply = badRequestReply;
  if (code == errc::HPE_HEADER_OVERFLOW) reply = headerFieldsTooLargeReply;
  if (code == errc::HPE_CHUNK_EXTENSIONS_OVERFLOW) reply = payloadTooLargeReply;
  refuseWith(Error::parse(code, std::string(reason), parser_.bytesParsed(),
                          std::string(input_.unparsed())),
             reply);
}

SLUICE_DECL void ServerConnection::refuseWith(const Error& error, std::string_view reply) {
  const bool answered = phase_ != Phase::head && outgoing_->headSent();
  const bool handling = handlerRuns_;
  phase_ = Phase::closing;
  if (incoming_->source() != nullptr) {
    incoming_->fail(make_error_code(boost::system::errc::connection_reset));
    outgoing_->destroy(error.code());
  }
  if (server_->has<"clientError">()) {
    server_->emit<"clientError">(error, socket_);
  } else if (answered) {
    core_->destroy();
  } else {
    output_.write(reply);
    core_->linger();
  }
  if (handling && !gone()) {
    emitEvents();
    if (server_->options().cancelOnDisconnect) cancelHandler();
  }
}

SLUICE_DECL void ServerConnection::checkTimeouts(net::detail::TimePoint now) {
  const auto& settings = server_->settings();
  const bool head = phase_ == Phase::head && (started_ || requests_ == 0);
  const bool body =
      (phase_ == Phase::handler || phase_ == Phase::finishing) && !incoming_->complete();
  const auto passed = [&](std::chrono::milliseconds limit) {
    return limit.count() > 0 && now - messageStart_ >= limit;
  };
  if ((head && passed(settings.headersTimeout)) ||
      ((head || body) && passed(settings.requestTimeout))) {
    const boost::intrusive_ptr<ServerConnection> alive(this);
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
      .headers = outgoing_->headers,
      .writeHeadHeaders = headers,
      .uniqueHeaders = outgoing_->uniqueHeaders,
      .isHead = parser_.method() == "HEAD",
      .http10 = parser_.isHttp10(),
      .acceptsChunked = parser_.teChunked(),
      .requestKeepAlive = parser_.keepAlive(),
      .shouldKeepAlive = res.shouldKeepAlive,
      .forceClose = awaitsContinue_ || (inputEnd_ && input_.empty()),
      .lastRequest = most != 0 && requests_ >= most,
      .keepAliveTimeout = settings.keepAliveTimeout,
      .maxRequestsPerSocket = most,
      .dateLine = res.sendDate ? server_->dateLine() : std::string_view(),
      .bodyLength = bodyLength,
  };
  outgoing_->headIsSent(composeResponseHead(out, head));
}

SLUICE_DECL void ServerConnection::sendInformation() {
  static_cast<void>(output_.queued());
  output_.flush();
}

SLUICE_DECL void ServerConnection::onMessageEnded() {
  // More requests wait in the buffer: their answers leave together.
  const bool more = incoming_->complete() && !input_.empty() && outgoing_->framing.keepAlive;
  output_.setBatching(more);
  if (!more) output_.flush();
  if (outgoing_->observed()) eventsAreDue();
}

SLUICE_DECL void ServerConnection::destroyMessage(const error_code& reason) {
  if (gone() || phase_ == Phase::closing) return;
  destroyedHere_ = true;
  outgoing_->destroy(reason);
  core_->destroy(reason);
}

SLUICE_DECL asio::mutable_buffer ServerConnection::inputRoom() {
  if (phase_ == Phase::head) return input_.prepareHead(limits_.maxHeaderSize + 1024);
  const bool body = phase_ != Phase::closing && !incoming_->complete();
  return body ? input_.prepareBody() : input_.prepareNext();
}

SLUICE_DECL bool ServerConnection::readsMore() {
  if (core_->reading() || inputEnd_) return false;
  const std::size_t count = core_->readMore(inputRoom());
  input_.commit(count);
  return count != 0;
}

SLUICE_DECL BodySource::Piece ServerConnection::takePiece() {
  Piece piece;
  do {
    // The piece before is done with; what is left of framing behind the last one is moved.
    if (input_.empty() && !core_->reading()) input_.reclaim();
    piece = body_.decode(input_.unparsed());
    input_.take(piece.consumed);
    if (piece.data.empty() && !core_->reading()) input_.reclaim();
  } while (piece.status == BodyDecoder::Status::needMore && piece.data.empty() && readsMore());
  if (piece.status == BodyDecoder::Status::needMore && piece.data.empty() && inputEnd_) {
    piece.status = body_.atEof();
  }
  if (piece.status == BodyDecoder::Status::failed && !bodyRefused_) {
    bodyRefused_ = true;
    const bool cut = body_.error() == errc::HPE_INVALID_EOF_STATE;
    incoming_->fail(cut ? make_error_code(boost::system::errc::connection_reset) : body_.error());
    core_->callAtTurnEnd();
  }
  return piece;
}

SLUICE_DECL bool ServerConnection::wantsRead() const {
  if (core_->reading() || inputEnd_ || core_->destroyed()) return false;
  switch (phase_) {
    case Phase::head:
      return static_cast<bool>(waiting_);
    case Phase::handler:
    case Phase::finishing:
      return incoming_->complete() ? input_.empty() : true;
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
    refuse(body_.error(), body_.reason());
    wake();
  }
  if (phase_ == Phase::handler || phase_ == Phase::finishing) emitEvents();
  if (!wantsRead()) return;
  if (phase_ == Phase::closing) input_.dropAll();
  const auto room = inputRoom();
  if (room.size() != 0) core_->startRead(room);
}

SLUICE_DECL void ServerConnection::onInput(const error_code& result, std::size_t count) {
  // RFC 9112 §9.8: a request says how long it is, and an end that was not announced cuts nothing
  // off.
  const bool cut = result == errc::ERR_SSL_UNEXPECTED_EOF;
  const error_code ec = cut ? error_code(asio::error::eof) : result;
  const boost::intrusive_ptr<ServerConnection> alive(this);
  input_.commit(count);
  if (phase_ != Phase::head) core_->touch();
  if (ec == asio::error::operation_aborted) return;
  if (ec) inputEnd_ = ec;
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
    incoming_->onInput();
    if (ec && !gone() && phase_ != Phase::closing) peerEnded();
    if (!gone()) core_->callAtTurnEnd();
  }
  wake();
  // Where a whole request came, its end has set the time anew.
  if (phase_ == Phase::head && started_) core_->touch();
}

SLUICE_DECL void ServerConnection::peerEnded() {
  if (bodyRefused_ || parser_.framing() == Framing::untilClose) return;
  const bool cut =
      !incoming_->complete() && (input_.empty() || body_.remaining() > input_.unparsed().size());
  if (cut) {
    refuseWith(Error::parse(make_error_code(errc::HPE_INVALID_EOF_STATE), {}, 0,
                            std::string(input_.unparsed())),
               badRequestReply);
  } else if (!server_->options().httpAllowHalfOpen && !outgoing_->ended()) {
    output_.flush();
    // For whoever waits it is a reset; the socket itself came to an orderly end.
    output_.fail(make_error_code(boost::system::errc::connection_reset));
    core_->destroy();
  }
}

SLUICE_DECL void ServerConnection::onSent() {
  if (phase_ == Phase::finishing) {
    core_->callAtTurnEnd();
    if (outgoing_->isSent()) wakeSoon();
  } else if (outgoing_->stage == OutgoingState::Stage::ended && outgoing_->observed()) {
    core_->callAtTurnEnd();
  }
}

SLUICE_DECL void ServerConnection::onDrained() {
  if (phase_ == Phase::handler && !outgoing_->ended()) {
    sluice::detail::emit<OutgoingEvents, "drain">(outgoing_->listeners);
  }
}

SLUICE_DECL bool ServerConnection::onIdle() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  bool heard = false;
  if (phase_ == Phase::handler || phase_ == Phase::finishing) {
    if (!incoming_->complete()) {
      heard = sluice::detail::emit<IncomingEvents, "timeout">(incoming_->listeners());
    }
    heard |= sluice::detail::emit<OutgoingEvents, "timeout">(outgoing_->listeners);
  }
  heard |= server_->emit<"timeout">(socket_);
  heard |= sluice::detail::has<net::SocketEvents, "timeout">(core_->listeners());
  if (!heard && !gone()) core_->destroy();
  return gone();
}

// Nobody will be resumed, and the coroutine must not keep itself by what it waits for.
SLUICE_DECL void ServerConnection::onLoopEnd() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  const Wake dropped = std::move(waiting_);
  incoming_->fail(make_error_code(errc::ERR_STREAM_DESTROYED));
  incoming_->listeners().clear();
  outgoing_->listeners.clear();
}

SLUICE_DECL void ServerConnection::onDestroyed(const error_code& ec) {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  const Phase before = std::exchange(phase_, Phase::gone);
  if (core_->loop().stopped()) return onLoopEnd();
  // The events come first: whoever waits is resumed by what is posted after this.
  asio::post(core_->loop().executor(), [alive, before, ec] {
    const bool broken = ec && alive->inputEnd_ != asio::error::eof;
    if (broken && before != Phase::closing) {
      alive->server_->emit<"clientError">(Error(ec), alive->socket_);
    }
    alive->emitEvents();
  });
  if (before == Phase::handler || before == Phase::finishing || before == Phase::closing) {
    const auto reset = make_error_code(boost::system::errc::connection_reset);
    if (incoming_->source() != nullptr) {
      const bool ended = outgoing_->ended();
      outgoing_->destroy(reset);
      if (!ended || !incoming_->complete()) incoming_->fail(reset);
    }
    // Who waits for room hears what broke the connection, and not that the wait was cancelled.
    output_.fail(ec ? ec : make_error_code(errc::ERR_STREAM_DESTROYED));
    if (handlerRuns_ && !destroyedHere_ && server_->options().cancelOnDisconnect) {
      cancelHandler();
    }
  }
  wakeSoon();
}

SLUICE_DECL void ServerConnection::emitEvents() {
  if (incoming_->source() == nullptr || !(incoming_->observed() || outgoing_->observed())) return;
  const boost::intrusive_ptr<ServerConnection> alive(this);
  const boost::intrusive_ptr<IncomingState> incoming = incoming_;
  const boost::intrusive_ptr<OutgoingState> outgoing = outgoing_;
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
  if (!waiting_) return;
  Wake handler = std::move(waiting_);
  handler();
}

SLUICE_DECL void ServerConnection::wakeSoon() {
  if (!waiting_) return;
  // With the coroutine in it: where the loop ends first, they go together.
  Wake handler = std::move(waiting_);
  handler.post(core_->loop().executor());
}

}  // namespace sluice::http::detail
