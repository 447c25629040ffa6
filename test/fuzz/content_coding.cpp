// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes content codings: damaged data is an error and never more than its limit, and what was
// encoded is decoded again, in pieces too. The first byte chooses the coding and the pieces.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sluice/compress.hpp>
#include <sluice/web/compress/detail/accepted.hpp>
#include <sluice/web/compress/detail/decoder.hpp>
#include <sluice/web/compress/detail/encoder.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace compress = sluice::compress;
using compress::Coding;
using compress::detail::Step;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr std::size_t limit = 256 * 1024;

// Decodes with little room; as much as the limit allows.
void decodeInPieces(Coding coding, std::string_view bytes, std::size_t step) {
  try {
    const auto decoder = compress::detail::makeDecoder(coding);
    std::vector<char> buffer(step * 7);
    for (std::size_t made = 0; made < limit;) {
      const auto [read, written] = decoder->decode(bytes.substr(0, step), buffer);
      require(read <= bytes.size() && written <= buffer.size());
      bytes.remove_prefix(read);
      made += written;
      if (read == 0 && written == 0) break;
    }
  } catch (const sluice::http::Error&) {
  }
}

void roundTrip(Coding coding, std::string_view text, std::size_t step) {
  const auto encoder = compress::detail::makeEncoder(coding, compress::detail::Extent::stream);
  for (int body = 0; body < 2; ++body) {
    encoder->begin(body);
    std::string bytes;
    for (std::size_t at = 0; at < text.size(); at += step) {
      encoder->encode(text.substr(at, step), at % 2 == 0 ? Step::more : Step::flush, bytes);
    }
    encoder->encode({}, Step::last, bytes);
    require(compress::decode(coding, bytes, text.size()) == text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  const Coding coding = static_cast<Coding>(1 + data[0] % 4);
  const std::size_t step = 1 + data[0] / 4;
  if (!isBuiltIn(coding)) return 0;
  try {
    require(compress::decode(coding, input, limit).size() <= limit);
  } catch (const sluice::http::Error&) {
  }
  decodeInPieces(coding, input, step);
  roundTrip(coding, input, step);

  compress::detail::Accepted accepted;
  accepted.add(input);
  const Coding both[] = {Coding::gzip, Coding::br};
  require(accepted.choose(both).has_value() || accepted.refusesIdentity());
  return 0;
}
