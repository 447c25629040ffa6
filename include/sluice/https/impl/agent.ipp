// SPDX-License-Identifier: BSL-1.0
//
// Definitions of agent.hpp.
#pragma once

#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <mutex>
#include <sluice/http/detail/client/agent_state.hpp>
#include <sluice/http/detail/client/proxies.hpp>
#include <sluice/http/detail/wire/framing.hpp>
#include <sluice/http/detail/wire/header_store.hpp>
#include <sluice/https/agent.hpp>
#include <sluice/https/connect.hpp>
#include <sluice/https/detail/session_cache.hpp>
#include <sluice/https/detail/tls_context.hpp>
#include <sluice/net/detail/loop.hpp>
#include <utility>
#include <vector>

namespace sluice::https {

namespace detail {

// Of more kinds of options than this in one agent, the contexts are made anew.
inline constexpr std::size_t keptContexts = 32;

inline std::string joined(const Pem& pem) {
  std::string text;
  for (const std::string& each : pem.items()) {
    if (!text.empty()) text += ',';
    text += each;
  }
  return text;
}

/// What Node adds to a name. What we lack is empty, as it is by default there.
inline std::string tlsName(const ClientOptions& options, const std::string& host) {
  const bool otherName = options.servername && *options.servername != host;
  const std::string parts[] = {
      joined(options.ca),
      joined(options.cert),
      {},  // clientCertEngine
      options.ciphers,
      joined(options.key),
      options.pfx,
      options.rejectUnauthorized ? "" : "false",
      otherName ? *options.servername : "",
      options.minVersion,
      options.maxVersion,
      {},  // secureProtocol
      joined(options.crl),
      options.honorCipherOrder ? "" : "false",
      options.ecdhCurve,
      joined(options.dhparam),
      options.secureOptions != 0 ? std::to_string(options.secureOptions) : "",
      options.sessionIdContext,
      options.sigalgs,
      {},  // privateKeyIdentifier
      {},  // privateKeyEngine
  };
  std::string name;
  for (const std::string& part : parts) name += ':' + part;
  return name;
}

/// What Node leaves out and decides on trust as well: a connection that was made with a ready
/// context is not for requests with another one, and so on.
inline std::string trustName(const ClientOptions& options) {
  std::string name;
  if (options.secureContext) {
    name += ":context" + std::to_string(SecureContextAccess::get(options.secureContext)->serial());
  }
  if (!options.passphrase.empty()) name += ":passphrase" + options.passphrase;
  if (options.ALPNProtocols != ClientOptions().ALPNProtocols) {
    name += ":alpn";
    for (const std::string& protocol : options.ALPNProtocols) name += ',' + protocol;
  }
  return name;
}

inline TunnelRequest tunnelRequest(const net::ConnectionOptions& server,
                                   const http::detail::Proxy& proxy) {
  std::string authority = server.host;
  if (authority.find(':') != std::string::npos) authority = '[' + authority + ']';
  authority += ':' + std::to_string(server.port);
  http::detail::HeaderStore headers;
  headers.set("Host", authority);
  headers.set("Proxy-Connection", std::string_view("keep-alive"));
  if (!proxy.authorization.empty()) headers.set("Proxy-Authorization", proxy.authorization);
  net::detail::ByteBuffer head;
  const http::detail::RequestHead wanted{
      .method = "CONNECT", .path = authority, .headers = headers, .setDefaultHeaders = false};
  static_cast<void>(http::detail::composeRequestHead(head, wanted));
  return TunnelRequest(head.view());
}

/// Keeps what the handshake learns, and forgets it if the connection fails.
SLUICE_DECL task<net::Socket> connectAndKeep(net::ConnectionOptions options,
                                             std::shared_ptr<const TlsPolicy> policy,
                                             TunnelRequest tunnel,
                                             std::shared_ptr<SessionCache> sessions,
                                             std::string name) {
  try {
    net::Socket socket =
        co_await connectTls(std::move(options), std::move(policy), std::move(tunnel));
    socket.on<"close">([sessions, name](bool hadError) {
      if (hadError) sessions->evict(name);
    });
    co_return socket;
  } catch (...) {
    sessions->evict(name);
    throw;
  }
}

class GlobalAgents final : public asio::execution_context::service {
 public:
  using key_type = GlobalAgents;
  static inline asio::execution_context::id id;

  explicit GlobalAgents(asio::execution_context& context) : service(context) {}

  /// make  if there is none yet
  Agent* find(const asio::any_io_executor& executor, bool make) {
    const std::lock_guard lock(mutex_);
    for (const auto& agent : agents_) {
      if (agent->get_executor() == executor) return agent.get();
    }
    if (!make) return nullptr;
    agents_.push_back(std::make_unique<Agent>(executor));
    http::detail::AgentAccess::state(*agents_.back()).useGlobalProxies();
    return agents_.back().get();
  }

