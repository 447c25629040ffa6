// SPDX-License-Identifier: BSL-1.0
//
// The content codings of HTTP, and whole texts encoded and decoded at once.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/compress.hpp>
#endif
#ifndef SLUICE_WEB_COMPRESS_CODING_HPP
#define SLUICE_WEB_COMPRESS_CODING_HPP

#include <sluice/config.hpp>
#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::compress {

/// A content coding. `br` is there if SLUICE_BROTLI is defined, `zstd` if SLUICE_ZSTD is.
enum class Coding { identity, gzip, deflate, br, zstd };

/// The name of a coding in a header: "gzip".
std::string_view codingName(Coding coding) noexcept;

/// Whether the program was built with it.
bool isBuiltIn(Coding coding) noexcept;

/// Encodes a text as a whole: once, to be sent many times.
///
/// level   of the coding's own scale, 1 to 9 (gzip, deflate), 11 (br), 19 (zstd), values beyond it
///         are cut; 0: one that is fit for content that is made on request
/// throws  ERR_UNSUPPORTED_ENCODING if the coding is not built in
std::string encode(Coding coding, std::string_view bytes, int level = 0);

/// Decodes a whole text of at most `limit` decoded bytes.
///
/// throws  ERR_UNSUPPORTED_ENCODING if the coding is not built in, ERR_INVALID_CONTENT_ENCODING if
///         the bytes are damaged, cut short or followed by others, ERR_BODY_TOO_LARGE beyond the
///         limit, before that memory is taken
std::string decode(Coding coding, std::string_view bytes, std::size_t limit);

}  // namespace sluice::compress

#endif
