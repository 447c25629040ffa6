// SPDX-License-Identifier: BSL-1.0
//
// A growing run of bytes that is appended to on the hot path: no zeroing, no virtual calls, and the
// capacity survives clear(). Heads, chunk frames and small writes are gathered in one of these.
#pragma once

#include <sluice/config.hpp>
#include <algorithm>
#include <boost/config.hpp>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sluice/detail/reserve.hpp>
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
  BOOST_FORCEINLINE char* prepare(std::size_t count) {
    if (capacity_ - size_ < count) [[unlikely]]
      grow(count);
    return data_ + size_;
  }
  void commit(std::size_t count) { size_ += count; }

  BOOST_FORCEINLINE void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void append(char byte) {
    *prepare(1) = byte;
    ++size_;
  }
  /// In base 10 or 16.
  void appendNumber(std::uint64_t number, int base = 10) {
    constexpr std::size_t most = 20;
    char* const begin = prepare(most);
    commit(static_cast<std::size_t>(std::to_chars(begin, begin + most, number, base).ptr - begin));
  }

  void eraseFront(std::size_t count) {
    size_ -= count;
    if (size_ != 0) std::memmove(data_, data_ + count, size_);
  }

 private:
  BOOST_NOINLINE void grow(std::size_t count) {
    sluice::detail::Reserve::hold();
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
