// SPDX-License-Identifier: BSL-1.0
//
// Definitions of reserve.hpp.
#pragma once

#include <sluice/config.hpp>
#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <sluice/detail/reserve.hpp>

namespace sluice::detail {

/// Of all threads: the first that lacks memory gives it up for all.
struct ReserveBlock {
  static constexpr std::size_t size = 64 * 1024;
  // Beside it, for what the taker of a large block does next. Asio cannot end a coroutine for which
  // there is no memory to begin.
  static constexpr std::size_t besides = 16 * 1024;

  ~ReserveBlock() { delete[] bytes.exchange(nullptr); }

  std::atomic<std::byte*> bytes = nullptr;
};

inline ReserveBlock reserveBlock;

SLUICE_DECL void Reserve::hold() {
  if (reserveBlock.bytes.load(std::memory_order_relaxed) == nullptr) {
    const std::unique_ptr<std::byte[]> spare(
        reserveBlock.bytes.exchange(new std::byte[ReserveBlock::size]));
  }
  // Not a new-expression: the compiler may leave one out whose memory nobody uses.
  ::operator delete(::operator new(ReserveBlock::besides));
}

SLUICE_DECL bool Reserve::holds() noexcept {
  try {
    hold();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

SLUICE_DECL void Reserve::giveUp() noexcept { delete[] reserveBlock.bytes.exchange(nullptr); }

SLUICE_DECL void Reserve::use() {
  if (reserveBlock.bytes.load() == nullptr) throw;
  giveUp();
}

}  // namespace sluice::detail
