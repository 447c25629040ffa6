// SPDX-License-Identifier: BSL-1.0
//
// From the options of listen() to a listener that is open: what they ask for is checked, names are
// looked up, and a machine without IPv6 gets IPv4.
#pragma once

#include <sluice/net/detail/listener.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/listen_options.hpp>

namespace sluice::net::detail {

/// throws  http::Error: ERR_INVALID_ARG_VALUE if the options name no place; otherwise what the
///         system says, with syscall "listen" or "getaddrinfo", address and port
void openListener(Listener& listener, Loop& loop, const ListenOptions& options);

}  // namespace sluice::net::detail
