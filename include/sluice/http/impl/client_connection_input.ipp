// SPDX-License-Identifier: BSL-1.0
//
// Definitions of client/connection.hpp: what it reads, and what becomes of it when an exchange on
// it has ended.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/system/errc.hpp>
#include <charconv>
#include <new>
#include <sluice/detail/post.hpp>
#include <sluice/detail/reserve.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/client/agent_state.hpp>
#include <sluice/http/detail/client/connection.hpp>
#include <sluice/http/detail/client/exchange.hpp>
#include <sluice/http/detail/reuse.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <utility>

namespace sluice::http::detail {

// More 1xx answers than this before a response are an attack.
inline constexpr unsigned maxInformational = 32;

// What is left of a response that nobody will read is read up to this much; then the connection is
// cheaper to open anew.
inline constexpr std::size_t maxAbandonedBody = 64 * 1024;
// And for so long, however it drips.
inline constexpr std::chrono::milliseconds abandonedTime{5000};

struct DestroyUnclaimed {
  boost::intrusive_ptr<ClientConnection> connection;
  boost::intrusive_ptr<ClientExchange> exchange;
  void operator()() const {
    if (net::Socket* socket = connection->socketIfAny()) socket->destroy();
  }
};

SLUICE_DECL void ClientConnection::beginHead() {
  become(State::head);
  informational_ = 0;
  hint_.reset();
  const RequestOptions& request = exchange_->options();
  reader_.beginMessage({request.maxHeaderSize != 0 ? request.maxHeaderSize : maxHeaderSize.load(),
                        exchange_->handle != nullptr ? exchange_->handle->maxHeadersCount : 2000,
                        request.insecureHTTPParser},
                       request.method);
  if (!core_->reading()) core_->callAtTurnEnd();
}

SLUICE_DECL void ClientConnection::onInput(const error_code& ec, std::size_t count) {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  reader_.received(ec, count);
  if (count != 0 && !readsForNobody()) core_->touch();
  if (state_ == State::leaving) {
    giveAway();
    return;
  }
  if (ec == asio::error::operation_aborted) {
    core_->callAtTurnEnd();
    return;
  }
  // What arrived before the connection broke is read first.
  const bool unread = state_ == State::body && !reader_.empty();
  const bool unasked = isFree() || (state_ == State::ended && count != 0);
  if (unasked || (ec && ec != asio::error::eof && !unread)) {
    core_->destroy(ec == asio::error::eof ? error_code() : ec);
    return;
  }
  // First: a listener of what comes may throw.
  core_->callAtTurnEnd();
  try {
    understand();
  } catch (const std::bad_alloc&) {
    endWithoutMemory();
  }
}

SLUICE_DECL void ClientConnection::understand() {
  if (state_ == State::head) {
    parseHead();
  } else if (state_ == State::body) {
    // As in Node a response is read ahead before anybody reads it: so its end is heard of.
    if (incoming_->mode() == IncomingState::Mode::idle) {
      incoming_->prefetch(exchange_->options().highWaterMark);
    } else {
      incoming_->onInput();
    }
  }
}

SLUICE_DECL void ClientConnection::endWithoutMemory() {
  sluice::detail::Reserve::giveUp();
  core_->destroy(make_error_code(boost::system::errc::not_enough_memory));
}

// A response that has begun is read to its end, whatever has become of the request.
SLUICE_DECL bool ClientConnection::onOutputBroken() {
  if (state_ != State::head && !hasResponse()) return false;
  const boost::intrusive_ptr<ClientConnection> alive(this);
  onInput({}, 0);
  return hasResponse();
}

SLUICE_DECL void ClientConnection::parseHead() {
  while (state_ == State::head) {
    const auto event = reader_.nextHead();
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
  } else if (status < 200) {
    if (++informational_ > maxInformational) {
      fail(Error::parse(make_error_code(errc::HPE_INVALID_STATUS), "Too many 1xx answers", 0, {}));
    } else {
      inform();
    }
  } else if (exchange_->isConnect()) {
    handOver(false);
  } else {
    beginResponse();
  }
}

SLUICE_DECL void ClientConnection::beginResponse() {
  readHint();
  become(State::body);
  const boost::intrusive_ptr<ClientExchange> exchange = exchange_;
  incoming_ = exchange->freshIncoming();
  incoming_->begin(reader_.head(), *this, exchange->options().joinDuplicateHeaders);
  exchange->responded(incoming_, reader_.head().keepAlive());
  // A listener that is a coroutine may have read it to its end.
  if (!hasResponse()) return;
  // Here and not later: a waiter that goes on reads from where the bytes are, and what it does next
  // is part of this turn. An exception that leaves here does not keep the turn from coming.
  core_->callAtTurnEnd();
  exchange->tellResponse();
  if (state_ != State::body) return;
  if (incoming_->complete()) {
    bodyEnded();
  } else if (incoming_->mode() == IncomingState::Mode::idle) {
    incoming_->prefetch(exchange->options().highWaterMark);
  } else {
    incoming_->onInput();
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
  if (state_ != State::head || exchange_ != exchange) return;
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
  become(State::gone);
  unwatch();
  core_->setTimeout({});
  const boost::intrusive_ptr<ClientConnection> alive = std::move(self_);
  leavePool();
  exchange->handedOver(incoming_, socket_, head, upgrade);
  // A coroutine that awaited the event gets its turn to move the socket out.
  if (socket_) sluice::detail::post(agent_->loop().executor(), DestroyUnclaimed{alive, exchange});
}

SLUICE_DECL BodySource::Piece ClientConnection::takePiece() {
  Piece piece = reader_.nextPiece();
  if (piece.event == MessageReader::Event::fault) {
    if (!reader_.cut()) parseError_ = reader_.fault();
    incoming_->fail(reader_.failure());
    core_->callAtTurnEnd();
  }
  return piece;
}

SLUICE_DECL void ClientConnection::bodyEnded() {
  if (state_ != State::body) return;
  become(State::ended);
  core_->callAtTurnEnd();
}

// Something that is no response has come after this one. Node says so before the response's "end".
SLUICE_DECL bool ClientConnection::unaskedBytes() const {
  std::string_view rest = reader_.unread();
  rest.remove_prefix(std::min(rest.find_first_not_of("\r\n"), rest.size()));
  constexpr std::string_view beginning = "HTTP/";
  const std::size_t count = std::min(rest.size(), beginning.size());
  return rest.substr(0, count) != beginning.substr(0, count);
}

SLUICE_DECL void ClientConnection::tellUnasked() {
  if (state_ != State::ended || !exchange_ || !unaskedBytes()) return;
  exchange_->tell(Error::parse(make_error_code(errc::HPE_INVALID_CONSTANT), "Expected HTTP/", 0,
                               std::string(reader_.unread())));
}

SLUICE_DECL bool ClientConnection::requestSent() const {
  const OutgoingState& outgoing = *exchange_->outgoing();
  return outgoing.ended() && outgoing.isSent();
}

SLUICE_DECL bool ClientConnection::reusable() const {
  const OutgoingState& outgoing = *exchange_->outgoing();
  return isReusable({.requestComplete = requestSent(),
                     .responseComplete = state_ == State::ended,
                     .lengthKept = outgoing.lengthKept(),
                     .ownSideWilling = outgoing.framing.keepAlive && inAgent_ && socket_ &&
                                       exchange_->wanted().sharesConnection(),
                     .peerWilling = reader_.head().keepAlive(),
                     .nothingUnread = reader_.empty(),
                     .nothingFailed = !incoming_->aborted(),
                     .open = connected()});
}

SLUICE_DECL void ClientConnection::releaseIfDone() {
  if (state_ != State::ended || !exchange_) return;
  // A server that answered and closes, or says what was not asked, will not read the rest of the
  // request.
  const bool refused =
      !reader_.head().keepAlive() || reader_.end() || !reader_.empty() || core_->output().failure();
  if (!requestSent() && !refused) {
    exchange_->responseIsOver();
    return;
  }
  const boost::intrusive_ptr<ClientConnection> alive(this);
  const bool again = reusable();
  const boost::intrusive_ptr<ClientExchange> exchange = std::move(exchange_);
  const boost::intrusive_ptr<IncomingState> incoming = std::move(incoming_);
  if (exchange->responseDropped()) {
    incoming->forgetSource();
  } else {
    incoming->detach();
  }
  core_->output().queue().shrink();
  reader_.rest();
  // From here on whatever comes is not asked for.
  become(State::idle);
  exchange->complete(*this, again);
  if (!again) destroy();
}

SLUICE_DECL bool ClientConnection::readsForNobody() const {
  return state_ == State::body && exchange_->responseDropped();
}

// Nobody is there for the rest of the exchange, and it is not worth waiting for. In the agent it
// is, up to a limit: a later request may use the connection.
SLUICE_DECL bool ClientConnection::abandoned() const {
  if (inAgent_) return readsForNobody() && incoming_->discardedBytes() > maxAbandonedBody;
  return (requestSent() || exchange_->handle == nullptr) &&
         (readsForNobody() || state_ == State::ended);
}

SLUICE_DECL void ClientConnection::onTurn() {
  const boost::intrusive_ptr<ClientConnection> alive(this);
  if (hasResponse()) {
    const boost::intrusive_ptr<IncomingState> incoming = incoming_;
    if (incoming->state() == IncomingState::State::cut) {
      if (parseError_) {
        fail(*parseError_);
      } else {
        core_->destroy(reader_.end() == asio::error::eof ? error_code() : reader_.end());
      }
      return;
    }
    tellUnasked();
    incoming->emitDue();
  }
  releaseIfDone();
  if (hasResponse() && abandoned()) {
    core_->destroy();
  } else {
    readOn();
  }
}

SLUICE_DECL void ClientConnection::readOn() {
  if (!connected() || core_->reading()) return;
  if (state_ != State::head && !hasResponse() && !isFree()) return;
  try {
    reader_.startRead();
  } catch (const std::bad_alloc&) {
    endWithoutMemory();
  }
}

SLUICE_DECL void ClientConnection::destroyIncoming(const error_code& reason) {
  if (exchange_ && !exchange_->over()) {
    exchange_->destroyResponse(reason);
  } else {
    const boost::intrusive_ptr<IncomingState> incoming = incoming_;
    core_->destroy(reason);
    incoming->destroyAlone(reason);
  }
}

SLUICE_DECL void ClientConnection::handleIsGone() {
  if (exchange_) exchange_->dropResponse();
  if (state_ != State::body || !exchange_) return;
  incoming_->drop();
  const std::chrono::milliseconds limit = core_->timeout();
  if (limit.count() == 0 || limit > abandonedTime) core_->setTimeout(abandonedTime);
  core_->callAtTurnEnd();
}

}  // namespace sluice::http::detail
