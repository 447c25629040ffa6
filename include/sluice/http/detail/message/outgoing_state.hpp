// SPDX-License-Identifier: BSL-1.0
//
// What a ServerResponse or a ClientRequest is a handle to: headers until they are sent, then how
// the body is framed, then how far its end has come. Its bytes go to an OutputStream.
#pragma once

#include <boost/assert.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <sluice/detail/fifo.hpp>
#include <sluice/detail/listeners.hpp>
#include <sluice/error.hpp>
#include <sluice/http/body_filter.hpp>
#include <sluice/http/detail/wire/framing.hpp>
#include <sluice/http/detail/wire/header_store.hpp>
#include <sluice/net/detail/output_stream.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::net {
class Socket;
}

namespace sluice::http {

namespace detail {

/// The connection or exchange that a message is sent by.
class OutgoingOwner {
 public:
  virtual net::Socket* outgoingSocket() = 0;
  /// end() was called: everything is in the stream.
  virtual void onMessageEnded() = 0;
  /// Call OutgoingState::emitDue() soon, but not from here.
  virtual void eventsAreDue() = 0;
  virtual void destroyMessage(const error_code& reason) = 0;
  /// As destroyMessage(), with all that is known.
  virtual void destroyMessageWith(const Error& reason) { destroyMessage(reason.code()); }
  virtual void setTimeout(std::chrono::milliseconds idle) = 0;

