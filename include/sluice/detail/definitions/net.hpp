// SPDX-License-Identifier: BSL-1.0
//
// Every definition of the ring "net" that is not a template. Written by tools/tree --write.
#pragma once

#include <sluice/impl/event_emitter.ipp>
#include <sluice/impl/post.ipp>
#include <sluice/impl/spawn.ipp>
#include <sluice/impl/task.ipp>
#include <sluice/impl/write_result.ipp>
#include <sluice/net/impl/connect.ipp>
#include <sluice/net/impl/listener.ipp>
#include <sluice/net/impl/loop.ipp>
#include <sluice/net/impl/output_stream.ipp>
#include <sluice/net/impl/poller.ipp>
#include <sluice/net/impl/server.ipp>
#include <sluice/net/impl/server_core.ipp>
#include <sluice/net/impl/socket.ipp>
#include <sluice/net/impl/socket_core.ipp>
#include <sluice/net/impl/stream_transport.ipp>
#include <sluice/net/impl/system_socket.ipp>
