// SPDX-License-Identifier: BSL-1.0
//
// Sockets without HTTP: connect, read, write, and the types that http shares with them.
#pragma once

#include <sluice/encoding.hpp>
#include <sluice/error.hpp>
#include <sluice/event_emitter.hpp>
#include <sluice/event_list.hpp>
#include <sluice/net/address.hpp>
#include <sluice/net/connect.hpp>
#include <sluice/net/drop_info.hpp>
#include <sluice/net/listen_options.hpp>
#include <sluice/net/server.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/net/socket_events.hpp>
#include <sluice/net/tls_info.hpp>
#include <sluice/observe.hpp>
#include <sluice/pipe.hpp>
#include <sluice/task.hpp>
#include <sluice/timer.hpp>
#include <sluice/write_result.hpp>

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/detail/definitions/net.hpp>
#endif
