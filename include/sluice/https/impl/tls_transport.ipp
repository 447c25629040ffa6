// SPDX-License-Identifier: BSL-1.0
//
// Definitions of tls_transport.hpp.
#pragma once

#include <openssl/x509v3.h>
#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <cstring>
#include <sluice/detail/post.hpp>
#include <sluice/https/detail/peer_certificate.hpp>
#include <sluice/https/detail/tls_context.hpp>
#include <sluice/https/detail/tls_transport.hpp>
#include <utility>

namespace sluice::https::detail {

/// Walks over what is to be written, a record's worth at a time. Small pieces share a record.
class TlsTransport::Gatherer {
 public:
  explicit Gatherer(std::span<const asio::const_buffer> pieces) : pieces_(pieces) { settle(); }

  bool empty() const { return pieces_.empty(); }

  std::size_t skip(std::size_t count) {
    const std::size_t wanted = count;
    while (count != 0 && !empty()) {
      const std::size_t some = std::min(count, pieces_.front().size() - offset_);
      offset_ += some;
      count -= some;
      settle();
    }
    return wanted - count;
  }

  /// Valid until the next call.
  std::string_view record() {
    const std::string_view first = rest();
    if (first.size() >= recordSize || pieces_.size() == 1) return first.substr(0, recordSize);
    std::size_t size = 0;
    for (std::size_t i = 0; i < pieces_.size() && size < recordSize; ++i) {
      const auto& piece = pieces_[i];
      const std::size_t from = i == 0 ? offset_ : 0;
      const std::size_t some = std::min(piece.size() - from, recordSize - size);
      if (some != 0) {
        std::memcpy(gathered_.data() + size, static_cast<const char*>(piece.data()) + from, some);
      }
      size += some;
    }
    return {gathered_.data(), size};
  }

 private:
  std::string_view rest() const {
    return std::string_view(static_cast<const char*>(pieces_.front().data()),
                            pieces_.front().size())
        .substr(offset_);
  }
  void settle() {
    while (!pieces_.empty() && offset_ == pieces_.front().size()) {
      pieces_ = pieces_.subspan(1);
      offset_ = 0;
    }
  }

  std::span<const asio::const_buffer> pieces_;
  std::size_t offset_ = 0;
  std::array<char, recordSize> gathered_;
};

SLUICE_DECL TlsTransport::TlsTransport(std::shared_ptr<net::detail::Loop> loop,
                                       boost::intrusive_ptr<net::detail::Transport> below,
                                       std::shared_ptr<const TlsPolicy> policy,
                                       std::string_view early)
    : loop_(std::move(loop)),
      policy_(std::move(policy)),
      cipher_(new CipherStream(loop_, std::move(below), *this)),
      ssl_(SSL_new(policy_->context->native())),
      patience_(
          [](void* self) {
            static_cast<TlsTransport*>(self)->fail(
                http::Error(make_error_code(http::errc::ERR_TLS_HANDSHAKE_TIMEOUT)));
          },
          this) {
  if (!early.empty()) cipher_->prepend(early);
  if (policy_->onKeylog) policy_->context->logKeys();
  SSL_set_app_data(ssl_.get(), this);
  BIO* bio = cipher_->makeBio();
  SSL_set_bio(ssl_.get(), bio, bio);
  trustAsTold();
  if (policy_->server) {
    SSL_set_accept_state(ssl_.get());
    const int strict = policy_->rejectUnauthorized ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_set_verify(ssl_.get(), policy_->requestCert ? SSL_VERIFY_PEER | strict : SSL_VERIFY_NONE,
                   nullptr);
    return;
  }
  SSL_set_connect_state(ssl_.get());
  SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
  setIdentity();
  const auto* protocols = reinterpret_cast<const unsigned char*>(policy_->protocols.data());
  SSL_set_alpn_protos(ssl_.get(), protocols, static_cast<unsigned>(policy_->protocols.size()));
  if (!policy_->session.empty()) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(policy_->session.data());
    const SessionPtr session(
        d2i_SSL_SESSION(nullptr, &bytes, static_cast<long>(policy_->session.size())));
    if (session) SSL_set_session(ssl_.get(), session.get());
    ERR_clear_error();
  }
}

SLUICE_DECL TlsTransport::~TlsTransport() {
  if (state_ != State::closed) cipher_->closeNow();
}

