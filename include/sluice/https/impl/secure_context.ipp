// SPDX-License-Identifier: BSL-1.0
//
// Definitions of secure_context.hpp and tls_context.hpp.
#pragma once

#include <openssl/pem.h>
#include <openssl/tls1.h>
#include <array>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/ssl/context.hpp>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <sluice/https/detail/ticket_keys.hpp>
#include <sluice/https/detail/tls_context.hpp>
#include <sluice/https/detail/tls_session.hpp>
#include <sluice/https/secure_context.hpp>
#include <utility>

namespace sluice::https {

namespace detail {

inline std::string contentOf(const std::string& file) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream) {
    const int value = errno != 0 ? errno : EIO;
    throw http::Error::connection({value, boost::system::system_category()}, "open", file);
  }
  return content;
}

inline std::string pemOf(const std::string& textOrFile) {
  return textOrFile.find("-----BEGIN") != std::string::npos ? textOrFile : contentOf(textOrFile);
}

// PKCS #12 is a SEQUENCE whose length takes more than one byte: no file's name begins so.
inline std::string pfxOf(const std::string& bytesOrFile) {
  const bool bytes = bytesOrFile.size() > 2 && bytesOrFile[0] == '\x30' &&
                     (static_cast<unsigned char>(bytesOrFile[1]) & 0x80) != 0;
  return bytes ? bytesOrFile : contentOf(bytesOrFile);
}

inline BioPtr bioOf(std::string_view bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// Without one OpenSSL would ask at the terminal.
inline int givePassphrase(char* to, int room, int, void* passphrase) {
  const auto& text = *static_cast<const std::string*>(passphrase);
  if (text.empty() || text.size() > static_cast<std::size_t>(room)) return -1;
  std::copy(text.begin(), text.end(), to);
  return static_cast<int>(text.size());
}

/// After the last one of a list was read: there was at least one, and it was the last.
inline void ensureWhole(bool any) {
  ensure(any && ERR_GET_REASON(ERR_peek_error()) != ERR_R_MALLOC_FAILURE);
  ERR_clear_error();
}

/// Calls `use` for every certificate of a text that has at least one.
template <class Use>
void eachCertificate(std::string_view pem, Use use) {
  ERR_clear_error();
  const BioPtr bio = bioOf(pem);
  bool any = false;
  std::string none;
  while (const X509Ptr certificate{
      PEM_read_bio_X509_AUX(bio.get(), nullptr, &givePassphrase, &none)}) {
    use(certificate.get());
    any = true;
  }
  ensureWhole(any);
}

SLUICE_DECL TlsContext::TlsContext(const SecureContextOptions& options)
    : context_(SSL_CTX_new(TLS_method())) {
  ensure(context_ != nullptr);
  SSL_CTX_set_mode(context_.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context_.get(), options.secureOptions);
  setVersions(options);
  setCiphers(options);
  setDhparam(options.dhparam);
  for (const std::string& each : options.cert.items()) useCertificates(pemOf(each));
  for (const std::string& each : options.key.items()) useKey(pemOf(each), options.passphrase);
  if (!options.pfx.empty()) usePfx(pfxOf(options.pfx), options.passphrase);
  if (!options.key.empty()) ensure(SSL_CTX_check_private_key(context_.get()) == 1);
  for (const std::string& each : options.ca.items()) trust(pemOf(each));
  for (const std::string& each : options.crl.items()) revoke(pemOf(each));
  install(options.sessionIdContext);
}

SLUICE_DECL TlsContext::TlsContext(asio::ssl::context&& ready)
    : context_(ready.native_handle()),
      ready_(std::make_unique<asio::ssl::context>(std::move(ready))),
      trustsSystem_(false) {
  SSL_CTX_up_ref(context_.get());
  install({});
}

SLUICE_DECL TlsContext::~TlsContext() = default;

SLUICE_DECL std::string TlsContext::hashOfTrusted() const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  std::string all;
  const auto add = [&](bool made) {
    ensure(made);
    all.append(reinterpret_cast<const char*>(digest.data()), size);
  };
  const auto* objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context_.get()));
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    const X509_OBJECT* each = sk_X509_OBJECT_value(objects, i);
    if (const X509* certificate = X509_OBJECT_get0_X509(each)) {
      add(X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1);
    } else if (const X509_CRL* crl = X509_OBJECT_get0_X509_CRL(each)) {
      add(X509_CRL_digest(crl, EVP_sha256(), digest.data(), &size) == 1);
    }
  }
  const auto made = EVP_Digest(all.data(), all.size(), digest.data(), &size, EVP_sha256(), nullptr);
  all.clear();
  add(made == 1);
  return all;
}

