// SPDX-License-Identifier: BSL-1.0
//
// Where a connection reads into: one contiguous run that holds the head of the current message as
// long as the message lives, and after it what has not been understood yet. Pure.
//
//     [ head of the current message | taken | unparsed | room ]
//
// An idle connection waits with the room for a small head. What comes decides how much it gets.
//
// Memory that a read fills or that somebody looks at is never freed and never moves. That does not
// depend on the order of the calls: the blocks are counted, and a block with another owner (the
// read that it is lent to, a piece that is held) is left alone.
#pragma once

#include <sluice/config.hpp>
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sluice/detail/reserve.hpp>
#include <string_view>
#include <utility>

namespace sluice::http::detail {

/// Memory that is counted by all who use it. Its bytes stand after it.
class InputBlock {
 public:
  using Pointer = boost::intrusive_ptr<InputBlock>;

  static Pointer make(std::size_t capacity) {
    sluice::detail::Reserve::hold();
    void* memory = std::malloc(sizeof(InputBlock) + capacity);
    if (memory == nullptr) throw std::bad_alloc();
    return Pointer(::new (memory) InputBlock(capacity));
  }

  char* data() { return reinterpret_cast<char*>(this + 1); }
  std::size_t capacity() const { return capacity_; }
  /// Somebody else uses it too: nothing in it may move.
  bool shared() const { return references_ > 1; }

 private:
  explicit InputBlock(std::size_t capacity) : capacity_(capacity) {}

  friend void intrusive_ptr_add_ref(InputBlock* block) { ++block->references_; }
  friend void intrusive_ptr_release(InputBlock* block) {
    if (--block->references_ == 0) std::free(block);
  }

  std::size_t capacity_;
  std::size_t references_ = 0;
};

class InputBuffer {
 public:
  /// Keeps the bytes of a view where they are, whatever becomes of the buffer.
  using Hold = InputBlock::Pointer;

  /// `least` for a head to begin with.
  explicit InputBuffer(std::size_t least) : least_(least), wanted_(least) {}

  /// What has arrived and was not taken, from the first byte of the message on before its head is
  /// complete.
  std::string_view unparsed() const {
    if (!data_) return {};
    return {data_->data() + taken_, end_ - taken_};
  }
  bool empty() const { return taken_ == end_; }
  /// For who keeps a view of the bytes that were handed out last.
  const Hold& hold() const { return data_; }
  /// A read is under way: commit() or takeBack() ends it.
  bool lent() const { return lent_ != nullptr; }

  /// Makes place for the next message. Its head may still be growing.
  void startMessage() {
    head_.reset();
    if (empty() && !lent()) {
      if (fewNeeded()) wanted_ = std::max(wanted_ / 4, least_);
      if (data_ && (data_->shared() || data_->capacity() > wanted_)) data_.reset();
      kept_ = taken_ = end_ = headEnd_ = 0;
    } else {
      kept_ = taken_;
    }
  }

  /// The head ends `size` bytes from the message's start: it stays where it is.
  void keepHead(std::size_t size) {
    taken_ += size;
    headEnd_ = taken_;
  }

  void take(std::size_t count) { taken_ += count; }

  // Each lends what it returns to one read, and returns nothing while a read has it.

  /// Room for the next read of a growing head. Moves bytes that nobody holds.
  boost::asio::mutable_buffer prepareHead(std::size_t limit) {
    if (lent()) return {};
    if (!data_) data_ = InputBlock::make(wanted_);
    // More was there than the last read had room for: a larger head, or more requests in a row.
    const bool full = end_ == capacity();
    if (kept_ != 0 && capacity() - end_ <= capacity() / 2) moveToFront();
    if (full && capacity() < limit) grow(std::min(capacity() * 4, limit));
    return lend();
  }

  /// Room for the next read of a body.
  boost::asio::mutable_buffer prepareBody() {
    if (lent()) return {};
    const bool full = end_ == capacity();
    if (!head_ && capacity() - headEnd_ < (full ? bodyBlock : least_) / 4) {
      // What came with the head would have gone on: the next one may do so in one block.
      if (full) wanted_ = std::min(wanted_ * 4, bodyBlock);
      leaveHead(bodyBlock - (end_ - taken_));
    } else if (full && empty() && data_ && data_->shared()) {
      // The last piece may be looked at to the end of the handler, while the rest is thrown away.
      leaveHead(bodyBlock);
    }
    return lend();
  }

