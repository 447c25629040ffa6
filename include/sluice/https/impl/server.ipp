// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server.hpp and tls_server_state.hpp.
#pragma once

#include <sluice/https/detail/handshake.hpp>
#include <sluice/https/detail/ticket_keys.hpp>
#include <sluice/https/detail/tls_server_state.hpp>
#include <sluice/https/server.hpp>
#include <utility>

namespace sluice::https {

namespace detail {

SLUICE_DECL TlsServerState::TlsServerState(asio::any_io_executor executor,
                                           const ServerOptions& options)
    : ServerState(std::move(executor), withoutTls(options)) {
  auto policy = std::make_shared<TlsPolicy>();
  policy->server = true;
  policy->requestCert = options.requestCert;
  policy->rejectUnauthorized = options.rejectUnauthorized;
  policy->protocols = protocolList(options.ALPNProtocols);
  policy->handshakeTimeout = options.handshakeTimeout;
  policy->chooseContext = options.SNICallback;
  policy->sessionTimeout = options.sessionTimeout;
  policy->ticketKeys = options.ticketKeys.empty()
                           ? std::make_shared<const TicketKeys>()
                           : std::make_shared<const TicketKeys>(options.ticketKeys);
  policy_ = std::move(policy);
  use(options.secureContext ? options.secureContext
                            : createSecureContext(secureContextOptions(options)));
}

SLUICE_DECL void TlsServerState::use(const SecureContext& context) {
  if (!context) {
    throw http::Error(make_error_code(http::errc::ERR_INVALID_ARG_VALUE),
                      "The SecureContext of a server is empty");
  }
  auto policy = std::make_shared<TlsPolicy>(*policy_);
  policy->context = SecureContextAccess::get(context);
  policy_ = std::move(policy);
}

SLUICE_DECL const std::string& TlsServerState::ticketKeys() const {
  return policy_->ticketKeys->bytes();
}

SLUICE_DECL void TlsServerState::setTicketKeys(std::string_view keys) {
  auto policy = std::make_shared<TlsPolicy>(*policy_);
  policy->ticketKeys = std::make_shared<const TicketKeys>(keys);
  policy_ = std::move(policy);
}

SLUICE_DECL void TlsServerState::addContext(std::string_view servername, SecureContext context) {
  contexts_.push_back({std::string(servername), std::move(context)});
}

inline char lowered(char each) {
  return each >= 'A' && each <= 'Z' ? static_cast<char>(each - 'A' + 'a') : each;
}

/// "*" stands for one label.
inline bool fits(std::string_view pattern, std::string_view name) {
  if (pattern.starts_with("*.")) {
    pattern.remove_prefix(1);
    name.remove_prefix(std::min(name.find('.'), name.size()));
  }
  return std::equal(pattern.begin(), pattern.end(), name.begin(), name.end(),
                    [](char a, char b) { return lowered(a) == lowered(b); });
}

SLUICE_DECL SecureContext TlsServerState::contextFor(std::string_view servername) const {
  for (auto each = contexts_.rbegin(); each != contexts_.rend(); ++each) {
    if (fits(each->pattern, servername)) return each->context;
  }
  return {};
}

SLUICE_DECL task<> TlsServerState::secure(net::Socket& socket) {
  const boost::intrusive_ptr<net::detail::SocketCore> core =
      net::detail::SocketAccess::core(socket);
  auto policy = policy_;
  const bool chooses = !policy->chooseContext && !contexts_.empty();
  if (chooses || has<"keylog">()) {
    const boost::intrusive_ptr<TlsServerState> self(this);
    auto own = std::make_shared<TlsPolicy>(*policy);
    if (chooses) {
      own->chooseContext = [self](std::string_view name) { return self->contextFor(name); };
    }
    own->onKeylog = [self](std::string_view line, net::Socket& connection) {
      self->emit<"keylog">(line, connection);
    };
    policy = std::move(own);
  }
  std::optional<http::Error> failure;
  try {
    co_await handshake(core, policy);
  } catch (const http::Error& error) {
    failure = error;
  }
  if (core->destroyed()) co_return;
  if (!failure) {
    emit<"secureConnection">(socket);
    co_return;
  }
  tellFailure(*failure);
  emit<"clientError">(*failure, socket);
  emit<"tlsClientError">(*failure, socket);
  core->destroy();
}

}  // namespace detail

SLUICE_DECL Server::Server(Executor executor, const ServerOptions& options)
    : http::Server(boost::intrusive_ptr<http::detail::ServerState>(
          new detail::TlsServerState(executor.get(), options))) {}

SLUICE_DECL detail::TlsServerState& Server::tls() const {
  return static_cast<detail::TlsServerState&>(state());
}

SLUICE_DECL Server& Server::setSecureContext(const SecureContextOptions& options) {
  return setSecureContext(createSecureContext(options));
}

SLUICE_DECL Server& Server::setSecureContext(SecureContext context) {
  tls().use(context);
  return *this;
}

SLUICE_DECL Server& Server::addContext(std::string_view servername, SecureContext context) {
  tls().addContext(servername, std::move(context));
  return *this;
}

SLUICE_DECL Server& Server::addContext(std::string_view servername,
                                       const SecureContextOptions& options) {
  return addContext(servername, createSecureContext(options));
}

SLUICE_DECL std::string Server::getTicketKeys() const { return tls().ticketKeys(); }

SLUICE_DECL Server& Server::setTicketKeys(std::string_view keys) {
  tls().setTicketKeys(keys);
  return *this;
}

SLUICE_DECL Server createServer(Executor executor, const ServerOptions& options) {
  return Server(std::move(executor), options);
}

}  // namespace sluice::https
