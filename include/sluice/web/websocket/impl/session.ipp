// SPDX-License-Identifier: BSL-1.0
//
// Definitions of session.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <new>
#include <sluice/detail/post.hpp>
#include <sluice/detail/suspend.hpp>
#include <sluice/web/websocket/detail/closing.hpp>
#include <sluice/web/websocket/detail/session.hpp>
#include <utility>

namespace sluice::web::detail {

SLUICE_DECL WebSocketSession::WebSocketSession(std::unique_ptr<WebSocketEngine> engine,
                                               const WebSocketOptions& options)
    : WebSocketSession(net::detail::Loop::of(engine->socket().get_executor()), std::move(engine),
                       options) {}

SLUICE_DECL WebSocketSession::WebSocketSession(std::shared_ptr<net::detail::Loop> loop,
                                               std::unique_ptr<WebSocketEngine>&& engine,
                                               const WebSocketOptions& options)
    : LoopMember(*loop),
      loop_(std::move(loop)),
      engine_(std::move(engine)),
      timer_([](void* self) { static_cast<WebSocketSession*>(self)->onTimer(); }, this),
      pingInterval_(options.pingInterval),
      closeTimeout_(options.closeTimeout) {}

SLUICE_DECL WebSocketSession::~WebSocketSession() = default;

SLUICE_DECL void WebSocketSession::open() {
  net::Socket& socket = engine_->socket();
  // Keeps the session as long as the socket can call it.
  socket.on<"close">(
      [self = boost::intrusive_ptr<WebSocketSession>(this)](bool) { self->timer_.stop(); });
  try {
    socket.on<"shutdown">([this] { beginClose(1001, {}); });
    loop_->startTimer(timer_, pingInterval_);
    readOn();
  } catch (const std::bad_alloc&) {
    socket.destroy();
    throw;
  }
}

SLUICE_DECL void WebSocketSession::readOn() {
  if (reading_ || held_ || state_ == State::closed) return;
  reading_ = true;
  engine_->read(WebSocketEngine::ReadHandler([self = boost::intrusive_ptr<WebSocketSession>(this)](
                                                 Read result) { self->onRead(result); }));
}

SLUICE_DECL void WebSocketSession::onRead(Read result) {
  reading_ = false;
  if (result != Read::message) {
    ended(result);
  } else if (state_ != State::open) {
    engine_->drop();
    readOn();
  } else {
    held_ = true;
    asked_ = false;
    if (receiver_) receiver_.dispatch(executor(), {});
  }
}

SLUICE_DECL void WebSocketSession::ended(Read result) {
  switch (result) {
    case Read::message:
      break;
    case Read::closed:
      closeCode_ = engine_->receivedCode() != 0 ? engine_->receivedCode() : 1005;
      closeReason_ = engine_->receivedReason();
      // RFC 6455 5.5.1: usually the code is sent back.
      engine_->sendClose(engine_->receivedCode() != 0 ? engine_->receivedCode() : 1000, {});
      break;
    case Read::protocol:
      fail(1002, http::errc::ERR_WEBSOCKET_PROTOCOL);
      break;
    case Read::invalidUtf8:
      fail(1007, http::errc::ERR_WEBSOCKET_INVALID_UTF8);
      break;
    case Read::invalidData:
      fail(1007, http::errc::ERR_WEBSOCKET_INVALID_DATA);
      break;
    case Read::tooLarge:
      fail(1009, http::errc::ERR_WEBSOCKET_MESSAGE_TOO_LARGE);
      break;
    case Read::lost:
      lost_ = state_ == State::open;
      closeCode_ = 1006;
      closeReason_.clear();
      break;
  }
  // The peer has as long as for a close to take what is still to be sent, and to end.
  if (state_ == State::open) loop_->startTimer(timer_, closeTimeout_);
  state_ = State::closed;
  if (result == Read::lost) {
    engine_->socket().destroy();
  } else {
    engine_->endSocket();
  }
  settle();
}

SLUICE_DECL void WebSocketSession::fail(int code, http::errc error) {
  engine_->sendClose(code, {});
  if (state_ != State::open) return;
  closeCode_ = code;
  error_ = error;
}

SLUICE_DECL void WebSocketSession::beginClose(int code, std::string_view reason) {
  if (state_ != State::open) return;
  state_ = State::closing;
  closeCode_ = code;
  closeReason_ = reason;
  engine_->sendClose(code, reason);
  loop_->startTimer(timer_, closeTimeout_);
  if (std::exchange(held_, false)) engine_->drop();
  readOn();
}

SLUICE_DECL bool WebSocketSession::isSilent() const {
  const net::Socket& socket = engine_->socket();
  if (socket.bytesRead() != bytesAtPing_) return false;
  // One that reads slowly has not come to the ping yet. The system took more only because it read.
  return waitingAtPing_ == 0 || socket.bytesWritten() - socket.writableLength() == sentAtPing_;
}

SLUICE_DECL void WebSocketSession::onTimer() {
  const boost::intrusive_ptr<WebSocketSession> alive(this);
  net::Socket& socket = engine_->socket();
  if (state_ != State::open || (asked_ && isSilent())) {
    socket.destroy();
    return;
  }
  // What waits for receive() keeps the answer from being seen.
  asked_ = !held_;
  bytesAtPing_ = socket.bytesRead();
  waitingAtPing_ = socket.writableLength();
  sentAtPing_ = socket.bytesWritten() - waitingAtPing_;
  engine_->ping({});
  loop_->startTimer(timer_, pingInterval_);
}

SLUICE_DECL task<std::optional<WebSocketMessage>> WebSocketSession::receive(
    boost::intrusive_ptr<WebSocketSession> self) {
  if (self->receiver_) throw http::Error(make_error_code(http::errc::ERR_INVALID_STATE));
  if (!self->held_ && self->state_ != State::closed) {
    using Wait = sluice::detail::Suspend<&WebSocketSession::whenReadable>;
    // It may be a long wait.
    self->engine_->dropTaken();
    error_code ec;
    co_await Wait{self.get()}(asio::redirect_error(asio::use_awaitable, ec));
    if (ec) throw http::Error(ec);
  }
  if (std::exchange(self->held_, false)) {
    const WebSocketMessage message = self->engine_->take();
    // Not now: the answer to this message is to leave before a close that follows it is met.
    sluice::detail::post(self->executor(), [self] { self->readOn(); });
    co_return message;
  }
  if (self->error_) throw http::Error(make_error_code(*self->error_));
  if (self->lost_) throw http::Error(asio::error::connection_reset);
  co_return std::nullopt;
}

SLUICE_DECL void WebSocketSession::whenReadable(Waiter handler) {
  receiver_ = std::move(handler);
  receiver_.onCancel([this](asio::cancellation_type) {
    receiver_.post(executor(), asio::error::operation_aborted);
  });
}

SLUICE_DECL WriteResult WebSocketSession::send(std::string_view bytes, bool binary) {
  return state_ == State::open ? engine_->send(bytes, binary) : engine_->refuse();
}

SLUICE_DECL WriteResult WebSocketSession::ping(std::string_view data) {
  if (data.size() > maxControlPayload) {
    sluice::detail::throwOutOfRange("data.length", "<= 125",
                                    static_cast<std::int64_t>(data.size()));
  }
  return state_ == State::open ? engine_->ping(data) : engine_->refuse();
}

SLUICE_DECL task<> WebSocketSession::close(boost::intrusive_ptr<WebSocketSession> self, int code,
                                           std::string reason) {
  requireClose(code, reason);
  if (self->state_ == State::open) self->closedHere_ = true;
  self->beginClose(code, reason);
  if (self->state_ == State::closed) co_return;
  using Wait = sluice::detail::Suspend<&WebSocketSession::whenClosed>;
  error_code ec;
  co_await Wait{self.get()}(asio::redirect_error(asio::use_awaitable, ec));
  if (ec) throw http::Error(ec);
}

SLUICE_DECL void WebSocketSession::whenClosed(Waiter handler) {
  const auto id = loop_->nextId();
  handler.onCancel([this, id](asio::cancellation_type) {
    const auto place = std::find_if(closers_.begin(), closers_.end(),
                                    [id](const Closer& closer) { return closer.id == id; });
    Waiter cancelled = std::move(place->handler);
    closers_.erase(place);
    cancelled.post(executor(), asio::error::operation_aborted);
  });
  closers_.push_back({id, std::move(handler)});
}

SLUICE_DECL void WebSocketSession::settle() {
  if (receiver_) receiver_.post(executor(), {});
  for (Closer& closer : std::exchange(closers_, {})) closer.handler.post(executor(), {});
}

// Nobody is resumed any more. A coroutine that waits here may own this session.
SLUICE_DECL void WebSocketSession::onLoopEnd() {
  const boost::intrusive_ptr<WebSocketSession> alive(this);
  state_ = State::closed;
  held_ = false;
  timer_.stop();
  const Waiter dropped = std::move(receiver_);
  const std::vector<Closer> droppedToo = std::exchange(closers_, {});
  engine_->release();
}

}  // namespace sluice::web::detail
