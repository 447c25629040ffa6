// SPDX-License-Identifier: BSL-1.0
//
// The one file that holds the library's definitions where tests, examples or benchmarks are
// compiled with SLUICE_SEPARATE_COMPILATION. SLUICE_TEST_TLS and SLUICE_TEST_COMPRESS are set by
// the build if OpenSSL and zlib are there.
#if defined(SLUICE_TEST_TLS)
#include <sluice/https.hpp>
#include <sluice/websocket.hpp>
#endif
#include <sluice/app.hpp>
#if defined(SLUICE_TEST_COMPRESS)
#include <sluice/compress.hpp>
#endif
#if defined(SLUICE_TEST_TLS) && defined(SLUICE_TEST_COMPRESS)
#include <sluice/fetch.hpp>
#endif
#include <sluice/src.hpp>
