// SPDX-License-Identifier: BSL-1.0
//
// A growing run of bytes that is appended to on the hot path: no zeroing, no virtual calls, and the
// capacity survives clear(). Heads, chunk frames and small writes are gathered in one of these.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sluice/config.hpp>
#include <string_view>
#include <utility>

namespace sluice::net::detail {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~ByteBuffer() { std::free(data_); }

  const char* data() const { return data_; }
  char* data() { return data_; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_, size_}; }

  void clear() { size_ = 0; }

  /// Gives the memory back as well.
  void release() {
    std::free(std::exchange(data_, nullptr));
    size_ = capacity_ = 0;
  }

  /// Room for `count` more bytes after the end; commit() says how many were used.
  [[gnu::always_inline]] char* prepare(std::size_t count) {
    if (capacity_ - size_ < count) [[unlikely]]
      grow(count);
    return data_ + size_;
  }
  void commit(std::size_t count) { size_ += count; }

  [[gnu::always_inline]] void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void append(char byte) {
    *prepare(1) = byte;
    ++size_;
  }
  /// In base 10 or 16.
  void appendNumber(std::uint64_t number, unsigned base = 10) {
    std::size_t digits = 1;
    for (std::uint64_t rest = number; rest >= base; rest /= base) ++digits;
    char* end = prepare(digits) + digits;
    do {
      *--end = "0123456789abcdef"[number % base];
      number /= base;
    } while (number != 0);
    commit(digits);
  }

  void eraseFront(std::size_t count) {
    size_ -= count;
    if (size_ != 0) std::memmove(data_, data_ + count, size_);
  }

 private:
  [[gnu::noinline]] void grow(std::size_t count) {
    const std::size_t wanted = std::max({capacity_ * 2, size_ + count, std::size_t{256}});
    void* moved = std::realloc(data_, wanted);
    if (moved == nullptr) throw std::bad_alloc();
    data_ = static_cast<char*>(moved);
    capacity_ = wanted;
  }

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace sluice::net::detail
