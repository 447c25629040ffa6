// SPDX-License-Identifier: BSL-1.0
//
// Definitions of outgoing_message.hpp.
#pragma once

#include <sluice/http/detail/message/outgoing_state.hpp>
#include <sluice/http/outgoing_message.hpp>

namespace sluice::http {

using Until = net::detail::OutputStream::Until;

SLUICE_DECL OutgoingMessage::OutgoingMessage() = default;
SLUICE_DECL OutgoingMessage::OutgoingMessage(OutgoingMessage&&) noexcept = default;
SLUICE_DECL OutgoingMessage& OutgoingMessage::operator=(OutgoingMessage&&) noexcept = default;
SLUICE_DECL OutgoingMessage::~OutgoingMessage() = default;

SLUICE_DECL void OutgoingMessage::requireHeadersNotSent(std::string_view action) const {
  if (!state_->headSent()) return;
  throw Error(make_error_code(errc::ERR_HTTP_HEADERS_SENT),
              "Cannot " + std::string(action) + " headers after they are sent to the client");
}

SLUICE_DECL void OutgoingMessage::storeHeader(std::string_view name, const HeaderValue& value) {
  requireHeadersNotSent("set");
  state_->headers.set(name, value);
}

SLUICE_DECL void OutgoingMessage::storeHeader(std::string_view name, std::string_view value) {
  requireHeadersNotSent("set");
  state_->headers.set(name, value);
}

SLUICE_DECL void OutgoingMessage::storeHeader(std::string_view name, std::int64_t value) {
  requireHeadersNotSent("set");
  state_->headers.set(name, value);
}

SLUICE_DECL void OutgoingMessage::extendHeader(std::string_view name, const HeaderValue& value) {
  requireHeadersNotSent("append");
  state_->headers.append(name, value);
}

SLUICE_DECL void OutgoingMessage::storeHeaders(const Headers& headers) {
  requireHeadersNotSent("set");
  state_->headers.merge(headers);
}

SLUICE_DECL HeaderValue OutgoingMessage::getHeader(std::string_view name) const {
  return state_->headers.get(name);
}
SLUICE_DECL std::string_view OutgoingMessage::headerText(std::string_view name) const {
  return state_->headers.text(name);
}
SLUICE_DECL std::vector<std::string> OutgoingMessage::getHeaderNames() const {
  return state_->headers.names();
}
SLUICE_DECL std::vector<std::string> OutgoingMessage::getRawHeaderNames() const {
  return state_->headers.rawNames();
}
SLUICE_DECL Headers OutgoingMessage::getHeaders() const { return state_->headers.headers(); }
SLUICE_DECL bool OutgoingMessage::hasHeader(std::string_view name) const {
  return state_->headers.has(name);
}
SLUICE_DECL void OutgoingMessage::removeHeader(std::string_view name) {
  requireHeadersNotSent("remove");
  state_->headers.remove(name);
}

SLUICE_DECL bool OutgoingMessage::headersSent() const { return state_->headSent(); }

SLUICE_DECL void OutgoingMessage::flushHeaders() {
  if (refusal()) return;
  if (!state_->headSent()) prepareHead(std::nullopt, false);
  state_->releaseHead();
  net::detail::OutputStream& stream = state_->output->current();
  static_cast<void>(stream.queued());
  stream.flush();
}

SLUICE_DECL void OutgoingMessage::setBodyFilter(BodyFilterPointer filter) {
  requireHeadersNotSent("filter");
  state_->filter = std::move(filter);
  state_->filterBegan = false;
}

SLUICE_DECL bool OutgoingMessage::beginFilter(std::optional<std::uint64_t> bodyLength) {
  if (!state_->filter) return false;
  // Once, even if the head could not be composed then.
  if (std::exchange(state_->filterBegan, true)) return true;
  if (!state_->filter->begin(*this, bodyLength)) state_->filter = nullptr;
  return state_->filter != nullptr;
}

SLUICE_DECL void OutgoingMessage::prepareHead(std::optional<std::uint64_t> bodyLength,
                                              bool bodyFollows) {
  // The length of a body that will be changed is not known.
  if (beginFilter(bodyLength)) bodyLength = std::nullopt;
  composeHead(bodyLength, bodyFollows);
}

SLUICE_DECL bool OutgoingMessage::filters() const {
  return state_->filter && state_->framing.bodyAllowed;
}

SLUICE_DECL void OutgoingMessage::flush() {
  flushHeaders();
  if (refusal() || !filters()) return;
  static_cast<void>(state_->writeBody(state_->filter->flush(), strictContentLength));
  state_->output->current().flush();
}

SLUICE_DECL std::optional<error_code> OutgoingMessage::refusal() const {
  using Stage = detail::OutgoingState::Stage;
  if (state_->stage == Stage::destroyed) return make_error_code(errc::ERR_STREAM_DESTROYED);
  if (state_->ended()) return make_error_code(errc::ERR_STREAM_WRITE_AFTER_END);
  return std::nullopt;
}

SLUICE_DECL WriteResult OutgoingMessage::refused(const error_code& ec) {
  if (ec == make_error_code(errc::ERR_STREAM_WRITE_AFTER_END)) state_->reportError(ec);
  return {state_->output, ec};
}

template <class Chunk>
SLUICE_DECL WriteResult OutgoingMessage::writeAny(Chunk&& chunk) {
  if (const auto ec = refusal()) return refused(*ec);
  if (!state_->headSent()) prepareHead(std::nullopt, !chunk.empty());
  const bool ok = filters() && !chunk.empty()
                      ? state_->writeBody(state_->filter->write(chunk), strictContentLength)
                      : state_->writeBody(std::forward<Chunk>(chunk), strictContentLength);
  return {state_->output, Until::room, state_->writtenPosition(), ok};
}

template <class Chunk>
SLUICE_DECL WriteResult OutgoingMessage::endAny(Chunk&& chunk, bool hasChunk) {
  if (const auto ec = refusal()) {
    const bool again = state_->ended() && !hasChunk;
    return again ? endResult() : refused(*ec);
  }
  if (!state_->headSent()) prepareHead(chunk.size(), !chunk.empty());
  if (filters()) {
    if (!chunk.empty()) {
      static_cast<void>(state_->writeBody(state_->filter->write(chunk), strictContentLength));
    }
    static_cast<void>(state_->writeBody(state_->filter->end(), strictContentLength));
  } else if (hasChunk && chunk.size() != 0) {
    static_cast<void>(state_->writeBody(std::forward<Chunk>(chunk), strictContentLength));
  }
  state_->filter = nullptr;
  state_->endBody(strictContentLength);
  if (state_->owner != nullptr) state_->owner->onMessageEnded();
  return endResult();
}

SLUICE_DECL WriteResult OutgoingMessage::endResult() const {
  const bool ok = !state_->output->current().blocked();
  WriteResult result(state_->output, Until::sent, state_->endPosition, ok);
  // 'finish' and the callbacks come first: they may look at what goes with the handler.
  if (state_->observed()) result.comeAfterEvents();
  return result;
}

SLUICE_DECL void OutgoingMessage::whenSent(const WriteResult& result,
                                           std::function<void(error_code)> callback) {
  if (!callback) return;
  result([callback = std::move(callback)](const error_code& ec, bool) { callback(ec); });
}

SLUICE_DECL WriteResult OutgoingMessage::write(std::string_view chunk) { return writeAny(chunk); }
SLUICE_DECL WriteResult OutgoingMessage::write(std::string&& chunk) {
  return writeAny(std::move(chunk));
}
SLUICE_DECL WriteResult OutgoingMessage::write(std::span<const std::byte> chunk) {
  return writeAny(std::string_view(reinterpret_cast<const char*>(chunk.data()), chunk.size()));
}
SLUICE_DECL WriteResult OutgoingMessage::write(std::string_view utf8, Encoding encoding) {
  return encoding == Encoding::utf8 ? writeAny(utf8) : writeAny(encode(utf8, encoding));
}
SLUICE_DECL WriteResult OutgoingMessage::write(std::string_view chunk,
                                               std::function<void(error_code)> onFlushed) {
  const auto refusedWith = refusal();
  WriteResult result = writeAny(chunk);
  if (refusedWith) {
    whenSent(result, std::move(onFlushed));
  } else {
    state_->addWriteCallback(std::move(onFlushed));
  }
  return result;
}
SLUICE_DECL WriteResult OutgoingMessage::write(std::span<const std::byte> chunk,
                                               std::function<void(error_code)> onFlushed) {
  return write(std::string_view(reinterpret_cast<const char*>(chunk.data()), chunk.size()),
               std::move(onFlushed));
}
SLUICE_DECL WriteResult OutgoingMessage::write(std::string_view utf8, Encoding encoding,
                                               std::function<void(error_code)> onFlushed) {
  return write(encode(utf8, encoding), std::move(onFlushed));
}

SLUICE_DECL WriteResult OutgoingMessage::end() { return endAny(std::string_view(), false); }
SLUICE_DECL WriteResult OutgoingMessage::end(std::string_view chunk) { return endAny(chunk, true); }
SLUICE_DECL WriteResult OutgoingMessage::end(std::string&& chunk) {
  return endAny(std::move(chunk), true);
}
SLUICE_DECL WriteResult OutgoingMessage::end(std::span<const std::byte> chunk) {
  return end(std::string_view(reinterpret_cast<const char*>(chunk.data()), chunk.size()));
}
SLUICE_DECL WriteResult OutgoingMessage::end(std::string_view utf8, Encoding encoding) {
  return encoding == Encoding::utf8 ? end(utf8) : end(encode(utf8, encoding));
}

SLUICE_DECL void OutgoingMessage::whenFinished(WriteResult& result,
                                               std::function<void(error_code)> callback,
                                               bool refusedBefore) {
  if (refusedBefore) {
    whenSent(result, std::move(callback));
  } else {
    state_->addEndCallback(std::move(callback));
    result.comeAfterEvents();
  }
}

SLUICE_DECL WriteResult OutgoingMessage::end(std::function<void(error_code)> onFinish) {
  using Stage = detail::OutgoingState::Stage;
  if (state_->stage == Stage::finished || (writableFinished() && !state_->observed())) {
    WriteResult late(state_->output, make_error_code(errc::ERR_STREAM_ALREADY_FINISHED));
    whenSent(late, std::move(onFinish));
    return late;
  }
  const bool destroyedBefore = state_->stage == Stage::destroyed;
  WriteResult result = end();
  whenFinished(result, std::move(onFinish), destroyedBefore);
  return result;
}
SLUICE_DECL WriteResult OutgoingMessage::end(std::string_view chunk,
                                             std::function<void(error_code)> onFinish) {
  const bool refusedBefore = refusal().has_value();
  WriteResult result = end(chunk);
  whenFinished(result, std::move(onFinish), refusedBefore);
  return result;
}
SLUICE_DECL WriteResult OutgoingMessage::end(std::span<const std::byte> chunk,
                                             std::function<void(error_code)> onFinish) {
  return end(std::string_view(reinterpret_cast<const char*>(chunk.data()), chunk.size()),
             std::move(onFinish));
}
SLUICE_DECL WriteResult OutgoingMessage::end(std::string_view utf8, Encoding encoding,
                                             std::function<void(error_code)> onFinish) {
  return end(encode(utf8, encoding), std::move(onFinish));
}

SLUICE_DECL WriteResult OutgoingMessage::drain() {
  // The connection may serve another message by now, or be gone.
  if (state_->hasLeft()) return {state_->output, Until::sent, state_->endPosition, true};
  if (state_->stage == detail::OutgoingState::Stage::destroyed) {
    return {state_->output, make_error_code(errc::ERR_STREAM_DESTROYED)};
  }
  return {state_->output, Until::drained, state_->writtenPosition(), !writableNeedDrain()};
}

SLUICE_DECL void OutgoingMessage::addTrailers(const Headers& trailers) {
  detail::validateTrailers(trailers);
  state_->trailers = trailers;
}

SLUICE_DECL void OutgoingMessage::cork() { state_->cork(); }
SLUICE_DECL void OutgoingMessage::uncork() { state_->uncork(); }

SLUICE_DECL void OutgoingMessage::destroy(error_code reason) {
  // The connection may already serve another message.
  if (writableFinished() && !state_->closeIsOwners) return;
  if (state_->owner != nullptr) state_->owner->destroyMessage(reason);
}

SLUICE_DECL bool OutgoingMessage::writableEnded() const { return state_->ended(); }
SLUICE_DECL bool OutgoingMessage::writableFinished() const {
  using Stage = detail::OutgoingState::Stage;
  return state_->stage == Stage::finished || (state_->stage == Stage::ended && state_->isSent());
}
SLUICE_DECL bool OutgoingMessage::writableNeedDrain() const {
  return !refusal() && state_->output->current().needDrain();
}
SLUICE_DECL bool OutgoingMessage::destroyed() const {
  return state_->stage == detail::OutgoingState::Stage::destroyed || state_->closed;
}
SLUICE_DECL bool OutgoingMessage::closed() const { return state_->closed; }
SLUICE_DECL std::size_t OutgoingMessage::writableLength() const {
  return state_->output->current().size() + state_->corkedChunk.size() + state_->heldHead.size();
}
SLUICE_DECL std::size_t OutgoingMessage::writableHighWaterMark() const {
  return state_->output->current().highWaterMark();
}
SLUICE_DECL std::size_t OutgoingMessage::writableCorked() const { return state_->corked; }
SLUICE_DECL error_code OutgoingMessage::errored() const { return state_->failure; }
SLUICE_DECL net::Socket* OutgoingMessage::socket() const {
  // A request keeps its connection until the response is over.
  const bool over = state_->closed || (writableFinished() && !state_->closeIsOwners);
  if (state_->owner == nullptr || over) return nullptr;
  return state_->owner->outgoingSocket();
}
SLUICE_DECL asio::any_io_executor OutgoingMessage::get_executor() const {
  return state_->output->loop().executor();
}
SLUICE_DECL sluice::detail::Listeners& OutgoingMessage::listeners() { return state_->listeners; }

SLUICE_DECL void OutgoingMessage::startTimeout(std::chrono::milliseconds idle,
                                               std::function<void()> listener) {
  sluice::detail::requireIdleTime("msecs", idle);
  if (listener && state_->closeIsOwners) {
    once<"timeout">(std::move(listener));
  } else if (listener) {
    on<"timeout">(std::move(listener));
  }
  if (state_->owner != nullptr) state_->owner->setTimeout(idle);
}

}  // namespace sluice::http