SLUICE_DECL TlsTransport& TlsTransport::of(const SSL* ssl) {
  return *static_cast<TlsTransport*>(SSL_get_app_data(ssl));
}

SLUICE_DECL void TlsTransport::trustAsTold() {
  const auto& context = chosen_ ? *chosen_ : *policy_->context;
  if ((!policy_->server || policy_->requestCert) && context.trustsSystem()) {
    SSL_set1_verify_cert_store(ssl_.get(), systemTrust(*loop_));
  }
}

SLUICE_DECL void TlsTransport::setIdentity() {
  if (!policy_->servername.empty()) {
    SSL_set_tlsext_host_name(ssl_.get(), policy_->servername.c_str());
  }
  if (policy_->identity.empty() || policy_->checkServerIdentity) return;
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl_.get());
  error_code notAnAddress;
  static_cast<void>(asio::ip::make_address(policy_->identity, notAnAddress));
  if (!notAnAddress) {
    X509_VERIFY_PARAM_set1_ip_asc(wanted, policy_->identity.c_str());
    return;
  }
  X509_VERIFY_PARAM_set_hostflags(wanted, identityFlags);
  X509_VERIFY_PARAM_set1_host(wanted, policy_->identity.data(), policy_->identity.size());
}

SLUICE_DECL bool TlsTransport::verify(X509_STORE_CTX* chain) {
  // As Node does: all checks are made, the last one that fails gives the name, and what host a
  // certificate is for matters only where it is good.
  verified_ = X509_V_OK;
  X509_STORE_CTX_set_verify_cb(chain, [](int ok, X509_STORE_CTX* at) {
    if (ok != 0) return 1;
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(at, SSL_get_ex_data_X509_STORE_CTX_idx()));
    long& verified = of(ssl).verified_;
    const long error = X509_STORE_CTX_get_error(at);
    const bool identity =
        error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
    if (!identity || verified == X509_V_OK) verified = error;
    return 1;
  });
  if (X509_verify_cert(chain) <= 0 && verified_ == X509_V_OK) verified_ = X509_V_ERR_UNSPECIFIED;
  X509_STORE_CTX_set_error(chain, static_cast<int>(verified_));
  return verified_ == X509_V_OK || !policy_->rejectUnauthorized;
}

SLUICE_DECL int TlsTransport::chooseContext(int& alert) {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  if (!policy_->server || name == nullptr || !policy_->chooseContext) {
    return name != nullptr ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
  }
  try {
    const SecureContext context = policy_->chooseContext(name);
    if (context) {
      chosen_ = context.get();
      SSL_set_SSL_CTX(ssl_.get(), chosen_->native());
      if (policy_->onKeylog) chosen_->logKeys();
      trustAsTold();
    }
  } catch (const http::Error& error) {
    refusal_ = error;
  } catch (const std::exception& error) {
    refusal_ = http::Error(make_error_code(http::errc::ERR_UNHANDLED_ERROR), error.what());
  } catch (...) {
    refusal_ = http::Error(make_error_code(http::errc::ERR_UNHANDLED_ERROR));
  }
  if (!refusal_) return SSL_TLSEXT_ERR_OK;
  alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

SLUICE_DECL int TlsTransport::chooseProtocol(const unsigned char** chosen, unsigned char* size,
                                             const unsigned char* offered,
                                             unsigned int count) const {
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

SLUICE_DECL void TlsTransport::newSession(SSL_SESSION* session) {
  if (!policy_->server && policy_->onSession) policy_->onSession(encodedSession(session));
}

SLUICE_DECL void TlsTransport::shakeHands(HandshakeHandler handler) {
  handshake_ = std::move(handler);
  if (auto slot = handshake_.slot(); slot.is_connected()) {
    slot.assign(
        [this](asio::cancellation_type) { fail(http::Error(asio::error::operation_aborted)); });
  }
  loop_->startTimer(patience_, policy_->handshakeTimeout);
  goOnShaking();
}

SLUICE_DECL void TlsTransport::goOnShaking() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  cipher_->flush();
  if (!keylog_.empty()) {
    tellKeylog();
    if (state_ != State::shaking) return;
  }
  if (result == 1) {
    opened();
  } else if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
    fail(errorOf(result));
  } else if (const error_code& end = cipher_->inputEnd()) {
    if (end != asio::error::eof) {
      fail(http::Error(end));
      return;
    }
    fail(http::Error(make_error_code(boost::system::errc::connection_reset),
                     policy_->server ? "socket hang up"
                                     : "Client network socket disconnected before secure TLS "
                                       "connection was established"));
  } else {
    cipher_->read();
  }
}

