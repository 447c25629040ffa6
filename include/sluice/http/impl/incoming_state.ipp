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
  if (parser.framing() == Framing::none) progress_ = Progress::complete;
}

SLUICE_DECL void IncomingState::reset() {
  source_ = nullptr;
  static_cast<void>(socketAfter_.release());
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
  prefetchTaken_ = false;
  mode_ = Mode::idle;
  progress_ = Progress::open;
  rawMade_ = headersMade_ = decoderEnded_ = false;
  ended_ = aborted_ = destroyed_ = closed_ = abortEmitted_ = endEmitted_ = false;
  upgraded = closeIsSources = endedByOther = false;
}

// It is another's socket, and ends when that one says.
SLUICE_DECL IncomingState::~IncomingState() { static_cast<void>(socketAfter_.release()); }

SLUICE_DECL void IncomingState::detach() {
  ownHead();
  static_cast<void>(socketAfter_.release());
  socketAfter_ = net::Socket(source_->socket().core());
  executorAfter_ = source_->executor();
  source_ = nullptr;
}

SLUICE_DECL net::Socket& IncomingState::socket() {
  net::Socket& socket = source_ != nullptr ? source_->socket() : socketAfter_;
  if (!socket) throw Error(make_error_code(errc::ERR_SOCKET_CLOSED));
  return socket;
}

