// SPDX-License-Identifier: BSL-1.0
//
// Says that this file of the program uses fetch(), for <sluice/src.hpp>, which brings the
// definitions along only then.
#pragma once

#include <sluice/config.hpp>

#if defined(SLUICE_HAS_SRC) && defined(SLUICE_SEPARATE_COMPILATION)
#error "include <sluice/fetch.hpp> before <sluice/src.hpp>, or it is not compiled into the program"
#endif

#define SLUICE_HAS_FETCH
