// SPDX-License-Identifier: BSL-1.0
//
// A received message, for the handle and for the session below it.
#pragma once

#include <string_view>

namespace sluice::web::detail {

struct WebSocketMessage {
  std::string_view data;  ///< valid until the next receive()
  bool binary;            ///< false: text, which is UTF-8
};

}  // namespace sluice::web::detail
