// SPDX-License-Identifier: BSL-1.0
//
// One call for a whole exchange: http and https, redirects, cookies, proxies, retries, decoding.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/fetch.hpp>
#endif
#ifndef SLUICE_WEB_FETCH_FETCH_URL_HPP
#define SLUICE_WEB_FETCH_FETCH_URL_HPP

#include <sluice/task.hpp>
#include <sluice/web/fetch/config.hpp>
#include <sluice/web/fetch/fetch_request.hpp>
#include <sluice/web/fetch/fetch_response.hpp>
#include <string_view>

namespace sluice {

/// The response to a request, on the awaiting coroutine's executor.
///
///     FetchResponse res = co_await fetch("https://example.org/");
///     if (res.ok()) std::cout << co_await res.text();
///
/// A status of 400 and more is no error. Redirects follow the Fetch standard: 301 and 302 make a
/// GET of POST, 303 of everything but HEAD, 307 and 308 repeat method and body. Authorization,
/// Cookie, Proxy-Authorization and a Host that was set stay with their origin.
///
/// Connections are kept for 4 seconds of silence, per loop, and used again. Of one context that is
/// so for 64 strands and proxies; beyond them a connection ends with its exchange.
///
/// throws  what ClientRequest::response() throws, and what FetchRequest says. ERR_INVALID_URL and
///         ERR_INVALID_PROTOCOL also for where a redirect leads
/// cancel  terminal: the request is aborted
task<FetchResponse> fetch(std::string_view url);
task<FetchResponse> fetch(std::string_view url, FetchRequest request);

}  // namespace sluice

#endif
