// SPDX-License-Identifier: BSL-1.0
//
// How a server shows that it has understood a WebSocket's handshake.
#pragma once

#include <openssl/evp.h>
#include <sluice/encoding.hpp>
#include <string>
#include <string_view>

namespace sluice::test {

/// The answer to the key of `request`. RFC 6455 1.3.
inline std::string answerToKey(std::string_view request) {
  constexpr std::string_view name = "Sec-WebSocket-Key: ";
  const std::size_t at = request.find(name) + name.size();
  const std::string text = std::string(request.substr(at, request.find("\r\n", at) - at)) +
                           "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  return toText({reinterpret_cast<const char*>(digest), size}, Encoding::base64);
}

}  // namespace sluice::test