SLUICE_DECL void TlsContext::install(std::string_view sessionIdContext) {
  trusted_ = hashOfTrusted();
  SSL_CTX_set_options(context_.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Sessions are kept by the client's agent, and by clients in tickets.
  SSL_CTX_set_session_cache_mode(context_.get(),
                                 SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH> sessionContext;
  static_assert(SSL_MAX_SID_CTX_LENGTH == 32, "the size of a SHA-256");
  ensure(EVP_Digest(sessionIdContext.data(), sessionIdContext.size(), sessionContext.data(),
                    nullptr, EVP_sha256(), nullptr) == 1);
  SSL_CTX_set_session_id_context(context_.get(), sessionContext.data(), sessionContext.size());
  SSL_CTX_set_cert_verify_callback(
      context_.get(),
      [](X509_STORE_CTX* chain, void*) {
        const auto* ssl = static_cast<const SSL*>(
            X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
        return withoutThrowing(0, [&] { return TlsSession::of(ssl).verify(chain) ? 1 : 0; });
      },
      nullptr);
  SSL_CTX_set_tlsext_servername_callback(
      context_.get(), +[](SSL* ssl, int* alert, void*) {
        return withoutThrowing(SSL_TLSEXT_ERR_ALERT_FATAL,
                               [&] { return TlsSession::of(ssl).chooseContext(*alert); });
      });
  SSL_CTX_set_alpn_select_cb(
      context_.get(),
      [](SSL* ssl, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
         unsigned int count,
         void*) { return TlsSession::of(ssl).chooseProtocol(chosen, size, offered, count); },
      nullptr);
  SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION* session) {
    return withoutThrowing(0, [&] {
      TlsSession::of(ssl).newSession(session);
      return 0;
    });
  });
  installTickets();
}

SLUICE_DECL void TlsContext::installTickets() {
  SSL_CTX_set_tlsext_ticket_key_evp_cb(
      context_.get(), [](SSL* ssl, unsigned char* name, unsigned char* vector,
                         EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int seals) {
        const TicketKeys& keys = *TlsSession::of(ssl).policy().ticketKeys;
        return seals != 0 ? keys.seal(name, vector, cipher, mac)
                          : keys.open(name, vector, cipher, mac);
      });
  SSL_CTX_set_session_ticket_cb(
      context_.get(),
      [](SSL* ssl, void*) {
        return withoutThrowing(0, [&] { return TlsSession::of(ssl).fillTicket() ? 1 : 0; });
      },
      [](SSL* ssl, SSL_SESSION* session, const unsigned char*, std::size_t,
         SSL_TICKET_STATUS status, void*) -> SSL_TICKET_RETURN {
        const bool opened = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
        const auto mayResume = [&] { return TlsSession::of(ssl).mayResume(session); };
        if (!opened || !withoutThrowing(false, mayResume)) {
          return SSL_TICKET_RETURN_IGNORE_RENEW;
        }
        return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
      },
      nullptr);
}

SLUICE_DECL void TlsContext::logKeys() {
  std::call_once(logsKeys_, [this] {
    SSL_CTX_set_keylog_callback(context_.get(), [](const SSL* ssl, const char* line) {
      withoutThrowing(0, [&] {
        TlsSession::of(ssl).addKeylog(line);
        return 0;
      });
    });
  });
}

inline int versionNamed(const std::string& name) {
  if (name == "TLSv1.2") return TLS1_2_VERSION;
  if (name == "TLSv1.3") return TLS1_3_VERSION;
  throw http::Error(make_error_code(http::errc::ERR_TLS_INVALID_PROTOCOL_VERSION),
                    "\"" + name + "\" is not a TLS version that is spoken: TLSv1.2, TLSv1.3");
}

SLUICE_DECL void TlsContext::setVersions(const SecureContextOptions& options) {
  const int least = options.minVersion.empty() ? TLS1_2_VERSION : versionNamed(options.minVersion);
  const int most = options.maxVersion.empty() ? 0 : versionNamed(options.maxVersion);
  ensure(SSL_CTX_set_min_proto_version(context_.get(), least) == 1);
  ensure(SSL_CTX_set_max_proto_version(context_.get(), most) == 1);
}

SLUICE_DECL void TlsContext::setCiphers(const SecureContextOptions& options) {
  std::string old;
  std::string suites;
  for (std::size_t at = 0; at < options.ciphers.size();) {
    const std::size_t end = std::min(options.ciphers.find(':', at), options.ciphers.size());
    const std::string name = options.ciphers.substr(at, end - at);
    std::string& list = name.starts_with("TLS_") ? suites : old;
    if (!list.empty()) list += ':';
    list += name;
    at = end + 1;
  }
  if (options.ciphers.empty()) old = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL";
  if (!old.empty()) ensure(SSL_CTX_set_cipher_list(context_.get(), old.c_str()) == 1);
  if (!suites.empty()) ensure(SSL_CTX_set_ciphersuites(context_.get(), suites.c_str()) == 1);
  if (options.honorCipherOrder)
    SSL_CTX_set_options(context_.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (!options.ecdhCurve.empty() && options.ecdhCurve != "auto") {
    ensure(SSL_CTX_set1_groups_list(context_.get(), options.ecdhCurve.c_str()) == 1);
  }
  if (!options.sigalgs.empty()) {
    ensure(SSL_CTX_set1_sigalgs_list(context_.get(), options.sigalgs.c_str()) == 1);
  }
}

SLUICE_DECL void TlsContext::setDhparam(const Pem& dhparam) {
  for (const std::string& each : dhparam.items()) {
    if (each == "auto") {
      SSL_CTX_set_dh_auto(context_.get(), 1);
      continue;
    }
    const std::string pem = pemOf(each);
    KeyPtr parameters(PEM_read_bio_Parameters(bioOf(pem).get(), nullptr));
    ensure(parameters != nullptr);
    ensure(SSL_CTX_set0_tmp_dh_pkey(context_.get(), parameters.get()) == 1);
    static_cast<void>(parameters.release());
  }
}

SLUICE_DECL void TlsContext::useCertificates(std::string_view pem) {
  bool own = true;
  eachCertificate(pem, [this, &own](X509* certificate) {
    if (std::exchange(own, false)) {
      ensure(SSL_CTX_use_certificate(context_.get(), certificate) == 1);
      SSL_CTX_clear_chain_certs(context_.get());
    } else {
      ensure(SSL_CTX_add1_chain_cert(context_.get(), certificate) == 1);
    }
  });
}

SLUICE_DECL void TlsContext::useKey(std::string_view pem, const std::string& passphrase) {
  const BioPtr bio = bioOf(pem);
  std::string given = passphrase;
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &givePassphrase, &given));
  if (!key) {
    // Nobody gave a passphrase: what OpenSSL says then is about the callback.
    http::Error error = takeOpensslError();
    if (given.empty() && pem.find("ENCRYPTED") != std::string_view::npos) {
      error = http::Error(make_error_code(http::errc::ERR_OSSL_BAD_DECRYPT));
    }
    throw http::Error(error);
  }
  ensure(SSL_CTX_use_PrivateKey(context_.get(), key.get()) == 1);
}