 protected:
  ~OutgoingOwner() = default;
};

class OutgoingState
    : public boost::intrusive_ref_counter<OutgoingState, boost::thread_unsafe_counter> {
 public:
  using OutputStream = net::detail::OutputStream;
  using Done = std::function<void(error_code)>;

  //  headers ──► body ──► ended ──► finishing ──► finished ──► closed
  //     │          │        ├───────────┼────────────│───────────▲
  //     ├──────────┴────────┴───────────┴────────────┴──► destroyed ──► gone
  //     └──► stale
  //  every state but stale ──► headers     reset()
  //
  // 'prefinish' is told while it is finishing, and not again if a listener breaks the connection.
  // From ended to closed: nobody was to hear of 'finish'.
  //
  // A ClientRequest is over when its response is: finished ──► destroyed, and headers, body ──►
  // gone if the response was complete before the request. `stale` is what a handle refers to whose
  // message is over: nothing leads out of it.
  enum class Stage : std::uint8_t {
    headers,
    body,
    ended,
    finishing,
    finished,
    closed,
    destroyed,
    gone,
    stale
  };

  static constexpr bool mayFollow(Stage from, Stage to);

  virtual ~OutgoingState() = default;

  /// Ready for a message; keeps memory.
  void begin(OutputStream& stream, OutgoingOwner& messageOwner);
  void reset();
  /// What a handle refers to whose message is over: every use of it fails.
  void beStale(boost::intrusive_ptr<OutputStream> failed);

  /// Memory that it would keep.
  std::size_t heldBytes() const {
    return headers.wire().size() + corkedChunk.capacity() + heldHead.capacity();
  }

  Stage stage() const { return stage_; }
  /// end() was called, and the message was not given up.
  bool ended() const { return stage_ >= Stage::ended && stage_ <= Stage::closed; }
  /// The same, and 'finish' is still to come.
  bool awaitsFinish() const { return stage_ == Stage::ended || stage_ == Stage::finishing; }
  /// 'finish' was emitted, or would have been.
  bool finished() const { return stage_ == Stage::finished || stage_ == Stage::closed; }
  /// It will not leave: given up, or the connection broke.
  bool destroyed() const { return stage_ >= Stage::destroyed; }
  /// 'close' was emitted, or would have been.
  bool closed() const {
    return stage_ == Stage::closed || stage_ == Stage::gone || stage_ == Stage::stale;
  }
  bool stale() const { return stage_ == Stage::stale; }

  bool headSent() const { return headSent_; }
  void headIsSent(const HeadFraming& decided) {
    headSent_ = true;
    framing = decided;
    if (stage_ == Stage::headers) become(Stage::body);
  }
  /// Where what was written so far ends, in the message's own stream.
  std::uint64_t writtenPosition() const {
    return output->current().queue().queued() - output->currentPosition(0) + corkedChunk.size();
  }
  /// end() was called, whatever became of the message then.
  bool endWasCalled() const { return endPosition != 0; }
  /// The same, and all of it has left.
  bool hasLeft() const { return endWasCalled() && isSent(); }
  /// Whether the last byte is the kernel's, or gathered with the answers that follow.
  bool isSent() const { return output->current().hasSent(output->currentPosition(endPosition)); }
  /// As isSent(), and what is gathered does not count.
  bool isFlushed() const { return output->current().hasLeft(output->currentPosition(endPosition)); }
  /// The body is as long as its Content-Length has said.
  bool lengthKept() const {
    return framing.mode != BodyMode::sized || !framing.contentLength ||
           bodyWritten == *framing.contentLength;
  }

  /// One piece of body after the head. false: write() is to return false.
  template <class Chunk>
  bool writeBody(Chunk&& chunk, bool strict);
  /// The last piece, before endBody().
  template <class Chunk>
  void writeLast(Chunk&& chunk, bool strict);
  /// Throws ERR_HTTP_CONTENT_LENGTH_MISMATCH unless `size` more bytes are all that is missing.
  void requireLengthAtEnd(std::uint64_t size) const { checkLength(size, true); }
  /// The rest of the frame: last chunk and trailers.
  void endBody(bool strict);
  void flushCorkedChunk();
  /// A head that was composed ahead of the body goes to the stream.
  void releaseHead() {
    if (!heldHead.empty()) moveHead();
  }
  void cork();
  void uncork();
  void uncorkAll();

  /// The connection is gone, or the message was given up.
  void destroy(const error_code& reason);
  /// As destroy(), unless the last byte has left or is gathered with the answers that follow.
  void giveUp(const error_code& reason) {
    if (!hasLeft()) destroy(reason);
  }
  /// A call that came too late: `done` hears of it, and then "error".
  void refuse(const error_code& ec, Done done = {});
  /// Emits what has become due since: errors, 'prefinish' and 'finish', 'close'.
  void emitDue();
  /// 'close', from an owner that says when (closeIsOwners).
  void emitClose();
  /// Nothing more will happen to the message: all waiters are told.
  void conclude(const error_code& reason);
  bool eventsDue() const;
  /// Somebody wants to hear of the end.
  bool observed() const { return listeners.get() != nullptr || !callbacks_.empty(); }
  /// The connection is gone, and all that it had to tell was told: a wait for more ends.
  void stopTelling();
  /// It has left, and nobody is to be told.
  bool isOver() const {
    return stage_ == Stage::ended && !observed() && refusals_.empty() && isSent();
  }
  /// Called right before 'finish', or with what kept the message from leaving.
  void addEndCallback(Done&& callback);
  /// Called when what was written so far has left, before 'finish' in any case, or with what kept
  /// it from leaving.
  void addWriteCallback(Done&& callback);

  HeaderStore headers;
  HeadFraming framing;
  std::optional<Headers> trailers;
  std::vector<std::string> uniqueHeaders;
  boost::intrusive_ptr<OutputStream> output;
  OutgoingOwner* owner = nullptr;
  sluice::detail::Listeners listeners;
  BodyFilterPointer filter;  // null: the body goes out as it is
  ByteBuffer corkedChunk;
  ByteBuffer heldHead;  // of writeHead(), which leaves with the first piece of body
  std::uint64_t bodyWritten = 0;
  std::uint64_t endPosition = 0;
  unsigned corked = 0;
  error_code failure;
  bool rejectBody = false;
  bool filterBegan = false;
  // A request closes when its response is over, not when it is sent.
  bool closeIsOwners = false;

 private:
  // Of a write, up to where the bytes have to leave; of end(), the end.
  struct Callback {
    static constexpr std::uint64_t atEnd = UINT64_MAX;
    std::uint64_t position;
    Done call;
  };
  struct Refusal {
    error_code code;
    Done done;
  };
  struct WhenWritten;

  void moveHead();
  // Events that are due follow from the stage: see emitDue() and emitClose().
  void become(Stage next) {
    BOOST_ASSERT(mayFollow(stage_, next));
    stage_ = next;
  }
  void finish();
  void checkLength(std::uint64_t size, bool atEnd) const;
  template <fixed_string Name, class... Args>
  void tell(Args&&... args);
  void call(const Done& done, const error_code& ec);
  void callNext(const error_code& ec);
  void callWritten(const error_code& ec);
  void callAll(const error_code& ec);
  /// callAll() with what became of the message.
  void callRest();
  void tellRefusals();
  error_code whyDestroyed() const {
    return failure ? failure : make_error_code(errc::ERR_STREAM_DESTROYED);
  }

  std::vector<Refusal> refusals_;
  sluice::detail::Fifo<Callback> callbacks_;  // in the order of the calls
  Stage stage_ = Stage::headers;
  bool headSent_ = false;
};

constexpr bool OutgoingState::mayFollow(Stage from, Stage to) {
  using enum Stage;
  switch (to) {
    case headers:
      return from != stale;
    case body:
    case stale:
      return from == headers;
    case ended:
      return from == body;
    case finishing:
      return from == ended;
    case finished:
      return from == finishing;
    case closed:
      return from == ended || from == finishing || from == finished;
    case destroyed:
      return from <= finished;
    case gone:
      return from == headers || from == body || from == destroyed;
  }
  return false;
}

}  // namespace detail
}  // namespace sluice::http
