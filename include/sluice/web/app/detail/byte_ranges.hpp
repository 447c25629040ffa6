// SPDX-License-Identifier: BSL-1.0
//
// The Range header: which parts of a representation are asked for (RFC 9110 §14).
#pragma once

#include <cstddef>
#include <cstdint>
#include <sluice/web/app/config.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::app::detail {

struct ByteRange {
  std::uint64_t first;
  std::uint64_t size;  // never 0
};

struct RangeRequest {
  enum class Kind { whole, parts, unsatisfiable };
  Kind kind = Kind::whole;
  std::vector<ByteRange> parts = {};  // as they were asked for, cut to what is there
};

/// How many ranges are taken at once.
inline constexpr std::size_t maxRanges = 32;

/// What `header` asks for of `size` bytes. A header that is malformed or has another unit, and one
/// that asks for more than the whole or for too many parts, is ignored, as the RFC allows.
RangeRequest parseRanges(std::string_view header, std::uint64_t size);

/// "bytes 0-99/1000".
std::string contentRange(const ByteRange& range, std::uint64_t size);

}  // namespace sluice::app::detail
