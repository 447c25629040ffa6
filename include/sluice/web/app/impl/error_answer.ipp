// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/error_answer.hpp>.
#pragma once

#include <sluice/encoding.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/web/app/detail/error_answer.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>
#include <string>

namespace sluice::app::detail {

SLUICE_DECL std::string jsonString(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  const bool valid = sluice::detail::isUtf8(text);
  std::string out = "\"";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !valid)) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += letter;
    }
  }
  return out += '"';
}

SLUICE_DECL void dropContentHeaders(Response& res) {
  for (const std::string_view name :
       {"Content-Type", "Content-Length", "Content-Encoding", "Content-Language",
        "Content-Location", "Content-Range", "Content-Disposition", "Transfer-Encoding", "ETag",
        "Last-Modified", "Cache-Control", "Expires", "Accept-Ranges", "Trailer"}) {
    if (res.hasHeader(name)) res.removeHeader(name);
  }
}

SLUICE_DECL WriteResult answerStatus(Request& req, Response& res, int status,
                                     std::string_view message) {
  dropContentHeaders(res);
  res.status(status);
  res.statusMessage.clear();
  if (message.empty()) message = http::STATUS_CODES[status];
  if (req.accepts({"text/plain", "application/json"}) == "application/json") {
    std::string body = "{\"error\":";
    body += jsonString(message);
    body += '}';
    return res.json(std::move(body));
  }
  return res.text(message);
}

}  // namespace sluice::app::detail
