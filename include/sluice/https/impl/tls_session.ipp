// SPDX-License-Identifier: BSL-1.0
//
// Definitions of tls_session.hpp.
#pragma once

#include <openssl/x509v3.h>
#include <boost/asio/ip/address.hpp>
#include <exception>
#include <sluice/https/detail/peer_certificate.hpp>
#include <sluice/https/detail/tls_context.hpp>
#include <sluice/https/detail/tls_session.hpp>
#include <sluice/net/detail/handler_error.hpp>

namespace sluice::https::detail {

SLUICE_DECL TlsSession::TlsSession(net::detail::Loop& loop, std::shared_ptr<const TlsPolicy> policy)
    : loop_(&loop), policy_(std::move(policy)), ssl_(SSL_new(policy_->context->native())) {
  ensure(ssl_ != nullptr);
  if (policy_->onKeylog) policy_->context->logKeys();
  ensure(SSL_set_app_data(ssl_.get(), this) == 1);
  trustAsTold();
  if (policy_->server) {
    beServer();
  } else {
    beClient();
  }
}

SLUICE_DECL void TlsSession::beServer() {
  SSL_set_accept_state(ssl_.get());
  const int strict = policy_->rejectUnauthorized ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_set_verify(ssl_.get(), policy_->requestCert ? SSL_VERIFY_PEER | strict : SSL_VERIFY_NONE,
                 nullptr);
}

SLUICE_DECL void TlsSession::beClient() {
  SSL_set_connect_state(ssl_.get());
  SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
  setIdentity();
  const auto* protocols = reinterpret_cast<const unsigned char*>(policy_->protocols.data());
  ensure(SSL_set_alpn_protos(ssl_.get(), protocols,
                             static_cast<unsigned>(policy_->protocols.size())) == 0);
  if (policy_->session.empty()) return;
  const auto* bytes = reinterpret_cast<const unsigned char*>(policy_->session.data());
  const SessionPtr session(
      d2i_SSL_SESSION(nullptr, &bytes, static_cast<long>(policy_->session.size())));
  if (session) SSL_set_session(ssl_.get(), session.get());
  ERR_clear_error();
}

SLUICE_DECL TlsSession& TlsSession::of(const SSL* ssl) {
  return *static_cast<TlsSession*>(SSL_get_app_data(ssl));
}

SLUICE_DECL void TlsSession::trustAsTold() {
  const auto& context = chosen_ ? *chosen_ : *policy_->context;
  if ((!policy_->server || policy_->requestCert) && context.trustsSystem()) {
    ensure(SSL_set1_verify_cert_store(ssl_.get(), systemTrust(*loop_)) == 1);
  }
}

SLUICE_DECL void TlsSession::setIdentity() {
  if (!policy_->servername.empty()) {
    ensure(SSL_set_tlsext_host_name(ssl_.get(), policy_->servername.c_str()) == 1);
  }
  if (policy_->identity.empty() || policy_->checkServerIdentity) return;
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl_.get());
  error_code notAnAddress;
  static_cast<void>(asio::ip::make_address(policy_->identity, notAnAddress));
  if (!notAnAddress && X509_VERIFY_PARAM_set1_ip_asc(wanted, policy_->identity.c_str()) == 1) {
    return;
  }
  X509_VERIFY_PARAM_set_hostflags(wanted, identityFlags);
  // No certificate has a name with a space, so nothing matches what is no host's name. OpenSSL
  // refuses an address with a zone, and would compare nothing then.
  const bool isName = notAnAddress && isHostName(policy_->identity);
  const std::string identity = isName ? policy_->identity : " ";
  ensure(X509_VERIFY_PARAM_set1_host(wanted, identity.data(), identity.size()) == 1);
}

inline bool isWrongName(long error) {
  return error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

SLUICE_DECL bool TlsSession::verify(X509_STORE_CTX* chain) {
  // As Node does: all checks are made, the last one that fails gives the name, and what host a
  // certificate is for matters only if it is good.
  verified_ = X509_V_OK;
  X509_STORE_CTX_set_verify_cb(chain, [](int ok, X509_STORE_CTX* at) {
    if (ok != 0) return 1;
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(at, SSL_get_ex_data_X509_STORE_CTX_idx()));
    long& verified = of(ssl).verified_;
    const long error = X509_STORE_CTX_get_error(at);
    if (!isWrongName(error) || verified == X509_V_OK) verified = error;
    return 1;
  });
  if (X509_verify_cert(chain) <= 0 && verified_ == X509_V_OK) verified_ = X509_V_ERR_UNSPECIFIED;
  X509_STORE_CTX_set_error(chain, static_cast<int>(verified_));
  // The connection does not keep a certificate that it refuses.
  if (isWrongName(verified_)) {
    refusal_ = doesNotName(X509_STORE_CTX_get0_cert(chain), policy_->identity);
  }
  return verified_ == X509_V_OK || !policy_->rejectUnauthorized;
}

