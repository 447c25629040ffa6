// SPDX-License-Identifier: BSL-1.0
//
// Memory for one asynchronous operation that is started again and again. Asio keeps a few blocks
// for reuse in a thread, which others may have taken by then.
#pragma once

#include <cstddef>
#include <new>

namespace sluice::net::detail {

class HandlerMemory {
 public:
  HandlerMemory() = default;
  HandlerMemory(const HandlerMemory&) = delete;
  HandlerMemory& operator=(const HandlerMemory&) = delete;

  template <class T>
  class Allocator {
   public:
    using value_type = T;

    explicit Allocator(HandlerMemory& memory) noexcept : memory_(&memory) {}
    template <class Other>
    Allocator(const Allocator<Other>& other) noexcept : memory_(other.memory_) {}

    T* allocate(std::size_t count) { return static_cast<T*>(memory_->allocate(count * sizeof(T))); }
    void deallocate(T* memory, std::size_t) noexcept { memory_->deallocate(memory); }

    template <class Other>
    bool operator==(const Allocator<Other>& other) const noexcept {
      return memory_ == other.memory_;
    }

   private:
    template <class>
    friend class Allocator;
    HandlerMemory* memory_;
  };

 private:
  void* allocate(std::size_t size) {
    if (used_ || size > sizeof block_) return ::operator new(size);
    used_ = true;
    return block_;
  }
  void deallocate(void* memory) noexcept {
    if (memory == block_) {
      used_ = false;
    } else {
      ::operator delete(memory);
    }
  }

  alignas(std::max_align_t) std::byte block_[192];
  bool used_ = false;
};

}  // namespace sluice::net::detail
