// SPDX-License-Identifier: BSL-1.0
//
// What a server can be told when it is made. Every limit on what a peer sends has a default that is
// on.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_OPTIONS_HPP
#define SLUICE_HTTP_OPTIONS_HPP

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <sluice/net/listen_options.hpp>
#include <string>
#include <vector>

namespace sluice::http {

class IncomingMessage;
using net::ListenOptions;

/// Options of createServer(). Times of 0 are "never", sizes of 0 "no limit" unless said otherwise;
/// times below 0 are refused with ERR_OUT_OF_RANGE.
///
///     auto server = http::createServer(loop, {.requestTimeout = 30s}, handler);
struct ServerOptions {
  /// Time for a whole request, body included; then 408. Checked every
  /// `connectionsCheckingInterval`.
  std::chrono::milliseconds requestTimeout = std::chrono::seconds(300);
  /// Time for a request's head; then 408. Unset: 60 s, or `requestTimeout` if that is less.
  std::optional<std::chrono::milliseconds> headersTimeout{};
  /// How long a connection is kept that waits for its next request; 0: as long as `timeout` lets
  /// it, and not advertised.
  std::chrono::milliseconds keepAliveTimeout = std::chrono::seconds(5);
  /// How long nothing may move on a connection. Today's Node: 0.
  std::chrono::milliseconds timeout = std::chrono::seconds(120);
  /// Added to `keepAliveTimeout` and not advertised, so that a client's last request still gets in.
  std::chrono::milliseconds keepAliveTimeoutBuffer = std::chrono::seconds(1);
  /// Goes on answering a client that has closed its sending half.
  bool httpAllowHalfOpen = false;
  /// Cancels what a handler awaits when its client goes away.
  bool cancelOnDisconnect = true;
  /// How many bytes of a body that nobody read are thrown away to keep the connection; if there are
  /// more, it is closed. 0: no limit.
  std::size_t maxDiscardedBody = 256 * 1024;
  /// Decides whether an upgrade is taken. Unset: if "upgrade" has a handler.
  std::function<bool(IncomingMessage&)> shouldUpgradeCallback{};
  /// How often requestTimeout and headersTimeout are looked at; they fire that much late at the
  /// most.
  std::chrono::milliseconds connectionsCheckingInterval = std::chrono::seconds(30);
  /// Bytes of a request's head; then 431. 0: http::maxHeaderSize.
  std::size_t maxHeaderSize = 0;
  /// From how many waiting bytes on write() returns false.
  std::size_t highWaterMark = 16 * 1024;
  /// Accepts some of what the protocol forbids. For old peers in a closed network only.
  bool insecureHTTPParser = false;
  /// Answers 400 to an HTTP/1.1 request without a Host.
  bool requireHostHeader = true;
  /// TCP_NODELAY on accepted sockets.
  bool noDelay = true;
  /// TCP keep-alive probes on accepted sockets, the first after `keepAliveInitialDelay`.
  bool keepAlive = false;
  std::chrono::milliseconds keepAliveInitialDelay{0};
  /// Joins with ", " the headers of which else the first wins.
  bool joinDuplicateHeaders = false;
  /// Names of response headers that go out on one line, joined with "; ".
  std::vector<std::string> uniqueHeaders{};
  /// Throws ERR_HTTP_BODY_NOT_ALLOWED for a body that HEAD, 204 and 304 cannot have; else dropped.
  bool rejectNonStandardBodyWrites = false;
};

}  // namespace sluice::http

#endif
