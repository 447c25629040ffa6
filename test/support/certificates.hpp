// SPDX-License-Identifier: BSL-1.0
//
// Certificates for tests, made when they are asked for: keys of elliptic curves take no time.
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::test {

template <class T, void (*Free)(T*)>
struct OpensslFree {
  void operator()(T* object) const { Free(object); }
};
using KeyHandle = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY, EVP_PKEY_free>>;
using CertHandle = std::unique_ptr<X509, OpensslFree<X509, X509_free>>;

/// What a certificate says. Days count from now and may be negative.
struct CertificateOptions {
  std::string commonName = "localhost";
  std::string altNames = "DNS:localhost,IP:127.0.0.1,IP:::1";  ///< empty: none
  int fromDay = -1;
  int toDay = 30;
  bool ca = false;
};

inline std::string pemText(int (*write)(BIO*, const void*), const void* object) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio, object);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

/// A key and its certificate, both as PEM, and who can sign with them.
class Identity {
 public:
  /// issuer  null: signed by itself
  explicit Identity(const CertificateOptions& options, const Identity* issuer = nullptr)
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    static long serial = 0x1000;
    X509* made = certificate_.get();
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), long{options.fromDay} * 24 * 3600);
    X509_gmtime_adj(X509_getm_notAfter(made), long{options.toDay} * 24 * 3600);
    X509_set_pubkey(made, key_.get());
    X509_NAME* name = X509_get_subject_name(made);
    const auto* text = reinterpret_cast<const unsigned char*>(options.commonName.c_str());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0);
    const Identity& signer = issuer != nullptr ? *issuer : *this;
    X509_set_issuer_name(made, X509_get_subject_name(signer.certificate_.get()));
    add(NID_basic_constraints, options.ca ? "critical,CA:TRUE" : "critical,CA:FALSE", signer);
    add(NID_subject_key_identifier, "hash", signer);
    // Python 3.13 and later refuse chains without these two.
    if (options.ca) add(NID_key_usage, "critical,keyCertSign,cRLSign", signer);
    if (issuer != nullptr) add(NID_authority_key_identifier, "keyid", signer);
    if (!options.altNames.empty()) add(NID_subject_alt_name, options.altNames, signer);
    if (X509_sign(made, signer.key_.get(), EVP_sha256()) == 0) {
      throw std::runtime_error("a certificate could not be signed");
    }
  }

  X509* native() const { return certificate_.get(); }
  EVP_PKEY* nativeKey() const { return key_.get(); }
  std::string cert() const {
    return pemText(
        [](BIO* to, const void* from) {
          return PEM_write_bio_X509(to, static_cast<const X509*>(from));
        },
        certificate_.get());
  }
  std::string key() const {
    return pemText(
        [](BIO* to, const void* from) {
          return PEM_write_bio_PrivateKey(to, static_cast<const EVP_PKEY*>(from), nullptr, nullptr,
                                          0, nullptr, nullptr);
        },
        key_.get());
  }
  /// The key, which only who knows `passphrase` can read.
  std::string encryptedKey(const std::string& passphrase) const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, key_.get(), EVP_aes_128_cbc(), passphrase.data(),
                                  static_cast<int>(passphrase.size()), nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
  }
  /// Key and certificate as PKCS #12, and the certificate of `issuer` if one is given.
  std::string pfx(const std::string& passphrase, const Identity* issuer = nullptr) const {
    STACK_OF(X509)* others = sk_X509_new_null();
    if (issuer != nullptr) sk_X509_push(others, issuer->native());
    PKCS12* made = PKCS12_create(passphrase.c_str(), nullptr, key_.get(), certificate_.get(),
                                 others, 0, 0, 0, 0, 0);
    sk_X509_free(others);
    unsigned char* bytes = nullptr;
    const int size = i2d_PKCS12(made, &bytes);
    std::string result(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    PKCS12_free(made);
    return result;
  }
  /// A list of revoked certificates with the one in it.
  std::string revoke(const Identity& revoked) const {
    X509_CRL* crl = X509_CRL_new();
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(certificate_.get()));
    ASN1_TIME* time = X509_gmtime_adj(nullptr, -3600);
    X509_CRL_set1_lastUpdate(crl, time);
    X509_gmtime_adj(time, 24 * 3600);
    X509_CRL_set1_nextUpdate(crl, time);
    X509_gmtime_adj(time, -3600);
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked.certificate_.get()));
    X509_REVOKED_set_revocationDate(entry, time);
    ASN1_TIME_free(time);
    X509_CRL_add0_revoked(crl, entry);
    X509_CRL_sign(crl, key_.get(), EVP_sha256());
    std::string text = pemText(
        [](BIO* to, const void* from) {
          return PEM_write_bio_X509_CRL(to, static_cast<const X509_CRL*>(from));
        },
        crl);
    X509_CRL_free(crl);
    return text;
  }

 private:
  void add(int nid, const std::string& value, const Identity& signer) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, signer.certificate_.get(), certificate_.get(), nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    if (extension == nullptr) throw std::runtime_error("not an extension: " + value);
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }

  KeyHandle key_;
  CertHandle certificate_;
};

/// One authority for all tests of a program, and a server that it vouches for.
inline const Identity& authority() {
  static const Identity made(
      CertificateOptions{.commonName = "sluice test authority", .altNames = {}, .ca = true});
  return made;
}
inline const Identity& localhost() {
  static const Identity made(CertificateOptions{}, &authority());
  return made;
}

/// `authority()` vouches for these names.
inline Identity issued(const std::string& commonName, const std::string& altNames) {
  return Identity(CertificateOptions{.commonName = commonName, .altNames = altNames}, &authority());
}

}  // namespace sluice::test
