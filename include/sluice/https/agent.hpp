// SPDX-License-Identifier: BSL-1.0
//
// An agent whose connections are encrypted, and which resumes their sessions.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/https.hpp>
#endif
#ifndef SLUICE_HTTPS_AGENT_HPP
#define SLUICE_HTTPS_AGENT_HPP

#include <concepts>
#include <map>
#include <memory>
#include <sluice/http/agent.hpp>
#include <sluice/https/options.hpp>
#include <sluice/https/secure_context.hpp>
#include <sluice/net/connect.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <string>
#include <type_traits>

namespace sluice::https {

namespace detail {
class SessionCache;
}

/// http::Agent over TLS. What a request does not say about TLS, the agent's options do.
///
///     https::Agent agent(loop, {.keepAlive = true, .ca = "ca.pem"});
///     auto req = https::get(loop, "https://localhost:8443/", {.agent = agent});
///
/// A request with a checkServerIdentity of its own gets a connection of its own: no other request's
/// is used for it, and its is used for no other.
///
/// events  those of http::Agent; "keylog"(std::string_view line, net::Socket&): a secret of a
///         connection, as SSLKEYLOGFILE has it
class Agent : public http::Agent {
 public:
  explicit Agent(Executor executor, const AgentOptions& options = {});

  SLUICE_DECL task<net::Socket> createConnection(const net::ConnectionOptions& options) override;
  /// As Node has it: http's name, and what there is of ca, cert, ciphers, key, pfx,
  /// rejectUnauthorized, servername and so on, with colons between.
  SLUICE_DECL std::string getName(const http::RequestOptions& options = {}) const override;
  // A template, so that the other one is taken for braces that say nothing of TLS and fit both.
  /// The name for options that have those of TLS.
  template <std::same_as<RequestOptions> Options = RequestOptions>
  std::string getName(const std::type_identity_t<Options>& options) const {
    return nameWithTls(options);
  }

 private:
  SLUICE_DECL bool sharesConnection(const http::RequestOptions& options) const override;
  std::string nameWithTls(const RequestOptions& options) const;
  detail::ClientOptions merged(const detail::ClientOptions* request) const;
  SecureContext contextFor(const detail::ClientOptions& options);

  detail::ClientOptions tls_;
  std::shared_ptr<detail::SessionCache> sessions_;
  std::map<std::string, SecureContext> contexts_;
};

/// The agent of https requests that name none: one per executor, without keep-alive.
Agent& globalAgent(Executor executor);

namespace detail {
/// As http::detail::usualAgent().
Agent* usualAgent(const asio::any_io_executor& executor);
}  // namespace detail

}  // namespace sluice::https

#endif
