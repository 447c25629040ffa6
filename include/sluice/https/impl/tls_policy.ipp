// SPDX-License-Identifier: BSL-1.0
//
// Definitions of tls_policy.hpp.
#pragma once

#include <sluice/error.hpp>
#include <sluice/https/detail/tls_policy.hpp>

namespace sluice::https::detail {

SLUICE_DECL std::string protocolList(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255) {
      throw http::Error(make_error_code(http::errc::ERR_OUT_OF_RANGE),
                        "The name of an ALPN protocol has 1 to 255 bytes");
    }
    list += static_cast<char>(static_cast<unsigned char>(name.size()));
    list += name;
  }
  return list;
}

}  // namespace sluice::https::detail
