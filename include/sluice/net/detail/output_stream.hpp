// SPDX-License-Identifier: BSL-1.0
//
// The outgoing half of a connection: a WriteQueue, the high-water mark, and everybody who waits for
// room, for 'drain' or for the end of a message. It decides when bytes leave; a Sink moves them.
#pragma once

#include <algorithm>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/error.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/transport.hpp>
#include <sluice/net/detail/until.hpp>
#include <sluice/net/detail/write_queue.hpp>
#include <vector>

namespace sluice::net::detail {

class OutputStream final
    : public boost::intrusive_ref_counter<OutputStream, boost::thread_unsafe_counter>,
      private LoopMember {
 public:
  using Handler = sluice::detail::Completion<void(error_code, bool)>;

  using Until = detail::Until;

  /// A piece of at least this size is not gathered: it goes beside what is, in one writev.
  static constexpr std::size_t largePiece = 4096;

  /// Who carries the bytes and hears what became of them. None before a client is connected.
  class Sink {
   public:
    virtual Transport* transport() = 0;
    /// Bytes were gathered: call flush() at the end of this turn.
    virtual void flushLater() = 0;
    /// The first write that the peer will never get. Called once.
    virtual void onWriteFailed(const error_code&) = 0;
    /// Everything queued has left after a write returned false.
    virtual void onDrained() = 0;
    /// Some bytes have left.
    virtual void onSent() = 0;

   protected:
    ~Sink() = default;
  };

  OutputStream(std::shared_ptr<Loop> loop, std::size_t highWaterMark)
      : LoopMember(*loop), loop_(std::move(loop)) {
    setHighWaterMark(highWaterMark);
  }

  Loop& loop() const { return *loop_; }
  void attach(Sink* sink) { sink_ = sink; }

  WriteQueue& queue() { return queue_; }
  std::size_t size() const { return queue_.size(); }
  /// All bytes ever written, whether they have left or wait.
  std::uint64_t written() const { return queue_.queued() - (failure_ ? 1 : 0); }
  std::size_t highWaterMark() const { return highWaterMark_; }
  std::string copyOfWaiting() const;
  /// 0 is as good as 1: a waiter goes on if nothing is left to be sent.
  void setHighWaterMark(std::size_t bytes) { highWaterMark_ = std::max<std::size_t>(bytes, 1); }
  bool needDrain() const { return needDrain_; }
  /// The kernel took less than it was given.
  bool blocked() const { return blocked_; }
  const error_code& failure() const { return failure_; }

  void cork() { ++corked_; }
  void uncork();
  unsigned corked() const { return corked_; }

  /// After bytes were put into the queue: sends them now or at the end of the turn. false: write()
  /// is to return false.
  bool queued();
  /// A piece of any size after what is queued, sent at once if it is worth a call of its own.
  /// `bytes` is copied only if it has to wait; `tail` is a few bytes that belong to it.
  bool write(std::string_view bytes, std::string_view tail = {});
  bool write(std::string&& bytes, std::string_view tail = {});
  /// Hands the kernel what it takes. Corked bytes wait.
  void flush();
  /// As flush(), for a stream that is about to fail: nobody is told.
  void flushLast();

  /// While on, gathered bytes count as sent: who waits for the end of a message goes on, and the
  /// answer to the next pipelined request joins them.
  void setBatching(bool on) { batching_ = on; }

  /// No byte more will leave: everybody who waits hears `ec`.
  void fail(const error_code& ec);
  /// The same, and what is thrown because of it says all that `why` does.
  void fail(const Error& why);
  /// Null if no more is known than the code.
  const Error* why() const { return why_.get(); }

  /// What `until` asks for holds (no error), cannot come any more (an error), or is to be awaited.
  std::optional<error_code> settled(Until until, std::uint64_t position) const;
  /// As settled() with Until::sent and no error.
  bool hasSent(std::uint64_t position) const {
    return hasLeft(position) || (batching_ && !blocked_ && !failure_);
  }
  /// The kernel has it: as hasSent(), and what is gathered does not count.
  bool hasLeft(std::uint64_t position) const {
    // What has left before something broke has left.
    return (failure_ ? sentAtFailure_ : queue_.sent()) >= position;
  }
  /// For what is not settled.
  void wait(Until until, std::uint64_t position, Handler handler);

  /// As new, with the memory that it has. For one that nobody waits for.
  void reset();

  /// Goes on in `target`: queued bytes and waiters move there, and results made here ask there.
  void continueIn(boost::intrusive_ptr<OutputStream> target);
  OutputStream& current() { return target_ ? *target_ : *this; }
  std::uint64_t currentPosition(std::uint64_t position) const { return position + targetOffset_; }

  void onWritable(const error_code&);

 private:
  struct Waiter {
    Until until;
    std::uint64_t position;
    std::uint64_t id;
    Handler handler;
  };

  SLUICE_DECL void onLoopEnd() override;
  bool afterWrite();
  bool maySend() const;
  std::size_t sendSome(Transport& transport, std::size_t& offered, error_code& ec);
  void waitForKernel();
  void progressed();
  void giveUp();
  void settleWaiters();
  void cancel(std::uint64_t id);
  static void settle(Waiter waiter, const error_code& ec, Loop& loop);

  WriteQueue queue_;
  std::size_t highWaterMark_ = 1;
  std::shared_ptr<Loop> loop_;
  Sink* sink_ = nullptr;
  std::vector<Waiter> waiters_;
  error_code failure_;
  std::unique_ptr<const Error> why_;
  std::uint64_t sentAtFailure_ = 0;
  boost::intrusive_ptr<OutputStream> target_;
  std::uint64_t targetOffset_ = 0;
  unsigned corked_ = 0;
  bool blocked_ = false;
  bool batching_ = false;
  bool needDrain_ = false;
};

}  // namespace sluice::net::detail
