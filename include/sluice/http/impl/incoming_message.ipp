// SPDX-License-Identifier: BSL-1.0
//
// Definitions of incoming_message.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <sluice/detail/suspend.hpp>
#include <sluice/http/detail/message/incoming_state.hpp>
#include <sluice/http/incoming_message.hpp>
#include <sluice/net/socket.hpp>

namespace sluice::http {

SLUICE_DECL IncomingMessage::IncomingMessage() = default;

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

SLUICE_DECL void detail::IncomingMessageAccess::attach(IncomingMessage& message,
                                                       boost::intrusive_ptr<IncomingState> state) {
  message.attach(std::move(state));
}

SLUICE_DECL detail::IncomingState& IncomingMessage::live() const {
  if (!state_ || state_->stale()) {
    throw Error(make_error_code(errc::ERR_STREAM_DESTROYED),
                "The message was moved away, or belongs to a request that is over");
  }
  return *state_;
}

SLUICE_DECL std::string_view IncomingMessage::method() const { return live().method(); }
SLUICE_DECL std::string_view IncomingMessage::url() const { return live().url(); }
SLUICE_DECL int IncomingMessage::statusCode() const { return live().statusCode(); }
SLUICE_DECL std::string_view IncomingMessage::statusMessage() const {
  return live().statusMessage();
}

namespace detail {
// "0.0" to "9.9", one after the other.
inline constexpr std::array<char, 300> versionTexts = [] {
  std::array<char, 300> texts{};
  for (std::size_t version = 0; version != 100; ++version) {
    texts[3 * version] = static_cast<char>('0' + version / 10);
    texts[3 * version + 1] = '.';
    texts[3 * version + 2] = static_cast<char>('0' + version % 10);
  }
  return texts;
}();
}  // namespace detail

SLUICE_DECL std::string_view IncomingMessage::httpVersion() const {
  const auto version = static_cast<std::size_t>(live().version());
  return {&detail::versionTexts[3 * version], 3};
}
SLUICE_DECL int IncomingMessage::httpVersionMajor() const { return live().version() / 10; }
SLUICE_DECL int IncomingMessage::httpVersionMinor() const { return live().version() % 10; }

SLUICE_DECL const Headers& IncomingMessage::headers() const { return live().headers(); }
SLUICE_DECL const Headers& IncomingMessage::trailers() const { return live().trailers(); }
SLUICE_DECL std::span<const RawHeader> IncomingMessage::rawHeaders() const {
  return live().rawHeaders();
}
SLUICE_DECL std::span<const RawHeader> IncomingMessage::rawTrailers() const {
  return live().rawTrailers();
}

namespace detail {

using DistinctHeaders = std::map<std::string, std::vector<std::string>>;

SLUICE_DECL DistinctHeaders distinct(std::span<const RawHeader> lines) {
  DistinctHeaders values;
  for (const RawHeader& line : lines) {
    std::string name(line.name);
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    values[std::move(name)].emplace_back(line.value);
  }
  return values;
}

}  // namespace detail

SLUICE_DECL std::map<std::string, std::vector<std::string>> IncomingMessage::headersDistinct()
    const {
  return detail::distinct(live().rawHeaders());
}
SLUICE_DECL std::map<std::string, std::vector<std::string>> IncomingMessage::trailersDistinct()
    const {
  return detail::distinct(live().rawTrailers());
}

namespace detail {

[[noreturn]] SLUICE_DECL void throwIncomplete(const IncomingState& state) {
  const error_code failure = state.readFailure();
  const bool reset = failure == boost::system::errc::connection_reset;
  throw Error(failure, reset ? std::string("aborted") : std::string());
}

// The right to read one body, which one coroutine has at a time.
class Reading {
 public:
  explicit Reading(IncomingState& state) : state_(state) {
    if (!state.beginReading()) {
      throw Error(make_error_code(errc::ERR_INVALID_STATE),
                  "read() or text() was called while another one reads the same message");
    }
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() { state_.endReading(); }

 private:
  IncomingState& state_;
};

SLUICE_DECL boost::intrusive_ptr<IncomingState> requireState(
    boost::intrusive_ptr<IncomingState> state) {
  if (!state)
    throw Error(make_error_code(errc::ERR_STREAM_DESTROYED), "The message was moved away");
  return state;
}

// Not members: the handle may have moved by the time that these are awaited.
SLUICE_DECL task<std::optional<std::string_view>> readPiece(
    boost::intrusive_ptr<IncomingState> kept) {
  using Kind = IncomingState::Next::Kind;
  const auto state = requireState(std::move(kept));
  const Reading reading(*state);
  while (true) {
    const auto next = state->next();
    if (next.kind == Kind::data) co_return next.data;
    if (next.kind == Kind::end) co_return std::nullopt;
    if (next.kind == Kind::failed) throwIncomplete(*state);
    co_await sluice::detail::Suspend<&IncomingState::wait>{state.get()};
  }
}

SLUICE_DECL task<std::string> readText(boost::intrusive_ptr<IncomingState> kept,
                                       std::size_t limit) {
  using Kind = IncomingState::Next::Kind;
  const auto state = requireState(std::move(kept));
  const Reading reading(*state);
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
  live().flow();
  return *this;
}

SLUICE_DECL IncomingMessage& IncomingMessage::pause() {
  live().pause();
  return *this;
}

SLUICE_DECL bool IncomingMessage::isPaused() const {
  return live().mode() == detail::IncomingState::Mode::paused;
}

SLUICE_DECL IncomingMessage& IncomingMessage::setEncoding(Encoding encoding) {
  live().setEncoding(encoding);
  return *this;
}

SLUICE_DECL void IncomingMessage::destroy(error_code reason) {
  if (!state_ || (state_->complete() && state_->ended())) return;
  if (state_->source() != nullptr) {
    state_->source()->destroyIncoming(reason);
  } else {
    state_->destroyAlone(reason);
  }
}

SLUICE_DECL IncomingMessage& IncomingMessage::setTimeout(std::chrono::milliseconds idle,
                                                         std::function<void()> listener) {
  sluice::detail::requireIdleTime("msecs", idle);
  detail::IncomingState& state = live();
  if (listener) on<"timeout">(std::move(listener));
  if (state.source() != nullptr) state.source()->setTimeout(idle);
  return *this;
}

SLUICE_DECL bool IncomingMessage::complete() const { return live().complete(); }
SLUICE_DECL bool IncomingMessage::aborted() const { return live().aborted(); }
SLUICE_DECL bool IncomingMessage::destroyed() const { return !state_ || state_->destroyed(); }
SLUICE_DECL bool IncomingMessage::closed() const { return !state_ || state_->closed(); }
SLUICE_DECL bool IncomingMessage::readableEnded() const { return live().ended(); }
SLUICE_DECL bool IncomingMessage::readableFlowing() const {
  using Mode = detail::IncomingState::Mode;
  const Mode mode = live().mode();
  return mode == Mode::flowing || mode == Mode::dropped;
}
SLUICE_DECL error_code IncomingMessage::errored() const {
  return state_ ? state_->failure() : make_error_code(errc::ERR_STREAM_DESTROYED);
}
SLUICE_DECL std::uint64_t IncomingMessage::bytesRead() const {
  const detail::BodySource* source = live().source();
  return source != nullptr ? source->bytesTaken() : 0;
}
SLUICE_DECL net::Socket& IncomingMessage::socket() const { return live().socket(); }
SLUICE_DECL bool IncomingMessage::upgrade() const { return live().upgraded; }
SLUICE_DECL asio::any_io_executor IncomingMessage::get_executor() const {
  if (!state_) live();
  return state_->executor();
}
SLUICE_DECL sluice::detail::Listeners& IncomingMessage::listeners() { return live().listeners(); }
SLUICE_DECL bool IncomingMessage::eventsAreOver() const { return live().eventsAreOver(); }
SLUICE_DECL void IncomingMessage::startFlowing() {
  // As in Node: a paused message goes on only after resume().
  if (!isPaused()) live().flow();
}

}  // namespace sluice::http
