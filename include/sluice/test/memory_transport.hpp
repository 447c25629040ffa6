// SPDX-License-Identifier: BSL-1.0
//
// A connection that is two runs of bytes in memory. It behaves as a socket of the kernel does where
// it matters (nothing completes inside the call that started it, a full peer takes nothing, a reset
// is seen as one) and can be told to behave badly.
#pragma once

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <sluice/detail/post.hpp>
#include <sluice/net/detail/transport.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::test {

class MemoryTransport;

/// No limit of the room: a pipe takes whatever is written.
inline constexpr std::size_t unlimited = SIZE_MAX;

/// One direction: what one end has written and the other has not read yet.
class MemoryPipe : public boost::intrusive_ref_counter<MemoryPipe, boost::thread_unsafe_counter> {
 public:
  explicit MemoryPipe(std::size_t room = unlimited) : room_(room) {
    if (room != unlimited) bytes_.reserve(room);
  }

  /// What was written and not read. A view, valid until the next call that changes the pipe.
  std::string_view unread() const { return std::string_view(bytes_).substr(taken_); }
  /// Whether the writer has ended it.
  bool ended() const { return ended_; }
  /// Whether a read would give something at once: bytes, the end, or an error.
  bool readable() const { return !unread().empty() || ended_ || readError_; }
  /// Whether a write would be answered at once: with room, or with an error.
  bool writable() const { return room_ != 0 || ended_ || writeError_; }

  /// How many more bytes are taken; reading gives the room back, forget() does not.
  void setRoom(std::size_t bytes);
  void setLargestRead(std::size_t bytes) { largestRead_ = bytes; }
  void setLargestWrite(std::size_t bytes) { largestWrite_ = bytes; }

  /// Bytes that no read mixes with those before and after them.
  void putPiece(std::string_view bytes);
  void end();
  /// The reader meets this after the bytes that are there.
  void failRead(const error_code& ec);
  void failWrite(const error_code& ec);

  /// Takes what there is room for, and says how many bytes that is.
  std::size_t write(std::span<const asio::const_buffer> buffers, error_code& ec);
  /// Gives what is there, up to the size of the buffer; 0 and asio::error::eof at the end.
  std::size_t read(asio::mutable_buffer buffer, error_code& ec);
  /// Takes everything away, as if it had never been there.
  std::string forget();

 private:
  friend class MemoryTransport;

  void readableChanged();
  void writableChanged();

  std::string bytes_;
  std::size_t taken_ = 0;
  std::deque<std::size_t> pieces_;
  std::size_t room_;
  std::size_t largestRead_ = unlimited;
  std::size_t largestWrite_ = unlimited;
  bool ended_ = false;
  error_code readError_;
  error_code writeError_;
  MemoryTransport* reader_ = nullptr;
  MemoryTransport* writer_ = nullptr;
};

/// How often each operation was asked for.
struct TransportCalls {
  /// Calls of read().
  std::size_t read = 0;
  /// Calls of tryRead().
  std::size_t tryRead = 0;
  /// Calls of cancelRead().
  std::size_t cancelRead = 0;
  /// Calls of tryWrite().
  std::size_t tryWrite = 0;
  /// Calls of waitWritable().
  std::size_t waitWritable = 0;
  /// Calls of shutdownWrite().
  std::size_t shutdownWrite = 0;

  /// Those that failAt() numbers.
  std::size_t operations() const { return read + tryRead + tryWrite + waitWritable; }
};

/// One end of a connection in memory. Waiting for the other end is no work for an `io_context`:
/// its `run()` returns if only that is left.
class MemoryTransport final : public net::detail::Transport {
 public:
  /// A direction; the two ends share it.
  using Pipe = boost::intrusive_ptr<MemoryPipe>;

  MemoryTransport(asio::any_io_executor executor, Pipe input, Pipe output)
      : executor_(std::move(executor)), input_(std::move(input)), output_(std::move(output)) {
    input_->reader_ = this;
    output_->writer_ = this;
  }
  ~MemoryTransport() override {
    if (open_) hangUp();
  }

  /// Takes as many bytes as there is room for. `ec` is set only if the connection is broken.
  std::size_t tryWrite(std::span<const asio::const_buffer> buffers, error_code& ec) override {
    ++calls_.tryWrite;
    if (fails(ec)) return 0;
    return output_->write(buffers, ec);
  }

  /// Tells the owner once there is room again.
  void waitWritable() override {
    ++calls_.waitWritable;
    start(writing_);
    advanceWrite();
  }

  /// Reads into `buffer`, which is lent until the owner is told.
  void read(asio::mutable_buffer buffer) override {
    ++calls_.read;
    buffer_ = buffer;
    start(reading_);
    advanceRead();
  }

