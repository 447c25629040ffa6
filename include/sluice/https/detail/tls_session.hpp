// SPDX-License-Identifier: BSL-1.0
//
// One side of a TLS connection as OpenSSL has it: set up as a policy says, asked by OpenSSL during
// the handshake, and able to say who the peer is. It moves no bytes: what is above attaches a
// BIO to native() and calls OpenSSL.
#pragma once

#include <memory>
#include <optional>
#include <sluice/error.hpp>
#include <sluice/https/detail/openssl.hpp>
#include <sluice/https/detail/tls_policy.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/tls_view.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::https::detail {

class TlsSession final : public net::detail::TlsView {
 public:
  TlsSession(net::detail::Loop& loop, std::shared_ptr<const TlsPolicy> policy);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  SSL* native() const { return ssl_.get(); }
  const TlsPolicy& policy() const { return *policy_; }

  /// After the handshake: why the peer is not the one that was wanted; none: it is.
  std::optional<http::Error> wrongPeer() const;
  /// What a call of OpenSSL's with this result has failed of.
  http::Error errorOf(int result);
  /// The lines of the key log since the last call. Callbacks only keep them: nothing can be thrown
  /// through OpenSSL.
  std::vector<std::string> takeKeylog() { return std::exchange(keylog_, {}); }

  // TlsView
  SLUICE_DECL bool authorized() const override;
  SLUICE_DECL error_code authorizationError() const override;
  SLUICE_DECL net::PeerCertificate peerCertificate(bool detailed) const override;
  SLUICE_DECL net::PeerCertificate certificate() const override;
  SLUICE_DECL net::CipherInfo cipher() const override;
  SLUICE_DECL std::string protocol() const override;
  SLUICE_DECL std::string alpnProtocol() const override;
  SLUICE_DECL std::string servername() const override;
  SLUICE_DECL bool sessionReused() const override;
  SLUICE_DECL std::string session() const override;

  // For OpenSSL's callbacks.
  static TlsSession& of(const SSL* ssl);
  bool verify(X509_STORE_CTX* chain);
  int chooseContext(int& alert);
  bool fillTicket();
  bool mayResume(SSL_SESSION* session);
  int chooseProtocol(const unsigned char** chosen, unsigned char* size,
                     const unsigned char* offered, unsigned int count) const;
  void newSession(SSL_SESSION* session);
  void addKeylog(std::string_view line);

 private:
  void beServer();
  void beClient();
  void trustAsTold();
  void setIdentity();
  void findContext(std::optional<std::string> name);
  std::string admission() const;

  net::detail::Loop* loop_;
  std::shared_ptr<const TlsPolicy> policy_;
  SslPtr ssl_;
  std::optional<std::string> asked_;  // the name that chosen_ was found for
  std::shared_ptr<TlsContext> chosen_;
  std::optional<http::Error> refusal_;
  long verified_ = 0;
  std::vector<std::string> keylog_;
};

}  // namespace sluice::https::detail
