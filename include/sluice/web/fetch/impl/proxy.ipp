// SPDX-License-Identifier: BSL-1.0
//
// Definitions of proxy.hpp.
#pragma once

#include <boost/asio/ip/address_v4.hpp>
#include <cstdlib>
#include <optional>
#include <sluice/web/detail/text.hpp>
#include <sluice/web/fetch/detail/cookie.hpp>
#include <sluice/web/fetch/detail/tunnel.hpp>
#include <sluice/web/fetch/proxy.hpp>
#include <string_view>

namespace sluice {

namespace detail {

/// A variable of the environment; the name in lower case wins.
inline std::string_view fromEnvironment(const char* lower, const char* upper) {
  for (const char* name : {lower, upper}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

inline std::optional<boost::asio::ip::address_v4> addressOf(std::string_view text) {
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address_v4(std::string(trimBlanks(text)), ec);
  if (ec) return std::nullopt;
  return address;
}

inline bool inRange(std::string_view host, std::string_view range) {
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos) return false;
  const auto address = addressOf(host);
  const auto first = addressOf(range.substr(0, dash));
  const auto last = addressOf(range.substr(dash + 1));
  return address && first && last && *first <= *address && *address <= *last;
}

/// Whether one item of NO_PROXY names the host.
inline bool exempts(std::string_view item, std::string_view host, std::uint16_t port) {
  if (item == "*") return true;
  std::string name(item);
  for (char& letter : name) letter = toLower(letter);
  const std::string withPort = std::string(host) + ':' + std::to_string(port);
  if (name == host || name == withPort || '[' + name + ']' == host) return true;
  if (name.starts_with("*.")) name.erase(0, 1);
  if (name.starts_with('.')) return domainMatches(host, std::string_view(name).substr(1));
  return inRange(host, name);
}

}  // namespace detail

SLUICE_DECL std::string proxyFromEnvironment(const http::URL& url) {
  const bool secure = url.protocol() == "https:";
  if (!secure && url.protocol() != "http:") return {};
  const std::string_view proxy = secure ? detail::fromEnvironment("https_proxy", "HTTPS_PROXY")
                                        : detail::fromEnvironment("http_proxy", "HTTP_PROXY");
  if (!proxy.starts_with("http://") && !proxy.starts_with("https://")) return {};
  bool exempt = false;
  web::detail::forEachItem(
      detail::fromEnvironment("no_proxy", "NO_PROXY"), [&](std::string_view item) {
        exempt = exempt || detail::exempts(item, url.hostname(), detail::portOf(url));
      });
  if (exempt) return {};
  return std::string(proxy);
}

}  // namespace sluice
