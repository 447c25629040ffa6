// SPDX-License-Identifier: BSL-1.0
//
// An HTTP server whose connections are encrypted.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/https.hpp>
#endif
#ifndef SLUICE_HTTPS_SERVER_HPP
#define SLUICE_HTTPS_SERVER_HPP

#include <concepts>
#include <sluice/http/server.hpp>
#include <sluice/https/options.hpp>
#include <sluice/https/secure_context.hpp>
#include <sluice/task.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::https {

namespace detail {
class TlsServerState;
}

using http::Handler;
using http::IncomingMessage;
using http::ServerResponse;

/// http::Server over TLS. What serve() takes and listen() accepts does its handshake before its
/// first request; until then it is an idle connection.
///
///     auto server = https::createServer(loop, {.key = "key.pem", .cert = "cert.pem"}, handler);
///     server.listen(8443);
///
/// events  those of http::Server; "connection"(net::Socket&) comes before the handshake, and
///         "secureConnection"(net::Socket&) after it. "tlsClientError"(const http::Error&,
///         net::Socket&): it failed; "clientError" brings the same, and the socket is destroyed.
///         "keylog"(std::string_view line, net::Socket&): a secret of the connection, as
///         SSLKEYLOGFILE has it, for tools that decrypt a capture
class Server : public http::Server {
 public:
  /// throws  as createSecureContext()
  Server(Executor executor, const ServerOptions& options);

  /// Other keys, certificates and ciphers, for the connections from now on. Those there are go on,
  /// and clients may resume their sessions.
  ///
  /// throws  as createSecureContext(), and ERR_INVALID_ARG_VALUE for an empty context; the old ones
  ///         stay in use then
  Server& setSecureContext(const SecureContextOptions& options);
  Server& setSecureContext(SecureContext context);
  /// Other certificates for a name that clients may ask for, if the options have no SNICallback.
  /// "*" stands for the left-most label. Of two that fit, the later one counts.
  Server& addContext(std::string_view servername, SecureContext context);
  Server& addContext(std::string_view servername, const SecureContextOptions& options);

  /// 48 bytes. Their owner can decrypt what was sent in sessions that were resumed.
  std::string getTicketKeys() const;
  /// throws  ERR_INVALID_ARG_VALUE if these are not 48 bytes
  Server& setTicketKeys(std::string_view keys);

 private:
  detail::TlsServerState& tls() const;
};

/// Makes a server, which acts once listen() is called.
///
/// handler  as http::createServer() has it
/// throws   as createSecureContext()
Server createServer(Executor executor, const ServerOptions& options);

/// The same with a handler.
template <class F = Handler>
Server createServer(Executor executor, const ServerOptions& options, F&& handler) {
  Server server(std::move(executor), options);
  http::detail::installHandler(server, std::forward<F>(handler));
  return server;
}

}  // namespace sluice::https

#endif
