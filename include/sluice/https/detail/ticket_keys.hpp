// SPDX-License-Identifier: BSL-1.0
//
// What a server seals its tickets with: the sessions that its clients keep for it. The keys are
// the server's, and not the context's, which several servers may share.
#pragma once

#include <array>
#include <sluice/https/detail/openssl.hpp>
#include <string>
#include <string_view>

namespace sluice::https::detail {

class TicketKeys {
 public:
  /// Random ones.
  TicketKeys();
  /// throws  ERR_INVALID_ARG_VALUE if these are not 48 bytes
  explicit TicketKeys(std::string_view bytes);
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  ~TicketKeys();

  const std::string& bytes() const { return bytes_; }

  /// Gets OpenSSL ready to seal a ticket, and writes the name of the keys and the vector before it.
  /// What they return is what OpenSSL asks of its callback for ticket keys.
  int seal(unsigned char* name, unsigned char* vector, EVP_CIPHER_CTX* cipher,
           EVP_MAC_CTX* mac) const;
  /// The same for a ticket that was sealed. 0: the name is not that of these keys.
  int open(const unsigned char* name, const unsigned char* vector, EVP_CIPHER_CTX* cipher,
           EVP_MAC_CTX* mac) const;

 private:
  using Key = std::array<unsigned char, 32>;

  Key derived(std::string_view purpose) const;
  bool setSigning(EVP_MAC_CTX* mac) const;

  std::string bytes_;
  Key sign_;
  Key encrypt_;
};

}  // namespace sluice::https::detail
