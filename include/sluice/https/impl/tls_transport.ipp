// SPDX-License-Identifier: BSL-1.0
//
// Definitions of tls_transport.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/system/errc.hpp>
#include <cstring>
#include <new>
#include <sluice/detail/post.hpp>
#include <sluice/detail/reserve.hpp>
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
      cipher_(new CipherStream(loop_, std::move(below), *this)),
      session_(*loop_, std::move(policy)),
      patience_(
          [](void* self) {
            static_cast<TlsTransport*>(self)->fail(
                http::Error(make_error_code(http::errc::ERR_TLS_HANDSHAKE_TIMEOUT)));
          },
          this) {
  if (!early.empty()) cipher_->prepend(early);
  BIO* bio = cipher_->makeBio();
  SSL_set_bio(session_.native(), bio, bio);
}

SLUICE_DECL TlsTransport::~TlsTransport() {
  if (state_ != State::closed) cipher_->closeNow();
}

SLUICE_DECL void TlsTransport::startHandshake(HandshakeHandler handler) {
  handshake_ = std::move(handler);
  handshake_.onCancel(
      [this](asio::cancellation_type) { fail(http::Error(asio::error::operation_aborted)); });
  loop_->startTimer(patience_, session_.policy().handshakeTimeout);
  continueHandshake();
}

SLUICE_DECL void TlsTransport::continueHandshake() {
  // A listener of "keylog" may destroy all that has this.
  const boost::intrusive_ptr<TlsTransport> alive(this);
  // OpenSSL takes as much in these as a connection takes elsewhere.
  if (!sluice::detail::Reserve::holds()) {
    fail(http::Error(make_error_code(boost::system::errc::not_enough_memory)));
    return;
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.native());
  cipher_->flush();
  tellKeylog();
  if (state_ != State::shaking) return;
  if (result == 1) {
    opened();
    return;
  }
  if (SSL_get_error(session_.native(), result) != SSL_ERROR_WANT_READ) {
    fail(session_.errorOf(result));
    return;
  }
  cipher_->read();
  if (const error_code& end = cipher_->inputEnd()) {
    if (end != asio::error::eof) {
      fail(http::Error(end));
      return;
    }
    fail(http::Error(make_error_code(boost::system::errc::connection_reset),
                     session_.policy().server
                         ? "socket hang up"
                         : "Client network socket disconnected before secure TLS "
                           "connection was established"));
  }
}

SLUICE_DECL void TlsTransport::tellKeylog() {
  for (const std::string& line : session_.takeKeylog()) {
    if (state_ == State::closed) return;
    onKeylog(line);
  }
}

SLUICE_DECL void TlsTransport::opened() {
  if (const auto wrong = session_.wrongPeer()) {
    fail(*wrong);
    return;
  }
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
    continueHandshake();
  } else if (state_ == State::open) {
    goOnReading();
  }
}

SLUICE_DECL void TlsTransport::read(asio::mutable_buffer buffer) {
  reader_ = owner_;
  target_ = buffer;
  if (state_ == State::shaking) return;
  if (holdsInput() || state_ != State::open || cipher_->unsent() > mostUnsent) {
    readLater();
    return;
  }
  cipher_->read();
  if (cipher_->inputEnd()) readLater();
}

// A part of a record counts as well.
SLUICE_DECL bool TlsTransport::holdsInput() const {
  return cipher_->hasInput() || cipher_->inputEnd() || inputEnd_ ||
         SSL_has_pending(session_.native()) != 0;
}

SLUICE_DECL bool TlsTransport::readWithoutBuffer() {
  if (state_ != State::open || holdsInput() || !cipher_->readWithoutBuffer()) return false;
  target_ = {};
  return true;
}

SLUICE_DECL void TlsTransport::readLater() {
  sluice::detail::post(loop_->executor(),
                       [self = boost::intrusive_ptr<TlsTransport>(this)] { self->goOnReading(); });
}

SLUICE_DECL void TlsTransport::goOnReading() {
  if (!reader_ || state_ == State::shaking || state_ == State::closed) return;
  error_code ec;
  const std::size_t count = decrypt(target_, ec);
  // An owner without a buffer has to look: what came may be only a part of a record, or a new key.
  const bool tells = target_.size() == 0 && !cipher_->reading();
  if (count == 0 && !ec && !tells) {
    // If the peer does not take our answers, onCipherSent() comes back here.
    if (cipher_->unsent() <= mostUnsent) {
      cipher_->read();
      if (cipher_->inputEnd()) goOnReading();
    }
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
    const int result = SSL_read_ex(session_.native(), static_cast<char*>(buffer.data()) + total,
                                   buffer.size() - total, &count);
    total += count;
    if (result == 1) continue;
    const int why = SSL_get_error(session_.native(), result);
    if (why == SSL_ERROR_ZERO_RETURN) {
      inputEnd_ = asio::error::eof;
    } else if (why != SSL_ERROR_WANT_READ) {
      fail(session_.errorOf(result));
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
    const int result = SSL_write_ex(session_.native(), record.data(), record.size(), &count);
    if (result != 1) {
      ec = session_.errorOf(result).code();
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
  SSL_shutdown(session_.native());
  cipher_->flush();
}

SLUICE_DECL void TlsTransport::finishWriting() {
  if (cipher_->unsent() != 0) return;
  error_code ignored;
  below().shutdownWrite(ignored);
}

SLUICE_DECL void TlsTransport::closePolitely() {
  if (state_ != State::open) return;
  closesPolitely_ = true;
  if (!endSaid_) sayEnd();
}

// --- The end ---------------------------------------------------------------------------------

SLUICE_DECL void TlsTransport::close() {
  if (state_ == State::closed) return;
  const boost::intrusive_ptr<TlsTransport> alive(this);
  state_ = State::closed;
  patience_.stop();
  if (closesPolitely_) {
    cipher_->close();
  } else {
    cipher_->closeNow();
  }
  endHandshake(asio::error::operation_aborted);
  try {
    cancelRead();
    if (!writer_) return;
    sluice::detail::post(loop_->executor(), [alive, owner = std::move(writer_)] {
      if (alive->owner_ != nullptr) owner->onWritable(asio::error::operation_aborted);
    });
  } catch (const std::bad_alloc&) {
    // Who has closed it waits for nothing that it cannot do without.
  }
}

SLUICE_DECL void TlsTransport::reset() {
  if (state_ == State::closed) return;
  below().reset();
  closesPolitely_ = false;
  close();
}

}  // namespace sluice::https::detail
