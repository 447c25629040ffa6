// SPDX-License-Identifier: BSL-1.0
//
// Definitions of one_mode.hpp.
#pragma once

#include <sluice/detail/one_mode.hpp>

#if !defined(_MSC_VER) && (defined(__ELF__) || defined(__APPLE__))
namespace sluice::detail {

#if defined(SLUICE_SEPARATE_COMPILATION)
const char all_files_must_define_SLUICE_SEPARATE_COMPILATION_or_none = 0;
#else
[[gnu::used, gnu::visibility("hidden")]] inline constinit thread_local char
    all_files_must_define_SLUICE_SEPARATE_COMPILATION_or_none = 0;
#endif

}  // namespace sluice::detail
#endif