  /// Room for what may follow the current message.
  boost::asio::mutable_buffer prepareNext() {
    if (lent()) return {};
    if (end_ == capacity() && (!head_ || empty())) leaveHead(least_);
    return lend();
  }

  /// The pieces that were handed out are not used any more: their place is free again, unless
  /// somebody holds it.
  void reclaim() {
    if (taken_ == headEnd_ || !data_ || data_->shared()) return;
    const std::size_t left = end_ - taken_;
    // A copy is worth it only if it makes room.
    if (left != 0 && capacity() - end_ > capacity() / 4) return;
    if (left == 0 && end_ == capacity() && capacity() < largestBlock) {
      // It comes faster than it is read.
      if (head_) {
        data_ = InputBlock::make(largestBlock);
      } else {
        leaveHead(bodyBlock);
      }
    }
    if (left != 0) std::memmove(data_->data() + headEnd_, data_->data() + taken_, left);
    taken_ = headEnd_;
    end_ = headEnd_ + left;
  }

  /// The read that had the room has filled so much of it.
  void commit(std::size_t count) {
    lent_.reset();
    end_ += count;
  }
  /// The read that had the room will not fill it.
  void takeBack() { lent_.reset(); }

  /// Nobody will read what has come. The head stays: its message may live on for a while.
  void dropAll() {
    if (!lent()) {
      if (data_ && data_->shared()) {
        taken_ = end_;
        leaveHead(least_);
      }
      end_ = headEnd_;
    }
    kept_ = taken_ = end_;
  }

  /// Gives the memory back, if nothing is in it and no read has it. What others hold stays theirs.
  void release() {
    if (!empty() || lent()) return;
    data_.reset();
    head_.reset();
    kept_ = taken_ = end_ = headEnd_ = 0;
  }

 private:
  static constexpr std::size_t bodyBlock = 16 * 1024;
  static constexpr std::size_t largestBlock = 64 * 1024;
  // So many messages in a row that needed less make the room for the next one smaller.
  static constexpr unsigned patience = 16;

  std::size_t capacity() const { return data_ ? data_->capacity() : 0; }

  boost::asio::mutable_buffer lend() {
    if (end_ == capacity()) return {};
    lent_ = data_;
    return {data_->data() + end_, capacity() - end_};
  }

  bool fewNeeded() {
    if (end_ > wanted_ / 4 || wanted_ == least_) {
      few_ = 0;
    } else if (++few_ == patience) {
      few_ = 0;
      return true;
    }
    return false;
  }

  // A head at the end of the block leaves no room for what comes after it. It stays where it is,
  // and so do the pieces in use; reading goes on in another block. A block without the head goes,
  // but for those who hold it.
  void leaveHead(std::size_t room) {
    const std::size_t left = end_ - taken_;
    Hold block = InputBlock::make(room + left);
    if (left != 0) std::memcpy(block->data(), data_->data() + taken_, left);
    data_.swap(block);
    kept_ = headEnd_ = taken_ = 0;
    end_ = left;
    if (!head_) head_ = std::move(block);
  }

  void moveToFront() {
    const Hold before =
        data_->shared() ? std::exchange(data_, InputBlock::make(capacity())) : data_;
    std::memmove(data_->data(), before->data() + kept_, end_ - kept_);
    taken_ -= kept_;
    end_ -= kept_;
    kept_ = 0;
  }

  void grow(std::size_t capacity) {
    const Hold before = std::exchange(data_, InputBlock::make(capacity));
    std::memcpy(data_->data() + kept_, before->data() + kept_, end_ - kept_);
    wanted_ = std::max(wanted_, std::min(capacity, bodyBlock));
  }

  Hold data_;
  Hold head_;  // the block that reading has left
  Hold lent_;  // the block that a read fills
  std::size_t least_;
  std::size_t wanted_;
  std::size_t kept_ = 0;     // the message begins here
  std::size_t headEnd_ = 0;  // and its head ends here
  std::size_t taken_ = 0;
  std::size_t end_ = 0;
  unsigned few_ = 0;
};

}  // namespace sluice::http::detail
