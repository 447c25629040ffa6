// SPDX-License-Identifier: BSL-1.0
//
// Definitions of fetch_url.hpp.
#pragma once

#include <memory>
#include <sluice/web/fetch/detail/fetch_exchange.hpp>
#include <sluice/web/fetch/fetch_url.hpp>
#include <utility>

namespace sluice {

namespace detail {

SLUICE_DECL task<FetchResponse> runFetch(std::shared_ptr<FetchExchange> exchange) {
  co_await exchange->run();
  co_return FetchResponseAccess::make(std::move(exchange));
}

}  // namespace detail

SLUICE_DECL task<FetchResponse> fetch(std::string_view url) { return fetch(url, FetchRequest()); }

SLUICE_DECL task<FetchResponse> fetch(std::string_view url, FetchRequest request) {
  return detail::runFetch(
      std::make_shared<detail::FetchExchange>(url, detail::FetchRequestAccess::release(request)));
}

}  // namespace sluice
