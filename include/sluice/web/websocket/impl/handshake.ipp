// SPDX-License-Identifier: BSL-1.0
//
// Definitions of handshake.hpp.
#pragma once

#include <algorithm>
#include <sluice/web/detail/text.hpp>
#include <sluice/web/websocket/detail/handshake.hpp>

namespace sluice::web::detail {

/// RFC 6455 4.2.1: sixteen bytes in base64.
inline bool isKey(std::string_view key) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return key.size() == 24 && key.ends_with("==") &&
         key.substr(0, 22).find_first_not_of(digits) == std::string_view::npos;
}

inline std::string answer(std::string_view status, std::string_view fields, std::string_view text) {
  std::string bytes = "HTTP/1.1 ";
  bytes.append(status).append("\r\n").append(fields);
  bytes.append("Content-Type: text/plain; charset=utf-8\r\nContent-Length: ");
  bytes.append(std::to_string(text.size())).append("\r\n\r\n").append(text);
  return bytes;
}

inline std::string badRequest(std::string_view text) {
  return answer("400 Bad Request", "Connection: close\r\n", text);
}

SLUICE_DECL std::optional<std::string> refusalOf(std::string_view method,
                                                 const http::Headers& headers) {
  // RFC 6455 4.2.1, in its order.
  if (method != "GET") return badRequest("A WebSocket begins with GET.\n");
  if (!listHas(headers["upgrade"], "websocket")) {
    return badRequest("Only an upgrade to websocket is possible here.\n");
  }
  if (!listHas(headers["connection"], "upgrade")) {
    return badRequest("Connection does not name upgrade.\n");
  }
  if (!isKey(headers["sec-websocket-key"])) {
    return badRequest("Sec-WebSocket-Key is missing or wrong.\n");
  }
  // RFC 6455 4.4: the versions that the server knows.
  if (headers["sec-websocket-version"] != "13") {
    return answer("426 Upgrade Required",
                  "Connection: Upgrade, close\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Version: 13\r\n",
                  "Sec-WebSocket-Version has to be 13.\n");
  }
  return std::nullopt;
}

SLUICE_DECL std::string forbidden() {
  return answer("403 Forbidden", "Connection: close\r\n", "This WebSocket was refused.\n");
}

SLUICE_DECL std::string chooseProtocol(std::string_view offered,
                                       const std::vector<std::string>& known) {
  std::string chosen;
  forEachItem(offered, [&](std::string_view each) {
    // RFC 6455 4.2.2: subprotocols are compared with their case.
    if (chosen.empty() && std::find(known.begin(), known.end(), each) != known.end()) chosen = each;
  });
  return chosen;
}

}  // namespace sluice::web::detail
