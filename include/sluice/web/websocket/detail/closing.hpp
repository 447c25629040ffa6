// SPDX-License-Identifier: BSL-1.0
//
// What may be said in a close.
#pragma once

#include <cstddef>
#include <sluice/error.hpp>
#include <string_view>

namespace sluice::web::detail {

// RFC 6455 5.5.
inline constexpr std::size_t maxControlPayload = 125;

/// RFC 6455 7.4, and the codes that were registered since: 1004 to 1006 and 1015 are never sent.
constexpr bool maySendClose(int code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

/// throws  ERR_OUT_OF_RANGE
inline void requireClose(int code, std::string_view reason) {
  if (!maySendClose(code)) {
    sluice::detail::throwOutOfRange("code", "1000 to 1003, 1007 to 1014 or 3000 to 4999", code);
  }
  if (reason.size() > maxControlPayload - 2) {
    sluice::detail::throwOutOfRange("reason.length", "<= 123",
                                    static_cast<std::int64_t>(reason.size()));
  }
}

}  // namespace sluice::web::detail
