// SPDX-License-Identifier: BSL-1.0
//
// What a socket can tell about its encryption. Plain values, so that a program which only asks
// needs no TLS library.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_NET_TLS_INFO_HPP
#define SLUICE_NET_TLS_INFO_HPP

#include <sluice/config.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::net {

/// The names of a certificate's subject or issuer, in the certificate's order.
///
///     socket.getPeerCertificate().subject["CN"]
class CertificateName {
 public:
  /// One part of the name, such as "CN", and its value.
  using Field = std::pair<std::string, std::string>;

  CertificateName() = default;
  explicit CertificateName(std::vector<Field> fields) : fields_(std::move(fields)) {}

  /// The first value of a short name ("CN", "O", "C"); empty if there is none.
  std::string operator[](const std::string& name) const {
    for (const Field& field : fields_) {
      if (field.first == name) return field.second;
    }
    return {};
  }
  /// Whether it has no parts.
  bool empty() const { return fields_.empty(); }
  /// The parts, in order.
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

  bool operator==(const CertificateName&) const = default;

 private:
  std::vector<Field> fields_;
};

/// A certificate, as Node describes it. All fields are empty if the peer sent none.
struct PeerCertificate {
  CertificateName subject{};     ///< whom it speaks of
  CertificateName issuer{};      ///< who signed it
  std::string subjectaltname{};  ///< "DNS:example.org, IP Address:127.0.0.1"
  bool ca = false;               ///< it may sign others
  int bits = 0;                  ///< size of its key
  std::string valid_from{};      ///< "Nov 21 01:07:10 2026 GMT"
  std::string valid_to{};        ///< the same form as `valid_from`
  std::string fingerprint{};     ///< SHA-1 of `raw`, "77:52:…"
  std::string fingerprint256{};  ///< SHA-256 of `raw`
  std::string fingerprint512{};  ///< SHA-512 of `raw`
  std::string serialNumber{};    ///< hexadecimal, upper case
  std::string raw{};             ///< the certificate itself, DER
  /// Who signed it, if that was asked for and is known; one that signed itself is not repeated.
  std::shared_ptr<const PeerCertificate> issuerCertificate{};

  /// Whether the peer sent one.
  explicit operator bool() const { return !raw.empty(); }
};

/// The cipher that was agreed on.
struct CipherInfo {
  std::string name{};          ///< OpenSSL's name
  std::string standardName{};  ///< IETF's name
  std::string version{};       ///< the oldest TLS version that has it
};

}  // namespace sluice::net

#endif