/// The name that a client asks for, before OpenSSL has read it. RFC 6066 §3: a list of one, after
/// the lengths of both and the kind of the name. OpenSSL refuses what is none, but later.
inline std::optional<std::string> nameInHello(SSL* ssl) {
  constexpr std::size_t before = 5;
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) != 1 ||
      size <= before) {
    return std::nullopt;
  }
  std::string name(reinterpret_cast<const char*>(bytes) + before, size - before);
  if (name.find('\0') != std::string::npos) return std::nullopt;
  return name;
}

inline std::optional<std::string> textOf(const char* name) {
  if (name == nullptr) return std::nullopt;
  return name;
}

SLUICE_DECL void TlsSession::findContext(std::optional<std::string> name) {
  if (asked_ == name) return;
  asked_.reset();
  chosen_ = nullptr;
  refusal_.reset();
  if (name && policy_->server && policy_->chooseContext) {
    try {
      const SecureContext context = policy_->chooseContext(*name);
      if (context) chosen_ = SecureContextAccess::get(context);
    } catch (const http::Error& error) {
      refusal_ = error;
    } catch (const std::exception& error) {
      refusal_ = http::Error(make_error_code(http::errc::ERR_UNHANDLED_ERROR), error.what());
    } catch (...) {
      refusal_ = http::Error(make_error_code(http::errc::ERR_UNHANDLED_ERROR));
    }
  }
  // Last: what was not found for lack of memory is not taken for what was found.
  asked_ = std::move(name);
}

SLUICE_DECL int TlsSession::chooseContext(int& alert) {
  findContext(textOf(SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name)));
  if (!asked_) return SSL_TLSEXT_ERR_NOACK;
  if (refusal_) {
    alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  if (chosen_) {
    if (SSL_set_SSL_CTX(ssl_.get(), chosen_->native()) == nullptr) {
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (policy_->onKeylog) chosen_->logKeys();
    trustAsTold();
  }
  return SSL_TLSEXT_ERR_OK;
}

/// By what rules a client is let in with its certificate.
SLUICE_DECL std::string TlsSession::admission() const {
  const TlsContext& context = chosen_ ? *chosen_ : *policy_->context;
  return context.trusted() + (policy_->rejectUnauthorized ? '1' : '0');
}

// A session that is resumed brings along what was thought of the client's certificate. OpenSSL
// resumes it before it asks for the context, so what one of them thought would count for another.
SLUICE_DECL bool TlsSession::fillTicket() {
  SSL_SESSION* session = SSL_get_session(ssl_.get());
  const auto timeout = static_cast<long>(policy_->sessionTimeout.count());
  if (timeout != 0) SSL_SESSION_set_timeout(session, timeout);
  if (!policy_->requestCert) return true;
  const std::string rules = admission();
  return SSL_SESSION_set1_ticket_appdata(session, rules.data(), rules.size()) == 1;
}

SLUICE_DECL bool TlsSession::mayResume(SSL_SESSION* session) {
  if (!policy_->requestCert) return true;
  // RFC 8446 §4.2.11: a client names the server again. Before, the session had the name.
  const bool namesAgain = SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
  findContext(namesAgain ? nameInHello(ssl_.get()) : textOf(SSL_SESSION_get0_hostname(session)));
  void* data = nullptr;
  std::size_t size = 0;
  SSL_SESSION_get0_ticket_appdata(session, &data, &size);
  return !refusal_ && std::string_view(static_cast<const char*>(data), size) == admission();
}

SLUICE_DECL int TlsSession::chooseProtocol(const unsigned char** chosen, unsigned char* size,
                                           const unsigned char* offered, unsigned int count) const {
  if (policy_->protocols.empty()) return SSL_TLSEXT_ERR_NOACK;
  unsigned char* found = nullptr;
  const auto* ours = reinterpret_cast<const unsigned char*>(policy_->protocols.data());
  const int result = SSL_select_next_proto(
      &found, size, ours, static_cast<unsigned>(policy_->protocols.size()), offered, count);
  // RFC 7301 §3.2: no protocol in common ends the connection.
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

inline std::string encodedSession(SSL_SESSION* session) {
  const int size = i2d_SSL_SESSION(session, nullptr);
  if (size <= 0) return {};
  std::string bytes(static_cast<std::size_t>(size), '\0');
  auto* to = reinterpret_cast<unsigned char*>(bytes.data());
  i2d_SSL_SESSION(session, &to);
  return bytes;
}

SLUICE_DECL void TlsSession::newSession(SSL_SESSION* session) {
  if (!policy_->server && policy_->onSession) policy_->onSession(encodedSession(session));
}

SLUICE_DECL void TlsSession::addKeylog(std::string_view line) {
  if (policy_->onKeylog) keylog_.emplace_back(line);
}

SLUICE_DECL std::optional<http::Error> TlsSession::wrongPeer() const {
  if (policy_->server || !policy_->rejectUnauthorized) return std::nullopt;
  // A resumed session brings the certificate, and what was thought of it, along.
  if (SSL_get_verify_result(ssl_.get()) != X509_V_OK) return http::Error(authorizationError());
  if (policy_->checkServerIdentity) {
    try {
      const error_code wrong =
          policy_->checkServerIdentity(policy_->identity, peerCertificate(true));
      if (wrong) return http::Error(wrong);
    } catch (...) {
      return net::detail::handlerError(std::current_exception());
    }
    return std::nullopt;
  }
  if (policy_->identity.empty()) return std::nullopt;
  // A session that is resumed brings its certificate along, and OpenSSL drops the name without a
  // word where it lacks memory for it.
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate != nullptr && names(certificate, policy_->identity)) return std::nullopt;
  return doesNotName(certificate, policy_->identity);
}

SLUICE_DECL http::Error TlsSession::errorOf(int result) {
  if (refusal_) {
    ERR_clear_error();
    return *refusal_;
  }
  const auto reset = make_error_code(boost::system::errc::connection_reset);
  if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_SSL) return http::Error(reset);
  const bool untrusted = ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  const http::Error error = takeOpensslError();
  if (untrusted && verified_ != X509_V_OK) {
    return http::Error(verifyError(verified_), X509_verify_cert_error_string(verified_));
  }
  if (!policy_->server && error.code() == http::errc::ERR_SSL_WRONG_VERSION_NUMBER) {
    // As in Node, if it is the write of the first message that fails.
    return http::Error(make_error_code(boost::system::errc::protocol_error),
                       std::string("write EPROTO ") + error.what());
  }
  return error;
}

