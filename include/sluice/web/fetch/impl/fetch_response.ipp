// SPDX-License-Identifier: BSL-1.0
//
// Definitions of fetch_response.hpp.
#pragma once

#include <sluice/error.hpp>
#include <sluice/web/fetch/detail/fetch_exchange.hpp>
#include <sluice/web/fetch/fetch_response.hpp>
#include <utility>

namespace sluice {

SLUICE_DECL FetchResponse::FetchResponse() = default;
SLUICE_DECL FetchResponse::FetchResponse(std::shared_ptr<detail::FetchExchange> exchange)
    : exchange_(std::move(exchange)) {}
SLUICE_DECL FetchResponse::FetchResponse(FetchResponse&&) noexcept = default;
SLUICE_DECL FetchResponse& FetchResponse::operator=(FetchResponse&&) noexcept = default;
SLUICE_DECL FetchResponse::~FetchResponse() = default;

SLUICE_DECL const std::shared_ptr<detail::FetchExchange>& FetchResponse::exchange() const {
  return detail::held(exchange_, "The response");
}

SLUICE_DECL http::IncomingMessage& FetchResponse::message() { return exchange()->message(); }
SLUICE_DECL int FetchResponse::status() const { return exchange()->message().statusCode(); }
SLUICE_DECL bool FetchResponse::ok() const { return status() >= 200 && status() <= 299; }
SLUICE_DECL std::string_view FetchResponse::statusText() const {
  return exchange()->message().statusMessage();
}
SLUICE_DECL std::string_view FetchResponse::url() const { return exchange()->url(); }
SLUICE_DECL bool FetchResponse::redirected() const { return exchange()->redirected(); }
SLUICE_DECL const http::Headers& FetchResponse::headers() const {
  return exchange()->message().headers();
}

SLUICE_DECL task<std::optional<std::string_view>> FetchResponse::read() {
  return detail::FetchExchange::read(exchange());
}

SLUICE_DECL task<std::string> FetchResponse::text(std::size_t limit) {
  return detail::FetchExchange::text(exchange(), limit);
}

}  // namespace sluice
