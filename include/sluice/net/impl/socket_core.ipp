// SPDX-License-Identifier: BSL-1.0
//
// Definitions of socket_core.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cstring>
#include <sluice/detail/post.hpp>
#include <sluice/detail/sight.hpp>
#include <sluice/net/detail/socket_core.hpp>

namespace sluice::net::detail {

// One read of a raw socket takes at most this much.
inline constexpr std::size_t ownBufferSize = 16 * 1024;

// How much and how long a lingering close listens to a peer that goes on sending.
inline constexpr std::size_t lingerBytes = 256 * 1024;
inline constexpr std::chrono::milliseconds lingerTime{2000};

SLUICE_DECL SocketCore::SocketCore(std::shared_ptr<Loop> loop, std::size_t highWaterMark)
    : LoopMember(*loop),
      loop_(std::move(loop)),
      highWaterMark_(highWaterMark),
      idle_([](void* self) { static_cast<SocketCore*>(self)->idled(); }, this) {}

SLUICE_DECL SocketCore::~SocketCore() {
  if (transport_) {
    transport_->attach(nullptr);
    transport_->close();
  }
  if (output_) {
    output_->attach(nullptr);
    output_->fail(make_error_code(http::errc::ERR_STREAM_DESTROYED));
  }
  if (observer_) observer_->onGone({});
}

SLUICE_DECL void SocketCore::open(boost::intrusive_ptr<Transport> transport) {
  if (destroyed()) {
    transport->close();
    return;
  }
  transport_ = std::move(transport);
  transport_->attach(this);
  if (state_.move(State::open) && !loop_->observers().empty()) tellObservers({});
  if (output_) {
    output_->attach(this);
    output_->flush();
  }
  if (writeEnding()) finishWriting();
  if (flowing_) flow();
}

// That it is open, or is not any more.
SLUICE_DECL void SocketCore::tellObservers(const error_code& reason) {
  const Address local = transport_ ? transport_->localAddress() : Address{};
  const Address remote = transport_ ? transport_->remoteAddress() : Address{};
  const observe::Connection connection{
      .id = this,
      .side = accepted_ ? observe::Side::server : observe::Side::client,
      .local = local,
      .remote = remote,
      .bytesRead = bytesRead_,
      .bytesWritten = output_ ? output_->written() : written_,
      .error = reason,
  };
  observe::detail::tell(loop_->observers(),
                        isOpen() ? &observe::Observer::opened : &observe::Observer::closed,
                        connection);
}

SLUICE_DECL boost::intrusive_ptr<Transport> SocketCore::releaseTransport() {
  transport_->attach(nullptr);
  boost::intrusive_ptr<Transport> released = std::move(transport_);
  destroy();
  return released;
}

SLUICE_DECL const Address& SocketCore::remoteAddress() {
  static const Address none;
  if (!isOpen()) return none;
  auto& known = raw().remoteAddress;
  if (!known) known = std::make_unique<Address>(transport_->remoteAddress());
  return *known;
}

SLUICE_DECL void SocketCore::enqueue() {
  if (loop_->stopped()) return;
  // The list does not own: a socket whose last handle goes away in this turn lives to its end.
  keptForTurn_ = this;
  loop_->atTurnEnd(*this);
}

// The first error is the one that is told: an orderly end that comes after it is none.
SLUICE_DECL void SocketCore::destroyAtTurnEnd(const error_code& reason) {
  due_.destroy = true;
  if (reason && !closeError_) closeError_ = std::make_unique<const http::Error>(reason);
  atTurnEnd();
}

SLUICE_DECL void SocketCore::onLoopEnd() {
  const boost::intrusive_ptr<SocketCore> alive(this);
  const boost::intrusive_ptr<SocketCore> kept = std::move(keptForTurn_);
  const ReadHandler dropped = raw_ ? std::move(raw_->reader) : ReadHandler();
  destroy();
  listeners_.clear();
  // A handle may outlive the services of Asio, which a transport may not.
  if (transport_) transport_->attach(nullptr);
  transport_ = nullptr;
  reading_ = false;
}

SLUICE_DECL void SocketCore::callAtTurnEnd() {
  due_.user = true;
  atTurnEnd();
}

SLUICE_DECL void SocketCore::onTurnEnd() {
  const boost::intrusive_ptr<SocketCore> alive = std::move(keptForTurn_);
  const Due due = std::exchange(due_, Due{});
  if (destroyed()) {
    tellClosed();
    return;
  }
  if (due.destroy) {
    destroy(closeError_ ? closeError_->code() : error_code());
    return;
  }
  // Also if a listener throws.
  struct Touched {
    SocketCore& core;
    explicit Touched(SocketCore& touched) : core(touched) { core.endsTurn_ = true; }
    ~Touched() {
      core.endsTurn_ = false;
      const bool touched = core.touched_;
      core.touched_ = false;
      if (touched && core.timeout_.count() != 0 && !core.destroyed())
        core.loop_->startTimer(core.idle_, core.timeout_);
    }
  } const touched(*this);
  if (output_) output_->flush();
  if (due.drain && !output().needDrain() && !output().failure()) {
    sluice::detail::throwLater(loop_->executor(), [this] {
      if (user_ != nullptr) user_->onDrained();
      // As in Node, not for a writer that has said that nothing more will come.
      if (!writeEnding()) sluice::detail::emit<SocketEvents, "drain">(listeners_);
    });
  }
  if (due.user && user_ != nullptr) user_->onTurn();
  if (due.flow) pump();
}

SLUICE_DECL void SocketCore::tellClosed() {
  if (!state_.move(State::closed)) return;
  sluice::detail::throwLater(loop_->executor(), [this] {
    if (closeError_) sluice::detail::emit<SocketEvents, "error">(listeners_, *closeError_);
  });
  sluice::detail::throwLater(loop_->executor(), [this] {
    sluice::detail::emit<SocketEvents, "close">(listeners_, closeError_ != nullptr);
  });
  listeners_.clear();
}

SLUICE_DECL void SocketCore::startRead(asio::mutable_buffer buffer) {
  reading_ = true;
  room_ = static_cast<std::uint32_t>(std::min<std::size_t>(buffer.size(), UINT32_MAX));
  transport_->read(buffer);
}

SLUICE_DECL bool SocketCore::readWithoutBuffer() {
  if (!transport_->readWithoutBuffer()) return false;
  // What it tells is that there is more than it has taken, which is nothing.
  room_ = 0;
  if (!reading_) {
    reading_ = true;
    transport_->read({});
  }
  return true;
}

SLUICE_DECL void SocketCore::rest() {
  if (!output_ || output_->use_count() != 1 || output_->size() != 0 || output_->failure()) return;
  written_ = output_->written();
  highWaterMark_ = output_->highWaterMark();
  output_->attach(nullptr);
  output_ = nullptr;
}

SLUICE_DECL void SocketCore::renewOutput() {
  output_ = new OutputStream(loop_, highWaterMark_);
  output_->queue().passedBy(written_);
  if (isOpen()) output_->attach(this);
  if (destroyed()) output_->fail(make_error_code(http::errc::ERR_STREAM_DESTROYED));
}

SLUICE_DECL std::size_t SocketCore::readMore(asio::mutable_buffer buffer) {
  if (!mayReadMore() || buffer.size() == 0 || !loop_->mayGoOn()) return 0;
  error_code ec;
  const std::size_t count = transport_->tryRead(buffer, ec);
  // The next read finds an end once more, announced or not, but no other error.
  if (ec && ec != asio::error::eof && ec != http::errc::ERR_SSL_UNEXPECTED_EOF) {
    destroyAtTurnEnd(ec);
  }
  if (count < buffer.size()) room_ = 0;
  bytesRead_ += count;
  return count;
}

SLUICE_DECL void SocketCore::cancelRead() {
  if (reading_) transport_->cancelRead();
}

SLUICE_DECL void SocketCore::onRead(const error_code& ec, std::size_t count) {
  reading_ = false;
  if (count < room_) {
    room_ = 0;
  } else if (room_ == 0 && !ec) {
    room_ = 1;
  }
  bytesRead_ += count;
  if (destroyed()) return;
  if (user_ == nullptr && count != 0) touch();
  if (lingering()) {
    raw().discarded += count;
    if (ec || raw().discarded > lingerBytes) {
      destroy();
    } else {
      readOwn();
    }
    return;
  }
  if (user_ != nullptr) {
    if (ec == asio::error::eof) state_.move(Input::ended);
    user_->onInput(ec, count);
    return;
  }
  deliver(ec, count);
}

SLUICE_DECL void SocketCore::deliver(const error_code& ec, std::size_t count) {
  const boost::intrusive_ptr<SocketCore> alive(this);
  if (ec == asio::error::eof) state_.move(Input::ended);
  if (isRead()) {
    if (readEnded() && writeEnded()) destroyAtTurnEnd();
    // The reader hears of it first, then the listeners of "error" and "close".
    if (ec && !readEnded() && ec != asio::error::operation_aborted) destroyAtTurnEnd(ec);
    ReadHandler handler = std::move(raw_->reader);
    handler.dispatch(loop_->executor(), ec, count);
    return;
  }
  if (ec == asio::error::operation_aborted) return;
  if (ec && ec != asio::error::eof) {
    destroy(ec);
    return;
  }
  if (count != 0) {
    if (flowing_) {
      tellData({ownBuffer(), count});
    } else {
      raw_->held.append(ownBuffer(), count);
    }
  }
  pump();
}

SLUICE_DECL void SocketCore::tellData(std::string_view bytes) {
  sluice::detail::throwLater(
      loop_->executor(), [&] { sluice::detail::emit<SocketEvents, "data">(listeners_, bytes); });
}

SLUICE_DECL void SocketCore::inputEnded() {
  if (!state_.move(Input::told)) return;
  const boost::intrusive_ptr<SocketCore> alive(this);
  sluice::detail::throwLater(loop_->executor(),
                             [this] { sluice::detail::emit<SocketEvents, "end">(listeners_); });
  // As in Node without allowHalfOpen: a listener does not have to end the other half.
  if (!writeEnding()) {
    end();
  } else if (writeEnded()) {
    destroy();
  }
}

SLUICE_DECL void SocketCore::readSome(asio::mutable_buffer buffer, ReadHandler handler) {
  if (destroyed() && !(readEnded() && !holdsBytes())) {
    handler.post(loop_->executor(), make_error_code(http::errc::ERR_STREAM_DESTROYED), 0);
  } else if (buffer.size() == 0) {
    handler.post(loop_->executor(), {}, 0);
  } else if (holdsBytes()) {
    std::string& held = raw_->held;
    const std::size_t count = std::min(held.size(), buffer.size());
    std::memcpy(buffer.data(), held.data(), count);
    held.erase(0, count);
    handler.post(loop_->executor(), {}, count);
  } else if (readEnded()) {
    handler.post(loop_->executor(), asio::error::eof, 0);
  } else if (isRead() || reading_ || state() == State::connecting) {
    handler.post(loop_->executor(), make_error_code(http::errc::ERR_INVALID_STATE), 0);
  } else {
    if (auto slot = handler.slot(); slot.is_connected()) {
      slot.assign([this](asio::cancellation_type) { cancelRead(); });
    }
    raw().reader = std::move(handler);
    startRead(buffer);
  }
}

SLUICE_DECL void SocketCore::readIntoOwn(ReadHandler handler) {
  readSome(ownRoom(), std::move(handler));
}

SLUICE_DECL void SocketCore::flow() {
  // Never from inside the call that attached the listener or resumed.
  flowing_ = true;
  due_.flow = true;
  atTurnEnd();
}

SLUICE_DECL void SocketCore::pump() {
  if (!flowing_ || !isOpen() || user_ != nullptr || isRead()) return;
  const boost::intrusive_ptr<SocketCore> alive(this);
  if (holdsBytes()) {
    const std::string bytes = takeHeld();
    tellData(bytes);
    if (!flowing_ || !isOpen()) return;
  }
  if (readEnded()) {
    inputEnded();
  } else if (!reading_) {
    readOwn();
  }
}

SLUICE_DECL void SocketCore::end() {
  if (destroyed() || !state_.move(Output::ending)) return;
  if (isOpen()) {
    if (output_) output_->flush();
    finishWriting();
  }
}

SLUICE_DECL void SocketCore::finishWriting() {
  if (writeEnded() || !isOpen()) return;
  if (output_ && (output_->size() != 0 || output_->failure())) return;
  state_.move(Output::ended);
  if (state_.closing() == Closing::afterOutput) {
    transport_->closePolitely();
    destroyAtTurnEnd();
    return;
  }
  error_code ignored;
  transport_->shutdownWrite(ignored);
  if (lingering()) {
    listenOn();
  } else if (readEnded() && user_ == nullptr) {
    destroyAtTurnEnd();
  }
}

SLUICE_DECL void SocketCore::destroySoon() {
  if (destroyed()) return;
  state_.move(Closing::afterOutput);
  if (writeEnded()) {
    destroyAtTurnEnd();
  } else {
    end();
    finishWriting();
  }
}

SLUICE_DECL void SocketCore::linger() {
  if (destroyed() || lingering()) return;
  if (readEnded()) {
    destroySoon();
    return;
  }
  state_.move(Closing::lingering);
  if (writeEnded()) {
    listenOn();
  } else {
    end();
    finishWriting();
  }
}

SLUICE_DECL void SocketCore::linger(const http::Error& error) {
  if (destroyed() || lingering()) return;
  closeError_ = std::make_unique<const http::Error>(error);
  linger();
}

SLUICE_DECL void SocketCore::listenOn() {
  // The whole time, not a silence: a peer that sends a byte now and then is not waited for longer.
  timeout_ = {};
  loop_->startTimer(idle_, lingerTime);
  if (!reading_) readOwn();
}

SLUICE_DECL asio::mutable_buffer SocketCore::ownRoom() {
  if (!raw().own) raw_->own = std::make_unique_for_overwrite<char[]>(ownBufferSize);
  return {raw_->own.get(), ownBufferSize};
}

SLUICE_DECL void SocketCore::resetAndDestroy() {
  if (transport_) transport_->reset();
  destroy();
}

SLUICE_DECL void SocketCore::destroy(const http::Error& error) {
  if (destroyed()) return;
  closeError_ = std::make_unique<const http::Error>(error);
  destroy(error.code());
}

SLUICE_DECL void SocketCore::destroy(const error_code& ec) {
  if (destroyed()) return;
  const boost::intrusive_ptr<SocketCore> alive(this);
  // What was gathered for the end of this turn counts as written.
  if (output_ && !loop_->stopped()) output_->flushLast();
  const bool wasOpen = isOpen();
  state_.move(State::destroyed);
  if (wasOpen && !loop_->observers().empty()) tellObservers(ec);
  idle_.stop();
  if (transport_) transport_->close();
  // First: the events of a message come before those who waited are resumed.
  if (SocketUser* user = std::exchange(user_, nullptr)) user->onDestroyed(ec);
  if (output_) output_->fail(ec ? ec : make_error_code(http::errc::ERR_STREAM_DESTROYED));
  if (isRead()) {
    raw_->reader.post(loop_->executor(),
                      ec ? ec : make_error_code(http::errc::ERR_STREAM_DESTROYED), 0);
  }
  // An orderly end after linger() is the end of what was told to it.
  const bool orderly = !ec && state_.closing() != Closing::no;
  if (closeError_ && closeError_->code() != ec && !orderly) closeError_ = nullptr;
  if (listeners_.get() != nullptr) {
    if (ec && !closeError_) closeError_ = std::make_unique<const http::Error>(ec);
    atTurnEnd();
  }
  // Last: what the observer posts comes after 'close'.
  if (const auto observer = std::exchange(observer_, nullptr)) observer->onGone(ec);
}

SLUICE_DECL void SocketCore::onWritable(const error_code& ec) {
  if (destroyed()) return;
  if (!ec) touch();
  output().onWritable(ec);
}

SLUICE_DECL void SocketCore::onWriteFailed(const error_code& ec) {
  // Not here: the caller may be in the middle of a write().
  destroyAtTurnEnd(ec);
}

SLUICE_DECL void SocketCore::onDrained() {
  due_.drain = true;
  atTurnEnd();
}

SLUICE_DECL void SocketCore::onSent() {
  touch();
  if (user_ != nullptr) user_->onSent();
  if (writeEnding()) finishWriting();
}

SLUICE_DECL void SocketCore::setTimeout(std::chrono::milliseconds idle) {
  timeout_ = idle;
  loop_->startTimer(idle_, idle);
}

SLUICE_DECL void SocketCore::changeTimeout(std::chrono::milliseconds idle) {
  timeout_ = idle;
  if (idle.count() == 0) {
    idle_.stop();
  } else {
    touch();
  }
}

SLUICE_DECL void SocketCore::idled() {
  const boost::intrusive_ptr<SocketCore> alive(this);
  if (lingering()) {
    destroy();
    return;
  }
  if (user_ != nullptr && user_->onIdle()) return;
  sluice::detail::emit<SocketEvents, "timeout">(listeners_);
}

}  // namespace sluice::net::detail