  /// A read without a buffer tells the owner only that there is something. Always true.
  bool readWithoutBuffer() override {
    buffer_ = {};
    return true;
  }

  /// Reads what is there already; 0 and no error if nothing is.
  std::size_t tryRead(asio::mutable_buffer buffer, error_code& ec) override {
    ++calls_.tryRead;
    if (fails(ec) || !input_->readable()) return 0;
    return input_->read(buffer, ec);
  }

  /// As with a socket of the kernel, the wait for writing ends as well.
  void cancelRead() override {
    ++calls_.cancelRead;
    abort();
  }

  /// The other end reads the end after what was written.
  void shutdownWrite(error_code& ec) override {
    ++calls_.shutdownWrite;
    if (!open_) {
      ec = asio::error::bad_descriptor;
      return;
    }
    output_->end();
  }

  /// Closes this end; what is under way ends with operation_aborted. Once.
  void close() override {
    if (!open_) return;
    hangUp();
    abort();
  }

  /// close(), and the other end sees ECONNRESET.
  void reset() override {
    if (!open_) return;
    wasReset_ = true;
    close();
  }

  /// Whether neither close() nor reset() was called.
  bool isOpen() const override { return open_; }

  /// The address that setAddresses() gave.
  net::Address localAddress() const override { return local_; }
  /// The address of the other end that setAddresses() gave.
  net::Address remoteAddress() const override { return remote_; }
  /// What localAddress() and remoteAddress() say. They reach no network.
  void setAddresses(net::Address local, net::Address remote) {
    local_ = std::move(local);
    remote_ = std::move(remote);
  }
  /// Is remembered for noDelay().
  void setNoDelay(bool on) override { noDelay_ = on; }
  /// Is remembered for keepAlive() and keepAliveDelay().
  void setKeepAlive(bool on, std::chrono::milliseconds initialDelay) override {
    keepAlive_ = on;
    keepAliveDelay_ = initialDelay;
  }
  /// What setNoDelay() was last given; empty: it was never called.
  std::optional<bool> noDelay() const { return noDelay_; }
  /// What setKeepAlive() was last given; empty: it was never called.
  std::optional<bool> keepAlive() const { return keepAlive_; }
  /// The initial delay that setKeepAlive() was last given.
  std::chrono::milliseconds keepAliveDelay() const { return keepAliveDelay_; }

  /// The executor on which the owner is told.
  const asio::any_io_executor& executor() const { return executor_; }
  /// Whether reset() was called here.
  bool wasReset() const { return wasReset_; }
  /// Whether a read() waits.
  bool waitsForBytes() const { return reading_.pending; }
  /// How often each operation was asked for.
  const TransportCalls& calls() const { return calls_; }
  /// What this end reads.
  const Pipe& input() const { return input_; }
  /// What this end writes.
  const Pipe& output() const { return output_; }

  /// The operation of this number, the first is 1, and all later ones fail.
  void failAt(std::size_t operation, const error_code& ec) {
    failFrom_ = operation;
    failure_ = ec;
  }

 private:
  friend class MemoryPipe;

  // One that waits keeps its owner alive.
  struct Operation {
    boost::intrusive_ptr<net::detail::TransportOwner> owner;
    bool pending = false;
    bool posted = false;
    error_code failure;
  };

  bool fails(error_code& ec) const {
    if (!open_) {
      ec = asio::error::bad_descriptor;
    } else if (calls_.operations() >= failFrom_) {
      ec = failure_;
    }
    return ec.failed();
  }

  void start(Operation& operation) {
    operation.owner = owner_;
    operation.pending = true;
    operation.failure = {};
    fails(operation.failure);
  }

  // From here on the executor has the owner: destroying an io_context ends the wait too.
  void advanceRead() {
    if (!reading_.pending || reading_.posted || !readReady()) return;
    reading_.posted = true;
    sluice::detail::post(executor_, [self = boost::intrusive_ptr<MemoryTransport>(this),
                                     owner = std::move(reading_.owner)]() mutable {
      self->endRead(std::move(owner));
    });
  }

  void endRead(boost::intrusive_ptr<net::detail::TransportOwner> owner) {
    reading_.posted = false;
    // A tryRead() may have been faster.
    if (!readReady()) {
      reading_.owner = std::move(owner);
      return;
    }
    reading_.pending = false;
    error_code ec = reading_.failure;
    const std::size_t count = ec || buffer_.size() == 0 ? 0 : input_->read(buffer_, ec);
    if (owner_ != nullptr) owner->onRead(ec, count);
  }

