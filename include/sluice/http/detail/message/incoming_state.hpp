// SPDX-License-Identifier: BSL-1.0
//
// What an IncomingMessage is a handle to: the facts of its head, how far its body has come, and who
// waits for more. The bytes come from a connection, which it knows as a BodySource.
#pragma once

#include <boost/assert.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/detail/listeners.hpp>
#include <sluice/encoding.hpp>
#include <sluice/http/detail/message/message_reader.hpp>
#include <sluice/http/detail/wire/message_parser.hpp>
#include <sluice/http/headers.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/socket.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::http::detail {

/// The connection under a message, as the message sees it.
class BodySource {
 public:
  using Piece = MessageReader::Part;

  virtual const asio::any_io_executor& executor() const = 0;
  virtual net::Socket& socket() = 0;
  /// What of the body has arrived.
  virtual Piece takePiece() = 0;
  virtual const HeaderBlock& trailers() const = 0;
  /// How much of the message was taken, its head included.
  virtual std::uint64_t bytesTaken() const = 0;
  /// The body is wanted: reading goes on.
  virtual void wantInput() = 0;
  /// Call IncomingState::emitDue() soon, but not from here.
  virtual void eventsAreDue() = 0;
  /// The user gives the message up before its end.
  virtual void destroyIncoming(const error_code& reason) = 0;
  /// The last handle is gone, nobody can ask for the body any more.
  virtual void handleIsGone() {}
  /// The body was read to its end, and the user knows.
  virtual void bodyEnded() {}
  virtual void setTimeout(std::chrono::milliseconds idle) = 0;

 protected:
  ~BodySource() = default;
};

