// SPDX-License-Identifier: BSL-1.0
//
// One SSL_CTX: made from options or by somebody else, with the callbacks that lead from OpenSSL to
// the connection they are about. Servers and clients of several threads may share it, so that what
// one of them wants for itself is in its TlsPolicy.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <sluice/https/detail/openssl.hpp>
#include <sluice/net/detail/loop.hpp>
#include <string>
#include <string_view>

namespace boost::asio::ssl {
class context;
}

namespace sluice::https {
class Pem;
struct SecureContextOptions;
}  // namespace sluice::https

namespace sluice::https::detail {

class TlsContext {
 public:
  explicit TlsContext(const SecureContextOptions& options);
  explicit TlsContext(asio::ssl::context&& ready);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  SSL_CTX* native() const { return context_.get(); }
  /// Of this context alone, also after its end: an address may be another one's by then.
  std::uint64_t serial() const { return serial_; }
  /// Nobody said whom to trust: the system's authorities are meant.
  bool trustsSystem() const { return trustsSystem_; }

  /// Tells contexts apart by whom they trust: a hash of the authorities and lists of revoked ones.
  const std::string& trusted() const { return trusted_; }

  /// From now on connections are told their secrets, which takes a tenth of a handshake's time.
  void logKeys();

 private:
  static std::uint64_t nextSerial() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }

  void install(std::string_view sessionIdContext);
  void installTickets();
  void setVersions(const SecureContextOptions& options);
  void setCiphers(const SecureContextOptions& options);
  void setDhparam(const Pem& dhparam);
  void useCertificates(std::string_view pem);
  void useKey(std::string_view pem, const std::string& passphrase);
  void usePfx(const std::string& bytes, const std::string& passphrase);
  void trust(std::string_view pem);
  void revoke(std::string_view pem);
  void trust(X509* certificate);
  std::string hashOfTrusted() const;

  ContextPtr context_;
  std::unique_ptr<asio::ssl::context> ready_;
  std::once_flag logsKeys_;
  bool trustsSystem_ = true;
  std::string trusted_;
  const std::uint64_t serial_ = nextSerial();
};

/// The system's certificate authorities, read once for all loops of an execution context.
X509_STORE* systemTrust(net::detail::Loop& loop);

}  // namespace sluice::https::detail
