// SPDX-License-Identifier: BSL-1.0
//
// The peer's end of TLS and the network to it, folded into one transport: the library's encrypted
// bytes above, what the test sends and sees below. The peer is OpenSSL alone, without a line of the
// library's. It adds no turn of the loop and holds nothing back, so that every fault, limit and
// counter of the transport below means what it means without TLS.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <sluice/net/detail/transport.hpp>
#include <sluice/test/memory_transport.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include "certificates.hpp"

namespace sluice::test {

class TlsPeer final : public net::detail::Transport {
 public:
  enum class Role { client, server };

  TlsPeer(boost::intrusive_ptr<MemoryTransport> below, Role role)
      : below_(std::move(below)),
        belowOwner_(new BelowOwner(*this)),
        ssl_(SSL_new(contextOf(role))),
        in_(BIO_new(BIO_s_mem())),
        out_(BIO_new(BIO_s_mem())) {
    below_->attach(belowOwner_.get());
    SSL_set_bio(ssl_.get(), in_, out_);
    if (role == Role::server) {
      SSL_set_accept_state(ssl_.get());
    } else {
      SSL_set_connect_state(ssl_.get());
      SSL_set_tlsext_host_name(ssl_.get(), "localhost");
      SSL_set1_host(ssl_.get(), "localhost");
      goOn();
    }
  }
  ~TlsPeer() override {
    below_->attach(nullptr);
    below_->close();
  }

  std::size_t tryWrite(std::span<const asio::const_buffer> buffers, error_code& ec) override {
    std::string offer;
    for (const auto& each : buffers) {
      offer.append(static_cast<const char*>(each.data()), each.size());
    }
    for (std::size_t at = known_; at < offer.size(); at = known_) {
      const std::string_view record = firstRecord(std::string_view(offer).substr(at));
      BIO_write(in_, record.data(), static_cast<int>(record.size()));
      const std::size_t before = plain_.size();
      goOn();
      records_.push_back({record.size(), plain_.size() - before});
      known_ += record.size();
    }
    if (reader_) answerLater();
    return handOn(ec);
  }

  void waitWritable() override {
    writer_ = owner_;
    below_->waitWritable();
  }

  void read(asio::mutable_buffer buffer) override {
    reader_ = owner_;
    target_ = buffer;
    if (BIO_pending(out_) != 0 || inputEnd_) {
      answerLater();
    } else {
      readBelow();
    }
  }

  bool readWithoutBuffer() override {
    target_ = {};
    return below_->readWithoutBuffer();
  }

  std::size_t tryRead(asio::mutable_buffer buffer, error_code& ec) override {
    if (BIO_pending(out_) == 0 && !inputEnd_ && shaken() && !reading_) {
      error_code end;
      const std::size_t count = below_->tryRead(roomFor(buffer), end);
      if (count != 0 || end) take(end, count);
    }
    const std::size_t count = takeOut(buffer);
    if (count == 0) ec = inputEnd_;
    return count;
  }

  void cancelRead() override { below_->cancelRead(); }

  void shutdownWrite(error_code& ec) override {
    if (!closesPolitely_) throw std::logic_error("TlsPeer: an end without close_notify");
    below_->shutdownWrite(ec);
  }

  void close() override {
    below_->close();
    endWaits();
  }
  void reset() override {
    below_->reset();
    endWaits();
  }
  bool isOpen() const override { return below_->isOpen(); }

  net::Address localAddress() const override { return below_->localAddress(); }
  net::Address remoteAddress() const override { return below_->remoteAddress(); }
  void setNoDelay(bool on) override { below_->setNoDelay(on); }
  void setKeepAlive(bool on, std::chrono::milliseconds delay) override {
    below_->setKeepAlive(on, delay);
  }

 private:
  using Owner = boost::intrusive_ptr<net::detail::TransportOwner>;

  struct BelowOwner final : net::detail::TransportOwner {
    explicit BelowOwner(TlsPeer& user) : peer(user) {}
    void onRead(const error_code& ec, std::size_t count) override {
      const boost::intrusive_ptr<TlsPeer> alive(&peer);
      peer.reading_ = false;
      peer.take(ec, count);
      peer.answer();
    }
    void onWritable(const error_code& ec) override {
      const Owner owner = std::move(peer.writer_);
      if (peer.owner_ != nullptr && owner) owner->onWritable(ec);
    }
    TlsPeer& peer;
  };

  // One that came from the library and whose content is not yet the test's.
  struct Record {
    std::size_t size;
    std::size_t plain;
  };

  template <class T, void (*Free)(T*)>
  using Handle = std::unique_ptr<T, OpensslFree<T, Free>>;

  static SSL_CTX* contextOf(Role role) {
    static const Handle<SSL_CTX, SSL_CTX_free> client = [] {
      Handle<SSL_CTX, SSL_CTX_free> made(SSL_CTX_new(TLS_client_method()));
      X509_STORE_add_cert(SSL_CTX_get_cert_store(made.get()), authority().native());
      SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
      return made;
    }();
    static const Handle<SSL_CTX, SSL_CTX_free> server = [] {
      Handle<SSL_CTX, SSL_CTX_free> made(SSL_CTX_new(TLS_server_method()));
      SSL_CTX_use_certificate(made.get(), localhost().native());
      SSL_CTX_use_PrivateKey(made.get(), localhost().nativeKey());
      return made;
    }();
    return role == Role::client ? client.get() : server.get();
  }

