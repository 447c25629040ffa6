// SPDX-License-Identifier: BSL-1.0
//
// Several bytes looked at in one go: sixteen with SSE2, which every x86-64 has, else eight in a
// word. A search goes on behind a run in which it found nothing. Pure.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sluice::http::detail {

/// Eight bytes.
class WordRun {
 public:
  static constexpr std::size_t size = 8;

  explicit WordRun(const char* bytes) {
    std::memcpy(&word_, bytes, sizeof(word_));
    if constexpr (std::endian::native == std::endian::big) {
      std::uint64_t swapped = 0;
      for (std::size_t byte = 0; byte != size; ++byte, word_ >>= 8) {
        swapped = swapped << 8 | (word_ & 0xFF);
      }
      word_ = swapped;
    }
  }

  /// Where the first control or DEL is, a tab among them; `size` where none is.
  std::size_t firstControl() const {
    // A borrow spoils marks behind the first one only.
    const std::uint64_t notDelete = word_ ^ every(0x7F);
    const std::uint64_t controls = (word_ - every(0x20)) & ~word_;
    return first(controls | ((notDelete - every(1)) & ~notDelete));
  }

  /// Where the first byte is that is neither a letter nor a hyphen; `size` where none is.
  std::size_t firstUnusualInName() const {
    const std::uint64_t sevenBits = (word_ | every(0x20)) & every(0x7F);
    const std::uint64_t letters =
        ((sevenBits + every(0x80 - 'a')) ^ (sevenBits + every(0x7F - 'z'))) & ~word_;
    const std::uint64_t notHyphen = word_ ^ every('-');
    const std::uint64_t noHyphens = ((notHyphen & every(0x7F)) + every(0x7F)) | notHyphen;
    return first(~letters & noHyphens);
  }

 private:
  static constexpr std::uint64_t every(std::uint64_t byte) { return 0x0101010101010101U * byte; }
  static std::size_t first(std::uint64_t marked) {
    return static_cast<std::size_t>(std::countr_zero(marked & every(0x80))) / 8;
  }

  std::uint64_t word_;
};

#if defined(__SSE2__)

/// The same for sixteen.
class VectorRun {
 public:
  static constexpr std::size_t size = 16;

  explicit VectorRun(const char* bytes)
      : bytes_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))) {}

  std::size_t firstControl() const {
    const __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes_, every(0x1F)), bytes_);
    return first(_mm_or_si128(controls, _mm_cmpeq_epi8(bytes_, every(0x7F))));
  }

  std::size_t firstUnusualInName() const {
    const __m128i fromA = _mm_sub_epi8(_mm_or_si128(bytes_, every(0x20)), every('a'));
    const __m128i noLetter = _mm_cmpeq_epi8(_mm_max_epu8(fromA, every(26)), fromA);
    return first(_mm_andnot_si128(_mm_cmpeq_epi8(bytes_, every('-')), noLetter));
  }

 private:
  static __m128i every(char byte) { return _mm_set1_epi8(byte); }
  static std::size_t first(__m128i marked) {
    const auto marks = static_cast<unsigned>(_mm_movemask_epi8(marked));
    return static_cast<std::size_t>(std::countr_zero(marks | 1U << size));
  }

  __m128i bytes_;
};

using ByteRun = VectorRun;

#else

using ByteRun = WordRun;

#endif

}  // namespace sluice::http::detail