SLUICE_DECL error_code TlsSession::authorizationError() const {
  if (policy_->server && !policy_->requestCert) return {};
  if (SSL_get0_peer_certificate(ssl_.get()) == nullptr) {
    return make_error_code(http::errc::UNABLE_TO_GET_ISSUER_CERT);
  }
  return verifyError(SSL_get_verify_result(ssl_.get()));
}

SLUICE_DECL bool TlsSession::authorized() const {
  return SSL_is_init_finished(ssl_.get()) != 0 &&
         SSL_get0_peer_certificate(ssl_.get()) != nullptr && !authorizationError();
}

SLUICE_DECL net::PeerCertificate TlsSession::peerCertificate(bool detailed) const {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  net::PeerCertificate result = describe(certificate);
  const STACK_OF(X509)* chain = detailed ? SSL_get0_verified_chain(ssl_.get()) : nullptr;
  // From the root down. The first one is the peer's own.
  std::shared_ptr<const net::PeerCertificate> issuer;
  for (int i = chain != nullptr ? sk_X509_num(chain) - 1 : 0; i > 0; --i) {
    net::PeerCertificate each = describe(sk_X509_value(chain, i));
    each.issuerCertificate = std::move(issuer);
    issuer = std::make_shared<const net::PeerCertificate>(std::move(each));
  }
  result.issuerCertificate = std::move(issuer);
  return result;
}

SLUICE_DECL net::PeerCertificate TlsSession::certificate() const {
  X509* certificate = SSL_get_certificate(ssl_.get());
  return certificate != nullptr ? describe(certificate) : net::PeerCertificate{};
}

SLUICE_DECL net::CipherInfo TlsSession::cipher() const {
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_.get());
  if (cipher == nullptr) return {};
  net::CipherInfo info;
  info.name = SSL_CIPHER_get_name(cipher);
  const char* standard = SSL_CIPHER_standard_name(cipher);
  info.standardName = standard != nullptr ? standard : info.name;
  info.version = SSL_CIPHER_get_version(cipher);
  return info;
}

SLUICE_DECL std::string TlsSession::protocol() const {
  return SSL_is_init_finished(ssl_.get()) != 0 ? SSL_get_version(ssl_.get()) : std::string();
}

SLUICE_DECL std::string TlsSession::alpnProtocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

SLUICE_DECL std::string TlsSession::servername() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : policy_->servername;
}

SLUICE_DECL bool TlsSession::sessionReused() const { return SSL_session_reused(ssl_.get()) != 0; }

SLUICE_DECL std::string TlsSession::session() const {
  SSL_SESSION* session = SSL_get0_session(ssl_.get());
  if (session == nullptr || SSL_SESSION_is_resumable(session) == 0) return {};
  return encodedSession(session);
}

}  // namespace sluice::https::detail
