// SPDX-License-Identifier: BSL-1.0
//
// The events of a socket.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_NET_SOCKET_EVENTS_HPP
#define SLUICE_NET_SOCKET_EVENTS_HPP

#include <sluice/event_list.hpp>
#include <string_view>

namespace sluice {
class Error;
}

namespace sluice::net {

/// The events of a Socket.
using SocketEvents =
    EventList<Event<"connect", void()>, Event<"secureConnect", void()>,
              Event<"data", void(std::string_view)>, Event<"end", void()>, Event<"drain", void()>,
              Event<"timeout", void()>, Event<"error", void(const Error&)>,
              Event<"close", void(bool)>, Event<"agentRemove", void()>, Event<"shutdown", void()>>;

}  // namespace sluice::net

#endif
