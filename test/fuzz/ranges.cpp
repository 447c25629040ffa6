// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes Range headers: what is sent is never more than there is, nor outside of it. The first byte
// says how much there is.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sluice/app.hpp>
#include <sluice/web/app/detail/byte_ranges.hpp>
#include <string_view>

using sluice::app::detail::RangeRequest;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint64_t length = data[0] == 255 ? UINT64_MAX : data[0];
  const std::string_view header(reinterpret_cast<const char*>(data) + 1, size - 1);
  const RangeRequest request = sluice::app::detail::parseRanges(header, length);
  require((request.kind == RangeRequest::Kind::parts) == !request.parts.empty());
  require(request.parts.size() <= sluice::app::detail::maxRanges);
  std::uint64_t left = length;
  for (const auto& part : request.parts) {
    require(part.size > 0 && part.size <= left);
    require(part.first < length && part.size <= length - part.first);
    left -= part.size;
  }
  return 0;
}
