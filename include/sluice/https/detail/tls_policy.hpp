// SPDX-License-Identifier: BSL-1.0
//
// What one end of a TLS connection wants of the other: options after they were understood.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <sluice/net/tls_info.hpp>
#include <sluice/task.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::net {
class Socket;
}

namespace sluice::https {

class SecureContext;

/// Chooses a context by the name the client asks for; an empty one: the server's own. What it
/// throws ends the handshake.
using SNICallback = std::function<SecureContext(std::string_view servername)>;

/// Says whether a certificate, which is trusted, is the one of this host; an error: it is not.
using CheckServerIdentity =
    std::function<error_code(std::string_view hostname, const net::PeerCertificate& certificate)>;

namespace detail {

class TicketKeys;
class TlsContext;

struct TlsPolicy {
  bool server = false;
  bool requestCert = true;
  bool rejectUnauthorized = true;
  std::shared_ptr<TlsContext> context{};
  std::string protocols{};  ///< ALPN, each with its length in front
  std::chrono::milliseconds handshakeTimeout{};

  SNICallback chooseContext{};
  std::shared_ptr<const TicketKeys> ticketKeys{};  ///< a server has some
  std::chrono::seconds sessionTimeout{};           ///< 0: OpenSSL's

  std::string servername{};  ///< asked for; empty: none
  std::string identity{};    ///< a name or an address that the certificate must have
  CheckServerIdentity checkServerIdentity{};
  std::string session{};
  std::function<void(const std::string& session)> onSession{};
  /// A line of NSS's key log, which is told during the handshake.
  std::function<void(std::string_view line, net::Socket& socket)> onKeylog{};
};

/// ALPN's form of a list. RFC 7301 §3.1.
///
/// throws  ERR_OUT_OF_RANGE for a name that is empty or longer than 255 bytes
std::string protocolList(const std::vector<std::string>& names);

}  // namespace detail
}  // namespace sluice::https
