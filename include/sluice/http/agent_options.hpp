// SPDX-License-Identifier: BSL-1.0
//
// What an Agent keeps and how much of it.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_AGENT_OPTIONS_HPP
#define SLUICE_HTTP_AGENT_OPTIONS_HPP

#include <chrono>
#include <cstddef>
#include <map>
#include <sluice/http/constants.hpp>
#include <string>

namespace sluice::http {

/// Variables by their names, as `process.env` has them in Node.
using ProxyEnv = std::map<std::string, std::string>;

/// Which free connection is taken: the one that was used longest ago, or last.
enum class Scheduling { fifo, lifo };

/// Options of an Agent.
struct AgentOptions {
  /// Keeps connections for later requests.
  bool keepAlive = false;
  /// TCP keep-alive probes on kept connections after this much silence.
  std::chrono::milliseconds keepAliveMsecs = std::chrono::milliseconds(1000);
  /// Connections to one place; requests beyond it wait their turn. 0: no limit.
  std::size_t maxSockets = unlimited;
  /// Connections to all places. 0: ERR_OUT_OF_RANGE, as in Node.
  std::size_t maxTotalSockets = unlimited;
  /// Unused connections to one place; surplus ones are closed. 0: none is kept.
  std::size_t maxFreeSockets = 256;
  Scheduling scheduling = Scheduling::fifo;
  /// Idle time of every connection: "timeout" on the running request, the end of an unused one. 0:
  /// none.
  std::chrono::milliseconds timeout{};
  /// Taken off what the server says in Keep-Alive, so that its last moment is not used.
  std::chrono::milliseconds agentKeepAliveTimeoutBuffer = std::chrono::milliseconds(1000);
  bool noDelay = true;
  /// Proxies, by the names that a shell gives them: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, or
  /// in lower case, which wins. Empty: none. Requests to a host that NO_PROXY names go there
  /// directly. One to an http: URL has a path that begins with / then, and the Host of its URL:
  /// otherwise ERR_PROXY_INVALID_CONFIG.
  ///
  ///     http::Agent agent(loop, {.proxyEnv = http::processEnv()});
  ProxyEnv proxyEnv{};
};

}  // namespace sluice::http

#endif