 private:
  void shutdown() override {
    // Not while the vector is being emptied: what ends may ask for an agent again.
    const auto agents = std::exchange(agents_, {});
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Agent>> agents_;
};

}  // namespace detail

SLUICE_DECL Agent::Agent(Executor executor, const AgentOptions& options)
    : http::Agent(std::move(executor), detail::withoutTls(options)),
      tls_(detail::clientOptions(options)),
      sessions_(std::make_shared<detail::SessionCache>(options.maxCachedSessions)) {
  protocol = "https:";
  defaultPort = 443;
}

SLUICE_DECL detail::ClientOptions Agent::merged(const detail::ClientOptions* request) const {
  detail::ClientOptions result = tls_;
  if (request == nullptr) return result;
  const detail::ClientOptions unset;
  const auto take = [&](auto member) {
    auto& to = result.*member;
    const auto& from = request->*member;
    if (!from.empty()) to = from;
  };
  using Options = detail::ClientOptions;
  for (const auto member :
       {&Options::key, &Options::cert, &Options::ca, &Options::crl, &Options::dhparam}) {
    take(member);
  }
  for (const auto member : {&Options::pfx, &Options::passphrase, &Options::minVersion,
                            &Options::maxVersion, &Options::ciphers, &Options::ecdhCurve,
                            &Options::sigalgs, &Options::sessionIdContext, &Options::session}) {
    take(member);
  }
  if (request->servername) result.servername = request->servername;
  if (request->ALPNProtocols != unset.ALPNProtocols) result.ALPNProtocols = request->ALPNProtocols;
  if (request->checkServerIdentity) result.checkServerIdentity = request->checkServerIdentity;
  if (request->secureContext) result.secureContext = request->secureContext;
  if (request->handshakeTimeout != unset.handshakeTimeout) {
    result.handshakeTimeout = request->handshakeTimeout;
  }
  result.rejectUnauthorized = tls_.rejectUnauthorized && request->rejectUnauthorized;
  result.secureOptions |= request->secureOptions;
  result.honorCipherOrder = tls_.honorCipherOrder && request->honorCipherOrder;
  return result;
}

SLUICE_DECL SecureContext Agent::contextFor(const detail::ClientOptions& options) {
  if (options.secureContext) return options.secureContext;
  std::string name = detail::tlsName(options, {}) + detail::trustName(options);
  if (const auto known = contexts_.find(name); known != contexts_.end()) return known->second;
  if (contexts_.size() >= detail::keptContexts) contexts_.clear();
  SecureContext made = createSecureContext(detail::secureContextOptions(options));
  contexts_.emplace(std::move(name), made);
  return made;
}

SLUICE_DECL task<net::Socket> Agent::createConnection(const net::ConnectionOptions& options) {
  const auto* request = static_cast<const detail::ClientOptions*>(options.tls.get());
  const bool shared = request == nullptr || !request->checkServerIdentity;
  detail::ClientOptions tls = merged(request);
  std::string name = options.host + ':' + std::to_string(options.port) + ':' + options.path +
                     detail::tlsName(tls, options.host) + detail::trustName(tls);
  if (shared && tls.session.empty()) tls.session = sessions_->get(name);
  const auto policy = detail::clientPolicy(tls, options.host, contextFor(tls));
  if (listenerCount<"keylog">() != 0) {
    policy->onKeylog = [this, kept = std::weak_ptr(sessions_)](std::string_view line,
                                                               net::Socket& socket) {
      if (!kept.expired()) emit<"keylog">(line, socket);
    };
  }
  net::ConnectionOptions to = options;
  detail::TunnelRequest tunnel;
  if (const auto proxy = http::detail::AgentAccess::state(*this).proxyFor(options)) {
    tunnel = detail::tunnelRequest(options, *proxy);
    to.host = proxy->host;
    to.port = proxy->port;
  }
  if (!shared) return detail::connectTls(std::move(to), policy, std::move(tunnel));
  policy->onSession = [kept = std::weak_ptr(sessions_), name](const std::string& session) {
    if (const auto sessions = kept.lock()) sessions->put(name, session);
  };
  return detail::connectAndKeep(std::move(to), policy, std::move(tunnel), sessions_,
                                std::move(name));
}

SLUICE_DECL std::string Agent::getName(const http::RequestOptions& options) const {
  const auto* request = static_cast<const detail::ClientOptions*>(options.tls.get());
  const std::string& host = options.hostname.empty() ? options.host : options.hostname;
  const detail::ClientOptions tls = merged(request);
  std::string name =
      http::Agent::getName(options) + detail::tlsName(tls, host) + detail::trustName(tls);
  if (!sharesConnection(options)) name += ":check";
  return name;
}

// Two functions cannot be compared: a connection that one of them has accepted is for its request
// alone, and so is the session.
SLUICE_DECL bool Agent::sharesConnection(const http::RequestOptions& options) const {
  const auto* request = static_cast<const detail::ClientOptions*>(options.tls.get());
  return request == nullptr || !request->checkServerIdentity;
}

SLUICE_DECL std::string Agent::nameWithTls(const RequestOptions& options) const {
  http::RequestOptions plain = detail::withoutTls(options);
  plain.tls = std::make_shared<const detail::ClientOptions>(detail::clientOptions(options));
  return getName(plain);
}

SLUICE_DECL Agent& globalAgent(Executor executor) {
  auto& context = asio::query(executor.get(), asio::execution::context);
  return *asio::use_service<detail::GlobalAgents>(context).find(executor.get(), true);
}

SLUICE_DECL Agent* detail::usualAgent(const asio::any_io_executor& executor) {
  auto& context = asio::query(executor, asio::execution::context);
  return asio::use_service<GlobalAgents>(context).find(executor,
                                                       net::detail::Loop::isLasting(executor));
}

}  // namespace sluice::https
