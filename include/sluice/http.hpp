// SPDX-License-Identifier: BSL-1.0
//
// HTTP servers and clients, and all they stand on: everything but TLS.
#pragma once

#include <sluice/cluster.hpp>
#include <sluice/http/agent.hpp>
#include <sluice/http/agent_options.hpp>
#include <sluice/http/body_filter.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/http/headers.hpp>
#include <sluice/http/incoming_message.hpp>
#include <sluice/http/options.hpp>
#include <sluice/http/outgoing_message.hpp>
#include <sluice/http/prepared_headers.hpp>
#include <sluice/http/request_options.hpp>
#include <sluice/http/server.hpp>
#include <sluice/http/server_response.hpp>
#include <sluice/http/target.hpp>
#include <sluice/http/url.hpp>
#include <sluice/net.hpp>

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/detail/definitions/http.hpp>
#endif
