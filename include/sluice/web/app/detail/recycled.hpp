// SPDX-License-Identifier: BSL-1.0
//
// Memory for what each request makes anew: the thread of a loop keeps some of it for the next one.
#pragma once

#include <boost/asio/recycling_allocator.hpp>
#include <cstddef>
#include <new>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>

namespace sluice::app::detail {

/// A base class. What is destroyed through a pointer to a base has a virtual destructor.
struct Recycled {
  static void* operator new(std::size_t size) { return Memory().allocate(unitsOf(size)); }
  static void operator delete(void* memory, std::size_t size) noexcept {
    Memory().deallocate(static_cast<std::max_align_t*>(memory), unitsOf(size));
  }
  // Types that want more than that have memory of their own.
  static void* operator new(std::size_t size, std::align_val_t alignment) {
    return ::operator new(size, alignment);
  }
  static void operator delete(void* memory, std::size_t, std::align_val_t alignment) noexcept {
    ::operator delete(memory, alignment);
  }

 private:
  using Memory = asio::recycling_allocator<std::max_align_t>;
  static constexpr std::size_t unitsOf(std::size_t size) {
    return (size + sizeof(std::max_align_t) - 1) / sizeof(std::max_align_t);
  }
};

}  // namespace sluice::app::detail
