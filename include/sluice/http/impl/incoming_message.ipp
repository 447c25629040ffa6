// SPDX-License-Identifier: BSL-1.0
//
// Definitions of incoming_message.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <sluice/detail/suspend.hpp>
#include <sluice/http/detail/message/incoming_state.hpp>
#include <sluice/http/incoming_message.hpp>
#include <sluice/net/socket.hpp>

namespace sluice::http {

SLUICE_DECL IncomingMessage::IncomingMessage() = default;
SLUICE_DECL IncomingMessage::IncomingMessage(detail::IncomingState& state) : state_(&state) {}

SLUICE_DECL IncomingMessage::IncomingMessage(IncomingMessage&&) noexcept = default;

SLUICE_DECL IncomingMessage& IncomingMessage::operator=(IncomingMessage&& other) noexcept {
  if (this != &other) {
    const IncomingMessage replaced(std::move(*this));
    state_ = std::move(other.state_);
  }
  return *this;
}

SLUICE_DECL IncomingMessage::~IncomingMessage() {
  if (state_ && state_->source() != nullptr) state_->source()->handleIsGone();
}

SLUICE_DECL void IncomingMessage::attach(boost::intrusive_ptr<detail::IncomingState> state) {
  state_ = std::move(state);
}

SLUICE_DECL std::string_view IncomingMessage::method() const { return state_->method(); }
SLUICE_DECL std::string_view IncomingMessage::url() const { return state_->url(); }
SLUICE_DECL int IncomingMessage::statusCode() const { return state_->statusCode(); }
SLUICE_DECL std::string_view IncomingMessage::statusMessage() const {
  return state_->statusMessage();
}

SLUICE_DECL std::string_view IncomingMessage::httpVersion() const {
  switch (state_->version()) {
    case 11:
      return "1.1";
    case 10:
      return "1.0";
    case 20:
      return "2.0";
    default:
      return "0.9";
  }
}
SLUICE_DECL int IncomingMessage::httpVersionMajor() const { return state_->version() / 10; }
SLUICE_DECL int IncomingMessage::httpVersionMinor() const { return state_->version() % 10; }

SLUICE_DECL const Headers& IncomingMessage::headers() const { return state_->headers(); }
SLUICE_DECL const Headers& IncomingMessage::trailers() const { return state_->trailers(); }
SLUICE_DECL std::span<const RawHeader> IncomingMessage::rawHeaders() const {
  return state_->rawHeaders();
}
SLUICE_DECL std::span<const RawHeader> IncomingMessage::rawTrailers() const {
  return state_->rawTrailers();
}

namespace detail {

[[noreturn]] SLUICE_DECL void throwIncomplete(const IncomingState& state) {
  const bool reset = state.failure() == boost::system::errc::connection_reset;
  throw Error(state.failure(), reset ? std::string("aborted") : std::string());
}

// Not members: the handle may have moved by the time that these are awaited.
SLUICE_DECL task<std::optional<std::string_view>> readPiece(
    boost::intrusive_ptr<IncomingState> state) {
  using Kind = IncomingState::Next::Kind;
  while (true) {
    const auto next = state->next();
    if (next.kind == Kind::data) co_return next.data;
    if (next.kind == Kind::end) co_return std::nullopt;
    if (next.kind == Kind::failed) throwIncomplete(*state);
    co_await sluice::detail::Suspend<&IncomingState::wait>{state.get()};
  }
}

SLUICE_DECL task<std::string> readText(boost::intrusive_ptr<IncomingState> state,
                                       std::size_t limit) {
  using Kind = IncomingState::Next::Kind;
  std::string body;
  if (const auto length = state->length()) {
    if (*length > limit) throw Error(make_error_code(errc::ERR_BODY_TOO_LARGE));
    // A length is a promise of the peer's: memory is for what has come.
    body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, 64 * 1024)));
  }
  while (true) {
    const auto next = state->next();
    if (next.kind == Kind::end) co_return body;
    if (next.kind == Kind::failed) throwIncomplete(*state);
    if (next.kind == Kind::data) {
      if (next.data.size() > limit - body.size()) {
        throw Error(make_error_code(errc::ERR_BODY_TOO_LARGE));
      }
      body += next.data;
    } else {
      co_await sluice::detail::Suspend<&IncomingState::wait>{state.get()};
    }
  }
}

}  // namespace detail

SLUICE_DECL task<std::optional<std::string_view>> IncomingMessage::read() {
  return detail::readPiece(state_);
}
SLUICE_DECL task<std::string> IncomingMessage::text(std::size_t limit) {
  return detail::readText(state_, limit);
}

SLUICE_DECL IncomingMessage& IncomingMessage::resume() {
  state_->resume();
  return *this;
}

SLUICE_DECL IncomingMessage& IncomingMessage::pause() {
  state_->pause();
  return *this;
}

SLUICE_DECL bool IncomingMessage::isPaused() const {
  return state_->mode() == detail::IncomingState::Mode::paused;
}

SLUICE_DECL IncomingMessage& IncomingMessage::setEncoding(Encoding encoding) {
  state_->setEncoding(encoding);
  return *this;
}

SLUICE_DECL void IncomingMessage::destroy(error_code reason) {
  if (state_->complete() && state_->ended()) return;
  if (state_->source() != nullptr) state_->source()->destroyIncoming(reason);
}

SLUICE_DECL IncomingMessage& IncomingMessage::setTimeout(std::chrono::milliseconds idle,
                                                         std::function<void()> listener) {
  sluice::detail::requireIdleTime("msecs", idle);
  if (listener) on<"timeout">(std::move(listener));
  if (state_->source() != nullptr) state_->source()->setTimeout(idle);
  return *this;
}

SLUICE_DECL bool IncomingMessage::complete() const { return state_->complete(); }
SLUICE_DECL bool IncomingMessage::aborted() const { return state_->aborted(); }
SLUICE_DECL bool IncomingMessage::destroyed() const { return state_->destroyed(); }
SLUICE_DECL bool IncomingMessage::readableEnded() const { return state_->ended(); }
SLUICE_DECL bool IncomingMessage::readableFlowing() const {
  using Mode = detail::IncomingState::Mode;
  return state_->mode() == Mode::flowing || state_->mode() == Mode::discarding;
}
SLUICE_DECL error_code IncomingMessage::errored() const { return state_->failure(); }
SLUICE_DECL net::Socket& IncomingMessage::socket() const { return state_->socket(); }
SLUICE_DECL bool IncomingMessage::upgrade() const { return state_->upgraded; }
SLUICE_DECL asio::any_io_executor IncomingMessage::get_executor() const {
  return state_->executor();
}
SLUICE_DECL sluice::detail::Listeners& IncomingMessage::listeners() { return state_->listeners(); }
SLUICE_DECL void IncomingMessage::startFlowing() {
  // As in Node: who has said pause() says resume() too.
  if (!isPaused()) state_->flow();
}

}  // namespace sluice::http
