// SPDX-License-Identifier: BSL-1.0
//
// The one file that holds the library's definitions where tests, examples or benchmarks are
// compiled with SLUICE_SEPARATE_COMPILATION. SLUICE_TEST_TLS is set by the build where OpenSSL is
// there.
#if defined(SLUICE_TEST_TLS)
#include <sluice/https.hpp>
#endif
#include <sluice/app.hpp>
#include <sluice/src.hpp>
