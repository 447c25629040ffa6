// SPDX-License-Identifier: BSL-1.0
//
// Definitions of peer_certificate.hpp.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <cstring>
#include <memory>
#include <sluice/https/detail/peer_certificate.hpp>
#include <sluice/task.hpp>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::https::detail {

inline void freeText(unsigned char* text) { OPENSSL_free(text); }

inline std::string utf8Of(const ASN1_STRING* text) {
  unsigned char* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, text);
  const std::unique_ptr<unsigned char, Freed<&freeText>> owner(bytes);
  return size > 0 ? std::string(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size))
                  : std::string();
}

inline net::CertificateName nameOf(const X509_NAME* name) {
  std::vector<net::CertificateName::Field> fields;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    const ASN1_OBJECT* object = X509_NAME_ENTRY_get_object(entry);
    std::array<char, 80> oid{};
    const int nid = OBJ_obj2nid(object);
    if (nid == NID_undef) OBJ_obj2txt(oid.data(), static_cast<int>(oid.size()), object, 1);
    fields.emplace_back(nid != NID_undef ? OBJ_nid2sn(nid) : oid.data(),
                        utf8Of(X509_NAME_ENTRY_get_data(entry)));
  }
  return net::CertificateName(std::move(fields));
}

inline std::string timeOf(const ASN1_TIME* time) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(bio.get(), time);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

inline std::string fingerprintOf(const X509* certificate, const EVP_MD* kind) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  X509_digest(certificate, kind, digest.data(), &size);
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    if (i != 0) text += ':';
    text += digits[digest[i] >> 4];
    text += digits[digest[i] & 15];
  }
  return text;
}

inline std::string serialOf(const X509* certificate) {
  using Number = std::unique_ptr<BIGNUM, Freed<&BN_free>>;
  const Number number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  char* text = BN_bn2hex(number.get());
  std::string result(text != nullptr ? text : "");
  OPENSSL_free(text);
  return result;
}

inline std::string addressOf(const ASN1_OCTET_STRING* bytes) {
  const unsigned char* data = ASN1_STRING_get0_data(bytes);
  if (ASN1_STRING_length(bytes) == 4) {
    asio::ip::address_v4::bytes_type v4;
    std::memcpy(v4.data(), data, v4.size());
    return asio::ip::address_v4(v4).to_string();
  }
  if (ASN1_STRING_length(bytes) == 16) {
    asio::ip::address_v6::bytes_type v6;
    std::memcpy(v6.data(), data, v6.size());
    return asio::ip::address_v6(v6).to_string();
  }
  return "<invalid>";
}

/// A name that could be taken for the beginning of another is put in quotes.
inline std::string quoted(std::string_view name) {
  const auto harmless = [](char each) {
    return each > ' ' && each < '\x7f' && each != ',' && each != '"' && each != '\\';
  };
  std::string text;
  bool plain = true;
  static constexpr std::string_view digits = "0123456789abcdef";
  for (const char each : name) {
    const auto byte = static_cast<unsigned char>(each);
    plain = plain && harmless(each);
    if (each == '"' || each == '\\') text += '\\';
    if (byte < ' ' || byte >= 0x7f) {
      text += "\\u00";
      text += digits[byte >> 4];
      text += digits[byte & 15];
    } else {
      text += each;
    }
  }
  return plain ? text : '"' + text + '"';
}

inline std::string altNamesOf(const X509* certificate) {
  using Names = std::unique_ptr<GENERAL_NAMES, Freed<&GENERAL_NAMES_free>>;
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    const auto ascii = [value] {
      const auto* bytes = static_cast<const ASN1_STRING*>(value);
      return quoted({reinterpret_cast<const char*>(ASN1_STRING_get0_data(bytes)),
                     static_cast<std::size_t>(ASN1_STRING_length(bytes))});
    };
    if (!text.empty()) text += ", ";
    if (type == GEN_DNS) {
      text += "DNS:" + ascii();
    } else if (type == GEN_IPADD) {
      text += "IP Address:" + addressOf(static_cast<const ASN1_OCTET_STRING*>(value));
    } else if (type == GEN_EMAIL) {
      text += "email:" + ascii();
    } else if (type == GEN_URI) {
      text += "URI:" + ascii();
    } else {
      text += "othername:<unsupported>";
    }
  }
  return text;
}

inline std::string derOf(X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  std::string bytes(static_cast<std::size_t>(size), '\0');
  auto* to = reinterpret_cast<unsigned char*>(bytes.data());
  i2d_X509(certificate, &to);
  return bytes;
}

SLUICE_DECL net::PeerCertificate describe(X509* certificate) {
  net::PeerCertificate result;
  result.subject = nameOf(X509_get_subject_name(certificate));
  result.issuer = nameOf(X509_get_issuer_name(certificate));
  result.subjectaltname = altNamesOf(certificate);
  result.ca = X509_check_ca(certificate) == 1;
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  result.bits = key != nullptr ? EVP_PKEY_get_bits(key) : 0;
  result.valid_from = timeOf(X509_get0_notBefore(certificate));
  result.valid_to = timeOf(X509_get0_notAfter(certificate));
  result.fingerprint = fingerprintOf(certificate, EVP_sha1());
  result.fingerprint256 = fingerprintOf(certificate, EVP_sha256());
  result.fingerprint512 = fingerprintOf(certificate, EVP_sha512());
  result.serialNumber = serialOf(certificate);
  result.raw = derOf(certificate);
  return result;
}

// OpenSSL would take ".example.com" for any host of the domain, find "*.example.com" in a
// certificate literally, and compare nothing with a name that has a NUL.
SLUICE_DECL bool isHostName(std::string_view identity) {
  return !identity.empty() && identity.front() != '.' &&
         identity.find_first_of(std::string_view("*\0", 2)) == std::string_view::npos;
}

SLUICE_DECL bool names(X509* certificate, const std::string& identity) {
  error_code notAnAddress;
  static_cast<void>(asio::ip::make_address(identity, notAnAddress));
  if (!notAnAddress) return X509_check_ip_asc(certificate, identity.c_str(), 0) == 1;
  return isHostName(identity) && X509_check_host(certificate, identity.data(), identity.size(),
                                                 identityFlags, nullptr) == 1;
}

SLUICE_DECL http::Error doesNotName(const X509* certificate, const std::string& identity) {
  std::string text = "Hostname/IP does not match certificate's altnames: ";
  const std::string altNames = certificate != nullptr ? altNamesOf(certificate) : std::string();
  if (altNames.empty()) {
    text += "Cert does not contain a DNS name";
  } else {
    text += "Host: " + identity + ". is not in the cert's altnames: " + altNames;
  }
  return http::Error(make_error_code(http::errc::ERR_TLS_CERT_ALTNAME_INVALID), std::move(text));
}

}  // namespace sluice::https::detail
