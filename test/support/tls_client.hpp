// SPDX-License-Identifier: BSL-1.0
//
// A TLS client by hand, over a wire: OpenSSL alone, without a line of the library's. What it makes
// is sent when, and in the pieces, that the test wants.
#pragma once

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <array>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <sluice/net/socket.hpp>
#include <sluice/test/wire.hpp>
#include <string>
#include <string_view>
#include "certificates.hpp"

namespace sluice::test {

class TlsClient {
 public:
  explicit TlsClient(asio::io_context& io, int version = TLS1_3_VERSION)
      : io_(io), wire_(io), ssl_(SSL_new(context())) {
    SSL_set_min_proto_version(ssl_.get(), version);
    SSL_set_max_proto_version(ssl_.get(), version);
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_connect_state(ssl_.get());
  }

  SSL* native() const { return ssl_.get(); }
  Wire& wire() { return wire_; }

  /// With a server that has the other end of the wire. false: it does not come to its end.
  bool handshake() {
    constexpr int flights = 4;
    for (int i = 0; i < flights; ++i) {
      SSL_do_handshake(ssl_.get());
      wire_.deliver(made());
      receive();
    }
    return SSL_is_init_finished(ssl_.get()) != 0;
  }

  /// The record of such a text.
  std::string encrypt(std::string_view text) {
    SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    return made();
  }
  /// A record that tells of a new key.
  std::string updateKey(int kind) {
    SSL_key_update(ssl_.get(), kind);
    SSL_do_handshake(ssl_.get());
    return made();
  }
  std::string closeNotify() {
    SSL_shutdown(ssl_.get());
    return made();
  }
  /// What OpenSSL wants to be sent.
  std::string made() {
    std::string bytes(BIO_ctrl_pending(out_), '\0');
    if (!bytes.empty()) BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }

  /// Delivers bytes and says what text came back.
  std::string send(std::string_view bytes) {
    wire_.deliver(bytes);
    return receive();
  }
  std::string receive() {
    io_.restart();
    io_.poll();
    const std::string bytes = wire_.takeReceived();
    if (!bytes.empty()) BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
    std::string text;
    std::array<char, 4096> piece;
    std::size_t count = 0;
    while (SSL_read_ex(ssl_.get(), piece.data(), piece.size(), &count) == 1) {
      text.append(piece.data(), count);
    }
    return text;
  }
  /// The server has closed the connection.
  bool closed() {
    io_.restart();
    io_.poll();
    return wire_.closed();
  }

 private:
  template <class T, void (*Free)(T*)>
  using Handle = std::unique_ptr<T, OpensslFree<T, Free>>;

  static SSL_CTX* context() {
    static const Handle<SSL_CTX, SSL_CTX_free> made(SSL_CTX_new(TLS_client_method()));
    return made.get();
  }

  asio::io_context& io_;
  Wire wire_;
  BIO* in_ = BIO_new(BIO_s_mem());
  BIO* out_ = BIO_new(BIO_s_mem());
  Handle<SSL, SSL_free> ssl_;
};

}  // namespace sluice::test
