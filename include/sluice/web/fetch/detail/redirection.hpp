// SPDX-License-Identifier: BSL-1.0
//
// What a redirect makes of a request, by the Fetch standard, and when an answer is worth another
// try. Pure: values in, decisions out.
#pragma once

#include <chrono>
#include <optional>
#include <sluice/error.hpp>
#include <sluice/http/headers.hpp>
#include <sluice/http/url.hpp>
#include <string>
#include <string_view>

namespace sluice::detail {

/// 301, 302, 303, 307 and 308.
bool isRedirect(int status);

/// Where a redirect leads. A fragment is inherited.
///
/// throws  ERR_INVALID_URL, ERR_INVALID_PROTOCOL if it is neither http nor https
http::URL redirectTarget(const http::URL& from, std::string_view location);

/// Whether the next request is a GET without the body, whatever this one is.
bool becomesGet(int status, std::string_view method);

/// Takes away what describes a body that is not sent any more.
void removeBodyHeaders(http::Headers& headers);
/// Takes away what must not reach another origin.
void removeSecrets(http::Headers& headers);

/// 502, 503 and 504.
bool isTransient(int status);
/// Errors of a connection, which another one may not meet.
bool isTransient(const error_code& ec);

/// The wait that Retry-After asks for; nullopt if it says nothing that can be understood.
std::optional<std::chrono::milliseconds> retryAfter(std::string_view value,
                                                    std::chrono::system_clock::time_point now);

}  // namespace sluice::detail
