// SPDX-License-Identifier: BSL-1.0
//
// Definitions of options.hpp. Each function names all members of what it makes: one that is new
// there does not compile here until it is taken along.
#pragma once

#include <sluice/https/options.hpp>

namespace sluice::https::detail {

SLUICE_DECL http::ServerOptions withoutTls(const ServerOptions& from) {
  http::ServerOptions to;
  auto& [requestTimeout, headersTimeout, keepAliveTimeout, timeout, keepAliveTimeoutBuffer,
         httpAllowHalfOpen, cancelOnDisconnect, maxDiscardedBody, shouldUpgradeCallback,
         connectionsCheckingInterval, maxHeaderSize, highWaterMark, insecureHTTPParser,
         requireHostHeader, noDelay, keepAlive, keepAliveInitialDelay, joinDuplicateHeaders,
         uniqueHeaders, rejectNonStandardBodyWrites] = to;
  requestTimeout = from.requestTimeout;
  headersTimeout = from.headersTimeout;
  keepAliveTimeout = from.keepAliveTimeout;
  timeout = from.timeout;
  keepAliveTimeoutBuffer = from.keepAliveTimeoutBuffer;
  httpAllowHalfOpen = from.httpAllowHalfOpen;
  cancelOnDisconnect = from.cancelOnDisconnect;
  maxDiscardedBody = from.maxDiscardedBody;
  shouldUpgradeCallback = from.shouldUpgradeCallback;
  connectionsCheckingInterval = from.connectionsCheckingInterval;
  maxHeaderSize = from.maxHeaderSize;
  highWaterMark = from.highWaterMark;
  insecureHTTPParser = from.insecureHTTPParser;
  requireHostHeader = from.requireHostHeader;
  noDelay = from.noDelay;
  keepAlive = from.keepAlive;
  keepAliveInitialDelay = from.keepAliveInitialDelay;
  joinDuplicateHeaders = from.joinDuplicateHeaders;
  uniqueHeaders = from.uniqueHeaders;
  rejectNonStandardBodyWrites = from.rejectNonStandardBodyWrites;
  return to;
}

SLUICE_DECL http::RequestOptions withoutTls(const RequestOptions& from) {
  http::RequestOptions to;
  auto& [agent, auth, host, hostname, localAddress, method, path, protocol, socketPath, port,
         defaultPort, localPort, family, headers, timeout, deadline, connectTimeout, setHost,
         setDefaultHeaders, insecureHTTPParser, joinDuplicateHeaders, maxHeaderSize, uniqueHeaders,
         createConnection, lookup, signal, retryStale, highWaterMark, tls] = to;
  agent = from.agent;
  auth = from.auth;
  host = from.host;
  hostname = from.hostname;
  localAddress = from.localAddress;
  method = from.method;
  path = from.path;
  protocol = from.protocol;
  socketPath = from.socketPath;
  port = from.port;
  defaultPort = from.defaultPort;
  localPort = from.localPort;
  family = from.family;
  headers = from.headers;
  timeout = from.timeout;
  deadline = from.deadline;
  connectTimeout = from.connectTimeout;
  setHost = from.setHost;
  setDefaultHeaders = from.setDefaultHeaders;
  insecureHTTPParser = from.insecureHTTPParser;
  joinDuplicateHeaders = from.joinDuplicateHeaders;
  maxHeaderSize = from.maxHeaderSize;
  uniqueHeaders = from.uniqueHeaders;
  createConnection = from.createConnection;
  lookup = from.lookup;
  signal = from.signal;
  retryStale = from.retryStale;
  highWaterMark = from.highWaterMark;
  tls.reset();
  return to;
}

SLUICE_DECL http::AgentOptions withoutTls(const AgentOptions& from) {
  http::AgentOptions to;
  auto& [keepAlive, keepAliveMsecs, maxSockets, maxTotalSockets, maxFreeSockets, scheduling,
         timeout, agentKeepAliveTimeoutBuffer, noDelay, proxyEnv] = to;
  keepAlive = from.keepAlive;
  keepAliveMsecs = from.keepAliveMsecs;
  maxSockets = from.maxSockets;
  maxTotalSockets = from.maxTotalSockets;
  maxFreeSockets = from.maxFreeSockets;
  scheduling = from.scheduling;
  timeout = from.timeout;
  agentKeepAliveTimeoutBuffer = from.agentKeepAliveTimeoutBuffer;
  noDelay = from.noDelay;
  proxyEnv = from.proxyEnv;
  return to;
}

SLUICE_DECL net::ConnectionOptions withoutTls(const ConnectionOptions& from) {
  net::ConnectionOptions to;
  auto& [host, port, path, localAddress, localPort, family, timeout, lookup, noDelay, keepAlive,
         keepAliveInitialDelay, highWaterMark, tls, way, hook] = to;
  host = from.host;
  port = from.port;
  path = from.path;
  localAddress = from.localAddress;
  localPort = from.localPort;
  family = from.family;
  timeout = from.timeout;
  lookup = from.lookup;
  noDelay = from.noDelay;
  keepAlive = from.keepAlive;
  keepAliveInitialDelay = from.keepAliveInitialDelay;
  highWaterMark = from.highWaterMark;
  tls.reset();
  way.reset();
  hook = nullptr;
  return to;
}

}  // namespace sluice::https::detail
