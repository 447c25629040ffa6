// SPDX-License-Identifier: BSL-1.0
//
// Definitions of request.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <optional>
#include <sluice/https/request.hpp>
#include <string>
#include <utility>

namespace sluice::https {

namespace detail {

/// The host of a Host header, which may have a port.
inline std::string hostOf(std::string_view header) {
  if (header.starts_with('[')) {
    return std::string(header.substr(1, std::max<std::size_t>(header.find(']'), 1) - 1));
  }
  return std::string(header.substr(0, header.find(':')));
}

inline http::RequestOptions withTls(const Executor& executor, http::RequestOptions plain,
                                    const RequestOptions& options) {
  ClientOptions tls = clientOptions(options);
  if (!tls.servername) {
    if (const auto header = plain.headers.get("host")) tls.servername = hostOf(*header);
  }
  plain.tls = std::make_shared<const ClientOptions>(std::move(tls));
  if (http::detail::AgentAccess::named(plain.agent) == nullptr) {
    const bool own = http::detail::AgentAccess::fresh(plain.agent) || plain.createConnection;
    Agent* const agent = own ? nullptr : usualAgent(executor);
    if (agent != nullptr) {
      plain.agent = *agent;
    } else {
      plain.agent = http::detail::AgentAccess::own(std::make_shared<Agent>(executor));
    }
  }
  return plain;
}

SLUICE_DECL http::RequestOptions plainOptions(const Executor& executor,
                                              const RequestOptions& options) {
  return withTls(executor, withoutTls(options), options);
}

SLUICE_DECL http::RequestOptions plainOptions(const Executor& executor, const http::URL& url,
                                              const RequestOptions& options) {
  http::RequestOptions plain = withoutTls(options);
  plain = http::detail::mergeUrl(url, std::move(plain));
  plain.protocol = url.protocol();
  return withTls(executor, std::move(plain), options);
}

SLUICE_DECL task<IncomingMessage> getNow(std::optional<http::URL> url, RequestOptions options) {
  const Executor executor(co_await asio::this_coro::executor);
  http::RequestOptions plain;
  if (url) {
    plain = plainOptions(executor, *url, options);
  } else {
    plain = plainOptions(executor, options);
  }
  co_return co_await http::get(plain);
}

}  // namespace detail

SLUICE_DECL ClientRequest request(Executor executor, RequestOptions options) {
  return http::request(executor, detail::plainOptions(executor, options));
}
SLUICE_DECL ClientRequest request(Executor executor, const http::URL& url, RequestOptions options) {
  return http::request(executor, detail::plainOptions(executor, url, options));
}
SLUICE_DECL ClientRequest request(Executor executor, const http::URL& url) {
  return request(std::move(executor), url, RequestOptions());
}
SLUICE_DECL ClientRequest request(Executor executor, std::string_view url, RequestOptions options) {
  return request(std::move(executor), http::URL(url), std::move(options));
}
SLUICE_DECL ClientRequest request(Executor executor, std::string_view url) {
  return request(std::move(executor), http::URL(url), RequestOptions());
}

SLUICE_DECL ClientRequest get(Executor executor, RequestOptions options) {
  return http::get(executor, detail::plainOptions(executor, options));
}
SLUICE_DECL ClientRequest get(Executor executor, const http::URL& url, RequestOptions options) {
  return http::get(executor, detail::plainOptions(executor, url, options));
}
SLUICE_DECL ClientRequest get(Executor executor, const http::URL& url) {
  return get(std::move(executor), url, RequestOptions());
}
SLUICE_DECL ClientRequest get(Executor executor, std::string_view url, RequestOptions options) {
  return get(std::move(executor), http::URL(url), std::move(options));
}
SLUICE_DECL ClientRequest get(Executor executor, std::string_view url) {
  return get(std::move(executor), http::URL(url), RequestOptions());
}

SLUICE_DECL task<IncomingMessage> get(std::string_view url) {
  return detail::getNow(http::URL(url), RequestOptions());
}
SLUICE_DECL task<IncomingMessage> get(std::string_view url, const RequestOptions& named) {
  return detail::getNow(http::URL(url), named);
}
SLUICE_DECL task<IncomingMessage> get(const RequestOptions& named) {
  return detail::getNow(std::nullopt, named);
}

}  // namespace sluice::https
