// SPDX-License-Identifier: BSL-1.0
//
// Compiler checks and the switch between header-only and separate compilation. Every header of the
// library includes this one, and nothing else may define a SLUICE_ macro.
#pragma once

#if __cplusplus < 202002L
#error "sluice needs C++20: compile with -std=c++20 or newer"
#endif

#include <boost/version.hpp>
#include <sluice/detail/one_mode.hpp>
#include <sluice/version.hpp>

#if BOOST_VERSION < 108100
#error "sluice needs Boost 1.81 or newer"
#endif

// Header-only is the default and always works. A program that wants short compile times defines
// SLUICE_SEPARATE_COMPILATION everywhere and includes <sluice/src.hpp> in exactly one file.
#if defined(SLUICE_SEPARATE_COMPILATION)
#define SLUICE_DECL
#else
#define SLUICE_DECL inline
#endif
