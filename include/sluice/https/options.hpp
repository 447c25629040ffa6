// SPDX-License-Identifier: BSL-1.0
//
// What servers, requests, agents and connections can be told about TLS, besides what their kind is
// told without it. What is not explained here is in the options of the same name without TLS.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/https.hpp>
#endif
#ifndef SLUICE_HTTPS_OPTIONS_HPP
#define SLUICE_HTTPS_OPTIONS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <sluice/http/agent.hpp>
#include <sluice/http/options.hpp>
#include <sluice/http/request_options.hpp>
#include <sluice/https/detail/tls_policy.hpp>
#include <sluice/https/secure_context.hpp>
#include <sluice/net/connect.hpp>
#include <string>
#include <vector>

namespace sluice::https {

/// Options of createServer().
///
///     auto server = https::createServer(loop, {.key = "key.pem", .cert = "cert.pem"}, handler);
struct ServerOptions {
  SLUICE_HTTPS_KEYS
  /// With requestCert: a client without a certificate that is trusted is refused.
  bool rejectUnauthorized = true;
  /// Asks clients for a certificate.
  bool requestCert = false;
  SLUICE_HTTPS_CIPHERS
  /// In the order of preference. A client that offers ALPN, but none of these, is refused.
  std::vector<std::string> ALPNProtocols{"http/1.1"};
  ::sluice::https::SNICallback SNICallback{};
  /// For a client's handshake; then "tlsClientError" and the end. 0: for ever.
  std::chrono::milliseconds handshakeTimeout = std::chrono::seconds(120);
  /// How long a client may come back without a full handshake.
  std::chrono::seconds sessionTimeout = std::chrono::seconds(300);
  /// 48 secret random bytes, if several servers resume each other's sessions. Empty: own ones.
  std::string ticketKeys{};
  /// In place of keys, certificates and ciphers above.
  SecureContext secureContext{};

