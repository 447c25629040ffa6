// SPDX-License-Identifier: BSL-1.0
//
// Definitions of incoming_state.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <sluice/detail/post.hpp>
#include <sluice/http/detail/message/incoming_state.hpp>
#include <sluice/http/incoming_message.hpp>

namespace sluice::http::detail {

SLUICE_DECL void IncomingState::begin(const MessageParser& parser, BodySource& source,
                                      bool joinDuplicateHeaders) {
  source_ = &source;
  block_ = &parser.headers();
  method_ = parser.method();
  url_ = parser.target();
  statusCode_ = parser.statusCode();
  statusMessage_ = parser.statusMessage();
  version_ = parser.version();
  joinDuplicates_ = joinDuplicateHeaders;
  if (parser.framing() == Framing::sized) length_ = parser.contentLength();
  // There are no trailers if there is no body.
  if (parser.framing() == Framing::none) become(State::complete);
}

SLUICE_DECL void IncomingState::reset() {
  source_ = nullptr;
  waitsAfter_.reset();
  static_cast<void>(net::detail::SocketAccess::release(socketAfter_));
  listeners_.clear();
  block_ = nullptr;
  if (rawMade_) rawHeaders_.clear();
  if (headersMade_) headers_.clear();
  if (!rawTrailers_.empty()) {
    rawTrailers_.clear();
    trailers_.clear();
  }
  length_.reset();
  decoder_.reset();
  failure_ = {};
  discarded_ = 0;
  prefetched_.clear();
  looked_ = nullptr;
  become(Mode::idle);
  become(State::receiving);
  told_ = Told::nothing;
  rawMade_ = headersMade_ = read_ = false;
  upgraded = closeIsSources = endedByOther = false;
}

SLUICE_DECL void IncomingState::beStale(net::detail::Loop& loop) {
  executorAfter_ = loop.executor();
  waitsAfter_.emplace(loop, *this);
  failure_ = make_error_code(errc::ERR_STREAM_DESTROYED);
  become(State::stale);
  told_ = Told::close;
}

// It is another's socket, and ends when that one says.
SLUICE_DECL IncomingState::~IncomingState() {
  waitsAfter_.reset();
  static_cast<void>(net::detail::SocketAccess::release(socketAfter_));
}

SLUICE_DECL void IncomingState::detach() {
  ownHead();
  static_cast<void>(net::detail::SocketAccess::release(socketAfter_));
  socketAfter_ =
      net::detail::SocketAccess::make(net::detail::SocketAccess::core(source_->socket()));
  executorAfter_ = source_->executor();
  if (!waitsAfter_ && socketAfter_)
    waitsAfter_.emplace(net::detail::SocketAccess::core(socketAfter_)->loop(), *this);
  source_ = nullptr;
}

SLUICE_DECL void IncomingState::WaitsAfter::onLoopEnd() {
  const boost::intrusive_ptr<IncomingState> alive(&state_);
  state_.listeners_.clear();
  state_.executorAfter_ = {};
}

SLUICE_DECL net::Socket& IncomingState::socket() {
  net::Socket& socket = source_ != nullptr ? source_->socket() : socketAfter_;
  if (!socket) throw Error(make_error_code(errc::ERR_SOCKET_CLOSED));
  return socket;
}

SLUICE_DECL void IncomingState::ownHead() {
  // What it owns already would be copied onto itself.
  if (block_ == nullptr) return;
  static_cast<void>(rawHeaders());
  std::size_t size = method_.size() + url_.size() + statusMessage_.size();
  for (const RawHeader& line : rawHeaders_) size += line.name.size() + line.value.size();
  owned_.clear();
  owned_.reserve(size);
  const auto own = [this](std::string_view& view) {
    const std::size_t begin = owned_.size();
    owned_.append(view);
    view = std::string_view(owned_).substr(begin);
  };
  own(method_);
  own(url_);
  own(statusMessage_);
  for (RawHeader& line : rawHeaders_) {
    own(line.name);
    own(line.value);
  }
  block_ = nullptr;
}

SLUICE_DECL std::span<const RawHeader> IncomingState::rawHeaders() {
  if (!rawMade_ && block_ != nullptr) {
    rawHeaders_.reserve(block_->size());
    for (std::size_t i = 0; i != block_->size(); ++i) rawHeaders_.push_back(block_->at(i));
    rawMade_ = true;
  }
  return rawHeaders_;
}

SLUICE_DECL const Headers& IncomingState::headers() {
  if (!headersMade_) {
    headers_.assign(rawHeaders(), joinDuplicates_);
    headersMade_ = true;
  }
  return headers_;
}

SLUICE_DECL const Headers& IncomingState::trailers() {
  if (trailers_.empty() && !rawTrailers_.empty()) trailers_.assign(rawTrailers_, joinDuplicates_);
  return trailers_;
}

SLUICE_DECL std::string_view IncomingState::decoded(std::string_view data) {
  if (!decoder_) return data;
  text_ = decoder_->write(data);
  return text_;
}

// The user has read up to the end, or wants nothing more.
SLUICE_DECL void IncomingState::endIsKnown() {
  become(State::ended);
  if (source_ != nullptr) source_->bodyEnded();
  if (listeners_.get() != nullptr) scheduleEvents();
}

SLUICE_DECL void IncomingState::copyTrailers() {
  if (source_ == nullptr) return;
  const HeaderBlock& block = source_->trailers();
  if (block.empty()) return;
  trailerText_.clear();
  std::size_t size = 0;
  for (const RawHeader line : block) size += line.name.size() + line.value.size();
  trailerText_.reserve(size);
  for (const RawHeader line : block) {
    const std::size_t begin = trailerText_.size();
    trailerText_.append(line.name).append(line.value);
    const std::string_view text = std::string_view(trailerText_).substr(begin);
    rawTrailers_.push_back({text.substr(0, line.name.size()), text.substr(line.name.size())});
  }
}

SLUICE_DECL IncomingState::Next IncomingState::next() {
  using Kind = Next::Kind;
  looked_ = nullptr;
  if (mode_ == Mode::dropped) return {Kind::failed, {}};
  if (mode_ != Mode::flowing || !hasDataListener()) become(Mode::pulling);
  if (!prefetched_.empty()) {
    const std::string_view data = decoded(prefetched_);
    // It stays until the next call.
    if (!decoder_) text_.swap(prefetched_);
    prefetched_.clear();
    if (!data.empty()) return {Kind::data, decoder_ ? data : std::string_view(text_)};
  }
  while (state_ == State::receiving) {
    if (source_ == nullptr) {
      fail(make_error_code(errc::ERR_STREAM_DESTROYED));
      break;
    }
    auto piece = source_->takePiece();
    if (piece.event == MessageReader::Event::fault) break;
    if (piece.last || piece.event == MessageReader::Event::end) bodyIsComplete();
    if (piece.event == MessageReader::Event::needMore) {
      source_->wantInput();
      return {Kind::wait, {}};
    }
    const std::string_view data = decoded(piece.data);
    if (data.empty()) continue;
    looked_ = std::move(piece.hold);
    return {Kind::data, data};
  }
  if (!complete()) {
    scheduleEvents();
    return {Kind::failed, {}};
  }
  if (decoder_) {
    text_ = decoder_->end();
    decoder_.reset();
    if (!text_.empty()) return {Kind::data, text_};
  }
  if (state_ == State::complete) endIsKnown();
  return {Kind::end, {}};
}

SLUICE_DECL error_code IncomingState::readFailure() const {
  return failure_ ? failure_ : make_error_code(errc::ERR_STREAM_DESTROYED);
}

SLUICE_DECL void IncomingState::prefetch(std::size_t limit) {
  while (state_ == State::receiving && prefetched_.size() < limit) {
    const auto piece = source_->takePiece();
    if (piece.event == MessageReader::Event::fault) return;
    prefetched_.append(piece.data);
    if (piece.last || piece.event == MessageReader::Event::end) {
      bodyIsComplete();
      source_->bodyEnded();
    } else if (piece.data.empty()) {
      return;
    }
  }
}

SLUICE_DECL void IncomingState::scheduleEvents() {
  if (source_ != nullptr) {
    source_->eventsAreDue();
  } else {
    eventsArePosted_ = true;
    sluice::detail::post(executor(), [self = boost::intrusive_ptr<IncomingState>(this)] {
      self->eventsArePosted_ = false;
      self->emitDue();
    });
  }
}

SLUICE_DECL void IncomingState::wait(sluice::detail::Completion<void(error_code)> handler) {
  handler.onCancel([this](asio::cancellation_type) { wake(asio::error::operation_aborted); });
  waiter_ = std::move(handler);
}

SLUICE_DECL void IncomingState::wake(const error_code& ec) {
  if (!waiter_) return;
  auto handler = std::move(waiter_);
  if (ec) {
    handler.post(executor(), ec);
  } else {
    handler.dispatch(executor(), ec);
  }
}

SLUICE_DECL void IncomingState::flow() {
  if (mode_ == Mode::pulling || mode_ == Mode::dropped) return;
  become(Mode::flowing);
  scheduleEvents();
}

SLUICE_DECL void IncomingState::pause() {
  if (mode_ == Mode::flowing || mode_ == Mode::idle) become(Mode::paused);
}

SLUICE_DECL void IncomingState::drop() {
  if (ended()) return;
  become(Mode::dropped);
  if (waiter_) std::exchange(waiter_, nullptr).post(executor(), error_code());
  if (state_ == State::complete) endIsKnown();
}

SLUICE_DECL bool IncomingState::hasDataListener() const {
  return sluice::detail::has<IncomingEvents, "data">(listeners_);
}

SLUICE_DECL void IncomingState::setEncoding(Encoding encoding) { decoder_.emplace(encoding); }

template <fixed_string Name, class... Args>
SLUICE_DECL void IncomingState::tell(Args&&... args) {
  sluice::detail::tell<IncomingEvents, Name>(listeners_, executor(), std::forward<Args>(args)...);
}

SLUICE_DECL void IncomingState::deliver(std::string_view data) {
  if (mode_ != Mode::flowing || !hasDataListener()) {
    discarded_ += data.size();
    return;
  }
  if (!decoder_) {
    tell<"data">(data);
    return;
  }
  // Not in text_, where a listener that reads on has its own. Half a character is no event.
  const std::string text(decoder_->write(data));
  if (!text.empty()) tell<"data">(std::string_view(text));
}

SLUICE_DECL void IncomingState::pump() {
  const boost::intrusive_ptr<IncomingState> alive(this);
  if (!prefetched_.empty() && takesAsItComes()) {
    const std::string bytes = std::exchange(prefetched_, {});
    deliver(bytes);
  }
  while (state_ == State::receiving && source_ != nullptr && takesAsItComes()) {
    const auto piece = source_->takePiece();
    if (piece.event == MessageReader::Event::fault) return;
    if (piece.last || piece.event == MessageReader::Event::end) bodyIsComplete();
    if (!piece.data.empty()) deliver(piece.data);
    if (piece.event == MessageReader::Event::needMore) {
      if (source_ != nullptr) source_->wantInput();
      return;
    }
  }
  if (state_ != State::complete || !takesAsItComes()) return;
  if (decoder_ && mode_ == Mode::flowing) {
    const std::string text(decoder_->end());
    decoder_.reset();
    if (!text.empty()) tell<"data">(std::string_view(text));
  }
  if (state_ == State::complete) endIsKnown();
}

SLUICE_DECL void IncomingState::onInput() {
  if (waiter_) {
    wake();
  } else {
    pump();
    if (eventsDue() && source_ != nullptr) source_->eventsAreDue();
  }
}

SLUICE_DECL void IncomingState::fail(const error_code& reason) {
  if (destroyed()) return;
  failure_ = reason;
  if (state_ == State::receiving) {
    become(State::cut);
  } else {
    become(state_ == State::complete ? State::aborted : State::abortedLate);
  }
  // Not from here: what the failure means is told by events first.
  if (waiter_) std::exchange(waiter_, nullptr).post(executor(), error_code());
}

SLUICE_DECL void IncomingState::destroyAlone(const error_code& reason) {
  if (state_ != State::complete) return;
  fail(reason ? reason : make_error_code(errc::ERR_STREAM_DESTROYED));
  scheduleEvents();
}

SLUICE_DECL bool IncomingState::closed() const {
  if (told_ == Told::close) return true;
  // Nobody was there to be told.
  return listeners_.get() == nullptr && !closeIsSources && (aborted() || ended());
}

SLUICE_DECL bool IncomingState::eventsDue() const {
  if (listeners_.get() == nullptr || told_ == Told::close) return false;
  if (closeIsSources) return state_ == State::ended && told_ == Told::nothing;
  return aborted() || state_ == State::ended;
}

SLUICE_DECL void IncomingState::emitAborted() {
  if (told_ >= Told::aborted) return;
  told_ = Told::aborted;
  tell<"aborted">();
}

SLUICE_DECL void IncomingState::emitError() {
  // destroy() without a reason is no error.
  if (failure_ == make_error_code(errc::ERR_STREAM_DESTROYED)) return;
  if (!sluice::detail::has<IncomingEvents, "error">(listeners_)) return;
  const auto reset = make_error_code(boost::system::errc::connection_reset);
  const error_code told = endedByOther ? reset : failure_;
  tell<"error">(Error(told, told == reset ? std::string("aborted") : std::string()));
}

SLUICE_DECL void IncomingState::emitClose() {
  closeIsSources = false;
  emitDue();
}

SLUICE_DECL void IncomingState::emitDue() {
  const boost::intrusive_ptr<IncomingState> alive(this);
  if (takesAsItComes()) pump();
  if (!eventsDue()) return;
  if (aborted()) {
    emitAborted();
    if (std::exchange(told_, Told::error) != Told::error) emitError();
  } else if (told_ == Told::nothing) {
    told_ = Told::end;
    tell<"end">();
  }
  if (closeIsSources) return;
  told_ = Told::close;
  tell<"close">();
  // A wait for anything else would not end, and its coroutine may own this.
  listeners_.clear();
}

}  // namespace sluice::http::detail
