// SPDX-License-Identifier: BSL-1.0
//
// Where a connection reads into: one contiguous run that holds the head of the current message as
// long as the message lives, and behind it what has not been understood yet. Pure.
//
//     [ head of the current message | taken | unparsed | room ]
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
  explicit InputBuffer(std::size_t capacity) : wanted_(capacity) {}

  /// What has arrived and was not taken, from the first byte of the message on before its head is
  /// complete.
  std::string_view unparsed() const { return {data_.get() + taken_, end_ - taken_}; }
  bool empty() const { return taken_ == end_; }

  /// Makes place for the next message. Its head may still be growing: bytes may move, but not where
  /// a read is under way.
  void startMessage(bool reading) {
    head_.reset();
    if (empty() && !reading) {
      kept_ = taken_ = end_ = 0;
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
    allocate();
    if (end_ == capacity_ && kept_ != 0) moveToFront();
    if (end_ == capacity_ && capacity_ < limit) grow(std::min(capacity_ * 2, limit));
    return {data_.get() + end_, capacity_ - end_};
  }

  /// Room for the next read of a body; nothing moves while a view may be in use.
  boost::asio::mutable_buffer prepareBody() {
    if (!head_ && capacity_ - headEnd_ < capacity_ / 4) leaveHead();
    return {data_.get() + end_, capacity_ - end_};
  }

  /// The pieces that were handed out are not used any more: their place is free again. Not while a
  /// read is under way.
  void reclaim() {
    if (taken_ == headEnd_) return;
    const std::size_t left = end_ - taken_;
    // A copy is worth it only where it makes room.
    if (left != 0 && capacity_ - end_ > capacity_ / 4) return;
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
    data_.reset();
    head_.reset();
    capacity_ = kept_ = taken_ = end_ = headEnd_ = 0;
  }

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };

  void allocate() {
    if (data_) return;
    data_.reset(static_cast<char*>(std::malloc(wanted_)));
    if (!data_) throw std::bad_alloc();
    capacity_ = wanted_;
  }

  // A head at the end of the block leaves no room for what comes behind it. It stays where it is,
  // and so do the pieces in use; reading goes on in another block.
  void leaveHead() {
    const std::size_t left = end_ - taken_;
    std::unique_ptr<char, Free> block(static_cast<char*>(std::malloc(wanted_ + left)));
    if (!block) throw std::bad_alloc();
    if (left != 0) std::memcpy(block.get(), data_.get() + taken_, left);
    head_ = std::exchange(data_, std::move(block));
    capacity_ = wanted_ + left;
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
  }

  std::unique_ptr<char, Free> data_;
  std::unique_ptr<char, Free> head_;  // the block that reading has left
  std::size_t wanted_;
  std::size_t capacity_ = 0;
  std::size_t kept_ = 0;     // the message begins here
  std::size_t headEnd_ = 0;  // and its head ends here
  std::size_t taken_ = 0;
  std::size_t end_ = 0;
};

}  // namespace sluice::http::detail
