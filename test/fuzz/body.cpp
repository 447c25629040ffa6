// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes chunked bodies; the first byte says how strictly and in pieces of which size. Nothing
// crashes, no byte is used twice, and what is handed out stands in the input.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sluice/http/detail/wire/body_decoder.hpp>
#include <string_view>

using namespace sluice::http::detail;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t pieceSize = std::max<std::size_t>(1, data[0] >> 1);
  BodyDecoder body;
  body.reset(Framing::chunked, 0, {.maxHeaderSize = 256, .insecure = (data[0] & 1) != 0});

  while (!rest.empty()) {
    std::string_view piece = rest.substr(0, pieceSize);
    for (;;) {
      const BodyDecoder::Piece taken = body.decode(piece);
      require(taken.consumed <= piece.size());
      require(taken.data.empty() ||
              (taken.data.data() >= piece.data() &&
               taken.data.data() + taken.data.size() <= piece.data() + taken.consumed));
      piece.remove_prefix(taken.consumed);
      rest.remove_prefix(taken.consumed);
      if (taken.status == BodyDecoder::Status::complete) {
        require(body.complete() && !body.error());
        for (const sluice::http::RawHeader line : body.trailers()) require(!line.name.empty());
        require(body.decode(rest).consumed == 0);
        return 0;
      }
      if (taken.status == BodyDecoder::Status::failed) {
        require(bool(body.error()) && body.atEof() == BodyDecoder::Status::failed);
        return 0;
      }
      if (taken.status == BodyDecoder::Status::needMore) {
        require(piece.empty());
        break;
      }
      require(!taken.data.empty());
    }
  }
  require(body.atEof() == BodyDecoder::Status::failed);
  return 0;
}