SLUICE_DECL void IncomingState::ownHead() {
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

SLUICE_DECL void IncomingState::finish() {
  if (progress_ != Progress::open) return;
  progress_ = Progress::complete;
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
  if (mode_ == Mode::idle || mode_ == Mode::paused) mode_ = Mode::pulling;
  using Kind = Next::Kind;
  if (!prefetched_.empty()) {
    if (!std::exchange(prefetchTaken_, true)) {
      const std::string_view data = decoded(prefetched_);
      if (!data.empty()) return {Kind::data, data};
    }
    prefetched_.clear();
  }
  while (progress_ == Progress::open) {
    if (source_ == nullptr) {
      fail(make_error_code(errc::ERR_STREAM_DESTROYED));
      break;
    }
    const auto piece = source_->takePiece();
    if (piece.status == BodyDecoder::Status::failed) break;
    if (piece.status == BodyDecoder::Status::complete) finish();
    if (!piece.data.empty()) {
      const std::string_view data = decoded(piece.data);
      if (!data.empty()) return {Kind::data, data};
      continue;
    }
    if (piece.status == BodyDecoder::Status::needMore) {
      source_->wantInput();
      return {Kind::wait, {}};
    }
  }
  if (progress_ != Progress::complete) {
    scheduleEvents();
    return {Kind::failed, {}};
  }
  if (decoder_ && !decoderEnded_) {
    decoderEnded_ = true;
    text_ = decoder_->end();
    if (!text_.empty()) return {Kind::data, text_};
  }
  end();
  return {Kind::end, {}};
}

SLUICE_DECL void IncomingState::prefetch(std::size_t limit) {
  while (progress_ == Progress::open && prefetched_.size() < limit) {
    const auto piece = source_->takePiece();
    if (piece.status == BodyDecoder::Status::failed) return;
    prefetched_.append(piece.data);
    if (piece.status == BodyDecoder::Status::complete) {
      finish();
      source_->bodyEnded();
    } else if (piece.data.empty()) {
      return;
    }
  }
}

SLUICE_DECL void IncomingState::end() {
  if (std::exchange(ended_, true)) return;
  if (source_ != nullptr) source_->bodyEnded();
  if (listeners_.get() != nullptr) scheduleEvents();
}

SLUICE_DECL void IncomingState::scheduleEvents() {
  if (source_ != nullptr) {
    source_->eventsAreDue();
  } else {
    sluice::detail::post(executor(),
                         [self = boost::intrusive_ptr<IncomingState>(this)] { self->emitDue(); });
  }
}

SLUICE_DECL void IncomingState::wait(sluice::detail::Completion<void(error_code)> handler) {
  if (auto slot = handler.slot(); slot.is_connected()) {
    slot.assign([this](asio::cancellation_type) { wake(asio::error::operation_aborted); });
  }
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
  if (mode_ == Mode::pulling || mode_ == Mode::discarding) return;
  mode_ = Mode::flowing;
  scheduleEvents();
}

SLUICE_DECL void IncomingState::pause() {
  if (mode_ == Mode::flowing || mode_ == Mode::idle) mode_ = Mode::paused;
}

SLUICE_DECL void IncomingState::resume() {
  if (mode_ == Mode::pulling) return;
  if (sluice::detail::has<IncomingEvents, "data">(listeners_)) {
    flow();
  } else {
    discard();
    scheduleEvents();
  }
}

SLUICE_DECL void IncomingState::discard() {
  if (progress_ == Progress::open) mode_ = Mode::discarding;
  if (progress_ == Progress::complete) end();
}

SLUICE_DECL void IncomingState::setEncoding(Encoding encoding) { decoder_.emplace(encoding); }

SLUICE_DECL void IncomingState::pump() {
  const boost::intrusive_ptr<IncomingState> alive(this);
  if (!prefetched_.empty() && mode_ == Mode::flowing) {
    const std::string bytes = std::exchange(prefetched_, {});
    sluice::detail::emit<IncomingEvents, "data">(listeners_, decoded(bytes));
  }
  while (progress_ == Progress::open && source_ != nullptr &&
         (mode_ == Mode::flowing || mode_ == Mode::discarding)) {
    const auto piece = source_->takePiece();
    if (piece.status == BodyDecoder::Status::failed) return;
    if (piece.status == BodyDecoder::Status::complete) finish();
    if (mode_ == Mode::discarding) {
      discarded_ += piece.data.size();
    } else if (!piece.data.empty()) {
      // Half a character is not worth an event.
      const std::string_view data = decoded(piece.data);
      if (!data.empty()) sluice::detail::emit<IncomingEvents, "data">(listeners_, data);
    }
    if (piece.status == BodyDecoder::Status::needMore && piece.data.empty()) {
      if (source_ != nullptr) source_->wantInput();
      return;
    }
  }
  if (complete() && (mode_ == Mode::flowing || mode_ == Mode::discarding)) {
    if (decoder_ && !decoderEnded_ && mode_ == Mode::flowing) {
      decoderEnded_ = true;
      text_ = decoder_->end();
      if (!text_.empty()) {
        sluice::detail::emit<IncomingEvents, "data">(listeners_, std::string_view(text_));
      }
    }
    end();
  }
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
  if (destroyed_) return;
  destroyed_ = aborted_ = true;
  if (progress_ == Progress::open) progress_ = Progress::failed;
  if (!failure_) failure_ = reason;
  // Not from here: what the failure means is told by events first.
  if (waiter_) std::exchange(waiter_, nullptr).post(executor(), error_code());
}

SLUICE_DECL bool IncomingState::eventsDue() const {
  if (listeners_.get() == nullptr || closed_) return false;
  if (closeIsSources) return ended_ && complete() && !endEmitted_;
  return progress_ == Progress::failed || destroyed_ || (ended_ && complete());
}

SLUICE_DECL void IncomingState::emitAborted() {
  if (!std::exchange(abortEmitted_, true)) {
    sluice::detail::emit<IncomingEvents, "aborted">(listeners_);
  }
}

SLUICE_DECL void IncomingState::emitClose() {
  closeIsSources = false;
  emitDue();
}

SLUICE_DECL void IncomingState::emitDue() {
  const boost::intrusive_ptr<IncomingState> alive(this);
  if (mode_ == Mode::flowing || mode_ == Mode::discarding) pump();
  if (!eventsDue()) return;
  if (aborted_) {
    emitAborted();
    // destroy() without a reason is no error.
    const bool silent = failure_ == make_error_code(errc::ERR_STREAM_DESTROYED);
    if (!silent && sluice::detail::has<IncomingEvents, "error">(listeners_)) {
      const auto reset = make_error_code(boost::system::errc::connection_reset);
      const error_code told = endedByOther ? reset : failure_;
      sluice::detail::emit<IncomingEvents, "error">(
          listeners_, Error(told, told == reset ? std::string("aborted") : std::string()));
    }
  } else if (ended_ && !std::exchange(endEmitted_, true)) {
    sluice::detail::emit<IncomingEvents, "end">(listeners_);
  }
  if (closeIsSources) return;
  closed_ = true;
  sluice::detail::emit<IncomingEvents, "close">(listeners_);
}

}  // namespace sluice::http::detail
