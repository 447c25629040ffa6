// SPDX-License-Identifier: BSL-1.0
//
// The requests and answers that most tests of a server exchange, with dates as serve.hpp masks
// them.
#pragma once

#include <string>
#include <string_view>

namespace sluice::test {

/// A request without a body. `fields` are whole lines.
inline std::string get(std::string_view target = "/", std::string_view fields = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

/// A request with a body of this length, of which `body` is the beginning.
inline std::string post(std::size_t length, std::string_view body = {},
                        std::string_view fields = {}) {
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

inline std::string chunked(std::string_view body, std::string_view fields = {}) {
  return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + std::string(fields) +
         "\r\n" + std::string(body);
}

/// What `res.end(body)` sends.
inline std::string ok(std::string_view body = {}) {
  return "HTTP/1.1 200 OK\r\nDate: <D>\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

/// The same where the connection ends behind it.
inline std::string okAndClose(std::string_view body = {}) {
  return "HTTP/1.1 200 OK\r\nDate: <D>\r\nConnection: close\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

/// The head of a body that is sent in chunks.
inline constexpr std::string_view okChunked =
    "HTTP/1.1 200 OK\r\nDate: <D>\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

inline constexpr std::string_view badRequest =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
inline constexpr std::string_view requestTimeout =
    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";

inline constexpr std::string_view internalServerError =
    "HTTP/1.1 500 Internal Server Error\r\nDate: <D>\r\nConnection: keep-alive\r\n"
    "Keep-Alive: timeout=5\r\nContent-Length: 21\r\n\r\nInternal Server Error";

}  // namespace sluice::test
