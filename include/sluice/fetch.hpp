// SPDX-License-Identifier: BSL-1.0
//
// fetch(): one call for a whole exchange over http or https. Programs that include it link OpenSSL
// and zlib, and what <sluice/compress.hpp> says.
#pragma once

#include <sluice/compress.hpp>
#include <sluice/https.hpp>
#include <sluice/web/fetch/config.hpp>
#include <sluice/web/fetch/cookie_jar.hpp>
#include <sluice/web/fetch/fetch_request.hpp>
#include <sluice/web/fetch/fetch_response.hpp>
#include <sluice/web/fetch/fetch_url.hpp>
#include <sluice/web/fetch/proxy.hpp>

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/detail/definitions/fetch.hpp>
#endif
