// SPDX-License-Identifier: BSL-1.0
//
// What an encrypted transport answers, without a word of the library that does the encryption.
#pragma once

#include <sluice/net/tls_info.hpp>
#include <sluice/task.hpp>
#include <string>

namespace sluice::net::detail {

class TlsView {
 public:
  virtual bool authorized() const = 0;
  virtual error_code authorizationError() const = 0;
  virtual PeerCertificate peerCertificate(bool detailed) const = 0;
  virtual PeerCertificate certificate() const = 0;
  virtual CipherInfo cipher() const = 0;
  virtual std::string protocol() const = 0;
  virtual std::string alpnProtocol() const = 0;
  virtual std::string servername() const = 0;
  virtual bool sessionReused() const = 0;
  virtual std::string session() const = 0;

 protected:
  ~TlsView() = default;
};

}  // namespace sluice::net::detail