  bool readReady() const { return reading_.failure || input_->readable(); }

  void advanceWrite() {
    if (!writing_.pending || writing_.posted || !writeReady()) return;
    writing_.posted = true;
    sluice::detail::post(executor_, [self = boost::intrusive_ptr<MemoryTransport>(this),
                                     owner = std::move(writing_.owner)]() mutable {
      self->endWrite(std::move(owner));
    });
  }

  void endWrite(boost::intrusive_ptr<net::detail::TransportOwner> owner) {
    writing_.posted = false;
    if (!writeReady()) {
      writing_.owner = std::move(owner);
      return;
    }
    writing_.pending = false;
    const error_code ec = writing_.failure;
    if (owner_ != nullptr) owner->onWritable(ec);
  }

  bool writeReady() const { return writing_.failure || output_->writable(); }

  void abort() {
    reading_.failure = writing_.failure = asio::error::operation_aborted;
    advanceRead();
    advanceWrite();
  }

  void hangUp() {
    open_ = false;
    input_->reader_ = nullptr;
    output_->writer_ = nullptr;
    // The kernel answers bytes that nobody will read with a reset.
    if (wasReset_ || !input_->unread().empty()) {
      output_->failRead(asio::error::connection_reset);
    } else {
      output_->end();
    }
    input_->failWrite(asio::error::broken_pipe);
  }

  asio::any_io_executor executor_;
  Pipe input_;
  Pipe output_;
  Operation reading_;
  Operation writing_;
  asio::mutable_buffer buffer_;
  bool open_ = true;
  bool wasReset_ = false;
  std::size_t failFrom_ = unlimited;
  error_code failure_;
  TransportCalls calls_;
  net::Address local_{"192.0.2.1", "IPv4", 80, {}};
  net::Address remote_{"192.0.2.2", "IPv4", 50000, {}};
  std::optional<bool> noDelay_;
  std::optional<bool> keepAlive_;
  std::chrono::milliseconds keepAliveDelay_{};
};

inline void MemoryPipe::setRoom(std::size_t bytes) {
  room_ = bytes;
  writableChanged();
}

inline void MemoryPipe::putPiece(std::string_view bytes) {
  if (bytes.empty()) return;
  bytes_ += bytes;
  pieces_.push_back(bytes.size());
  readableChanged();
}

inline void MemoryPipe::end() {
  ended_ = true;
  readableChanged();
}

inline void MemoryPipe::failRead(const error_code& ec) {
  readError_ = ec;
  readableChanged();
}

inline void MemoryPipe::failWrite(const error_code& ec) {
  writeError_ = ec;
  writableChanged();
}

inline std::size_t MemoryPipe::write(std::span<const asio::const_buffer> buffers, error_code& ec) {
  if (writeError_ || ended_) {
    ec = writeError_ ? writeError_ : error_code(asio::error::broken_pipe);
    return 0;
  }
  const std::size_t most = std::min(room_, largestWrite_);
  std::size_t count = 0;
  for (const auto& buffer : buffers) {
    const std::size_t some = std::min(buffer.size(), most - count);
    bytes_.append(static_cast<const char*>(buffer.data()), some);
    count += some;
  }
  if (room_ != unlimited) room_ -= count;
  if (count != 0) readableChanged();
  return count;
}

inline std::size_t MemoryPipe::read(asio::mutable_buffer buffer, error_code& ec) {
  const std::string_view waiting = unread();
  if (waiting.empty()) {
    ec = readError_ ? readError_ : error_code(asio::error::eof);
    return 0;
  }
  std::size_t count = std::min({waiting.size(), buffer.size(), largestRead_});
  if (!pieces_.empty()) {
    count = std::min(count, pieces_.front());
    if ((pieces_.front() -= count) == 0) pieces_.pop_front();
  }
  if (count != 0) std::memcpy(buffer.data(), waiting.data(), count);
  taken_ += count;
  if (taken_ == bytes_.size()) {
    bytes_.clear();
    taken_ = 0;
  } else if (taken_ > bytes_.size() / 2) {
    bytes_.erase(0, std::exchange(taken_, 0));
  }
  if (room_ != unlimited) setRoom(room_ + count);
  return count;
}

inline std::string MemoryPipe::forget() {
  std::string result = std::exchange(bytes_, {});
  result.erase(0, std::exchange(taken_, 0));
  pieces_.clear();
  return result;
}

inline void MemoryPipe::readableChanged() {
  if (reader_ != nullptr) reader_->advanceRead();
}

inline void MemoryPipe::writableChanged() {
  if (writer_ != nullptr) writer_->advanceWrite();
}

}  // namespace sluice::test
