// SPDX-License-Identifier: BSL-1.0
//
// TLS over any transport: kernel sockets, memory, TLS itself. OpenSSL sees two buffers; this class
// decides when it works, so that a socket above feels no difference but in the bytes below.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/error.hpp>
#include <sluice/https/detail/cipher_stream.hpp>
#include <sluice/https/detail/tls_policy.hpp>
#include <sluice/https/detail/tls_session.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/transport.hpp>
#include <string_view>

namespace sluice::https::detail {

class TlsTransport final : public net::detail::Transport, private CipherStream::User {
 public:
  using HandshakeHandler = sluice::detail::Completion<void(error_code)>;

  // shaking ──► open ──► closed
  //    └──► failed ────────┘
  //           open ──► failed: what came cannot be decrypted
  enum class State { shaking, open, failed, closed };

  /// early  bytes that were read from `below` already
  TlsTransport(std::shared_ptr<net::detail::Loop> loop,
               boost::intrusive_ptr<net::detail::Transport> below,
               std::shared_ptr<const TlsPolicy> policy, std::string_view early = {});
  SLUICE_DECL ~TlsTransport() override;

  /// Call once; reads and writes of the owner wait for it. It is over after the policy's time.
  void startHandshake(HandshakeHandler handler);
  /// Told each line of the key log.
  std::function<void(std::string_view line)> onKeylog;
  State state() const { return state_; }
  /// What ended the handshake, or the connection after it.
  const std::optional<http::Error>& failure() const { return failure_; }

  // Transport
  SLUICE_DECL std::size_t tryWrite(std::span<const asio::const_buffer>, error_code&) override;
  SLUICE_DECL void waitWritable() override;
  SLUICE_DECL void read(asio::mutable_buffer) override;
  SLUICE_DECL bool readWithoutBuffer() override;
  SLUICE_DECL std::size_t tryRead(asio::mutable_buffer, error_code&) override;
  SLUICE_DECL void cancelRead() override;
  SLUICE_DECL void shutdownWrite(error_code&) override;
  SLUICE_DECL void closePolitely() override;
  SLUICE_DECL void close() override;
  SLUICE_DECL void reset() override;
  bool isOpen() const override { return state_ != State::closed; }
  net::Address localAddress() const override { return below().localAddress(); }
  net::Address remoteAddress() const override { return below().remoteAddress(); }
  void setNoDelay(bool on) override { below().setNoDelay(on); }
  void setKeepAlive(bool on, std::chrono::milliseconds delay) override {
    below().setKeepAlive(on, delay);
  }
  const net::detail::TlsView* tls() const override { return &session_; }

 private:
  // RFC 8446 §5.1: a record holds so much.
  static constexpr std::size_t recordSize = 16 * 1024;
  // So much is encrypted before what that made has to leave.
  static constexpr std::size_t recordsAhead = 2;
  // With more than this to be sent nothing is read: what a peer makes us answer is bounded.
  static constexpr std::size_t mostUnsent = 64 * 1024;

  class Gatherer;

  SLUICE_DECL void onCipherInput() override;
  SLUICE_DECL void onCipherSent() override;

  void continueHandshake();
  void tellKeylog();
  void opened();
  void fail(const http::Error& error);
  void endHandshake(const error_code& ec);

  void goOnReading();
  void readLater();
  bool holdsInput() const;
  std::size_t decrypt(asio::mutable_buffer buffer, error_code& ec);
  std::size_t encrypt(Gatherer& pieces, error_code& ec);
  void goOnWriting();
  void endWriting();
  void sayEnd();
  void finishWriting();
  net::detail::Transport& below() const { return cipher_->below(); }

  std::shared_ptr<net::detail::Loop> loop_;
  boost::intrusive_ptr<CipherStream> cipher_;
  TlsSession session_;
  HandshakeHandler handshake_;
  net::detail::TimerEntry patience_;
  std::optional<http::Error> failure_;

  boost::intrusive_ptr<net::detail::TransportOwner> reader_;
  asio::mutable_buffer target_;
  error_code inputEnd_;
  boost::intrusive_ptr<net::detail::TransportOwner> writer_;
  // Of the bytes that tryWrite() was offered last, so many are encrypted and did not leave. They
  // count as not taken, and are skipped when they are offered again.
  std::size_t encrypted_ = 0;

  State state_ = State::shaking;
  bool endWanted_ = false;
  bool endSaid_ = false;
  bool closesPolitely_ = false;
};

}  // namespace sluice::https::detail
