// SPDX-License-Identifier: BSL-1.0
//
// What a ServerResponse or a ClientRequest is a handle to: headers until they are sent, then how
// the body is framed, then how far its end has come. Its bytes go to an OutputStream.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
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
  virtual void setTimeout(std::chrono::milliseconds idle) = 0;

 protected:
  ~OutgoingOwner() = default;
};

class OutgoingState
    : public boost::intrusive_ref_counter<OutgoingState, boost::thread_unsafe_counter> {
 public:
  using OutputStream = net::detail::OutputStream;

  // headers ──► body ──► ended ──► finished
  //    └──────────┴────────┴──► destroyed        closed comes behind the last two
  enum class Stage { headers, body, ended, finished, destroyed };

  virtual ~OutgoingState() = default;

  /// Ready for a message; keeps memory.
  void begin(boost::intrusive_ptr<OutputStream> output, OutgoingOwner& owner);
  void reset();

  /// Memory that it would keep.
  std::size_t heldBytes() const {
    return headers.wire().size() + corkedChunk.capacity() + heldHead.capacity();
  }

  bool headSent() const { return headSent_; }
  void headIsSent(const HeadFraming& decided) {
    headSent_ = true;
    framing = decided;
    if (stage == Stage::headers) stage = Stage::body;
  }
  /// Where what was written so far ends, in the message's own stream.
  std::uint64_t writtenPosition() const {
    return output->current().queue().queued() - output->currentPosition(0) + corkedChunk.size();
  }
  /// end() was called, and all of it has left, whatever became of the message then.
  bool hasLeft() const { return endPosition != 0 && isSent(); }
  /// Whether the last byte is the kernel's.
  bool isSent() const { return output->current().hasSent(output->currentPosition(endPosition)); }

  /// One piece of body behind the head. false: write() is to return false.
  template <class Chunk>
  bool writeBody(Chunk&& chunk, bool strict);
  /// The rest of the frame: last chunk and trailers.
  void endBody(bool strict);
  void flushCorkedChunk();
  /// A head that was composed ahead of the body goes to the stream.
  void releaseHead();
  void cork();
  void uncork();

  /// The connection is gone, or the message was given up.
  void destroy(const error_code& reason);
  void reportError(const error_code& ec);
  /// Emits what has become due since: errors, 'prefinish' and 'finish', 'close'.
  void emitDue();
  bool eventsDue() const;
  /// Somebody wants to hear of the end.
  bool observed() const { return listeners.get() != nullptr || !callbacks_.empty(); }
  /// Called right before 'finish', or with what kept the message from leaving.
  void addEndCallback(std::function<void(error_code)> callback);
  /// Called when what was written so far has left, before 'finish' in any case, or with what kept
  /// it from leaving.
  void addWriteCallback(std::function<void(error_code)> callback);
  bool ended() const { return stage == Stage::ended || stage == Stage::finished; }

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
  Stage stage = Stage::headers;
  bool closed = false;
  bool rejectBody = false;
  bool filterBegan = false;
  // A request closes when its response is over, not when it is sent.
  bool closeIsOwners = false;

 private:
  void checkLength(std::uint64_t size, bool atEnd) const;

  // Of a write, up to where the bytes have to leave; of end(), the end.
  struct Callback {
    static constexpr std::uint64_t atEnd = UINT64_MAX;
    std::uint64_t position;
    std::function<void(error_code)> call;
  };
  struct CallWritten;

  void callWritten(const error_code& ec);
  void callAll(const error_code& ec);

  std::vector<error_code> errors_;
  std::vector<Callback> callbacks_;  // in the order of the calls
  bool headSent_ = false;
};

}  // namespace detail
}  // namespace sluice::http