// Not from inside OpenSSL, through which nothing can be thrown.
SLUICE_DECL void TlsTransport::addKeylog(std::string_view line) {
  if (onKeylog) keylog_.emplace_back(line);
}

SLUICE_DECL void TlsTransport::tellKeylog() {
  const boost::intrusive_ptr<TlsTransport> alive(this);
  for (const std::string& line : std::exchange(keylog_, {})) onKeylog(line);
}

SLUICE_DECL bool TlsTransport::identityIsRight() {
  if (policy_->server) return true;
  const bool trusted = SSL_get_verify_result(ssl_.get()) == X509_V_OK;
  if (!policy_->rejectUnauthorized) return true;
  if (!trusted) {
    // A resumed session brings the certificate, and what was thought of it, along.
    fail(http::Error(authorizationError()));
    return false;
  }
  if (policy_->checkServerIdentity) {
    http::Error wrong((error_code()));
    try {
      wrong = http::Error(policy_->checkServerIdentity(policy_->identity, peerCertificate(true)));
    } catch (const http::Error& error) {
      wrong = error;
    }
    if (wrong.code()) fail(wrong);
    return !wrong.code();
  }
  if (SSL_session_reused(ssl_.get()) == 0 || policy_->identity.empty()) return true;
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate != nullptr && names(certificate, policy_->identity)) return true;
  fail(http::Error(make_error_code(http::errc::ERR_TLS_CERT_ALTNAME_INVALID)));
  return false;
}

SLUICE_DECL void TlsTransport::opened() {
  if (!identityIsRight()) return;
  state_ = State::open;
  patience_.stop();
  endHandshake({});
  if (endWanted_) {
    error_code ignored;
    shutdownWrite(ignored);
  }
  if (reader_) readLater();
  if (writer_) goOnWriting();
}

SLUICE_DECL void TlsTransport::endHandshake(const error_code& ec) {
  if (!handshake_) return;
  HandshakeHandler handler = std::move(handshake_);
  handler.post(loop_->executor(), ec);
}

SLUICE_DECL http::Error TlsTransport::errorOf(int result) {
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
    // As in Node, where it is the write of the first message that fails.
    return http::Error(make_error_code(boost::system::errc::protocol_error),
                       std::string("write EPROTO ") + error.what());
  }
  return error;
}

SLUICE_DECL void TlsTransport::fail(const http::Error& error) {
  if (state_ == State::failed || state_ == State::closed) return;
  state_ = State::failed;
  failure_ = error;
  inputEnd_ = error.code();
  patience_.stop();
  // An alert says why.
  cipher_->flush();
  endHandshake(error.code());
  if (reader_) readLater();
  endWriting();
}

// --- Reading ---------------------------------------------------------------------------------

SLUICE_DECL void TlsTransport::onCipherInput() {
  const boost::intrusive_ptr<TlsTransport> alive(this);
  if (state_ == State::shaking) {
    goOnShaking();
  } else if (state_ == State::open) {
    goOnReading();
  }
}

SLUICE_DECL void TlsTransport::read(asio::mutable_buffer buffer) {
  reader_ = owner_;
  target_ = buffer;
  if (state_ == State::shaking) return;
  const bool more =
      cipher_->hasInput() || cipher_->inputEnd() || inputEnd_ || SSL_has_pending(ssl_.get()) != 0;
  if (more || state_ != State::open || cipher_->unsent() > mostUnsent) {
    readLater();
  } else {
    cipher_->read();
  }
}

SLUICE_DECL void TlsTransport::readLater() {
  sluice::detail::post(loop_->executor(),
                       [self = boost::intrusive_ptr<TlsTransport>(this)] { self->goOnReading(); });
}

