// SPDX-License-Identifier: BSL-1.0
//
// Definitions of ticket_keys.hpp.
#pragma once

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <algorithm>
#include <sluice/https/detail/ticket_keys.hpp>

namespace sluice::https::detail {

inline constexpr std::size_t ticketKeySize = 48;
// RFC 5077 §4: of so many bytes at the beginning of a ticket.
inline constexpr std::size_t ticketNameSize = 16;

inline std::string randomTicketKeys() {
  std::string bytes(ticketKeySize, '\0');
  ensure(RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), ticketKeySize) == 1);
  return bytes;
}

SLUICE_DECL TicketKeys::TicketKeys() : TicketKeys(randomTicketKeys()) {}

// Node's 48 bytes are fewer than a name, and a key each to sign and to encrypt.
SLUICE_DECL TicketKeys::TicketKeys(std::string_view bytes)
    : bytes_(bytes), sign_(derived("sign")), encrypt_(derived("encrypt")) {
  if (bytes_.size() != ticketKeySize) {
    throw http::Error(make_error_code(http::errc::ERR_INVALID_ARG_VALUE),
                      "Ticket keys have 48 bytes, and not " + std::to_string(bytes_.size()));
  }
}

SLUICE_DECL TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
  OPENSSL_cleanse(sign_.data(), sign_.size());
  OPENSSL_cleanse(encrypt_.data(), encrypt_.size());
}

SLUICE_DECL TicketKeys::Key TicketKeys::derived(std::string_view purpose) const {
  const std::string input = bytes_ + std::string(purpose);
  Key key;
  ensure(EVP_Digest(input.data(), input.size(), key.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return key;
}

SLUICE_DECL bool TicketKeys::setSigning(EVP_MAC_CTX* mac) const {
  // OpenSSL's functions take what they only read by pointers that could write.
  Key key = sign_;
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.data(), key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  const bool set = EVP_MAC_CTX_set_params(mac, parameters) == 1;
  OPENSSL_cleanse(key.data(), key.size());
  return set;
}

SLUICE_DECL int TicketKeys::seal(unsigned char* name, unsigned char* vector, EVP_CIPHER_CTX* cipher,
                                 EVP_MAC_CTX* mac) const {
  std::copy_n(bytes_.begin(), ticketNameSize, name);
  const EVP_CIPHER* aes = EVP_aes_256_cbc();
  const bool ready = RAND_bytes(vector, EVP_CIPHER_get_iv_length(aes)) == 1 &&
                     EVP_EncryptInit_ex(cipher, aes, nullptr, encrypt_.data(), vector) == 1 &&
                     setSigning(mac);
  return ready ? 1 : -1;
}

SLUICE_DECL int TicketKeys::open(const unsigned char* name, const unsigned char* vector,
                                 EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) const {
  if (CRYPTO_memcmp(bytes_.data(), name, ticketNameSize) != 0) return 0;
  const bool ready =
      EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, encrypt_.data(), vector) == 1 &&
      setSigning(mac);
  return ready ? 1 : -1;
}

}  // namespace sluice::https::detail