  std::chrono::milliseconds requestTimeout = std::chrono::seconds(300);
  std::optional<std::chrono::milliseconds> headersTimeout{};
  std::chrono::milliseconds keepAliveTimeout = std::chrono::seconds(5);
  std::chrono::milliseconds timeout = std::chrono::seconds(120);
  std::chrono::milliseconds keepAliveTimeoutBuffer = std::chrono::seconds(1);
  bool httpAllowHalfOpen = false;
  bool cancelOnDisconnect = true;
  std::size_t maxDiscardedBody = 256 * 1024;
  std::function<bool(http::IncomingMessage&)> shouldUpgradeCallback{};
  std::chrono::milliseconds connectionsCheckingInterval = std::chrono::seconds(30);
  std::size_t maxHeaderSize = 0;
  std::size_t highWaterMark = 16 * 1024;
  bool insecureHTTPParser = false;
  bool requireHostHeader = true;
  bool noDelay = true;
  bool keepAlive = false;
  std::chrono::milliseconds keepAliveInitialDelay{0};
  bool joinDuplicateHeaders = false;
  std::vector<std::string> uniqueHeaders{};
  bool rejectNonStandardBodyWrites = false;
};

#define SLUICE_HTTPS_CLIENT                                                                     \
  SLUICE_HTTPS_KEYS                                                                             \
  /** The name the server is asked for, and has to prove. Unset: the Host header's, else the */ \
  /** host's, and none that is an address; empty: none. */                                      \
  std::optional<std::string> servername{};                                                      \
  /** false: whoever the peer is, authorizationError() says what is wrong. */                   \
  bool rejectUnauthorized = true;                                                               \
  SLUICE_HTTPS_CIPHERS                                                                          \
  /** In the order of preference. */                                                            \
  std::vector<std::string> ALPNProtocols{"http/1.1"};                                           \
  /** In place of RFC 9525. */                                                                  \
  ::sluice::https::CheckServerIdentity checkServerIdentity{};                                   \
  /** From an earlier Socket::getSession() with the same peer. */                               \
  std::string session{};                                                                        \
  /** For the handshake, and before it for the answer of a proxy; 0: for ever. */               \
  std::chrono::milliseconds handshakeTimeout = std::chrono::seconds(120);                       \
  /** In place of keys, certificates and ciphers. */                                            \
  ::sluice::https::SecureContext secureContext{};

/// Where connect() connects to, and how.
struct ConnectionOptions {
  std::string host{};
  std::uint16_t port = 0;
  std::string path{};
  std::string localAddress{};
  std::uint16_t localPort = 0;
  int family = 0;
  std::chrono::milliseconds timeout{};
  net::Lookup lookup{};
  bool noDelay = true;
  bool keepAlive = false;
  std::chrono::milliseconds keepAliveInitialDelay{};
  std::size_t highWaterMark = 16 * 1024;
  SLUICE_HTTPS_CLIENT
};

/// Options of request() and get().
///
///     auto req = https::request(loop, {.host = "localhost", .port = 8443, .ca = "ca.pem"});
struct RequestOptions {
  http::AgentRef agent{};
  std::string auth{};
  std::string host{};
  std::string hostname{};
  std::string localAddress{};
  std::string method = "GET";
  std::string path = "/";
  std::string protocol = "https:";
  std::string socketPath{};
  std::uint16_t port = 0;
  std::uint16_t defaultPort = 0;
  std::uint16_t localPort = 0;
  int family = 0;
  http::Headers headers{};
  std::chrono::milliseconds timeout{};
  std::chrono::milliseconds deadline{};
  std::chrono::milliseconds connectTimeout{};
  http::SetHost setHost{};
  bool setDefaultHeaders = true;
  bool insecureHTTPParser = false;
  bool joinDuplicateHeaders = false;
  std::size_t maxHeaderSize = 0;
  std::vector<std::string> uniqueHeaders{};
  http::CreateConnection createConnection{};
  http::Lookup lookup{};
  boost::asio::cancellation_slot signal{};
  bool retryStale = false;
  std::size_t highWaterMark = 16 * 1024;
  SLUICE_HTTPS_CLIENT
};

/// Options of an Agent. Those of a request count if they say something.
struct AgentOptions {
  bool keepAlive = false;
  std::chrono::milliseconds keepAliveMsecs = std::chrono::milliseconds(1000);
  std::size_t maxSockets = http::unlimited;
  std::size_t maxTotalSockets = http::unlimited;
  std::size_t maxFreeSockets = 256;
  http::Scheduling scheduling = http::Scheduling::fifo;
  std::chrono::milliseconds timeout{};
  std::chrono::milliseconds agentKeepAliveTimeoutBuffer = std::chrono::milliseconds(1000);
  bool noDelay = true;
  http::ProxyEnv proxyEnv{};
  SLUICE_HTTPS_CLIENT
  /// Sessions that are kept to be resumed, one for each name of getName(). 0: none.
  std::size_t maxCachedSessions = 100;
};

/// What a client can be told about TLS alone: of fetch(), and on the way from a request to its
/// connection.
struct ClientOptions {
  SLUICE_HTTPS_CLIENT
};

namespace detail {

using https::ClientOptions;

template <class Options>
SecureContextOptions secureContextOptions(const Options& options) {
  return {.key = options.key,
          .cert = options.cert,
          .ca = options.ca,
          .pfx = options.pfx,
          .passphrase = options.passphrase,
          .minVersion = options.minVersion,
          .maxVersion = options.maxVersion,
          .ciphers = options.ciphers,
          .ecdhCurve = options.ecdhCurve,
          .sigalgs = options.sigalgs,
          .dhparam = options.dhparam,
          .honorCipherOrder = options.honorCipherOrder,
          .crl = options.crl,
          .secureOptions = options.secureOptions,
          .sessionIdContext = options.sessionIdContext};
}

template <class Options>
ClientOptions clientOptions(const Options& options) {
  return {.key = options.key,
          .cert = options.cert,
          .ca = options.ca,
          .pfx = options.pfx,
          .passphrase = options.passphrase,
          .servername = options.servername,
          .rejectUnauthorized = options.rejectUnauthorized,
          .minVersion = options.minVersion,
          .maxVersion = options.maxVersion,
          .ciphers = options.ciphers,
          .ecdhCurve = options.ecdhCurve,
          .sigalgs = options.sigalgs,
          .dhparam = options.dhparam,
          .honorCipherOrder = options.honorCipherOrder,
          .crl = options.crl,
          .secureOptions = options.secureOptions,
          .sessionIdContext = options.sessionIdContext,
          .ALPNProtocols = options.ALPNProtocols,
          .checkServerIdentity = options.checkServerIdentity,
          .session = options.session,
          .handshakeTimeout = options.handshakeTimeout,
          .secureContext = options.secureContext};
}

// What is left of the options without TLS.
http::ServerOptions withoutTls(const ServerOptions& options);
http::RequestOptions withoutTls(const RequestOptions& options);
http::AgentOptions withoutTls(const AgentOptions& options);
net::ConnectionOptions withoutTls(const ConnectionOptions& options);

}  // namespace detail

#undef SLUICE_HTTPS_CLIENT
#undef SLUICE_HTTPS_CIPHERS
#undef SLUICE_HTTPS_KEYS

}  // namespace sluice::https

#endif
