// SPDX-License-Identifier: BSL-1.0
//
// Definitions of transport.hpp. SLUICE_TEST_TLS is set by the build where OpenSSL is there.
#include "transport.hpp"
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#if defined(SLUICE_TEST_TLS)
#include <sluice/https.hpp>
#include "certificates.hpp"
#include "tls_peer.hpp"
#endif

namespace sluice::test {

bool overTls() {
  static const bool asked = [] {
    const char* transport = std::getenv("SLUICE_TEST_TRANSPORT");
    return transport != nullptr && std::string_view(transport) == "tls";
  }();
#if !defined(SLUICE_TEST_TLS)
  if (asked) throw std::logic_error("TLS was not compiled into these tests");
#endif
  return asked;
}

#if defined(SLUICE_TEST_TLS)

namespace {

const https::SecureContext& serverContext() {
  static const https::SecureContext made =
      https::createSecureContext({.key = localhost().key(), .cert = localhost().cert()});
  return made;
}

const https::SecureContext& clientContext() {
  static const https::SecureContext made = https::createSecureContext({.ca = authority().cert()});
  return made;
}

// A new option does not compile here until it is taken along.
https::ServerOptions withTls(const http::ServerOptions& from) {
  const auto& [requestTimeout, headersTimeout, keepAliveTimeout, timeout, keepAliveTimeoutBuffer,
               httpAllowHalfOpen, cancelOnDisconnect, maxDiscardedBody, shouldUpgradeCallback,
               connectionsCheckingInterval, maxHeaderSize, highWaterMark, insecureHTTPParser,
               requireHostHeader, noDelay, keepAlive, keepAliveInitialDelay, joinDuplicateHeaders,
               uniqueHeaders, rejectNonStandardBodyWrites] = from;
  return {.secureContext = serverContext(),
          .requestTimeout = requestTimeout,
          .headersTimeout = headersTimeout,
          .keepAliveTimeout = keepAliveTimeout,
          .timeout = timeout,
          .keepAliveTimeoutBuffer = keepAliveTimeoutBuffer,
          .httpAllowHalfOpen = httpAllowHalfOpen,
          .cancelOnDisconnect = cancelOnDisconnect,
          .maxDiscardedBody = maxDiscardedBody,
          .shouldUpgradeCallback = shouldUpgradeCallback,
          .connectionsCheckingInterval = connectionsCheckingInterval,
          .maxHeaderSize = maxHeaderSize,
          .highWaterMark = highWaterMark,
          .insecureHTTPParser = insecureHTTPParser,
          .requireHostHeader = requireHostHeader,
          .noDelay = noDelay,
          .keepAlive = keepAlive,
          .keepAliveInitialDelay = keepAliveInitialDelay,
          .joinDuplicateHeaders = joinDuplicateHeaders,
          .uniqueHeaders = uniqueHeaders,
          .rejectNonStandardBodyWrites = rejectNonStandardBodyWrites};
}

task<net::Socket> shaken(net::Socket socket) {
  https::ConnectionOptions options;
  options.host = "localhost";
  options.secureContext = clientContext();
  co_return co_await https::connect(std::move(socket), options);
}

}  // namespace

http::Server makeServer(Executor executor, http::ServerOptions options) {
  if (overTls()) return https::createServer(std::move(executor), withTls(options));
  return http::createServer(std::move(executor), std::move(options));
}

net::Socket serverEnd(const Wire& wire, std::size_t highWaterMark) {
  if (!overTls()) return wire.socket(highWaterMark);
  return socketOver(wire.transport()->executor(),
                    new TlsPeer(wire.transport(), TlsPeer::Role::client), highWaterMark);
}

task<net::Socket> clientEnd(const Wire& wire, std::size_t highWaterMark) {
  if (!overTls()) co_return wire.socket(highWaterMark);
  net::Socket socket =
      socketOver(wire.transport()->executor(), new TlsPeer(wire.transport(), TlsPeer::Role::server),
                 highWaterMark);
  co_return co_await shaken(std::move(socket));
}

task<net::Socket> clientEnd(net::Socket socket) {
  if (!overTls()) co_return socket;
  co_return co_await shaken(std::move(socket));
}

#else

http::Server makeServer(Executor executor, http::ServerOptions options) {
  return http::createServer(std::move(executor), std::move(options));
}
net::Socket serverEnd(const Wire& wire, std::size_t highWaterMark) {
  return wire.socket(highWaterMark);
}
task<net::Socket> clientEnd(const Wire& wire, std::size_t highWaterMark) {
  co_return wire.socket(highWaterMark);
}
task<net::Socket> clientEnd(net::Socket socket) { co_return socket; }

#endif

}  // namespace sluice::test
