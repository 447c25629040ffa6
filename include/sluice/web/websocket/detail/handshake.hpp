// SPDX-License-Identifier: BSL-1.0
//
// What a server makes of a request that asks for a WebSocket. Pure: fields in, a decision out.
#pragma once

#include <optional>
#include <sluice/http/headers.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::web::detail {

/// The whole answer to a request that is no handshake; nothing if it is one.
std::optional<std::string> refusalOf(std::string_view method, const http::Headers& headers);

/// The whole answer of a server that does not want this one.
std::string forbidden();

/// The first of the client's subprotocols that the server knows; empty if there is none.
std::string chooseProtocol(std::string_view offered, const std::vector<std::string>& known);

}  // namespace sluice::web::detail
