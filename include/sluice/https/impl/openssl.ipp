// SPDX-License-Identifier: BSL-1.0
//
// Definitions of openssl.hpp.
#pragma once

#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>
#include <array>
#include <iterator>
#include <sluice/detail/reserve.hpp>
#include <sluice/https/detail/openssl.hpp>

namespace sluice::https::detail {

/// The enumerator of this name; 0 if there is none.
inline int codeNamed(std::string_view name) {
  int code = 1;
  for (const auto& text : sluice::detail::errorTexts) {
    if (text.name == name) return code;
    ++code;
  }
  return 0;
}

struct AlertCode {
  int reason;
  http::errc code;
};

// By number, because OpenSSL 3.2 has other texts for them than before.
inline constexpr AlertCode alertCodes[] = {
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, http::errc::ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, http::errc::ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
     http::errc::ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, http::errc::ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, http::errc::ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, http::errc::ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED},
};

/// Node's name: the library, if it is one of the old ones, and the reason in capitals.
inline std::string opensslErrorName(unsigned long error) {
  std::string name = "ERR_";
  switch (ERR_GET_LIB(error)) {
    case ERR_LIB_SSL:
      name += "SSL_";
      break;
    case ERR_LIB_PEM:
      name += "OSSL_PEM_";
      break;
    case ERR_LIB_X509:
      name += "OSSL_X509_";
      break;
    default:
      name += "OSSL_";
  }
  const char* reason = ERR_reason_error_string(error);
  for (const char each : std::string_view(reason != nullptr ? reason : "")) {
    const bool lower = each >= 'a' && each <= 'z';
    name += each == ' ' ? '_' : lower ? static_cast<char>(each - 'a' + 'A') : each;
  }
  return name;
}

/// The enumerator of what OpenSSL reports; 0 if there is none.
inline int codeOf(unsigned long error) {
  for (const AlertCode& entry : alertCodes) {
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == entry.reason) {
      return static_cast<int>(entry.code);
    }
  }
  return sluice::detail::withReserve([error] { return codeNamed(opensslErrorName(error)); });
}

SLUICE_DECL http::Error takeOpensslError() {
  // Of several in the queue the first is the cause, but for a key that nobody can decode: there the
  // last says why.
  unsigned long first = ERR_get_error();
  int code = codeOf(first);
  for (unsigned long next = ERR_get_error(); next != 0; next = ERR_get_error()) {
    if (code == 0) code = codeOf(next);
    if (first == 0) first = next;
  }
  if (ERR_GET_REASON(first) == ERR_R_MALLOC_FAILURE) {
    return http::Error(make_error_code(boost::system::errc::not_enough_memory));
  }
  std::array<char, 256> text{};
  ERR_error_string_n(first, text.data(), text.size());
  if (code != 0) return http::Error(make_error_code(static_cast<http::errc>(code)), text.data());
  const auto protocol = boost::system::errc::make_error_code(boost::system::errc::protocol_error);
  return http::Error(protocol, text.data());
}

SLUICE_DECL void ensure(bool ok) {
  if (!ok) throw takeOpensslError();
}

struct VerifyCode {
  long result;
  http::errc code;
};

// X509_V_ERR_HOSTNAME_MISMATCH and that of addresses have the name that Node gives to its own
// check.
inline constexpr VerifyCode verifyCodes[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, http::errc::UNABLE_TO_GET_ISSUER_CERT},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, http::errc::CERT_SIGNATURE_FAILURE},
    {X509_V_ERR_CERT_NOT_YET_VALID, http::errc::CERT_NOT_YET_VALID},
    {X509_V_ERR_CERT_HAS_EXPIRED, http::errc::CERT_HAS_EXPIRED},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, http::errc::DEPTH_ZERO_SELF_SIGNED_CERT},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, http::errc::SELF_SIGNED_CERT_IN_CHAIN},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, http::errc::UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, http::errc::UNABLE_TO_VERIFY_LEAF_SIGNATURE},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, http::errc::CERT_CHAIN_TOO_LONG},
    {X509_V_ERR_CERT_REVOKED, http::errc::CERT_REVOKED},
    {X509_V_ERR_INVALID_CA, http::errc::INVALID_CA},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, http::errc::PATH_LENGTH_EXCEEDED},
    {X509_V_ERR_INVALID_PURPOSE, http::errc::INVALID_PURPOSE},
    {X509_V_ERR_CERT_UNTRUSTED, http::errc::CERT_UNTRUSTED},
    {X509_V_ERR_CERT_REJECTED, http::errc::CERT_REJECTED},
    {X509_V_ERR_HOSTNAME_MISMATCH, http::errc::ERR_TLS_CERT_ALTNAME_INVALID},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, http::errc::ERR_TLS_CERT_ALTNAME_INVALID},
};

SLUICE_DECL error_code verifyError(long result) {
  if (result == X509_V_OK) return {};
  for (const VerifyCode& entry : verifyCodes) {
    if (entry.result == result) return make_error_code(entry.code);
  }
  return make_error_code(http::errc::UNSPECIFIED);
}

}  // namespace sluice::https::detail
