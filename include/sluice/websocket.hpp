// SPDX-License-Identifier: BSL-1.0
//
// WebSockets, for servers and clients. Programs that call connectWebSocket() link OpenSSL.
#pragma once

#include <sluice/http.hpp>
#include <sluice/web/websocket/config.hpp>
#include <sluice/web/websocket/connect.hpp>
#include <sluice/web/websocket/options.hpp>
#include <sluice/web/websocket/server.hpp>
#include <sluice/web/websocket/web_socket.hpp>

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/detail/definitions/websocket.hpp>
#endif
