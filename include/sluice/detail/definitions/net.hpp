// SPDX-License-Identifier: BSL-1.0
//
// Every definition of the ring "net" that is not a template. Written by tools/tree --write.
#pragma once

#include <sluice/impl/completion.ipp>
#include <sluice/impl/event_emitter.ipp>
#include <sluice/impl/observe.ipp>
#include <sluice/impl/post.ipp>
#include <sluice/impl/reserve.ipp>
#include <sluice/impl/spawn.ipp>
#include <sluice/impl/task.ipp>
#include <sluice/impl/timer.ipp>
#include <sluice/impl/write_result.ipp>
#include <sluice/net/impl/backend.ipp>
#include <sluice/net/impl/connect.ipp>
#include <sluice/net/impl/connector.ipp>
#include <sluice/net/impl/listening.ipp>
#include <sluice/net/impl/loop.ipp>
#include <sluice/net/impl/output_stream.ipp>
#include <sluice/net/impl/proxy_gate.ipp>
#include <sluice/net/impl/proxy_header.ipp>
#include <sluice/net/impl/server.ipp>
#include <sluice/net/impl/server_core.ipp>
#include <sluice/net/impl/socket.ipp>
#include <sluice/net/impl/socket_core.ipp>
#include <sluice/net/impl/socket_core_reading.ipp>
#include <sluice/net/impl/socket_file.ipp>
#if SLUICE_USE_EPOLL
#include <sluice/net/detail/epoll/impl/dialer.ipp>
#include <sluice/net/detail/epoll/impl/listener.ipp>
#include <sluice/net/detail/epoll/impl/poller.ipp>
#include <sluice/net/detail/epoll/impl/system_socket.ipp>
#include <sluice/net/detail/epoll/impl/transport.ipp>
#else
#include <sluice/net/detail/asio/impl/dialer.ipp>
#include <sluice/net/detail/asio/impl/listener.ipp>
#include <sluice/net/detail/asio/impl/transport.ipp>
#endif
