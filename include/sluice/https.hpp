// SPDX-License-Identifier: BSL-1.0
//
// Everything of <sluice/http.hpp> over TLS too. Programs that include it link OpenSSL.
#pragma once

#include <sluice/http.hpp>
#include <sluice/https/agent.hpp>
#include <sluice/https/config.hpp>
#include <sluice/https/connect.hpp>
#include <sluice/https/options.hpp>
#include <sluice/https/request.hpp>
#include <sluice/https/secure_context.hpp>
#include <sluice/https/server.hpp>

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/detail/definitions/https.hpp>
#endif
