// SPDX-License-Identifier: BSL-1.0
//
// Definitions of coding.hpp, encoder.hpp and decoder.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <sluice/error.hpp>
#include <sluice/web/compress/coding.hpp>
#include <sluice/web/compress/detail/brotli_codec.hpp>
#include <sluice/web/compress/detail/decoder.hpp>
#include <sluice/web/compress/detail/encoder.hpp>
#include <sluice/web/compress/detail/zlib_codec.hpp>
#include <sluice/web/compress/detail/zstd_codec.hpp>

namespace sluice::compress {

SLUICE_DECL std::string_view codingName(Coding coding) noexcept {
  constexpr std::array<std::string_view, 5> names = {"identity", "gzip", "deflate", "br", "zstd"};
  return names[static_cast<std::size_t>(coding)];
}

SLUICE_DECL bool isBuiltIn(Coding coding) noexcept {
#if !defined(SLUICE_BROTLI)
  if (coding == Coding::br) return false;
#endif
#if !defined(SLUICE_ZSTD)
  if (coding == Coding::zstd) return false;
#endif
  return coding >= Coding::identity && coding <= Coding::zstd;
}

namespace detail {

SLUICE_DECL void throwDamaged() {
  throw http::Error(make_error_code(http::errc::ERR_INVALID_CONTENT_ENCODING));
}

SLUICE_DECL void throwNotBuiltIn(Coding coding) {
  throw http::Error(make_error_code(http::errc::ERR_UNSUPPORTED_ENCODING),
                    "The content coding " + std::string(codingName(coding)) + " is not built in");
}

SLUICE_DECL std::unique_ptr<Encoder> makeEncoder(Coding coding, Extent extent) {
  switch (coding) {
    case Coding::gzip:
    case Coding::deflate:
      return std::make_unique<ZlibEncoder>(coding, extent);
#if defined(SLUICE_BROTLI)
    case Coding::br:
      return std::make_unique<BrotliCodingEncoder>(extent);
#endif
#if defined(SLUICE_ZSTD)
    case Coding::zstd:
      return std::make_unique<ZstdEncoder>(extent);
#endif
    default:
      throwNotBuiltIn(coding);
  }
}

SLUICE_DECL std::unique_ptr<Decoder> makeDecoder(Coding coding) {
  switch (coding) {
    case Coding::gzip:
    case Coding::deflate:
      return std::make_unique<ZlibDecoder>(coding);
#if defined(SLUICE_BROTLI)
    case Coding::br:
      return std::make_unique<BrotliCodingDecoder>();
#endif
#if defined(SLUICE_ZSTD)
    case Coding::zstd:
      return std::make_unique<ZstdDecoder>();
#endif
    default:
      throwNotBuiltIn(coding);
  }
}

}  // namespace detail

SLUICE_DECL std::string encode(Coding coding, std::string_view bytes, int level) {
  if (coding == Coding::identity) return std::string(bytes);
  const auto encoder = detail::makeEncoder(coding, detail::Extent::whole);
  std::string out;
  encoder->begin(level);
  encoder->encode(bytes, detail::Step::last, out);
  return out;
}

SLUICE_DECL std::string decode(Coding coding, std::string_view bytes, std::size_t limit) {
  constexpr std::size_t room = 16 * 1024;
  std::array<char, room> buffer;
  std::string out;
  const auto append = [&](std::string_view piece) {
    if (piece.size() > limit - out.size()) {
      throw http::Error(make_error_code(http::errc::ERR_BODY_TOO_LARGE));
    }
    out.append(piece);
  };
  if (coding == Coding::identity) {
    append(bytes);
    return out;
  }
  const auto decoder = detail::makeDecoder(coding);
  while (true) {
    const auto [read, written] = decoder->decode(bytes, buffer);
    append(std::string_view(buffer.data(), written));
    bytes.remove_prefix(read);
    if (bytes.empty() && written < room) break;
    if (read == 0 && written == 0) detail::throwDamaged();
  }
  if (!decoder->ended()) detail::throwDamaged();
  return out;
}

}  // namespace sluice::compress
