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

SLUICE_DECL detail::OutgoingState& OutgoingMessage::live() const {
  if (!state_ || state_->stale()) {
    throw Error(make_error_code(errc::ERR_STREAM_DESTROYED),
                "The message was moved away, or belongs to a request that is over");
  }
  return *state_;
}

namespace detail {

[[noreturn]] SLUICE_DECL void throwHeadersSent(std::string_view action) {
  throw Error(make_error_code(errc::ERR_HTTP_HEADERS_SENT),
              "Cannot " + std::string(action) + " headers after they are sent to the client");
}

}  // namespace detail

SLUICE_DECL void OutgoingMessage::requireHeadersNotSent(std::string_view action) const {
  if (live().headSent()) detail::throwHeadersSent(action);
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

SLUICE_DECL void OutgoingMessage::storeHeaders(const PreparedHeaders& headers) {
  requireHeadersNotSent("set");
  state_->headers.merge(*headers.store_);
}

SLUICE_DECL HeaderValue OutgoingMessage::getHeader(std::string_view name) const {
  return live().headers.get(name);
}
SLUICE_DECL std::string_view OutgoingMessage::headerText(std::string_view name) const {
  return live().headers.text(name);
}
SLUICE_DECL std::vector<std::string> OutgoingMessage::getHeaderNames() const {
  return live().headers.names();
}
SLUICE_DECL std::vector<std::string> OutgoingMessage::getRawHeaderNames() const {
  return live().headers.rawNames();
}
SLUICE_DECL Headers OutgoingMessage::getHeaders() const { return live().headers.headers(); }
SLUICE_DECL bool OutgoingMessage::hasHeader(std::string_view name) const {
  return live().headers.has(name);
}
SLUICE_DECL void OutgoingMessage::removeHeader(std::string_view name) {
  requireHeadersNotSent("remove");
  state_->headers.remove(name);
}

SLUICE_DECL bool OutgoingMessage::headersSent() const { return !state_ || state_->headSent(); }

SLUICE_DECL void OutgoingMessage::flushHeaders() & {
  live();
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

namespace detail {

/// Why the message takes no more of its body.
inline std::optional<error_code> refusalOf(const OutgoingState& message) {
  if (message.endWasCalled()) return make_error_code(errc::ERR_STREAM_WRITE_AFTER_END);
  if (message.destroyed()) return make_error_code(errc::ERR_STREAM_DESTROYED);
  return std::nullopt;
}

/// A filter while it is called. It may end or destroy its message, or give it another filter, and
/// lives until the call is over.
class RunningFilter {
 public:
  explicit RunningFilter(boost::intrusive_ptr<OutgoingState> message)
      : message_(std::move(message)), filter_(std::move(message_->filter)) {}
  RunningFilter(const RunningFilter&) = delete;
  RunningFilter& operator=(const RunningFilter&) = delete;
  ~RunningFilter() {
    if (!message_->filter) message_->filter = std::move(filter_);
  }

  BodyFilter* operator->() const { return filter_.get(); }
  void drop() { filter_ = nullptr; }

  /// throws  if the filter has ended or destroyed the message
  void requireMessage() const {
    if (const auto ec = refusalOf(*message_)) throw Error(*ec);
  }
  bool write(std::string_view bytes, bool strict) const {
    requireMessage();
    return message_->writeBody(bytes, strict);
  }

 private:
  boost::intrusive_ptr<OutgoingState> message_;
  BodyFilterPointer filter_;
};

}  // namespace detail

SLUICE_DECL bool OutgoingMessage::beginFilter(std::optional<std::uint64_t> bodyLength) {
  // Once, even if the head could not be composed then.
  while (state_->filter && !std::exchange(state_->filterBegan, true)) {
    detail::RunningFilter running(state_);
    const bool wanted = running->begin(*this, bodyLength);
    running.requireMessage();
    requireHeadersNotSent("filter");
    if (!wanted) running.drop();
  }
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
  {
    const detail::RunningFilter running(state_);
    static_cast<void>(running.write(running->flush(), strictContentLength));
  }
  state_->output->current().flush();
}

SLUICE_DECL std::optional<error_code> OutgoingMessage::refusal() const {
  if (!state_) live();
  return detail::refusalOf(*state_);
}

SLUICE_DECL WriteResult OutgoingMessage::refused(const error_code& ec, Done&& done) {
  state_->refuse(ec, std::move(done));
  return sluice::detail::WriteResultAccess::failed(state_->output, ec);
}

template <class Chunk>
SLUICE_DECL WriteResult OutgoingMessage::writeAny(Chunk chunk, Done&& done) {
  if (const auto ec = refusal()) return refused(*ec, std::move(done));
  if (!state_->headSent()) prepareHead(std::nullopt, !chunk.empty());
  bool ok = true;
  if (filters() && !chunk.empty()) {
    const detail::RunningFilter running(state_);
    ok = running.write(running->write(chunk), strictContentLength);
  } else {
    ok = state_->writeBody(std::move(chunk), strictContentLength);
  }
  state_->addWriteCallback(std::move(done));
  return sluice::detail::WriteResultAccess::make(state_->output, Until::room,
                                                 state_->writtenPosition(), ok);
}

template <class Chunk>
SLUICE_DECL WriteResult OutgoingMessage::endAny(Chunk chunk, Done&& done) {
  if (const auto ec = refusal()) {
    // As in Node, where an empty chunk is none.
    const bool again = state_->endWasCalled() && chunk.size() == 0;
    return again ? endAgain(std::move(done)) : refused(*ec, std::move(done));
  }
  if (!state_->headSent()) prepareHead(chunk.size(), !chunk.empty());
  if (filters()) {
    const detail::RunningFilter running(state_);
    if (!chunk.empty()) {
      static_cast<void>(running.write(running->write(chunk), strictContentLength));
    }
    static_cast<void>(running.write(running->end(), strictContentLength));
  } else {
    // Before anything is taken: a call with what is missing may follow.
    if (strictContentLength && state_->framing.bodyAllowed) {
      state_->requireLengthAtEnd(chunk.size());
    }
    if (chunk.size() != 0) {
      state_->writeLast(std::move(chunk), strictContentLength);
    }
  }
  state_->filter = nullptr;
  state_->endBody(strictContentLength);
  state_->addEndCallback(std::move(done));
  if (state_->owner != nullptr) state_->owner->onMessageEnded();
  return endResult();
}

// end() of a message that has ended, without anything to send.
SLUICE_DECL WriteResult OutgoingMessage::endAgain(Done&& done) {
  const bool left = writableFinished();
  if (state_->destroyed() && !left) {
    return refused(make_error_code(errc::ERR_STREAM_DESTROYED), std::move(done));
  }
  const bool told = state_->finished() || state_->destroyed() || !state_->observed();
  if (done && left && told) {
    WriteResult late = sluice::detail::WriteResultAccess::failed(
        state_->output, make_error_code(errc::ERR_STREAM_ALREADY_FINISHED));
    late([done = std::move(done)](const error_code& ec, bool) { done(ec); });
    return late;
  }
  state_->addEndCallback(std::move(done));
  return endResult();
}

SLUICE_DECL WriteResult OutgoingMessage::endResult() const {
  const bool ok = !state_->output->current().blocked();
  WriteResult result =
      sluice::detail::WriteResultAccess::make(state_->output, Until::sent, state_->endPosition, ok);
  // 'finish' and the callbacks come first: they may look at what goes with the handler.
  if (state_->observed()) sluice::detail::WriteResultAccess::comeAfterEvents(result);
  return result;
}

namespace detail {

inline std::string_view textOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace detail

SLUICE_DECL WriteResult OutgoingMessage::write(std::string_view chunk) & {
  return writeAny(chunk, {});
}
SLUICE_DECL WriteResult OutgoingMessage::write(std::string&& chunk) & {
  return writeAny(std::move(chunk), {});
}
SLUICE_DECL WriteResult OutgoingMessage::write(std::span<const std::byte> chunk) & {
  return writeAny(detail::textOf(chunk), {});
}
SLUICE_DECL WriteResult OutgoingMessage::write(std::string_view utf8, Encoding encoding) & {
  return write(utf8, encoding, {});
}
SLUICE_DECL WriteResult OutgoingMessage::write(std::string_view chunk, Done onFlushed) & {
  return writeAny(chunk, std::move(onFlushed));
}
SLUICE_DECL WriteResult OutgoingMessage::write(std::span<const std::byte> chunk, Done onFlushed) & {
  return writeAny(detail::textOf(chunk), std::move(onFlushed));
}
SLUICE_DECL WriteResult OutgoingMessage::write(std::string_view utf8, Encoding encoding,
                                               Done onFlushed) & {
  if (encoding == Encoding::utf8) return writeAny(utf8, std::move(onFlushed));
  return writeAny(toBytes(utf8, encoding), std::move(onFlushed));
}

SLUICE_DECL WriteResult OutgoingMessage::end() & { return endAny(std::string_view(), {}); }
SLUICE_DECL WriteResult OutgoingMessage::end(std::string_view chunk) & { return endAny(chunk, {}); }
SLUICE_DECL WriteResult OutgoingMessage::end(std::string&& chunk) & {
  return endAny(std::move(chunk), {});
}
SLUICE_DECL WriteResult OutgoingMessage::end(std::span<const std::byte> chunk) & {
  return endAny(detail::textOf(chunk), {});
}
SLUICE_DECL WriteResult OutgoingMessage::end(std::string_view utf8, Encoding encoding) & {
  return end(utf8, encoding, {});
}
SLUICE_DECL WriteResult OutgoingMessage::end(Done onFinish) & {
  return endAny(std::string_view(), std::move(onFinish));
}
SLUICE_DECL WriteResult OutgoingMessage::end(std::string_view chunk, Done onFinish) & {
  return endAny(chunk, std::move(onFinish));
}
SLUICE_DECL WriteResult OutgoingMessage::end(std::span<const std::byte> chunk, Done onFinish) & {
  return endAny(detail::textOf(chunk), std::move(onFinish));
}
SLUICE_DECL WriteResult OutgoingMessage::end(std::string_view utf8, Encoding encoding,
                                             Done onFinish) & {
  if (encoding == Encoding::utf8) return endAny(utf8, std::move(onFinish));
  return endAny(toBytes(utf8, encoding), std::move(onFinish));
}

SLUICE_DECL WriteResult OutgoingMessage::drain() {
  if (!state_) live();
  // The connection may serve another message by now, or be gone.
  if (!state_->stale() && state_->hasLeft()) {
    return sluice::detail::WriteResultAccess::make(state_->output, Until::sent, state_->endPosition,
                                                   true);
  }
  if (state_->destroyed())
    return sluice::detail::WriteResultAccess::failed(state_->output,
                                                     make_error_code(errc::ERR_STREAM_DESTROYED));
  return sluice::detail::WriteResultAccess::make(state_->output, Until::drained,
                                                 state_->writtenPosition(), !writableNeedDrain());
}

SLUICE_DECL void OutgoingMessage::addTrailers(const Headers& trailers) {
  detail::validateTrailers(trailers);
  live().trailers = trailers;
}

SLUICE_DECL void OutgoingMessage::cork() { live().cork(); }
SLUICE_DECL void OutgoingMessage::uncork() { live().uncork(); }

SLUICE_DECL void OutgoingMessage::destroy(error_code reason) {
  // The connection may already serve another message.
  if (!state_ || state_->stale() || (writableFinished() && !state_->closeIsOwners)) return;
  if (state_->owner != nullptr) state_->owner->destroyMessage(reason);
}

SLUICE_DECL void OutgoingMessage::destroy(const Error& reason) {
  if (!state_ || state_->stale() || (writableFinished() && !state_->closeIsOwners)) return;
  if (state_->owner != nullptr) state_->owner->destroyMessageWith(reason);
}

SLUICE_DECL bool OutgoingMessage::writableEnded() const {
  return !state_ || state_->endWasCalled() || state_->stale();
}
SLUICE_DECL bool OutgoingMessage::writableFinished() const {
  if (!state_ || state_->stale()) return true;
  return state_->finished() || (state_->endWasCalled() && state_->isFlushed());
}
SLUICE_DECL bool OutgoingMessage::writableNeedDrain() const {
  return state_ && !refusal() && state_->output->current().needDrain();
}
SLUICE_DECL bool OutgoingMessage::destroyed() const {
  return !state_ || state_->destroyed() || state_->closed();
}
SLUICE_DECL bool OutgoingMessage::closed() const { return !state_ || state_->closed(); }
SLUICE_DECL std::size_t OutgoingMessage::writableLength() const {
  if (!state_ || state_->stale()) return 0;
  return state_->output->current().size() + state_->corkedChunk.size() + state_->heldHead.size();
}
SLUICE_DECL std::size_t OutgoingMessage::writableHighWaterMark() const {
  return live().output->current().highWaterMark();
}
SLUICE_DECL std::size_t OutgoingMessage::writableCorked() const { return live().corked; }
SLUICE_DECL error_code OutgoingMessage::errored() const {
  return state_ ? state_->failure : make_error_code(errc::ERR_STREAM_DESTROYED);
}
SLUICE_DECL net::Socket* OutgoingMessage::socket() const {
  // A request keeps its connection until the response is over.
  if (!state_ || state_->owner == nullptr || state_->closed()) return nullptr;
  if (writableFinished() && !state_->closeIsOwners) return nullptr;
  return state_->owner->outgoingSocket();
}
SLUICE_DECL asio::any_io_executor OutgoingMessage::get_executor() const {
  if (!state_) live();
  return state_->output->loop().executor();
}
SLUICE_DECL sluice::detail::Listeners& OutgoingMessage::listeners() { return live().listeners; }

SLUICE_DECL void OutgoingMessage::startTimeout(std::chrono::milliseconds idle,
                                               std::function<void()> listener) {
  sluice::detail::requireIdleTime("msecs", idle);
  live();
  if (listener && state_->closeIsOwners) {
    once<"timeout">(std::move(listener));
  } else if (listener) {
    on<"timeout">(std::move(listener));
  }
  if (state_->owner != nullptr) state_->owner->setTimeout(idle);
}

}  // namespace sluice::http