class IncomingState
    : public boost::intrusive_ref_counter<IncomingState, boost::thread_unsafe_counter> {
 public:
  // Who takes the body.
  //
  //   idle ──┬──► pulling ◄──┐    read() and text()
  //     ▲    ├──► flowing ◄──┤    "data"; if nobody listens it is thrown away
  //     │    └──► paused  ◄──┘
  //   any of them ──► dropped     nobody will: the rest is thrown away
  //   any of them ──► idle        reset()
  enum class Mode : std::uint8_t { idle, pulling, flowing, paused, dropped };
  static constexpr bool mayFollow(Mode from, Mode to);

  // How far it has come, and how far the user is.
  //
  //   receiving ──► complete ──► ended           the user knows of the end
  //       │            │           │
  //       ▼            ▼           ▼
  //      cut        aborted    abortedLate       see failure()
  //
  //   receiving ──► stale                   a handle of it refers to a message that is over
  //   every state but stale ──► receiving   reset()
  enum class State : std::uint8_t { receiving, complete, ended, aborted, abortedLate, cut, stale };
  static constexpr bool mayFollow(State from, State to);

  struct Next {
    enum class Kind { data, wait, end, failed } kind;
    std::string_view data;
  };

  IncomingState() = default;
  ~IncomingState();

  /// A message whose head is in `parser`, from whose buffer everything is read.
  void begin(const MessageParser& parser, BodySource& source, bool joinDuplicateHeaders);
  /// Forgets everything and keeps the memory.
  void reset();
  /// What a handle refers to whose message is another's by now: every use of it fails.
  void beStale(net::detail::Loop& loop);
  bool stale() const { return state_ == State::stale; }
  /// Memory that it would keep.
  std::size_t heldBytes() const {
    return rawHeaders_.capacity() * sizeof(RawHeader) + owned_.capacity() + text_.capacity() +
           trailerText_.capacity() + prefetched_.capacity();
  }
  /// The buffer goes on to something else: what a handle can still ask for is copied.
  void ownHead();
  /// As ownHead(), and the connection is not asked any more.
  void detach();
  /// As detach(), for a message that nobody can ask any more: it only has events to tell.
  void forgetSource() {
    if (listeners_.get() != nullptr) executorAfter_ = source_->executor();
    source_ = nullptr;
  }
  BodySource* source() const { return source_; }
  /// The connection's own handle; once detached another one, of the same socket.
  net::Socket& socket();

  std::string_view method() const { return method_; }
  std::string_view url() const { return url_; }
  std::string_view statusMessage() const { return statusMessage_; }
  int statusCode() const { return statusCode_; }
  int version() const { return version_; }
  const Headers& headers();
  const Headers& trailers();
  std::span<const RawHeader> rawHeaders();
  std::span<const RawHeader> rawTrailers() { return rawTrailers_; }

  Mode mode() const { return mode_; }
  State state() const { return state_; }
  /// The whole message was received.
  bool complete() const { return state_ != State::receiving && state_ < State::cut; }
  /// The user has been told of the end, or has read up to it.
  bool ended() const { return state_ == State::ended || state_ == State::abortedLate; }
  bool aborted() const { return state_ >= State::aborted; }
  /// It was read, or thrown away, to its end, and nobody is to be told.
  bool isOver() const { return state_ == State::ended && listeners_.get() == nullptr; }
  /// "close" was emitted, or would have been.
  bool closed() const;
  bool destroyed() const { return aborted() || told_ == Told::close; }
  /// No event will come any more, not even for those that wait.
  bool eventsAreOver() const {
    return told_ == Told::close ||
           (source_ == nullptr && !closeIsSources && (aborted() || ended()) && !eventsArePosted_);
  }
  const error_code& failure() const { return failure_; }
  std::optional<std::uint64_t> length() const { return length_; }
  bool upgraded = false;
  // A response closes with its request: emitClose() says when.
  bool closeIsSources = false;
  // It was not the message itself that ended it: "error" says that it was cut short.
  bool endedByOther = false;

  /// One reader at a time; false: another one reads.
  bool beginReading() { return !std::exchange(read_, true); }
  void endReading() { read_ = false; }
  /// destroy() of a message whose connection has gone on.
  void destroyAlone(const error_code& reason);
  /// For a reader: the next piece of what has arrived.
  Next next();
  /// What next() has failed with.
  error_code readFailure() const;
  /// For a reader: suspends until there is more to ask for.
  void wait(sluice::detail::Completion<void(error_code)> handler);

  void flow();
  void pause();
  /// Nobody will take the rest: it is thrown away as it comes. A reader fails.
  void drop();
  void setEncoding(Encoding encoding);
  /// Bytes that nobody took.
  std::uint64_t discardedBytes() const { return discarded_; }

  /// The connection has new bytes, or has come to its end.
  void onInput();
  /// The message will not be complete.
  void fail(const error_code& reason);
  /// Takes what has come into memory of its own, up to `limit`, while nobody else takes it.
  void prefetch(std::size_t limit);
  /// There is no body.
  void markComplete() { bodyIsComplete(); }
  /// Takes pieces for "data" or for nobody, as far as they have come.
  void pump();
  /// Emits "end" and "close", or "aborted", "error" and "close", once each.
  void emitDue();
  /// Emits "aborted", once: it comes before what the response has to say.
  void emitAborted();
  /// What emitDue() has left to its source.
  void emitClose();
  bool eventsDue() const;
  /// Somebody listens, or takes what is still to come of the body.
  bool observed() const {
    return listeners_.get() != nullptr || (takesAsItComes() && state_ <= State::complete);
  }

  /// The connection is gone, and all that it had to tell was told: a wait for more ends.
  void stopTelling() {
    told_ = Told::close;
    listeners_.clear();
  }

  sluice::detail::Listeners& listeners() { return listeners_; }
  const asio::any_io_executor& executor() const {
    return source_ != nullptr ? source_->executor() : executorAfter_;
  }

 private:
  // A coroutine that waits for an event may own the message, which then belongs to no connection.
  class WaitsAfter final : public net::detail::LoopMember {
   public:
    WaitsAfter(net::detail::Loop& loop, IncomingState& state) : LoopMember(loop), state_(state) {}
    SLUICE_DECL void onLoopEnd() override;

   private:
    IncomingState& state_;
  };

  // Which events the user has had.
  enum class Told : std::uint8_t { nothing, end, aborted, error, close };

  template <fixed_string Name, class... Args>
  void tell(Args&&... args);
  bool takesAsItComes() const { return mode_ == Mode::flowing || mode_ == Mode::dropped; }
  bool hasDataListener() const;
  // Events that are due follow from the state: see emitDue().
  void become(State next) {
    BOOST_ASSERT(mayFollow(state_, next));
    state_ = next;
  }
  void become(Mode next) {
    BOOST_ASSERT(mayFollow(mode_, next));
    mode_ = next;
  }
  void bodyIsComplete() {
    if (state_ != State::receiving) return;
    become(State::complete);
    copyTrailers();
  }
  void endIsKnown();
  std::string_view decoded(std::string_view data);
  void copyTrailers();
  void deliver(std::string_view data);
  void emitError();
  void scheduleEvents();
  void wake(const error_code& ec = {});

  BodySource* source_ = nullptr;
  net::Socket socketAfter_;
  asio::any_io_executor executorAfter_;  // none once its context has ended
  std::optional<WaitsAfter> waitsAfter_;
  sluice::detail::Listeners listeners_;
  std::string_view method_, url_, statusMessage_;
  int statusCode_ = 0;
  int version_ = 11;
  const HeaderBlock* block_ = nullptr;
  std::vector<RawHeader> rawHeaders_, rawTrailers_;
  Headers headers_, trailers_;
  std::string owned_;
  std::optional<std::uint64_t> length_;
  std::optional<StringDecoder> decoder_;
  std::string text_;
  std::string trailerText_;
  std::string prefetched_;
  InputBuffer::Hold looked_;  // the memory of the piece that a reader looks at
  sluice::detail::Completion<void(error_code)> waiter_;
  error_code failure_;
  std::uint64_t discarded_ = 0;
  Mode mode_ = Mode::idle;
  State state_ = State::receiving;
  Told told_ = Told::nothing;
  bool joinDuplicates_ = false;
  bool rawMade_ = false;
  bool headersMade_ = false;
  bool read_ = false;
  bool eventsArePosted_ = false;  // since it belongs to no connection
};

constexpr bool IncomingState::mayFollow(Mode from, Mode to) {
  using enum Mode;
  switch (to) {
    case idle:
    case dropped:
      return true;
    case pulling:
      return from != dropped;
    case flowing:
      return from == idle || from == flowing || from == paused;
    case paused:
      return from == idle || from == flowing;
  }
  return false;
}

constexpr bool IncomingState::mayFollow(State from, State to) {
  using enum State;
  switch (to) {
    case receiving:
      return from != stale;
    case complete:
    case cut:
    case stale:
      return from == receiving;
    case ended:
    case aborted:
      return from == complete;
    case abortedLate:
      return from == ended;
  }
  return false;
}

}  // namespace sluice::http::detail
