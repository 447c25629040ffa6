// SPDX-License-Identifier: BSL-1.0
//
// Says that this file of the program uses the router, for <sluice/src.hpp>, which brings the
// definitions of web/app/ along only then.
#pragma once

#include <sluice/config.hpp>

#if defined(SLUICE_HAS_SRC) && defined(SLUICE_SEPARATE_COMPILATION)
#error \
    "include <sluice/app.hpp> before <sluice/src.hpp>, or the router is not compiled into the program"
#endif

#define SLUICE_HAS_APP
