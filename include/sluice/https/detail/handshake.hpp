// SPDX-License-Identifier: BSL-1.0
//
// Puts TLS under a socket that is connected, and waits for the peer to agree.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <memory>
#include <sluice/https/detail/tls_policy.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/detail/transport.hpp>
#include <sluice/task.hpp>
#include <string>

namespace sluice::https::detail {

/// From now on what `core` reads and writes is encrypted. Bytes that it holds already belong to
/// TLS; those that were written leave as they are.
///
/// throws  http::Error with Node's code; the socket is still there, for a caller that wants to look
/// at it.
///         ERR_INVALID_STATE if somebody reads from it, or the kernel has no room for what was
///         written
/// cancel  terminal: the socket is destroyed
task<> handshake(boost::intrusive_ptr<net::detail::SocketCore> core,
                 std::shared_ptr<const TlsPolicy> policy);

/// The same for a core that is not connected yet, over a transport that is.
task<> handshake(boost::intrusive_ptr<net::detail::SocketCore> core,
                 boost::intrusive_ptr<net::detail::Transport> below, std::string early,
                 std::shared_ptr<const TlsPolicy> policy);

}  // namespace sluice::https::detail
