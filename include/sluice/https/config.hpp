// SPDX-License-Identifier: BSL-1.0
//
// Says that this file of the program uses TLS, for <sluice/src.hpp>, which brings the definitions
// of https/ along only then: a program without TLS must not need OpenSSL.
#pragma once

#include <sluice/config.hpp>

#if defined(SLUICE_HAS_SRC) && defined(SLUICE_SEPARATE_COMPILATION)
#error "include <sluice/https.hpp> before <sluice/src.hpp>, or TLS is not compiled into the program"
#endif

#define SLUICE_HAS_HTTPS
