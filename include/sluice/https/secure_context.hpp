// SPDX-License-Identifier: BSL-1.0
//
// Keys, certificates and what TLS may use, read once and shared by many connections.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/https.hpp>
#endif
#ifndef SLUICE_HTTPS_SECURE_CONTEXT_HPP
#define SLUICE_HTTPS_SECURE_CONTEXT_HPP

#include <sluice/config.hpp>
#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boost::asio::ssl {
class context;
}

namespace sluice::https {

namespace detail {
struct SecureContextAccess;
class TlsContext;
}  // namespace detail

/// One or several keys or certificates. Each is a PEM text, which may hold more than one block, or
/// the name of a file with such a text: what has "-----BEGIN" in it is a text.
class Pem {
 public:
  Pem() = default;
  Pem(std::string textOrFile) {
    if (!textOrFile.empty()) items_.push_back(std::move(textOrFile));
  }
  Pem(std::string_view textOrFile) : Pem(std::string(textOrFile)) {}
  Pem(const char* textOrFile) : Pem(std::string(textOrFile)) {}
  Pem(std::vector<std::string> textsOrFiles) : items_(std::move(textsOrFiles)) {}

  /// Whether nothing was given.
  bool empty() const { return items_.empty(); }
  /// The texts or file names, in the order in which they were given.
  const std::vector<std::string>& items() const { return items_; }

 private:
  std::vector<std::string> items_;
};

// Members that several options have, written once: options are plain aggregates, so that
// `{.key = key, .cert = cert}` works, and a designator cannot reach into a base class. Undefined
// again at the end of options.hpp, hence not in config.hpp.
#define SLUICE_HTTPS_KEYS                                                          \
  /** Private keys, one for each of `cert`. */                                     \
  ::sluice::https::Pem key{};                                                      \
  /** Certificate chains, the own certificate first. */                            \
  ::sluice::https::Pem cert{};                                                     \
  /** Whom to trust, in place of the system's authorities. */                      \
  ::sluice::https::Pem ca{};                                                       \
  /** PKCS #12: key, chain and authorities in one. The bytes, or a file's name. */ \
  std::string pfx{};                                                               \
  /** Of the keys and of `pfx`. */                                                 \
  std::string passphrase{};
#define SLUICE_HTTPS_CIPHERS                                                                      \
  /** "TLSv1.2" or "TLSv1.3"; nothing older is spoken. Empty: TLSv1.2. */                         \
  std::string minVersion{};                                                                       \
  /** Empty: the newest. */                                                                       \
  std::string maxVersion{};                                                                       \
  /** OpenSSL's list; names that begin with "TLS_" are those of TLS 1.3. Empty: those that are */ \
  /** forward-secret and authenticate what they encrypt. */                                       \
  std::string ciphers{};                                                                          \
  /** "X25519:P-256"; empty or "auto": OpenSSL's. */                                              \
  std::string ecdhCurve{};                                                                        \
  std::string sigalgs{};                                                                          \
  /** Parameters for DHE ciphers, which have to be in `ciphers` too, or "auto". Empty: none. */   \
  ::sluice::https::Pem dhparam{};                                                                 \
  /** The server's order of ciphers counts, and not the client's. */                              \
  bool honorCipherOrder = true;                                                                   \
  /** Revoked certificates. */                                                                    \
  ::sluice::https::Pem crl{};                                                                     \
  /** SSL_OP_* of OpenSSL, besides the library's own. */                                          \
  std::uint64_t secureOptions = 0;                                                                \
  /** Sessions are resumed only where this is the same. */                                        \
  std::string sessionIdContext{};

/// What createSecureContext() takes.
struct SecureContextOptions {
  SLUICE_HTTPS_KEYS
  SLUICE_HTTPS_CIPHERS
};

/// Keys, certificates and ciphers, ready to be used by any number of servers, agents and loops.
/// Copies are the same context; a default one is none.
///
///     server.addContext("*.example.org", https::createSecureContext({.key = key, .cert = cert}));
class SecureContext {
 public:
  SecureContext() = default;
  /// One that was made with Asio. Whom it trusts and what it is stay as they are; whether a peer is
  /// verified is for the options where it is used.
  explicit SecureContext(boost::asio::ssl::context&& ready);

  /// Whether it holds a context. A default one does not.
  explicit operator bool() const { return context_ != nullptr; }

 private:
  friend struct detail::SecureContextAccess;

  explicit SecureContext(std::shared_ptr<detail::TlsContext> context)
      : context_(std::move(context)) {}

  std::shared_ptr<detail::TlsContext> context_;
};

namespace detail {

/// What the library asks of a SecureContext.
struct SecureContextAccess {
  static SecureContext make(std::shared_ptr<TlsContext> context) {
    return SecureContext(std::move(context));
  }
  static const std::shared_ptr<TlsContext>& get(const SecureContext& context) {
    return context.context_;
  }
};

}  // namespace detail

/// throws  http::Error: ENOENT and the like with the file as address, ERR_OSSL_PEM_NO_START_LINE,
///         ERR_OSSL_BAD_DECRYPT, ERR_OSSL_X509_KEY_VALUES_MISMATCH, ERR_SSL_NO_CIPHER_MATCH,
///         ERR_TLS_INVALID_PROTOCOL_VERSION
SecureContext createSecureContext(const SecureContextOptions& options);

}  // namespace sluice::https

#endif
