// SPDX-License-Identifier: BSL-1.0
//
// Every definition that is not a template, for programs that compile separately: they define
// SLUICE_SEPARATE_COMPILATION for all files and include this header in exactly one, alone, or after
// the optional headers that the program uses, <sluice/https.hpp> and <sluice/compress.hpp>:
//
//     #include <sluice/https.hpp>
//     #include <sluice/src.hpp>
//
// Header-only programs do not need it.
#pragma once

#include <sluice/config.hpp>
#include <sluice/detail/definitions/base.hpp>
#include <sluice/detail/definitions/cluster.hpp>
#include <sluice/detail/definitions/http.hpp>
#include <sluice/detail/definitions/net.hpp>
#include <sluice/detail/definitions/url.hpp>

#if defined(SLUICE_HAS_APP)
#include <sluice/detail/definitions/app.hpp>
#endif

#if defined(SLUICE_HAS_COMPRESS)
#include <sluice/detail/definitions/compress.hpp>
#endif

#if defined(SLUICE_HAS_FETCH)
#include <sluice/detail/definitions/fetch.hpp>
#endif

#if defined(SLUICE_HAS_HTTPS)
#include <sluice/detail/definitions/https.hpp>
#endif

#if defined(SLUICE_HAS_WEBSOCKET)
#include <sluice/detail/definitions/websocket.hpp>
#endif

#define SLUICE_HAS_SRC
