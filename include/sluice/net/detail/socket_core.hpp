// SPDX-License-Identifier: BSL-1.0
//
// The state of a net::Socket: a transport, the outgoing stream, the reading side, the idle
// timer and the listeners. A protocol (HTTP) that takes the socket over hears of everything first.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/detail/listeners.hpp>
#include <sluice/error.hpp>
#include <sluice/net/detail/held_bytes.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/output_stream.hpp>
#include <sluice/net/detail/socket_state.hpp>
#include <sluice/net/detail/transport.hpp>
#include <sluice/net/socket_events.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::net::detail {

/// Who uses a socket in place of its public reading interface.
class SocketUser {
 public:
  /// A read that the user started has ended. Whether it starts the idle time again is the user's
  /// affair.
  virtual void onInput(const error_code&, std::size_t count) = 0;
  /// Gathered bytes have left for the kernel, not necessarily all.
  virtual void onSent() {}
  virtual void onDrained() {}
  /// The output is broken. true: what has arrived is still read, and the socket goes on without it;
  /// a read that was under way ends with operation_aborted. false: it is destroyed.
  virtual bool onOutputBroken() { return false; }
  /// The end of the turn the user asked for with SocketCore::callAtTurnEnd().
  virtual void onTurn() {}
  /// true: the socket does nothing by itself.
  virtual bool onIdle() { return false; }
  /// The socket is destroyed; nothing else will be called.
  virtual void onDestroyed(const error_code&) = 0;

 protected:
  ~SocketUser() = default;
};

/// Keeps account of a socket for its owner: the server that accepted it, the attempt to
/// connect it.
class SocketObserver {
 public:
  virtual ~SocketObserver() = default;
  /// The socket is destroyed. Called once, maybe in the middle of a caller's call on the socket.
  virtual void onGone(const error_code&) = 0;
};