SLUICE_DECL void TlsTransport::goOnReading() {
  if (!reader_ || state_ == State::shaking || state_ == State::closed) return;
  error_code ec;
  const std::size_t count = decrypt(target_, ec);
  if (count == 0 && !ec) {
    // Where the peer does not take our answers, onCipherSent() comes back here.
    if (cipher_->unsent() <= mostUnsent) cipher_->read();
    return;
  }
  const auto owner = std::move(reader_);
  if (owner_ != nullptr) owner->onRead(ec, count);
}

SLUICE_DECL std::size_t TlsTransport::decrypt(asio::mutable_buffer buffer, error_code& ec) {
  std::size_t total = 0;
  while (total < buffer.size() && !inputEnd_ && cipher_->unsent() <= mostUnsent) {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), static_cast<char*>(buffer.data()) + total,
                                   buffer.size() - total, &count);
    total += count;
    if (result == 1) continue;
    const int why = SSL_get_error(ssl_.get(), result);
    if (why == SSL_ERROR_ZERO_RETURN) {
      inputEnd_ = asio::error::eof;
    } else if (why != SSL_ERROR_WANT_READ) {
      fail(errorOf(result));
    } else if (cipher_->inputEnd() == asio::error::eof) {
      // RFC 8446 §6.1: an end that was not announced may be an attacker's.
      inputEnd_ = make_error_code(http::errc::ERR_SSL_UNEXPECTED_EOF);
    } else if (cipher_->inputEnd()) {
      inputEnd_ = cipher_->inputEnd();
    } else {
      break;
    }
  }
  // Reading may make answers: a new key, an alert.
  cipher_->flush();
  if (total == 0) ec = inputEnd_;
  return total;
}

SLUICE_DECL std::size_t TlsTransport::tryRead(asio::mutable_buffer buffer, error_code& ec) {
  if (state_ == State::shaking) return 0;
  if (state_ == State::closed) {
    ec = asio::error::bad_descriptor;
    return 0;
  }
  const std::size_t count = decrypt(buffer, ec);
  if (count != 0 || ec) return count;
  cipher_->tryRead();
  return decrypt(buffer, ec);
}

SLUICE_DECL void TlsTransport::cancelRead() {
  if (!reader_) return;
  sluice::detail::post(loop_->executor(), [self = boost::intrusive_ptr<TlsTransport>(this),
                                           owner = std::move(reader_)] {
    if (self->owner_ != nullptr) owner->onRead(asio::error::operation_aborted, 0);
  });
}

// --- Writing ---------------------------------------------------------------------------------

SLUICE_DECL std::size_t TlsTransport::tryWrite(std::span<const asio::const_buffer> buffers,
                                               error_code& ec) {
  if (state_ == State::shaking) return 0;
  if (state_ == State::open) cipher_->flush();
  if (state_ == State::failed) ec = failure_->code();
  if (state_ == State::closed) ec = asio::error::bad_descriptor;
  if (!ec) ec = cipher_->outputError();
  if (ec || cipher_->unsent() != 0) return 0;
  Gatherer pieces(buffers);
  std::size_t taken = pieces.skip(std::exchange(encrypted_, 0));
  while (!pieces.empty()) {
    const std::size_t count = encrypt(pieces, ec);
    cipher_->flush();
    if (!ec) ec = cipher_->outputError();
    if (ec) break;
    if (cipher_->unsent() != 0) {
      encrypted_ = count;
      break;
    }
    taken += count;
  }
  return taken;
}

SLUICE_DECL std::size_t TlsTransport::encrypt(Gatherer& pieces, error_code& ec) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < recordsAhead && !pieces.empty(); ++i) {
    const std::string_view record = pieces.record();
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_.get(), record.data(), record.size(), &count);
    if (result != 1) {
      ec = errorOf(result).code();
      break;
    }
    total += pieces.skip(count);
  }
  return total;
}

SLUICE_DECL void TlsTransport::waitWritable() {
  writer_ = owner_;
  if (state_ != State::shaking && (cipher_->unsent() == 0 || cipher_->outputError())) endWriting();
}

/// The wait for writing is over, but not inside the caller's call.
SLUICE_DECL void TlsTransport::endWriting() {
  if (!writer_) return;
  sluice::detail::post(loop_->executor(),
                       [self = boost::intrusive_ptr<TlsTransport>(this)] { self->goOnWriting(); });
}

SLUICE_DECL void TlsTransport::goOnWriting() {
  if (!writer_ || state_ == State::closed) return;
  const auto owner = std::move(writer_);
  const error_code ec = state_ == State::failed ? failure_->code() : cipher_->outputError();
  if (owner_ != nullptr) owner->onWritable(ec);
}