SLUICE_DECL void TlsContext::usePfx(const std::string& bytes, const std::string& passphrase) {
  const BioPtr bio = bioOf(bytes);
  const std::unique_ptr<PKCS12, Freed<&PKCS12_free>> pfx(d2i_PKCS12_bio(bio.get(), nullptr));
  ensure(pfx != nullptr);
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  STACK_OF(X509)* others = nullptr;
  if (PKCS12_verify_mac(pfx.get(), passphrase.c_str(), static_cast<int>(passphrase.size())) != 1) {
    ERR_clear_error();
    throw http::Error(make_error_code(http::errc::ERR_OSSL_BAD_DECRYPT), "mac verify failure");
  }
  ensure(PKCS12_parse(pfx.get(), passphrase.c_str(), &key, &certificate, &others) == 1);
  const KeyPtr ownedKey(key);
  const X509Ptr ownedCertificate(certificate);
  struct FreeStack {
    void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
  };
  const std::unique_ptr<STACK_OF(X509), FreeStack> ownedOthers(others);
  if (certificate != nullptr) {
    ensure(SSL_CTX_use_certificate(context_.get(), certificate) == 1);
    SSL_CTX_clear_chain_certs(context_.get());
  }
  if (key != nullptr) ensure(SSL_CTX_use_PrivateKey(context_.get(), key) == 1);
  for (int i = 0; others != nullptr && i < sk_X509_num(others); ++i) {
    X509* each = sk_X509_value(others, i);
    ensure(SSL_CTX_add1_chain_cert(context_.get(), each) == 1);
    trust(each);
  }
}

