// SPDX-License-Identifier: BSL-1.0
//
// The inside of an https::Server: the handshake with new connections.
#pragma once

#include <memory>
#include <sluice/http/detail/server/state.hpp>
#include <sluice/https/detail/tls_context.hpp>
#include <sluice/https/detail/tls_policy.hpp>
#include <sluice/https/options.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::https::detail {

class TlsServerState final : public http::detail::ServerState {
 public:
  TlsServerState(asio::any_io_executor executor, const ServerOptions& options);

  /// throws  ERR_INVALID_ARG_VALUE if it is empty
  void use(const SecureContext& context);
  void addContext(std::string_view servername, SecureContext context);
  const std::string& ticketKeys() const;
  void setTicketKeys(std::string_view keys);

  bool secures() const override { return true; }
  SLUICE_DECL task<> secure(net::Socket& socket) override;

 private:
  struct Named {
    std::string pattern;
    SecureContext context;
  };

  SecureContext contextFor(std::string_view servername) const;

  // Handshakes keep the policy that they began with.
  std::shared_ptr<const TlsPolicy> policy_;
  std::vector<Named> contexts_;
};

}  // namespace sluice::https::detail
