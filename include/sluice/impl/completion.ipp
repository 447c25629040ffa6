// SPDX-License-Identifier: BSL-1.0
//
// Definitions of completion.hpp.
#pragma once

#include <sluice/config.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <cstddef>
#include <sluice/detail/completion.hpp>
#include <sluice/detail/reserve.hpp>

namespace sluice::detail {

SLUICE_DECL void* WaitMemory::take(std::size_t size) {
  return withReserve([size] { return asio::recycling_allocator<std::byte>().allocate(size); });
}

SLUICE_DECL void WaitMemory::giveBack(void* memory, std::size_t size) noexcept {
  asio::recycling_allocator<std::byte>().deallocate(static_cast<std::byte*>(memory), size);
}

}  // namespace sluice::detail