SLUICE_DECL void TlsContext::trust(X509* certificate) {
  trustsSystem_ = false;
  ensure(X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), certificate) == 1);
  ensure(SSL_CTX_add_client_CA(context_.get(), certificate) == 1);
}

SLUICE_DECL void TlsContext::trust(std::string_view pem) {
  eachCertificate(pem, [this](X509* certificate) { trust(certificate); });
}

SLUICE_DECL void TlsContext::revoke(std::string_view pem) {
  ERR_clear_error();
  const BioPtr bio = bioOf(pem);
  X509_STORE* store = SSL_CTX_get_cert_store(context_.get());
  bool any = false;
  using Crl = std::unique_ptr<X509_CRL, Freed<&X509_CRL_free>>;
  while (const Crl crl{PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr)}) {
    ensure(X509_STORE_add_crl(store, crl.get()) == 1);
    any = true;
  }
  ensureWhole(any);
  ensure(X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1);
}

class TrustService final : public asio::execution_context::service {
 public:
  using key_type = TrustService;
  static inline asio::execution_context::id id;

  explicit TrustService(asio::execution_context& context)
      : service(context), store_(X509_STORE_new()) {
    ensure(store_ != nullptr);
    X509_STORE_set_default_paths(store_.get());
    ERR_clear_error();
  }

  X509_STORE* store() const { return store_.get(); }

 private:
  void shutdown() override {}

  StorePtr store_;
};

SLUICE_DECL X509_STORE* systemTrust(net::detail::Loop& loop) {
  auto& context = asio::query(loop.executor(), asio::execution::context);
  return asio::use_service<TrustService>(context).store();
}

}  // namespace detail

SLUICE_DECL SecureContext::SecureContext(asio::ssl::context&& ready)
    : context_(std::make_shared<detail::TlsContext>(std::move(ready))) {}

SLUICE_DECL SecureContext createSecureContext(const SecureContextOptions& options) {
  return detail::SecureContextAccess::make(std::make_shared<detail::TlsContext>(options));
}

}  // namespace sluice::https
