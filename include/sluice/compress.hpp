// SPDX-License-Identifier: BSL-1.0
//
// Content codings: compressed responses, decoded bodies, and texts encoded once. Programs that
// include it link zlib, and brotli and zstd if SLUICE_BROTLI and SLUICE_ZSTD are defined.
#pragma once

#include <sluice/http.hpp>
#include <sluice/web/compress/apply.hpp>
#include <sluice/web/compress/coding.hpp>
#include <sluice/web/compress/config.hpp>
#include <sluice/web/compress/decoded.hpp>

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/detail/definitions/compress.hpp>
#endif
