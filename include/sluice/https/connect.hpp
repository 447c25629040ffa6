// SPDX-License-Identifier: BSL-1.0
//
// Opening an encrypted connection, and putting encryption over one that is open.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/https.hpp>
#endif
#ifndef SLUICE_HTTPS_CONNECT_HPP
#define SLUICE_HTTPS_CONNECT_HPP

#include <memory>
#include <sluice/https/options.hpp>
#include <sluice/net/connect.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <string>

namespace sluice::https {

/// net::connect(), and a handshake. The socket emits "connect", then "secureConnect".
///
/// named   an object with a name; one made in the same statement is refused on g++ before 13, which
///         would destroy it twice
/// throws  as net::connect(), createSecureContext(), and: what is wrong with the certificate
///         (CERT_HAS_EXPIRED, DEPTH_ZERO_SELF_SIGNED_CERT, UNABLE_TO_VERIFY_LEAF_SIGNATURE,
///         ERR_TLS_CERT_ALTNAME_INVALID …), ERR_SSL_* for what the peer refuses, EPROTO if it
///         does not speak TLS, ECONNRESET if it goes away, ERR_TLS_HANDSHAKE_TIMEOUT
/// cancel  terminal: operation_aborted, the socket is closed
task<net::Socket> connect(const ConnectionOptions& named);

/// A handshake as a client, over a socket that is connected: one that a proxy answered CONNECT on.
/// Of the options those about TLS count, and `host`, whom the certificate has to name.
task<net::Socket> connect(net::Socket socket, const ConnectionOptions& named);
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
task<net::Socket> connect(ConnectionOptions&&) = delete;
task<net::Socket> connect(net::Socket, ConnectionOptions&&) = delete;
#endif

namespace detail {

/// What a client wants of a peer that is called `host`.
std::shared_ptr<TlsPolicy> clientPolicy(const ClientOptions& options, const std::string& host,
                                        const SecureContext& context);

/// What a proxy is asked for before the handshake: the head of a CONNECT. Empty: there is no proxy,
/// `options` lead to the server itself.
using TunnelRequest = std::string;

/// Also for an agent, which has to see the socket while it is connected (`options.hook`).
task<net::Socket> connectTls(net::ConnectionOptions options,
                             std::shared_ptr<const TlsPolicy> policy, TunnelRequest tunnel = {});

}  // namespace detail
}  // namespace sluice::https

#endif
