// SPDX-License-Identifier: BSL-1.0
//
// From the options of listen() to a listener that is open: what they ask for is checked, names are
// looked up, and a machine without IPv6 gets IPv4.
#pragma once

#include <sluice/net/detail/listener.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/listen_options.hpp>
#include <string_view>

namespace sluice::net::detail {

/// throws  ERR_SOCKET_BAD_PORT
ListenOptions portToListenOn(int port);
/// What listen("...") means in Node: digits are a port, all else is the path of a Unix socket.
///
/// throws  ERR_SOCKET_BAD_PORT
ListenOptions pathOrPortToListenOn(std::string_view text);

/// throws  Error: ERR_INVALID_ARG_VALUE if the options name no place; otherwise what the
///         system says, with syscall "listen" or "getaddrinfo", address and port
void openListener(Listener& listener, Loop& loop, const ListenOptions& options);

}  // namespace sluice::net::detail
