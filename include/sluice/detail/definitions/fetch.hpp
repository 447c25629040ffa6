// SPDX-License-Identifier: BSL-1.0
//
// Every definition of the ring "fetch" that is not a template. Written by tools/tree --write.
#pragma once

#include <sluice/web/fetch/impl/cookie.ipp>
#include <sluice/web/fetch/impl/cookie_jar.ipp>
#include <sluice/web/fetch/impl/fetch_agents.ipp>
#include <sluice/web/fetch/impl/fetch_exchange.ipp>
#include <sluice/web/fetch/impl/fetch_request.ipp>
#include <sluice/web/fetch/impl/fetch_response.ipp>
#include <sluice/web/fetch/impl/fetch_url.ipp>
#include <sluice/web/fetch/impl/proxy.ipp>
#include <sluice/web/fetch/impl/redirection.ipp>
#include <sluice/web/fetch/impl/tunnel.ipp>
