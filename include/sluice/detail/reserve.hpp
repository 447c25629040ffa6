// SPDX-License-Identifier: BSL-1.0
//
// A block of memory that the process sets aside for the time when there is no other.
//
// What is large asks for it first: a connection, a buffer. While the block cannot be had, they are
// refused. What is small and cannot be refused, such as work for later or a wait, then finds the
// place of the block, so that connections can end in order.
#pragma once

#include <new>

namespace sluice::detail {

class Reserve {
 public:
  /// For something large. Throws std::bad_alloc if nothing can be set aside.
  static void hold();
  /// The same, and false if nothing can be set aside.
  static bool holds() noexcept;
  /// There is no memory left.
  static void giveUp() noexcept;
  /// The same in a catch block, which throws on if nothing was set aside either.
  static void use();
};

/// `take()`, once more with what was set aside if there is no other memory.
template <class Take>
decltype(auto) withReserve(Take take) {
  for (;;) {
    try {
      return take();
    } catch (const std::bad_alloc&) {
      Reserve::use();
    }
  }
}

}  // namespace sluice::detail
