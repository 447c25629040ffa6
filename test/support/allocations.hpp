// SPDX-License-Identifier: BSL-1.0
//
// Counts what this thread takes from the heap, by new and, on Linux, by malloc. Works beside the
// sanitizers. With glibc, and without a sanitizer, it can also refuse.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLUICE_TEST_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SLUICE_TEST_SANITIZED
#endif
#endif
#if defined(__linux__) && defined(__GLIBC__) && !defined(SLUICE_TEST_SANITIZED)
#define SLUICE_TEST_HEAP_LIMIT
#endif

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

#if defined(SLUICE_TEST_HEAP_LIMIT)

/// A heap that refuses this thread.
class HeapFault {
 public:
  /// All that goes beyond so many more bytes than the thread has taken by now. What it takes and
  /// gives back outside during() does not count.
  static HeapFault beyond(std::size_t bytes);
  /// What is taken as number `count` from now on, the first being 1, and only that.
  static HeapFault once(std::size_t count);

  /// Calls `act` with such a heap; the count goes on over several calls.
  template <class Act>
  void during(Act act) {
    const Rule rule(*this);
    act();
  }
  /// From now on nothing is refused, inside during() too.
  void end();
  /// Something was refused.
  bool happened() const { return happened_; }

 private:
  struct Rule {
    explicit Rule(HeapFault& fault);
    ~Rule();
    HeapFault& fault;
  };
  friend Rule;

  HeapFault(std::ptrdiff_t more, std::size_t left) : more_(more), left_(left) {}

  // Bytes, and takes, until the first is refused.
  std::ptrdiff_t more_;
  std::size_t left_;
  bool happened_ = false;
};

#endif

}  // namespace sluice::test