SLUICE_DECL void TlsTransport::onCipherSent() {
  const boost::intrusive_ptr<TlsTransport> alive(this);
  if (state_ == State::shaking || state_ == State::closed) return;
  if (endSaid_) finishWriting();
  goOnWriting();
  goOnReading();
}

SLUICE_DECL void TlsTransport::shutdownWrite(error_code& ec) {
  if (state_ == State::shaking) {
    endWanted_ = true;
  } else if (state_ != State::open) {
    ec = state_ == State::failed ? failure_->code() : error_code(asio::error::bad_descriptor);
  } else if (!endSaid_) {
    sayEnd();
    finishWriting();
  }
}

SLUICE_DECL void TlsTransport::sayEnd() {
  endSaid_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  cipher_->flush();
}

SLUICE_DECL void TlsTransport::finishWriting() {
  if (cipher_->unsent() != 0) return;
  error_code ignored;
  below().shutdownWrite(ignored);
}

SLUICE_DECL void TlsTransport::sayGoodbye() {
  if (state_ != State::open) return;
  goodbye_ = true;
  if (!endSaid_) sayEnd();
}

// --- The end ---------------------------------------------------------------------------------

SLUICE_DECL void TlsTransport::close() {
  if (state_ == State::closed) return;
  const boost::intrusive_ptr<TlsTransport> alive(this);
  state_ = State::closed;
  patience_.stop();
  if (goodbye_) {
    cipher_->close();
  } else {
    cipher_->closeNow();
  }
  endHandshake(asio::error::operation_aborted);
  cancelRead();
  if (!writer_) return;
  sluice::detail::post(loop_->executor(), [alive, owner = std::move(writer_)] {
    if (alive->owner_ != nullptr) owner->onWritable(asio::error::operation_aborted);
  });
}

SLUICE_DECL void TlsTransport::reset() {
  if (state_ == State::closed) return;
  below().reset();
  goodbye_ = false;
  close();
}

// --- What is known of the peer ---------------------------------------------------------------

SLUICE_DECL error_code TlsTransport::authorizationError() const {
  if (policy_->server && !policy_->requestCert) return {};
  if (SSL_get0_peer_certificate(ssl_.get()) == nullptr) {
    return make_error_code(http::errc::UNABLE_TO_GET_ISSUER_CERT);
  }
  return verifyError(SSL_get_verify_result(ssl_.get()));
}

SLUICE_DECL bool TlsTransport::authorized() const {
  return SSL_is_init_finished(ssl_.get()) != 0 &&
         SSL_get0_peer_certificate(ssl_.get()) != nullptr && !authorizationError();
}

SLUICE_DECL net::PeerCertificate TlsTransport::peerCertificate(bool detailed) const {
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

SLUICE_DECL net::PeerCertificate TlsTransport::certificate() const {
  X509* certificate = SSL_get_certificate(ssl_.get());
  return certificate != nullptr ? describe(certificate) : net::PeerCertificate{};
}

SLUICE_DECL net::CipherInfo TlsTransport::cipher() const {
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_.get());
  if (cipher == nullptr) return {};
  net::CipherInfo info;
  info.name = SSL_CIPHER_get_name(cipher);
  const char* standard = SSL_CIPHER_standard_name(cipher);
  info.standardName = standard != nullptr ? standard : info.name;
  info.version = SSL_CIPHER_get_version(cipher);
  return info;
}

SLUICE_DECL std::string TlsTransport::protocol() const {
  return SSL_is_init_finished(ssl_.get()) != 0 ? SSL_get_version(ssl_.get()) : std::string();
}

SLUICE_DECL std::string TlsTransport::alpnProtocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

SLUICE_DECL std::string TlsTransport::servername() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : policy_->servername;
}

SLUICE_DECL bool TlsTransport::sessionReused() const { return SSL_session_reused(ssl_.get()) != 0; }

SLUICE_DECL std::string TlsTransport::session() const {
  SSL_SESSION* session = SSL_get0_session(ssl_.get());
  if (session == nullptr || SSL_SESSION_is_resumable(session) == 0) return {};
  return encodedSession(session);
}

}  // namespace sluice::https::detail
