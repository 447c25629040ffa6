// SPDX-License-Identifier: BSL-1.0
//
// Definitions of outgoing_state.hpp.
#pragma once

#include <boost/config.hpp>
#include <sluice/detail/post.hpp>
#include <sluice/http/detail/message/outgoing_state.hpp>
#include <sluice/http/outgoing_message.hpp>

namespace sluice::http::detail {

// A chunk below this leaves with the others of the turn: to copy it costs less than a call.
inline constexpr std::size_t gatheredChunk = 8192;
// For those that may follow, their frames and the head.
inline constexpr std::size_t gatheredRoom = 2 * gatheredChunk + 512;

SLUICE_DECL void OutgoingState::begin(OutputStream& stream, OutgoingOwner& messageOwner) {
  if (output.get() != &stream) output = &stream;
  owner = &messageOwner;
}

SLUICE_DECL void OutgoingState::reset() {
  headers.clear();
  framing = {};
  trailers.reset();
  owner = nullptr;
  listeners.clear();
  filter = nullptr;
  filterBegan = false;
  if (!corkedChunk.empty()) corkedChunk.release();
  heldHead.clear();
  bodyWritten = endPosition = 0;
  corked = 0;
  failure = {};
  become(Stage::headers);
  refusals_.clear();
  callbacks_.clear();
  headSent_ = false;
}

SLUICE_DECL void OutgoingState::beStale(boost::intrusive_ptr<OutputStream> failed) {
  output = std::move(failed);
  failure = make_error_code(errc::ERR_STREAM_DESTROYED);
  become(Stage::stale);
  headSent_ = true;
}

SLUICE_DECL void OutgoingState::checkLength(std::uint64_t size, bool atEnd) const {
  if (framing.mode != BodyMode::sized || !framing.contentLength) return;
  const std::uint64_t total = bodyWritten + size;
  if (atEnd ? total == *framing.contentLength : total <= *framing.contentLength) return;
  throw Error(make_error_code(errc::ERR_HTTP_CONTENT_LENGTH_MISMATCH),
              "Response body's content-length of " + std::to_string(total) +
                  " byte(s) does not match the content-length of " +
                  std::to_string(*framing.contentLength) + " byte(s) set in header");
}

template <class Chunk>
SLUICE_DECL bool OutgoingState::writeBody(Chunk&& chunk, bool strict) {
  OutputStream& stream = output->current();
  const std::size_t size = chunk.size();
  if (!framing.bodyAllowed) {
    if (size != 0 && rejectBody) throw Error(make_error_code(errc::ERR_HTTP_BODY_NOT_ALLOWED));
    releaseHead();
    static_cast<void>(stream.queued());
    return true;
  }
  if (strict) checkLength(size, false);
  releaseHead();
  bodyWritten += size;
  if (size == 0) return stream.queued();
  if (framing.mode != BodyMode::chunked) return stream.write(std::forward<Chunk>(chunk));
  if (corked != 0) {
    corkedChunk.append(chunk);
    return corkedChunk.size() < stream.highWaterMark();
  }
  ByteBuffer& out = stream.queue().gathered();
  if (size < gatheredChunk && !stream.blocked()) {
    if (size >= OutputStream::largePiece && out.size() < gatheredRoom) {
      out.prepare(gatheredRoom - out.size());
    }
    appendChunkHead(out, size);
    out.append(chunk);
    appendChunkEnd(out);
    return stream.queued();
  }
  appendChunkHead(out, size);
  return stream.write(std::forward<Chunk>(chunk), "\r\n");
}

template <class Chunk>
SLUICE_DECL void OutgoingState::writeLast(Chunk&& chunk, bool strict) {
  // What is small waits with the head until endBody() tells the stream of both.
  if (framing.mode == BodyMode::sized && chunk.size() < OutputStream::largePiece) {
    releaseHead();
    bodyWritten += chunk.size();
    output->current().queue().gathered().append(chunk);
  } else {
    static_cast<void>(writeBody(std::forward<Chunk>(chunk), strict));
  }
}

SLUICE_DECL void OutgoingState::endBody(bool strict) {
  if (strict && framing.bodyAllowed) checkLength(0, true);
  releaseHead();
  flushCorkedChunk();
  OutputStream& stream = output->current();
  if (framing.bodyAllowed && framing.mode == BodyMode::chunked) {
    appendLastChunk(stream.queue().gathered(), trailers ? &*trailers : nullptr, uniqueHeaders);
  }
  uncorkAll();
  become(Stage::ended);
  endPosition = stream.queue().queued() - output->currentPosition(0);
  static_cast<void>(stream.queued());
}

SLUICE_DECL void OutgoingState::moveHead() {
  output->current().queue().gathered().append(heldHead.view());
  heldHead.clear();
}

SLUICE_DECL void OutgoingState::flushCorkedChunk() {
  if (corkedChunk.empty()) return;
  OutputStream& stream = output->current();
  ByteBuffer& out = stream.queue().gathered();
  appendChunkHead(out, corkedChunk.size());
  out.append(corkedChunk.view());
  appendChunkEnd(out);
  // The messages that follow in this memory seldom have one.
  corkedChunk.release();
}

SLUICE_DECL void OutgoingState::cork() {
  // Nobody would take it off what the connection sends next.
  if (ended() || destroyed()) return;
  ++corked;
  output->current().cork();
}

SLUICE_DECL void OutgoingState::uncork() {
  if (corked == 0) return;
  if (--corked == 0) flushCorkedChunk();
  output->current().uncork();
}

SLUICE_DECL void OutgoingState::uncorkAll() {
  for (; corked != 0; --corked) output->current().uncork();
}

SLUICE_DECL void OutgoingState::destroy(const error_code& reason) {
  if (destroyed()) return;
  // What has left has left: only 'finish' and 'close' are still to come. What is gathered may be
  // lost with its connection.
  if (!closeIsOwners && (finished() || (awaitsFinish() && isFlushed()))) return;
  failure = reason;
  become(Stage::destroyed);
  if (owner != nullptr && observed()) owner->eventsAreDue();
}

// Waits for the result of a write: for the callbacks of a message, or for one that came too late.
// One type for both, as a completion is compiled for each type that waits.
struct OutgoingState::WhenWritten {
  boost::intrusive_ptr<OutgoingState> message;
  Done late;

