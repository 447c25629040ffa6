// SPDX-License-Identifier: BSL-1.0
//
// Definitions of socket_core.hpp.
#pragma once

#include <new>
#include <sluice/detail/post.hpp>
#include <sluice/detail/sight.hpp>
#include <sluice/net/detail/socket_core.hpp>

namespace sluice::net::detail {

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
  readBy_ = ReadBy::nobody;
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
  if (due.destroy && !(due.broken && livesWithoutOutput())) {
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
      if (!touched || core.timeout_.count() == 0 || core.destroyed()) return;
      try {
        core.loop_->startTimer(core.idle_, core.timeout_);
      } catch (const std::bad_alloc&) {
        // A connection without its timeout could stay for ever.
        core.destroyAtTurnEnd();
      }
    }
  } const touched(*this);
  if (output_) output_->flush();
  if (due.drain && !output().needDrain() && !output().failure()) {
    if (user_ != nullptr) user_->onDrained();
    // As in Node, not for a writer that has said that nothing more will come.
    if (!writeEnding()) sluice::detail::tell<SocketEvents, "drain">(listeners_, loop_->executor());
  }
  if (due.held) readHeld();
  if (due.user && user_ != nullptr) user_->onTurn();
  if (due.flow) pump();
}

SLUICE_DECL void SocketCore::tellClosed() {
  if (state() == State::closed) return;
  const asio::any_io_executor& executor = loop_->executor();
  if (closeError_) sluice::detail::tell<SocketEvents, "error">(listeners_, executor, *closeError_);
  state_.move(State::closed);
  sluice::detail::tell<SocketEvents, "close">(listeners_, executor, closeError_ != nullptr);
  listeners_.clear();
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
  if (!reading()) readOwn();
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
  due_.broken = true;
  destroyAtTurnEnd(ec);
}

// A peer that refuses what comes has often said so before it closed.
SLUICE_DECL bool SocketCore::livesWithoutOutput() {
  if (user_ == nullptr || !isOpen()) return false;
  if (userReads() && !holdsBytes()) {
    cancelRead();
    readGivenUp_ = true;
  }
  room_ = 1;
  // An error that it has met would be an end to the next read.
  return user_->onOutputBroken() && !due_.destroy;
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
