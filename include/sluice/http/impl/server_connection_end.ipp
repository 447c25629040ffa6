// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server/connection.hpp: how a connection comes to its end. It asks reuse.hpp after
// each exchange, refuses what is no request, and answers what takes too long.
#pragma once

#include <chrono>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/reuse.hpp>
#include <sluice/http/detail/server/connection.hpp>
#include <sluice/http/detail/server/state.hpp>
#include <sluice/http/detail/wire/framing.hpp>
#include <string>

namespace sluice::http::detail {

// Of maxRequestsPerSocket: what had arrived after the last request that is served gets 503, but
// where that would be read as more of a body that ends with the connection.
SLUICE_DECL bool ServerConnection::dropsNext() const {
  const std::size_t most = server_->settings().maxRequestsPerSocket;
  return most != 0 && requests_ >= most && reader().head().keepAlive() && !reader().empty() &&
         exchange_->outgoing().framing.mode != BodyMode::untilClose;
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
  become(State::closing);
  // RFC 9112 §9.6: what follows a request that said close is no message; line ends are nothing.
  if (!reader().head().keepAlive() && exchange_->isRead() &&
      !server_->options().insecureHTTPParser && server_->has<"clientError">() &&
      reader().unread().find_first_not_of("\r\n") != std::string_view::npos) {
    const Error error = Error::parse(make_error_code(errc::HPE_CLOSED_CONNECTION), {}, 0,
                                     std::string(reader().unread()));
    tellClientError(error);
    if (gone()) return;
  }
  if (ending == Fate::close) {
    core_->destroySoon();
  } else {
    core_->linger();
  }
}

SLUICE_DECL bool ServerConnection::refuseBody() {
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
  const bool answered = exchange_->outgoing().headSent();
  become(State::closing);
  server_->tellFailure(error);
  exchange_->refuse(error.code());
  if (server_->has<"clientError">()) {
    tellClientError(error);
    endWithPeer();
  } else if (answered) {
    core_->destroy(error);
  } else {
    output().write(reply);
    core_->linger(error);
  }
  if (handlerRuns_ && !gone()) {
    exchange_->emitEvents();
    if (server_->options().cancelOnDisconnect) cancelHandler();
  }
}

SLUICE_DECL void ServerConnection::tellClientError(const Error& error) {
  try {
    server_->emit<"clientError">(error, socket_);
  } catch (...) {
    failed(std::current_exception());
    core_->destroy();
  }
}

// A listener of "clientError" has ended its half if the peer had ended before: nobody is left to
// wait for.
SLUICE_DECL void ServerConnection::endWithPeer() {
  if (state_ != State::closing || !exchange_ || !reader().end()) return;
  if (core_->writeEnding()) core_->destroySoon();
}

SLUICE_DECL bool ServerConnection::isLate(net::detail::TimePoint now) const {
  const auto& settings = server_->settings();
  const bool head =
      state_ == State::head || (requests_ == 0 && (awaitsHead() || state_ == State::resting));
  const bool body = exchanging() && !exchange_->isRead();
  // A limit as long as can be said is not one that nanoseconds could tell.
  const auto spent = std::chrono::floor<std::chrono::milliseconds>(now - messageStart_);
  const auto passed = [&](std::chrono::milliseconds limit) {
    return limit.count() > 0 && spent >= limit;
  };
  return (head && passed(settings.headersTimeout)) ||
         ((head || body) && passed(settings.requestTimeout));
}

SLUICE_DECL void ServerConnection::refuseLate() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  // It listens to the last words of its peer.
  if (state_ == State::resting) resume();
  refuseWith(Error(make_error_code(errc::ERR_HTTP_REQUEST_TIMEOUT)), requestTimeoutReply);
  wake();
}

SLUICE_DECL void ServerConnection::peerEnded() {
  if (exchange_->bodyRefused() || reader().head().framing() == Framing::untilClose) return;
  if (exchange_->isCut()) {
    refuseWith(Error::parse(make_error_code(errc::HPE_INVALID_EOF_STATE), {}, 0,
                            std::string(reader().unread())),
               badRequestReply);
  } else if (!server_->options().httpAllowHalfOpen && !exchange_->outgoing().ended()) {
    output().flush();
    // For waiters it is a reset; the socket itself came to an orderly end.
    output().fail(make_error_code(boost::system::errc::connection_reset));
    core_->destroy();
  }
}

}  // namespace sluice::http::detail