  void operator()(const error_code& ec, bool) const {
    if (message) {
      message->callWritten(ec);
    } else {
      late(ec);
    }
  }
};

SLUICE_DECL void OutgoingState::refuse(const error_code& ec, Done done) {
  if (closed() || destroyed() || owner == nullptr) {
    if (!done) return;
    const WriteResult refused = sluice::detail::WriteResultAccess::failed(output, ec);
    refused(WhenWritten{nullptr, std::move(done)});
    return;
  }
  if (!done && listeners.get() == nullptr) return;
  refusals_.push_back({ec, std::move(done)});
  owner->eventsAreDue();
}

SLUICE_DECL void OutgoingState::addEndCallback(Done&& callback) {
  if (!callback) return;
  callbacks_.pushBack({Callback::atEnd, std::move(callback)});
  if (owner != nullptr) owner->eventsAreDue();
}

SLUICE_DECL void OutgoingState::addWriteCallback(Done&& callback) {
  if (!callback) return;
  const std::uint64_t position = writtenPosition();
  callbacks_.pushBack({position, std::move(callback)});
  const WriteResult left =
      sluice::detail::WriteResultAccess::make(output, OutputStream::Until::sent, position, true);
  left(WhenWritten{this, {}});
}

template <fixed_string Name, class... Args>
SLUICE_DECL void OutgoingState::tell(Args&&... args) {
  sluice::detail::tell<OutgoingEvents, Name>(listeners, output->loop().executor(),
                                             std::forward<Args>(args)...);
}

SLUICE_DECL void OutgoingState::call(const Done& done, const error_code& ec) {
  sluice::detail::throwLater(output->loop().executor(), [&] { done(ec); });
}

SLUICE_DECL void OutgoingState::callNext(const error_code& ec) {
  const Done next = std::move(callbacks_.front().call);
  callbacks_.dropFront();
  call(next, ec);
}

SLUICE_DECL void OutgoingState::callWritten(const error_code& ec) {
  const boost::intrusive_ptr<OutgoingState> alive(this);
  while (!callbacks_.empty() && callbacks_.front().position != Callback::atEnd) {
    const std::uint64_t position = output->currentPosition(callbacks_.front().position);
    const bool left = output->current().hasSent(position);
    if (!left && !ec) return;
    callNext(left ? error_code() : ec);
  }
}

SLUICE_DECL void OutgoingState::callAll(const error_code& ec) {
  // Not those that are added meanwhile.
  for (std::size_t count = callbacks_.size(); count != 0 && !callbacks_.empty(); --count) {
    callNext(ec);
  }
}

SLUICE_DECL void OutgoingState::callRest() {
  if (!callbacks_.empty()) callAll(finished() ? error_code() : whyDestroyed());
}

SLUICE_DECL void OutgoingState::tellRefusals() {
  for (const Refusal& refusal : std::exchange(refusals_, {})) {
    if (refusal.done) call(refusal.done, refusal.code);
    if (!closed() && !destroyed()) tell<"error">(Error(refusal.code));
  }
}

SLUICE_DECL void OutgoingState::finish() {
  become(Stage::finishing);
  tell<"prefinish">();
  // A listener may have given a request up.
  if (stage_ != Stage::finishing) return;
  become(Stage::finished);
  callAll({});
  tell<"finish">();
}

SLUICE_DECL bool OutgoingState::eventsDue() const {
  if (!refusals_.empty()) return true;
  if (!observed()) return false;
  if (stage_ == Stage::ended && isSent()) return true;
  if (stage_ == Stage::destroyed && !callbacks_.empty()) return true;
  return !closeIsOwners && (stage_ == Stage::destroyed || stage_ == Stage::finished);
}

SLUICE_DECL void OutgoingState::emitDue() {
  if (!eventsDue()) return;
  const boost::intrusive_ptr<OutgoingState> alive(this);
  tellRefusals();
  if (stage_ == Stage::ended && isSent()) finish();
  if (stage_ == Stage::destroyed) {
    callWritten({});
    callRest();
  }
  if (!closeIsOwners && (stage_ == Stage::finished || stage_ == Stage::destroyed)) emitClose();
}

SLUICE_DECL void OutgoingState::emitClose() {
  if (closed()) return;
  // Not all of it has left: a response may come early, and a connection be handed over.
  callRest();
  become(ended() ? Stage::closed : Stage::gone);
  tell<"close">();
}

SLUICE_DECL void OutgoingState::stopTelling() {
  listeners.clear();
  if (awaitsFinish()) finish();
  if (!closed()) become(ended() ? Stage::closed : Stage::gone);
}

// Inlined into its caller, g++ 12 warns of a use after free that is none.
BOOST_NOINLINE SLUICE_DECL void OutgoingState::conclude(const error_code& reason) {
  if (!observed() && refusals_.empty()) return;
  const boost::intrusive_ptr<OutgoingState> alive(this);
  giveUp(reason);
  emitDue();
  // What was added by a listener.
  tellRefusals();
  callRest();
}

}  // namespace sluice::http::detail
