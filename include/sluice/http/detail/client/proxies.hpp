// SPDX-License-Identifier: BSL-1.0
//
// Which proxy leads to which server: what the variables of a shell say. Pure.
#pragma once

#include <sluice/config.hpp>
#include <cstdint>
#include <optional>
#include <sluice/http/agent_options.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http::detail {

struct Proxy {
  std::string host;
  std::uint16_t port = 0;
  /// A value for Proxy-Authorization; empty: none.
  std::string authorization;
};

class Proxies {
 public:
  /// throws  ERR_PROXY_INVALID_CONFIG for a proxy that is no http: URL
  explicit Proxies(const ProxyEnv& variables);

  bool empty() const { return !http_ && !https_; }
  /// The proxy for a server; nullptr: it is reached directly.
  const Proxy* find(std::string_view protocol, std::string_view host, std::uint16_t port) const;

 private:
  bool excludes(std::string_view host, std::uint16_t port) const;

  std::optional<Proxy> http_, https_;
  std::vector<std::string> direct_;  // the entries of NO_PROXY, in lower case
};

}  // namespace sluice::http::detail
