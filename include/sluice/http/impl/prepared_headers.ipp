// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/http/prepared_headers.hpp>.
#pragma once

#include <sluice/http/detail/wire/header_store.hpp>
#include <sluice/http/prepared_headers.hpp>

namespace sluice::http {

SLUICE_DECL PreparedHeaders::PreparedHeaders(const Headers& headers) {
  auto store = std::make_shared<detail::HeaderStore>();
  store->merge(headers);
  store_ = std::move(store);
}

}  // namespace sluice::http
