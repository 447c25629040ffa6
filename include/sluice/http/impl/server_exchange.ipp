// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server_exchange.hpp.
#pragma once

#include <sluice/http/constants.hpp>
#include <sluice/http/detail/server/connection.hpp>
#include <sluice/http/detail/server/exchange.hpp>
#include <sluice/http/detail/server/state.hpp>
#include <sluice/http/detail/wire/framing.hpp>
#include <sluice/net/detail/handler_error.hpp>
#include <utility>

namespace sluice::http::detail {

SLUICE_DECL ServerExchange::ServerExchange(net::detail::Loop& loop, const ServerOptions& options)
    : LoopMember(loop), outgoing_(new OutgoingState) {
  outgoing_->uniqueHeaders = options.uniqueHeaders;
  outgoing_->rejectBody = options.rejectNonStandardBodyWrites;
}

SLUICE_DECL ServerExchange::~ServerExchange() {
  if (pair_ != nullptr) reset();
}

SLUICE_DECL void ServerExchange::attach(ServerConnection& connection) {
  connection_ = &connection;
  reader.attach(&connection.core());
}

SLUICE_DECL void ServerExchange::detach() {
  reset();
  outgoing().output = nullptr;
  reader.attach(nullptr);
  connection_ = nullptr;
  awaitsContinue_ = bodyRefused_ = destroyedHere_ = false;
  requestFailure_ = {};
}

SLUICE_DECL void ServerExchange::begin() {
  incoming().begin(reader.head(), *this, connection_->server().options().joinDuplicateHeaders);
  outgoing().begin(connection_->output(), *this);
  if (pool_ != connection_->server().messages()) pool_ = connection_->server().messages();
  pair_ = &pool_->take();
  IncomingMessageAccess::attach(pair_->req(), incoming_);
  ServerResponseAccess::attach(pair_->res(), *this);
  if (!connection_->core().loop().observers().empty()) observeBeginning();
}

SLUICE_DECL void ServerExchange::observeBeginning() {
  net::detail::SocketCore& core = connection_->core();
  beginning_ = {.time = core.loop().clock().now(),
                .bytesRead = core.bytesRead() - reader.unread().size() - reader.head().consumed(),
                .bytesWritten = core.output().written(),
                .isObserved = true};
  observe::detail::tell(core.loop().observers(), &observe::Observer::began, observed());
}

SLUICE_DECL observe::Request ServerExchange::observed() const {
  return {.id = this,
          .side = observe::Side::server,
          .method = incoming_->method(),
          .url = incoming_->url(),
          .host = {},
          .statusCode = 0,
          .bytesRead = 0,
          .bytesWritten = 0,
          .duration = {},
          .error = {}};
}

SLUICE_DECL void ServerExchange::observeEnd() {
  beginning_.isObserved = false;
  net::detail::SocketCore& core = connection_->core();
  error_code reason = requestFailure_;
  if (!reason && incoming().aborted()) reason = incoming().failure();
  if (!reason && !incoming().upgraded && !outgoing().isSent()) {
    reason = make_error_code(boost::system::errc::connection_reset);
  }
  observe::Request request = observed();
  if (outgoing().headSent()) request.statusCode = pair_->res().statusCode;
  request.bytesRead = core.bytesRead() - reader.unread().size() - beginning_.bytesRead;
  request.bytesWritten = core.output().written() - beginning_.bytesWritten;
  request.duration = core.loop().clock().now() - beginning_.time;
  request.error = reason;
  observe::detail::tell(core.loop().observers(), &observe::Observer::ended, request);
}

SLUICE_DECL bool ServerExchange::becomesTunnel() {
  // Two names of the host are refused before anybody routes by one of them. As in Node, a tunnel
  // needs none.
  if (reader.head().hostProblem() > HostProblem::missing) return false;
  return reader.head().isConnect() || takesUpgrade();
}

SLUICE_DECL bool ServerExchange::takesUpgrade() {
  if (!reader.head().upgrade() || reader.head().framing() != Framing::none) return false;
  const ServerState& server = connection_->server();
  const auto& decide = server.options().shouldUpgradeCallback;
  return decide ? decide(pair_->req()) : server.handler<"upgrade">() != nullptr;
}

SLUICE_DECL ServerExchange::RequestHandler ServerExchange::chooseHandler() {
  ServerState& server = connection_->server();
  IncomingMessage& req = pair_->req();
  ServerResponse& res = pair_->res();
  if (server.options().requireHostHeader ? reader.head().hostProblem() != HostProblem::none
                                         : reader.head().hostProblem() > HostProblem::missing) {
    res.setHeader("Connection", "close");
    answerEmpty(400);
    return nullptr;
  }
  const std::size_t most = server.settings().maxRequestsPerSocket;
  if (most != 0 && connection_->requests() > most) {
    server.emit<"dropRequest">(req, socket());
    res.shouldKeepAlive = false;
    answerEmpty(503);
    return nullptr;
  }
  auto handler = server.handler<"request">();
  if (reader.head().expectContinue()) {
    awaitsContinue_ = true;
    if (auto check = server.handler<"checkContinue">()) {
      handler = std::move(check);
    } else {
      res.writeContinue();
    }
  } else if (reader.head().expectOther()) {
    handler = server.handler<"checkExpectation">();
    if (!handler) {
      answerEmpty(417);
      return nullptr;
    }
  }
  if (!handler) {
    answerEmpty(404);
    return nullptr;
  }
  connection_->core().callAtTurnEnd();
  return handler;
}

SLUICE_DECL void ServerExchange::answerEmpty(int status) {
  ServerResponse& res = pair_->res();
  res.writeHead(status);
  res.end();
}

SLUICE_DECL void ServerExchange::handlerReturned(const std::exception_ptr& failure) {
  if (failure) handlerFailed(failure);
  if (!connection_->gone() && !outgoing().ended()) endForHandler();
}

// What stands in the way of the end (a status that is none, a length that was not kept) is as if
// the handler had thrown it.
SLUICE_DECL void ServerExchange::endForHandler() {
  std::exception_ptr failure;
  try {
    pair_->res().end();
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) handlerFailed(failure);
}

SLUICE_DECL void ServerExchange::handlerFailed(const std::exception_ptr& failure) {
  const bool sent = outgoing().headSent();
  const bool over = outgoing().ended();
  if (!sent) {
    outgoing().headers.clear();
    outgoing().filter = nullptr;
    ServerResponse& res = pair_->res();
    res.statusCode = 500;
    res.statusMessage.clear();
    // To HEAD the body does not go out, which is no misuse here.
    const bool rejects = std::exchange(outgoing().rejectBody, false);
    res.end("Internal Server Error");
    outgoing().rejectBody = rejects;
  }
  connection_->server().report(errorOf(failure));
  if (sent && !over && !connection_->gone()) connection_->core().destroy();
}

SLUICE_DECL Error ServerExchange::errorOf(const std::exception_ptr& thrown) const {
  const Error error = net::detail::handlerError(thrown);
  if (pair_ == nullptr) return error;
  return error.ofRequest(incoming_->method(), incoming_->url());
}

SLUICE_DECL bool ServerExchange::discardsRest() {
  emitEvents();
  if (connection_->over() || incoming().complete() || awaitsContinue_) return false;
  // Also before a close: a request that is here to its end was not cut short.
  if (incoming().mode() != IncomingState::Mode::flowing) incoming().drop();
  incoming().pump();
  const ServerState& server = connection_->server();
  const std::size_t most = server.options().maxDiscardedBody;
  return keepsAlive() && !server.closing() && !connection_->over() && !incoming().complete() &&
         !reader.end() && (most == 0 || incoming().discardedBytes() <= most);
}

SLUICE_DECL void ServerExchange::finish() {
  if (incoming().complete() && incoming().mode() != IncomingState::Mode::flowing) incoming().drop();
  emitEvents();
}

SLUICE_DECL void ServerExchange::tellAll() {
  if (connection_->core().loop().stopped()) return;
  const boost::intrusive_ptr<ServerConnection> alive(connection_);
  const boost::intrusive_ptr<OutgoingState> out = outgoing_;
  const auto reset = make_error_code(boost::system::errc::connection_reset);
  if (!incoming().complete()) incoming().fail(reset);
  // One that is read and that nobody asked for has its end all the same.
  incoming().drop();
  out->giveUp(reset);
  emitEvents();
  out->conclude(reset);
}

SLUICE_DECL void ServerExchange::stopTelling() {
  if (pair_ == nullptr) return;
  incoming().stopTelling();
  outgoing().stopTelling();
}

SLUICE_DECL void ServerExchange::reset() {
  if (beginning_.isObserved) observeEnd();
  if (pair_ != nullptr) pool_->giveBack(*std::exchange(pair_, nullptr));
  // A handle that a user moved out outlives this: it keeps the state, and gets its own copies.
  if (incoming().use_count() > 1) {
    if (incoming().source() != nullptr) incoming().detach();
    incoming_ = new IncomingState;
  } else {
    incoming().reset();
  }
  // The same goes for what a write waits for.
  if (outgoing().use_count() > 1) {
    renewOutgoing();
  } else {
    outgoing().reset();
  }
}

SLUICE_DECL void ServerExchange::renewOutgoing() {
  const boost::intrusive_ptr<OutgoingState> before = std::move(outgoing_);
  before->owner = nullptr;
  outgoing_ = new OutgoingState;
  outgoing_->uniqueHeaders = before->uniqueHeaders;
  outgoing_->rejectBody = before->rejectBody;
}

SLUICE_DECL void ServerExchange::refuse(const error_code& reason) {
  if (pair_ == nullptr) return;
  incoming().fail(make_error_code(boost::system::errc::connection_reset));
  // What refuses the request follows on the same connection.
  outgoing().uncorkAll();
  outgoing().destroy(reason);
}

SLUICE_DECL void ServerExchange::connectionIsGone() {
  if (pair_ == nullptr) return;
  const auto reset = make_error_code(boost::system::errc::connection_reset);
  const bool ended = outgoing().ended();
  outgoing().destroy(reset);
  if (requestFailure_) {
    incoming().fail(requestFailure_);
  } else if (!ended || !incoming().complete()) {
    incoming().fail(reset);
  } else {
    incoming().drop();
  }
}

SLUICE_DECL void ServerExchange::onLoopEnd() {
  if (connection_ == nullptr) return;
  const boost::intrusive_ptr<ServerConnection> alive(connection_);
  const auto dropped = std::move(waiting);
  incoming().fail(make_error_code(errc::ERR_STREAM_DESTROYED));
  incoming().listeners().clear();
  outgoing().listeners.clear();
}

SLUICE_DECL void ServerExchange::onDrained() {
  if (outgoing().ended()) return;
  sluice::detail::tell<OutgoingEvents, "drain">(outgoing().listeners, executor());
}

SLUICE_DECL bool ServerExchange::onIdle() {
  const boost::intrusive_ptr<OutgoingState> out = outgoing_;
  bool heard = false;
  if (!incoming().complete()) {
    heard = sluice::detail::tell<IncomingEvents, "timeout">(incoming().listeners(), executor());
  }
  heard |= sluice::detail::tell<OutgoingEvents, "timeout">(out->listeners, executor());
  return heard;
}

SLUICE_DECL void ServerExchange::emitAll() {
  const boost::intrusive_ptr<ServerConnection> alive(connection_);
  const boost::intrusive_ptr<IncomingState> in = incoming_;
  const boost::intrusive_ptr<OutgoingState> out = outgoing_;
  if (in->aborted()) {
    in->emitAborted();
    if (requestFailure_ && !out->ended()) in->emitDue();
    out->emitDue();
    in->emitDue();
  } else if (in->ended()) {
    in->emitDue();
    out->emitDue();
  } else {
    out->emitDue();
    in->emitDue();
  }
}

SLUICE_DECL void ServerExchange::composeHead(ByteBuffer& out, ServerResponse& res,
                                             std::optional<std::string_view> reason,
                                             const Headers* headers,
                                             std::optional<std::uint64_t> bodyLength) {
  ServerState& server = connection_->server();
  const std::size_t most = server.settings().maxRequestsPerSocket;
  const ResponseHead head{
      .statusCode = res.statusCode,
      .reason = reason,
      .headers = outgoing().headers,
      .writeHeadHeaders = headers,
      .uniqueHeaders = outgoing().uniqueHeaders,
      .isHead = reader.head().isHead(),
      .http10 = reader.head().isHttp10(),
      .acceptsChunked = reader.head().teChunked(),
      .requestKeepAlive = reader.head().keepAlive(),
      .shouldKeepAlive = res.shouldKeepAlive,
      .forceClose = awaitsContinue_ || (reader.end() && reader.empty()),
      .lastRequest = most != 0 && connection_->requests() >= most,
      .keepAliveLine = server.keepAliveLine(),
      .dateLine = res.sendDate ? server.dateLine() : std::string_view(),
      .bodyLength = bodyLength,
  };
  outgoing().headIsSent(composeResponseHead(out, head));
}

SLUICE_DECL void ServerExchange::sendInformation() {
  static_cast<void>(connection_->output().queued());
  connection_->output().flush();
}

SLUICE_DECL void ServerExchange::onMessageEnded() {
  // More requests wait in the buffer: their answers leave together.
  const bool more =
      incoming().complete() && !reader.empty() && keepsAlive() && !outgoing().observed();
  connection_->output().setBatching(more);
  if (!more) connection_->output().flush();
  if (outgoing().observed()) eventsAreDue();
}

SLUICE_DECL void ServerExchange::destroyIncoming(const error_code& reason) {
  if (connection_->over()) return;
  requestFailure_ = reason ? reason : make_error_code(errc::ERR_STREAM_DESTROYED);
  destroyMessage(reason);
}

SLUICE_DECL void ServerExchange::destroyMessage(const error_code& reason) {
  if (connection_->over()) return;
  destroyedHere_ = true;
  outgoing().destroy(reason);
  connection_->core().destroy(reason);
}

SLUICE_DECL void ServerExchange::destroyMessageWith(const Error& reason) {
  if (connection_->over()) return;
  destroyedHere_ = true;
  outgoing().destroy(reason.code());
  connection_->core().destroy(reason);
}

SLUICE_DECL BodySource::Piece ServerExchange::takePiece() {
  Piece piece = reader.nextPiece();
  if (piece.event == MessageReader::Event::fault && !bodyRefused_) {
    bodyRefused_ = true;
    incoming().fail(reader.failure());
    connection_->core().callAtTurnEnd();
  }
  return piece;
}

SLUICE_DECL const asio::any_io_executor& ServerExchange::executor() const {
  return connection_->core().loop().executor();
}
SLUICE_DECL net::Socket& ServerExchange::socket() { return connection_->socket(); }
SLUICE_DECL void ServerExchange::wantInput() {
  if (!connection_->core().reading()) connection_->core().callAtTurnEnd();
}
SLUICE_DECL void ServerExchange::eventsAreDue() { connection_->core().callAtTurnEnd(); }
SLUICE_DECL void ServerExchange::setTimeout(std::chrono::milliseconds idle) {
  connection_->core().setTimeout(idle);
}

}  // namespace sluice::http::detail
