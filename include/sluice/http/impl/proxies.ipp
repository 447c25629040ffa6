// SPDX-License-Identifier: BSL-1.0
//
// Definitions of client/proxies.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <sluice/encoding.hpp>
#include <sluice/error.hpp>
#include <sluice/http/detail/client/proxies.hpp>
#include <sluice/http/url.hpp>

namespace sluice::http::detail {

inline std::string inLowerCase(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

// The name in lower case wins, as with curl: CGI makes HTTP_PROXY of a request's header.
inline std::string proxyVariable(const ProxyEnv& variables, const std::string& name) {
  std::string upper(name);
  for (char& letter : upper) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  for (const std::string& each : {name, upper}) {
    const auto found = variables.find(each);
    if (found != variables.end() && !found->second.empty()) return found->second;
  }
  return {};
}

inline std::optional<Proxy> proxyOf(const std::string& text) {
  if (text.empty()) return std::nullopt;
  try {
    const URL url(text);
    if (url.protocol() == "http:" && !url.hostname().empty()) {
      std::string host(url.hostname());
      if (host.front() == '[') host = host.substr(1, host.size() - 2);
      const std::string port(url.port());
      Proxy proxy{std::move(host),
                  port.empty() ? std::uint16_t{80} : static_cast<std::uint16_t>(std::stoi(port)),
                  {}};
      if (!url.username().empty() || !url.password().empty()) {
        const std::string user =
            percentDecode(url.username()) + ':' + percentDecode(url.password());
        proxy.authorization = "Basic " + toText(user, Encoding::base64);
      }
      return proxy;
    }
  } catch (const Error&) {
  }
  // Without the text, which may have a password.
  throw Error(make_error_code(errc::ERR_PROXY_INVALID_CONFIG), "A proxy must be an http: URL");
}

SLUICE_DECL Proxies::Proxies(const ProxyEnv& variables)
    : http_(proxyOf(proxyVariable(variables, "http_proxy"))),
      https_(proxyOf(proxyVariable(variables, "https_proxy"))) {
  const std::string direct = proxyVariable(variables, "no_proxy");
  std::string_view rest = direct;
  while (!rest.empty()) {
    std::string_view entry = rest.substr(0, rest.find_first_of(", \t"));
    rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
    if (!entry.empty()) direct_.push_back(inLowerCase(entry));
  }
}

SLUICE_DECL const Proxy* Proxies::find(std::string_view protocol, std::string_view host,
                                       std::uint16_t port) const {
  const std::optional<Proxy>& proxy = protocol == "https:" ? https_ : http_;
  return proxy && !excludes(host, port) ? &*proxy : nullptr;
}

// "10.0.0.1-10.0.0.9"
inline bool isInRange(std::string_view entry, std::string_view host) {
  const std::size_t dash = entry.find('-');
  if (dash == std::string_view::npos) return false;
  error_code ec[3];
  const auto address = [&](std::string_view text, int number) {
    return asio::ip::make_address_v4(std::string(text), ec[number]);
  };
  const auto least = address(entry.substr(0, dash), 0);
  const auto most = address(entry.substr(dash + 1), 1);
  const auto asked = address(host, 2);
  return !ec[0] && !ec[1] && !ec[2] && least <= asked && asked <= most;
}

SLUICE_DECL bool Proxies::excludes(std::string_view host, std::uint16_t port) const {
  const std::string asked = inLowerCase(host);
  const std::string askedPort = ':' + std::to_string(port);
  return std::any_of(direct_.begin(), direct_.end(), [&](std::string_view entry) {
    if (entry == "*") return true;
    if (entry.ends_with(askedPort)) entry.remove_suffix(askedPort.size());
    if (entry.starts_with("*.")) entry.remove_prefix(1);
    if (entry.starts_with('.')) return asked.ends_with(entry) || asked == entry.substr(1);
    return asked == entry || isInRange(entry, asked);
  });
}

}  // namespace sluice::http::detail
