// SPDX-License-Identifier: BSL-1.0
//
// Which proxy the environment names.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/fetch.hpp>
#endif
#ifndef SLUICE_WEB_FETCH_PROXY_HPP
#define SLUICE_WEB_FETCH_PROXY_HPP

#include <sluice/http/url.hpp>
#include <string>

namespace sluice {

/// The proxy that HTTP_PROXY or HTTPS_PROXY names for this URL, unless NO_PROXY exempts its host;
/// "" if there is none. fetch() reads the environment only through this:
///
///     FetchRequest().proxy(proxyFromEnvironment(http::URL(url)))
///
/// As Node 24 reads them: the names in lower case win; a value that does not begin with http:// or
/// https:// counts for nothing. An item of NO_PROXY is "*", a host, host:port, .domain or *.domain
/// (with and without names below it), or a range of IPv4 addresses, 10.0.0.1-10.0.0.9.
std::string proxyFromEnvironment(const http::URL& url);

}  // namespace sluice

#endif
