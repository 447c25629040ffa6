// SPDX-License-Identifier: BSL-1.0
//
// Definitions of allocations.hpp: malloc and its relatives in place of glibc's. If a sanitizer
// already has its own in that place, the hooks that it offers; on other systems operator new.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <support/allocations.hpp>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace {

thread_local std::size_t taken = 0;
thread_local std::size_t takenBytes = 0;
thread_local std::ptrdiff_t liveBytes = 0;

void note(std::size_t size) {
  ++taken;
  takenBytes += size;
  liveBytes += static_cast<std::ptrdiff_t>(size);
}

}  // namespace

#if defined(SLUICE_TEST_SANITIZED)

extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*onMalloc)(const volatile void*, std::size_t),
                                              void (*onFree)(const volatile void*));
std::size_t __sanitizer_get_allocated_size(const volatile void*);
}

namespace {

void onMalloc(const volatile void*, std::size_t size) { note(size); }

void onFree(const volatile void* block) {
  if (block != nullptr) {
    liveBytes -= static_cast<std::ptrdiff_t>(__sanitizer_get_allocated_size(block));
  }
}

const int installed = __sanitizer_install_malloc_and_free_hooks(onMalloc, onFree);

}  // namespace

#elif defined(__GLIBC__)

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

constexpr std::ptrdiff_t unlimited = PTRDIFF_MAX;
thread_local std::ptrdiff_t limit = unlimited;
// The next of so many takes is refused; 0: none.
thread_local std::size_t takesLeft = 0;
thread_local bool refused = false;

bool mayTake(std::size_t size) {
  const bool beyond = limit != unlimited && liveBytes + static_cast<std::ptrdiff_t>(size) > limit;
  if (!beyond && (takesLeft == 0 || --takesLeft != 0)) return true;
  refused = true;
  return false;
}

void* noted(void* block) {
  if (block != nullptr) note(malloc_usable_size(block));
  return block;
}

void forget(void* block) {
  if (block != nullptr) liveBytes -= static_cast<std::ptrdiff_t>(malloc_usable_size(block));
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) { return mayTake(size) ? noted(__libc_malloc(size)) : nullptr; }

void* calloc(std::size_t count, std::size_t size) {
  return mayTake(count * size) ? noted(__libc_calloc(count, size)) : nullptr;
}

void* realloc(void* block, std::size_t size) {
  if (!mayTake(size)) return nullptr;
  const std::size_t before = block != nullptr ? malloc_usable_size(block) : 0;
  void* moved = __libc_realloc(block, size);
  if (moved != nullptr || size == 0) liveBytes -= static_cast<std::ptrdiff_t>(before);
  return noted(moved);
}

void* memalign(std::size_t alignment, std::size_t size) {
  return mayTake(size) ? noted(__libc_memalign(alignment, size)) : nullptr;
}

void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }

int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
  *result = memalign(alignment, size);
  return *result == nullptr ? ENOMEM : 0;
}

void free(void* block) {
  forget(block);
  __libc_free(block);
}

}  // extern "C"

#else

namespace {

// In front of each block, and as large as what malloc aligns to.
struct alignas(std::max_align_t) Before {
  std::size_t size;
};

}  // namespace

void* operator new(std::size_t size) {
  auto* block = static_cast<Before*>(std::malloc(sizeof(Before) + size));
  if (block == nullptr) throw std::bad_alloc();
  block->size = size;
  note(size);
  return block + 1;
}

void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  Before* block = static_cast<Before*>(memory) - 1;
  liveBytes -= static_cast<std::ptrdiff_t>(block->size);
  std::free(block);
}

void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

#endif

namespace sluice::test {

Allocations::Allocations()
    : countBefore_(taken), bytesBefore_(takenBytes), liveBefore_(liveBytes) {}

std::size_t Allocations::count() const { return taken - countBefore_; }

std::size_t Allocations::bytes() const { return takenBytes - bytesBefore_; }

std::ptrdiff_t Allocations::live() const { return liveBytes - liveBefore_; }

#if defined(SLUICE_TEST_HEAP_LIMIT)

HeapFault HeapFault::beyond(std::size_t bytes) { return {static_cast<std::ptrdiff_t>(bytes), 0}; }

HeapFault HeapFault::once(std::size_t count) { return {unlimited, count}; }

void HeapFault::end() {
  more_ = limit = unlimited;
  takesLeft = 0;
}

HeapFault::Rule::Rule(HeapFault& of) : fault(of) {
  refused = false;
  if (fault.more_ != unlimited) limit = liveBytes + fault.more_;
  takesLeft = fault.left_;
}

HeapFault::Rule::~Rule() {
  if (limit != unlimited) fault.more_ = limit - liveBytes;
  fault.left_ = takesLeft;
  fault.happened_ = fault.happened_ || refused;
  limit = unlimited;
  takesLeft = 0;
}

#endif

}  // namespace sluice::test
