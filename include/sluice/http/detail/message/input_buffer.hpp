// SPDX-License-Identifier: BSL-1.0
//
// Where a connection reads into: one contiguous run that holds the head of the current message as
// long as the message lives, and behind it what has not been understood yet. Pure.
//
//     [ head of the current message | taken | unparsed | room ]
//
// An idle connection waits with the room for a small head. What comes decides how much it gets.
#pragma once

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <sluice/config.hpp>
#include <string_view>
#include <utility>

namespace sluice::http::detail {

class InputBuffer {
 public:
  /// `least` for a head to begin with.
  explicit InputBuffer(std::size_t least) : least_(least), wanted_(least) {}

  /// What has arrived and was not taken, from the first byte of the message on before its head is
  /// complete.
  std::string_view unparsed() const { return {data_.get() + taken_, end_ - taken_}; }
  bool empty() const { return taken_ == end_; }

  /// Makes place for the next message. Its head may still be growing: bytes may move, but not where
  /// a read is under way.
  void startMessage(bool reading) {
    head_.reset();
    if (empty() && !reading) {
      if (fewNeeded()) wanted_ = std::max(wanted_ / 4, least_);
      if (capacity_ > wanted_) drop();
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

  /// Room for the next read of a growing head. Moves bytes: views into them are void.
  boost::asio::mutable_buffer prepareHead(std::size_t limit) {
    if (!data_) allocate(wanted_);
    // More was there than the last read had room for: a larger head, or more requests in a row.
    const bool full = end_ == capacity_;
    if (kept_ != 0 && capacity_ - end_ <= capacity_ / 2) moveToFront();
    if (full && capacity_ < limit) grow(std::min(capacity_ * 4, limit));
    return {data_.get() + end_, capacity_ - end_};
  }

  /// Room for the next read of a body; nothing moves while a view may be in use.
  boost::asio::mutable_buffer prepareBody() {
    const bool full = end_ == capacity_;
    if (!head_ && capacity_ - headEnd_ < (full ? bodyBlock : least_) / 4) {
      // What came with the head would have gone on: the next one may do so in one block.
      if (full) wanted_ = std::min(wanted_ * 4, bodyBlock);
      leaveHead(bodyBlock - (end_ - taken_));
    }
    return {data_.get() + end_, capacity_ - end_};
  }

  /// Room for what may follow the current message.
  boost::asio::mutable_buffer prepareNext() {
    if (!head_ && end_ == capacity_) leaveHead(least_);
    return {data_.get() + end_, capacity_ - end_};
  }

  /// The pieces that were handed out are not used any more: their place is free again. Not while a
  /// read is under way.
  void reclaim() {
    if (taken_ == headEnd_) return;
    const std::size_t left = end_ - taken_;
    // A copy is worth it only where it makes room.
    if (left != 0 && capacity_ - end_ > capacity_ / 4) return;
    if (left == 0 && end_ == capacity_ && capacity_ < largestBlock) {
      // It comes faster than it is read.
      if (head_) {
        drop();
        allocate(largestBlock);
      } else {
        leaveHead(bodyBlock);
      }
    }
    if (left != 0) std::memmove(data_.get() + headEnd_, data_.get() + taken_, left);
    taken_ = headEnd_;
    end_ = headEnd_ + left;
  }

  void commit(std::size_t count) { end_ += count; }

  /// Nobody will look at what has come.
  void dropAll() { kept_ = headEnd_ = taken_ = end_ = 0; }

  /// Gives the memory back, where nothing is in it.
  void release() {
    if (!empty()) return;
    drop();
    head_.reset();
    kept_ = taken_ = end_ = headEnd_ = 0;
  }

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  using Block = std::unique_ptr<char, Free>;

  static constexpr std::size_t bodyBlock = 16 * 1024;
  static constexpr std::size_t largestBlock = 64 * 1024;
  // So many messages in a row that needed less make the room for the next one smaller.
  static constexpr unsigned patience = 16;

  static Block newBlock(std::size_t size) {
    Block block(static_cast<char*>(std::malloc(size)));
    if (!block) throw std::bad_alloc();
    return block;
  }
  void allocate(std::size_t size) {
    data_ = newBlock(size);
    capacity_ = size;
  }
  void drop() {
    data_.reset();
    capacity_ = 0;
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

  // A head at the end of the block leaves no room for what comes behind it. It stays where it is,
  // and so do the pieces in use; reading goes on in another block.
  void leaveHead(std::size_t room) {
    const std::size_t left = end_ - taken_;
    Block block = newBlock(room + left);
    if (left != 0) std::memcpy(block.get(), data_.get() + taken_, left);
    head_ = std::exchange(data_, std::move(block));
    capacity_ = room + left;
    kept_ = headEnd_ = taken_ = 0;
    end_ = left;
  }

  void moveToFront() {
    std::memmove(data_.get(), data_.get() + kept_, end_ - kept_);
    taken_ -= kept_;
    end_ -= kept_;
    kept_ = 0;
  }

  void grow(std::size_t capacity) {
    char* moved = static_cast<char*>(std::realloc(data_.get(), capacity));
    if (moved == nullptr) throw std::bad_alloc();
    static_cast<void>(data_.release());
    data_.reset(moved);
    capacity_ = capacity;
    wanted_ = std::max(wanted_, std::min(capacity, bodyBlock));
  }

  Block data_;
  Block head_;  // the block that reading has left
  std::size_t least_;
  std::size_t wanted_;
  std::size_t capacity_ = 0;
  std::size_t kept_ = 0;     // the message begins here
  std::size_t headEnd_ = 0;  // and its head ends here
  std::size_t taken_ = 0;
  std::size_t end_ = 0;
  unsigned few_ = 0;
};

}  // namespace sluice::http::detail
