// SPDX-License-Identifier: BSL-1.0
//
// OpenSSL's objects with owners, and its errors under Node's names.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <memory>
#include <new>
#include <sluice/error.hpp>
#include <string>
#include <string_view>

namespace sluice::https::detail {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using BioPtr = std::unique_ptr<BIO, Freed<&BIO_free_all>>;
using ContextPtr = std::unique_ptr<SSL_CTX, Freed<&SSL_CTX_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<&EVP_PKEY_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, Freed<&SSL_SESSION_free>>;
using SslPtr = std::unique_ptr<SSL, Freed<&SSL_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Freed<&X509_STORE_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<&X509_free>>;

/// The first error in OpenSSL's queue, which is empty afterwards. EPROTO for one that has no name
/// in `errc`; the text says what it was. ENOMEM for a lack of memory.
http::Error takeOpensslError();

/// Throws that error unless `ok`.
void ensure(bool ok);

/// What a callback of OpenSSL's does, through which nothing may be thrown: `failed` for a lack of
/// memory.
template <class Result, class Act>
Result withoutThrowing(Result failed, Act act) {
  try {
    return act();
  } catch (const std::bad_alloc&) {
    return failed;
  }
}

/// What became of a certificate's verification.
error_code verifyError(long result);

}  // namespace sluice::https::detail
