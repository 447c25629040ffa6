// SPDX-License-Identifier: BSL-1.0
//
// Counts what this thread takes from the heap, by new and, on Linux, by malloc. Works beside the
// sanitizers.
#pragma once

#include <cstddef>

namespace sluice::test {

/// The heap use of this thread since it was made.
///
///     test::Allocations heap;
///     run();
///     CHECK(heap.count() == 0);
class Allocations {
 public:
  Allocations();

  /// How often memory was taken; growing a block counts once.
  std::size_t count() const;
  /// Bytes that were taken, whether they were given back or not.
  std::size_t bytes() const;
  /// Bytes that were taken and not given back; negative where more was given back.
  std::ptrdiff_t live() const;

 private:
  std::size_t countBefore_;
  std::size_t bytesBefore_;
  std::ptrdiff_t liveBefore_;
};

}  // namespace sluice::test