  // The library writes whole records, as long as none of them was refused in part.
  static std::string_view firstRecord(std::string_view bytes) {
    const auto byte = [bytes](std::size_t i) {
      return std::size_t(static_cast<unsigned char>(bytes[i]));
    };
    const std::size_t size = bytes.size() < 5 ? bytes.size() + 1 : 5 + (byte(3) << 8) + byte(4);
    if (size > bytes.size()) throw std::logic_error("TlsPeer: this is no record");
    return bytes.substr(0, size);
  }

  bool shaken() const { return SSL_is_init_finished(ssl_.get()) != 0; }

  /// Shakes hands, then decrypts, as far as what has come goes.
  void goOn() {
    ERR_clear_error();
    int result = shaken() ? 1 : SSL_do_handshake(ssl_.get());
    while (result == 1) {
      std::array<char, 16 * 1024> piece;
      std::size_t count = 0;
      result = SSL_read_ex(ssl_.get(), piece.data(), piece.size(), &count);
      plain_.append(piece.data(), count);
    }
    const int why = SSL_get_error(ssl_.get(), result);
    if (why == SSL_ERROR_ZERO_RETURN) {
      closesPolitely_ = true;
    } else if (why != SSL_ERROR_WANT_READ) {
      std::array<char, 256> text{};
      ERR_error_string_n(ERR_get_error(), text.data(), text.size());
      throw std::logic_error(std::string("TlsPeer: ") + text.data());
    }
  }

  /// A record counts as taken once the test has all that was in it.
  std::size_t handOn(error_code& ec) {
    std::size_t left = 0;
    if (plain_.size() != handed_) {
      const asio::const_buffer rest(plain_.data() + handed_, plain_.size() - handed_);
      left = below_->tryWrite({&rest, 1}, ec);
      handed_ += left;
    }
    if (plain_.size() == handed_) {
      plain_.clear();
      handed_ = 0;
    }
    std::size_t taken = 0;
    while (!records_.empty() && !ec) {
      Record& record = records_.front();
      const std::size_t some = std::min(left, record.plain);
      record.plain -= some;
      left -= some;
      if (record.plain != 0) break;
      taken += record.size;
      records_.pop_front();
    }
    known_ -= taken;
    return taken;
  }

  asio::mutable_buffer roomFor(asio::mutable_buffer target) {
    return {piece_.data(), std::min(piece_.size(), target.size())};
  }

  void readBelow() {
    if (!shaken() || reading_) return;
    reading_ = true;
    below_->read(roomFor(target_));
  }

  /// Encrypts what the test has sent.
  void take(const error_code& ec, std::size_t count) {
    if (count != 0 && SSL_write(ssl_.get(), piece_.data(), static_cast<int>(count)) <= 0) {
      throw std::logic_error("TlsPeer: what the test sends cannot be encrypted");
    }
    if (ec == asio::error::eof) SSL_shutdown(ssl_.get());
    if (ec) inputEnd_ = ec;
  }

  std::size_t takeOut(asio::mutable_buffer to) {
    const int count = BIO_read(out_, to.data(), static_cast<int>(to.size()));
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }

  void answerLater() {
    asio::post(below_->executor(),
               [self = boost::intrusive_ptr<TlsPeer>(this)] { self->answer(); });
  }

  void answer() {
    if (!reader_ || reading_) return;
    const std::size_t count = takeOut(target_);
    if (count == 0 && !inputEnd_ && target_.size() != 0) {
      readBelow();
      return;
    }
    const Owner owner = std::move(reader_);
    if (owner_ != nullptr) owner->onRead(count == 0 ? inputEnd_ : error_code(), count);
  }

  // Of those that wait for nothing below, too; in a loop that ends as well.
  void endWaits() {
    asio::post(below_->executor(), [self = boost::intrusive_ptr<TlsPeer>(this),
                                    reader = std::move(reader_), writer = std::move(writer_)] {
      const error_code ended = asio::error::operation_aborted;
      if (self->owner_ != nullptr && reader) reader->onRead(ended, 0);
      if (self->owner_ != nullptr && writer) writer->onWritable(ended);
    });
  }

  boost::intrusive_ptr<MemoryTransport> below_;
  boost::intrusive_ptr<BelowOwner> belowOwner_;
  Handle<SSL, SSL_free> ssl_;
  BIO* in_;
  BIO* out_;
  std::array<char, 16 * 1024> piece_;
  Owner reader_;
  Owner writer_;
  asio::mutable_buffer target_;
  error_code inputEnd_;
  std::string plain_;
  std::size_t handed_ = 0;
  std::deque<Record> records_;
  // So many bytes of the next offer have been decrypted already.
  std::size_t known_ = 0;
  bool reading_ = false;
  bool closesPolitely_ = false;
};

}  // namespace sluice::test
