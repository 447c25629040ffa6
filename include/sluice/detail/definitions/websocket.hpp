// SPDX-License-Identifier: BSL-1.0
//
// Every definition of the ring "websocket" that is not a template. Written by tools/tree --write.
#pragma once

#include <sluice/web/websocket/impl/connect.ipp>
#include <sluice/web/websocket/impl/engine.ipp>
#include <sluice/web/websocket/impl/handshake.ipp>
#include <sluice/web/websocket/impl/server.ipp>
#include <sluice/web/websocket/impl/session.ipp>
#include <sluice/web/websocket/impl/web_socket.ipp>
