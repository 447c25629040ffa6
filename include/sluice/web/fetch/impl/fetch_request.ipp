// SPDX-License-Identifier: BSL-1.0
//
// Definitions of fetch_request.hpp.
#pragma once

#include <sluice/error.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <sluice/web/detail/text.hpp>
#include <sluice/web/fetch/detail/tunnel.hpp>
#include <sluice/web/fetch/fetch_request.hpp>
#include <utility>

namespace sluice {

SLUICE_DECL FetchRequest::FetchRequest() = default;
SLUICE_DECL FetchRequest::FetchRequest(const FetchRequest&) = default;
SLUICE_DECL FetchRequest::FetchRequest(FetchRequest&&) noexcept = default;
SLUICE_DECL FetchRequest& FetchRequest::operator=(const FetchRequest&) = default;
SLUICE_DECL FetchRequest& FetchRequest::operator=(FetchRequest&&) noexcept = default;
SLUICE_DECL FetchRequest::~FetchRequest() = default;

SLUICE_DECL FetchRequest& FetchRequest::method(std::string_view name) {
  std::string method(name);
  // The Fetch standard puts these in capitals, and leaves others as they are.
  for (const std::string_view known : {"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"}) {
    if (detail::equalIgnoreCase(method, known)) method = known;
  }
  if (!http::detail::isToken(method)) {
    throw http::Error(make_error_code(http::errc::ERR_INVALID_HTTP_TOKEN),
                      "Method must be a valid HTTP token [\"" + method + "\"]");
  }
  // It asks for a tunnel, which is no response.
  if (method == "CONNECT") {
    throw http::Error(make_error_code(http::errc::ERR_INVALID_ARG_VALUE),
                      "fetch() has no method CONNECT");
  }
  options_.method = std::move(method);
  return *this;
}

SLUICE_DECL FetchRequest& FetchRequest::header(std::string_view name,
                                               const http::HeaderValue& value) {
  http::validateHeaderName(name);
  http::validateHeaderValue(name, value.str());
  options_.headers.set(name, value);
  return *this;
}

SLUICE_DECL FetchRequest& FetchRequest::headers(const http::Headers& headers) {
  for (const auto& [name, joined] : headers) {
    http::validateHeaderName(name);
    options_.headers.remove(name);
    for (const std::string_view value : headers.getAll(name)) {
      http::validateHeaderValue(name, value);
      options_.headers.append(name, value);
    }
  }
  return *this;
}

SLUICE_DECL FetchRequest& FetchRequest::body(std::string_view bytes, std::string_view contentType) {
  return body(std::string(bytes), contentType);
}
SLUICE_DECL FetchRequest& FetchRequest::body(const char* text, std::string_view contentType) {
  return body(std::string(text), contentType);
}
SLUICE_DECL FetchRequest& FetchRequest::body(std::span<const std::byte> bytes,
                                             std::string_view contentType) {
  const auto* const begin = reinterpret_cast<const char*>(bytes.data());
  return body(std::string(begin, bytes.size()), contentType);
}

SLUICE_DECL FetchRequest& FetchRequest::body(std::string&& bytes, std::string_view contentType) {
  if (!contentType.empty()) header("Content-Type", contentType);
  options_.body = std::move(bytes);
  options_.writeBody = nullptr;
  return *this;
}

SLUICE_DECL FetchRequest& FetchRequest::body(std::function<task<>(http::ClientRequest&)> write) {
  options_.writeBody = std::move(write);
  options_.body.reset();
  return *this;
}

SLUICE_DECL FetchRequest& FetchRequest::form(
    const std::vector<std::pair<std::string, std::string>>& fields) {
  http::URLSearchParams params;
  for (const auto& [name, value] : fields) params.append(name, value);
  return body(params.toString(), "application/x-www-form-urlencoded");
}

SLUICE_DECL FetchRequest& FetchRequest::timeout(std::chrono::milliseconds whole) {
  detail::requireTime("timeout", whole);
  options_.timeout = whole;
  return *this;
}
SLUICE_DECL FetchRequest& FetchRequest::connectTimeout(std::chrono::milliseconds each) {
  detail::requireTime("connectTimeout", each);
  options_.connectTimeout = each;
  return *this;
}
SLUICE_DECL FetchRequest& FetchRequest::signal(asio::cancellation_slot slot) {
  options_.signal = slot;
  return *this;
}
SLUICE_DECL FetchRequest& FetchRequest::redirect(Redirect mode) {
  options_.redirect = mode;
  return *this;
}
SLUICE_DECL FetchRequest& FetchRequest::maxRedirects(int most) {
  options_.maxRedirects = most;
  return *this;
}
SLUICE_DECL FetchRequest& FetchRequest::allowDowngrade(bool on) {
  options_.allowDowngrade = on;
  return *this;
}
SLUICE_DECL FetchRequest& FetchRequest::retries(int most, std::chrono::milliseconds backoff) {
  detail::requireTime("backoff", backoff);
  options_.retries = most;
  options_.backoff = backoff;
  return *this;
}
SLUICE_DECL FetchRequest& FetchRequest::decompress(bool on) {
  options_.decompress = on;
  return *this;
}
SLUICE_DECL FetchRequest& FetchRequest::agent(http::Agent& agent) {
  options_.agent = &agent;
  return *this;
}
SLUICE_DECL FetchRequest& FetchRequest::cookies(CookieJar& jar) {
  options_.cookies = &jar;
  return *this;
}
SLUICE_DECL FetchRequest& FetchRequest::proxy(std::string_view url) {
  options_.proxy.reset();
  if (url.empty()) return *this;
  http::URL parsed(url);
  detail::proxyOf(parsed);
  options_.proxy = std::move(parsed);
  return *this;
}
SLUICE_DECL FetchRequest& FetchRequest::tls(https::ClientOptions options) {
  options_.tls = std::move(options);
  return *this;
}

}  // namespace sluice