class SocketCore final : public TransportOwner,
                         private OutputStream::Sink,
                         private TurnEntry,
                         private LoopMember {
 public:
  using ReadHandler = sluice::detail::Completion<void(error_code, std::size_t)>;

  using State = SocketState::Life;

  SocketCore(std::shared_ptr<Loop> loop, std::size_t highWaterMark);
  SLUICE_DECL ~SocketCore() override;

  /// connecting → open. Once more: over another transport, which has the one so far below it.
  void open(boost::intrusive_ptr<Transport> transport);
  /// The same, for a connection that a server has accepted.
  void openAccepted(boost::intrusive_ptr<Transport> transport) {
    accepted_ = true;
    open(std::move(transport));
  }
  /// Takes the transport away, open as it is; the socket is destroyed without it.
  boost::intrusive_ptr<Transport> releaseTransport();

  Loop& loop() const { return *loop_; }
  State state() const { return state_.life(); }
  bool destroyed() const { return state_.life() >= State::destroyed; }
  Transport* transport() override { return transport_.get(); }
  OutputStream& output() {
    if (!output_) renewOutput();
    return *output_;
  }
  sluice::detail::Listeners& listeners() { return listeners_; }
  /// One that nobody had listened to has not told of its end: it does so after this turn.
  void listenerAdded() {
    if (state() == State::destroyed) atTurnEnd();
  }
  bool readEnded() const { return state_.input() != Input::open; }
  bool writeEnding() const { return state_.output() != Output::open; }

  void setUser(SocketUser* user) {
    user_ = user;
    // From now on the bytes are for the listeners of "data".
    if (user == nullptr && flowing_) flow();
  }
  SocketUser* user() const { return user_; }
  void setObserver(std::shared_ptr<SocketObserver> observer) { observer_ = std::move(observer); }
  /// For a user: one call of onTurn() when what is ready now has been handled.
  void callAtTurnEnd();

  /// For a user: one read into its own buffer. What the socket holds comes first.
  void startRead(asio::mutable_buffer buffer);
  /// A read is under way, and there can be no other.
  bool reading() const { return readBy_ != ReadBy::nobody; }
  /// The same, and its user has begun it.
  bool userReads() const { return readBy_ == ReadBy::user; }
  /// The read that is under way gives its buffer up, or one without a buffer starts: onInput() says
  /// with 0 bytes that readMore() may find something. false: the transport cannot do that now.
  bool readWithoutBuffer();
  /// Nothing is expected for a while: memory for more is given back.
  void rest();
  /// If the last read took all the room that it had: what else is there already.
  std::size_t readMore(asio::mutable_buffer buffer);
  bool mayReadMore() const { return room_ != 0 && (!reading() || readGivenUp_) && isOpen(); }
  void cancelRead();

  /// For async_read_some() and read(): held bytes first, then one read.
  void readSome(asio::mutable_buffer buffer, ReadHandler handler);
  /// Into the socket's own buffer; ownBuffer() is where the bytes are.
  void readIntoOwn(ReadHandler handler);
  const char* ownBuffer() const { return raw_->own.get(); }
  /// Puts bytes in front of what will be read.
  void unshift(std::string_view bytes) { raw().held.putInFront(bytes); }
  /// What was put there, or read before anybody wanted it.
  std::string takeHeld() { return raw_ ? raw_->held.takeAll() : std::string(); }
  /// Emits "data" from the end of this turn on, until pause().
  void flow();
  void pause() { flowing_ = false; }

  void end();
  void destroy(const error_code& ec = {});
  /// The same, and "error" brings all that is known.
  void destroy(const http::Error& error);
  void resetAndDestroy();
  /// end(), then destroy() once everything has left.
  void destroySoon();
  /// As destroySoon(), and what the peer still sends is thrown away for a while, so that the last
  /// bytes are not lost to a reset.
  void linger();
  /// The same, and "error" brings `error` when it is over.
  void linger(const http::Error& error);
  bool lingering() const { return state_.closing() == Closing::lingering; }

  void setTimeout(std::chrono::milliseconds idle);
  /// As setTimeout(), from the end of this turn on.
  void changeTimeout(std::chrono::milliseconds idle);
  std::chrono::milliseconds timeout() const { return timeout_; }
  /// Something moved: the idle time starts again, once for all that moves in a turn.
  void touch() {
    if (timeout_.count() == 0) return;
    touched_ = true;
    if (!endsTurn_) atTurnEnd();
  }

  std::uint64_t bytesRead() const { return bytesRead_; }
  Address localAddress() const { return isOpen() ? transport_->localAddress() : Address{}; }
  /// The system is asked once: a log asks for every request.
  const Address& remoteAddress();

  SLUICE_DECL void onRead(const error_code&, std::size_t) override;
  SLUICE_DECL void onWritable(const error_code&) override;

 private:
  using Input = SocketState::Input;
  using Output = SocketState::Output;
  using Closing = SocketState::Closing;
  // The caller that began the read under way, and is told of its end. self: the bytes are for
  // "data", or are thrown away.
  enum class ReadBy : std::uint8_t { nobody, user, reader, self };

  bool isOpen() const { return state_.life() == State::open; }
  bool writeEnded() const { return state_.output() == Output::ended; }
  void tellClosed();
  void tellObservers(const error_code& reason);
  void flushLater() override { atTurnEnd(); }
  SLUICE_DECL void onWriteFailed(const error_code&) override;
  SLUICE_DECL void onDrained() override;
  SLUICE_DECL void onSent() override;
  SLUICE_DECL void onTurnEnd() override;
  SLUICE_DECL void onLoopEnd() override;
  void atTurnEnd() {
    if (!awaitsTurnEnd()) enqueue();
  }
  void enqueue();
  void destroyAtTurnEnd(const error_code& reason = {});
  bool livesWithoutOutput();
  void renewOutput();
  void idled();
  void read(asio::mutable_buffer buffer, ReadBy by);
  void deliver(ReadBy by, const error_code&, std::size_t);
  std::size_t takeHeld(asio::mutable_buffer buffer) {
    return raw_->held.take(buffer.data(), buffer.size());
  }
  void readHeld();
  void tellData(std::string_view bytes);
  void inputEnded();
  void finishWriting();
  asio::mutable_buffer ownRoom();
  void readOwn() { read(ownRoom(), ReadBy::self); }
  void listenOn();
  void pump();

  // Why onTurnEnd() was asked for, apart from a flush.
  struct Due {
    bool user : 1 = false;
    bool drain : 1 = false;
    bool flow : 1 = false;
    bool held : 1 = false;     // a read of the user's finds what is held
    bool destroy : 1 = false;  // for closeError_ if there is one
    bool broken : 1 = false;   // the output: that is why
  };

  // What reading without a protocol takes: most sockets are HTTP's, which reads into its own. And
  // what only some programs ask for.
  struct Reading {
    std::unique_ptr<char[]> own;
    ReadHandler reader;
    HeldBytes held;
    asio::mutable_buffer heldGoesTo;
    std::size_t discarded = 0;
    std::unique_ptr<const Address> remoteAddress;
  };
  Reading& raw() {
    if (!raw_) raw_ = std::make_unique<Reading>();
    return *raw_;
  }
  bool isRead() const { return raw_ && raw_->reader; }
  bool holdsBytes() const { return raw_ && !raw_->held.empty(); }

  std::shared_ptr<Loop> loop_;
  boost::intrusive_ptr<Transport> transport_;
  // None before it is needed and while nothing is expected; output() makes it, as it was.
  boost::intrusive_ptr<OutputStream> output_;
  std::uint64_t written_ = 0;  // before it was given up
  std::size_t highWaterMark_;
  SocketUser* user_ = nullptr;
  std::shared_ptr<SocketObserver> observer_;
  sluice::detail::Listeners listeners_;
  TimerEntry idle_;
  std::chrono::milliseconds timeout_{};
  std::unique_ptr<const http::Error> closeError_;
  boost::intrusive_ptr<SocketCore> keptForTurn_;

  std::unique_ptr<Reading> raw_;
  std::uint64_t bytesRead_ = 0;
  std::uint32_t room_ = 0;  // of the read under way; 0 if the last one did not fill it

  SocketState state_;
  ReadBy readBy_ = ReadBy::nobody;
  Due due_;
  // Of this turn: something moved, and it is about to end.
  bool touched_ : 1 = false;
  bool endsTurn_ : 1 = false;
  bool flowing_ : 1 = false;  // "data" is emitted
  bool accepted_ : 1 = false;
  bool readGivenUp_ : 1 = false;  // the read under way has no buffer any more
};

}  // namespace sluice::net::detail
