// SPDX-License-Identifier: BSL-1.0
//
// A program whose files disagree about SLUICE_SEPARATE_COMPILATION has every function of the
// library twice, and a linker takes either in silence. So the two ways give one name to two kinds
// of variable, which linkers refuse to mix: their message holds the name, which says what is wrong.
#pragma once

#if defined(_MSC_VER)
#if defined(SLUICE_SEPARATE_COMPILATION)
#pragma detect_mismatch("SLUICE_SEPARATE_COMPILATION", "defined")
#else
#pragma detect_mismatch("SLUICE_SEPARATE_COMPILATION", "not defined")
#endif
#elif defined(SLUICE_SEPARATE_COMPILATION) && (defined(__ELF__) || defined(__APPLE__))
namespace sluice::detail {

extern const char all_files_must_define_SLUICE_SEPARATE_COMPILATION_or_none;
[[gnu::used]] static const char* const wayOfThisFile =
    &all_files_must_define_SLUICE_SEPARATE_COMPILATION_or_none;

}  // namespace sluice::detail
#endif
