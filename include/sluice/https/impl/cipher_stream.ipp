// SPDX-License-Identifier: BSL-1.0
//
// Definitions of cipher_stream.hpp.
#pragma once

#include <openssl/bio.h>
#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/system/errc.hpp>
#include <chrono>
#include <cstring>
#include <new>
#include <sluice/detail/reserve.hpp>
#include <sluice/https/detail/cipher_stream.hpp>
#include <sluice/https/detail/openssl.hpp>
#include <utility>

namespace sluice::https::detail {

// How long the last encrypted bytes of a closed connection may wait for a peer that does not read.
inline constexpr std::chrono::milliseconds closeNotifyTime{2000};

SLUICE_DECL CipherStream::CipherStream(std::shared_ptr<net::detail::Loop> loop,
                                       boost::intrusive_ptr<net::detail::Transport> below,
                                       User& user)
    : LoopMember(*loop),
      loop_(std::move(loop)),
      below_(std::move(below)),
      user_(&user),
      patience_([](void* self) { static_cast<CipherStream*>(self)->closeNow(); }, this) {
  below_->attach(this);
}

SLUICE_DECL CipherStream::~CipherStream() {
  below_->attach(nullptr);
  below_->close();
}

SLUICE_DECL bio_st* CipherStream::makeBio() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice");
    ensure(made != nullptr);
    BIO_meth_set_write_ex(made, [](BIO* bio, const char* data, std::size_t count, std::size_t* n) {
      static_cast<CipherStream*>(BIO_get_data(bio))->append({data, count});
      *n = count;
      return 1;
    });
    BIO_meth_set_read_ex(made, [](BIO* bio, char* data, std::size_t count, std::size_t* n) {
      BIO_clear_retry_flags(bio);
      *n = static_cast<CipherStream*>(BIO_get_data(bio))->take(data, count);
      if (*n == 0) BIO_set_retry_read(bio);
      return *n == 0 ? 0 : 1;
    });
    BIO_meth_set_ctrl(
        made, [](BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1L : 0L; });
    return made;
  }();
  BIO* bio = BIO_new(method);
  ensure(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  return bio;
}

SLUICE_DECL void CipherStream::append(std::string_view bytes) {
  if (outputError_) return;
  try {
    output_.append(bytes);
  } catch (const std::bad_alloc&) {
    breakWithoutMemory();
  }
}

// What is lost is the middle of something: both directions are over.
SLUICE_DECL void CipherStream::breakWithoutMemory() {
  inputEnd_ = outputError_ = make_error_code(boost::system::errc::not_enough_memory);
}

SLUICE_DECL std::size_t CipherStream::take(char* to, std::size_t count) {
  const std::size_t taken = std::min(count, end_ - begin_);
  if (taken != 0) std::memcpy(to, input_.get() + begin_, taken);
  begin_ += taken;
  return taken;
}

SLUICE_DECL void CipherStream::prepend(std::string_view bytes) {
  capacity_ = std::max(largeInput, bytes.size());
  input_ = std::make_unique_for_overwrite<char[]>(capacity_);
  std::copy(bytes.begin(), bytes.end(), input_.get());
  begin_ = 0;
  end_ = bytes.size();
}

SLUICE_DECL bool CipherStream::prepareInput() {
  const std::size_t wanted = filled_ ? largeInput : smallInput;
  if (capacity_ != wanted) {
    std::unique_ptr<char[]> made;
    if (sluice::detail::Reserve::holds()) made.reset(new (std::nothrow) char[wanted]);
    if (made == nullptr) {
      breakWithoutMemory();
      return false;
    }
    input_ = std::move(made);
    capacity_ = wanted;
  }
  begin_ = end_ = 0;
  return true;
}

SLUICE_DECL void CipherStream::read() {
  if (reading_ || hasInput() || inputEnd_ || !prepareInput()) return;
  reading_ = true;
  below_->read({input_.get(), capacity_});
}

SLUICE_DECL bool CipherStream::readWithoutBuffer() {
  if (hasInput() || inputEnd_ || unsent() != 0 || !below_->readWithoutBuffer()) return false;
  input_ = nullptr;
  capacity_ = begin_ = end_ = 0;
  output_.release();
  if (!reading_) {
    reading_ = true;
    below_->read({});
  }
  return true;
}

SLUICE_DECL void CipherStream::tryRead() {
  if (hasInput() || inputEnd_) return;
  // The read that is under way has the buffer.
  if (reading_ && !below_->readWithoutBuffer()) return;
  if (!prepareInput()) return;
  error_code ec;
  const std::size_t count = below_->tryRead({input_.get(), capacity_}, ec);
  if (count != 0 || ec) took(ec, count);
}

SLUICE_DECL void CipherStream::took(const error_code& ec, std::size_t count) {
  // A read that has given its buffer up brings nothing, and may find something there.
  if (count != 0) {
    begin_ = 0;
    end_ = count;
  }
  filled_ = count != 0 && count == capacity_;
  if (ec) inputEnd_ = ec;
}

SLUICE_DECL void CipherStream::onRead(const error_code& ec, std::size_t count) {
  reading_ = false;
  took(ec, count);
  if (user_ != nullptr) user_->onCipherInput();
}

SLUICE_DECL void CipherStream::flush() {
  if (waiting_) return;
  while (unsent() != 0 && !outputError_) {
    const asio::const_buffer rest(output_.data() + sent_, unsent());
    const std::size_t count = below_->tryWrite({&rest, 1}, outputError_);
    if (outputError_) break;
    sent_ += count;
    if (count < rest.size()) {
      waiting_ = true;
      below_->waitWritable();
      return;
    }
  }
  // All has left, or nothing will any more.
  sent_ = 0;
  output_.clear();
  if (output_.capacity() > keptOutput) output_.release();
}

SLUICE_DECL void CipherStream::onWritable(const error_code& ec) {
  const boost::intrusive_ptr<CipherStream> alive(this);
  waiting_ = false;
  if (ec == asio::error::operation_aborted) return;
  if (ec) outputError_ = ec;
  flush();
  if (waiting_) return;
  if (user_ != nullptr) {
    user_->onCipherSent();
  } else if (closing_) {
    closeNow();
  }
}

SLUICE_DECL void CipherStream::close() {
  user_ = nullptr;
  if (waiting_ && !loop_->stopped() && below_->isOpen()) {
    closing_ = true;
    loop_->startTimer(patience_, closeNotifyTime);
  } else {
    closeNow();
  }
}

SLUICE_DECL void CipherStream::closeNow() {
  const boost::intrusive_ptr<CipherStream> alive(this);
  user_ = nullptr;
  closing_ = false;
  patience_.stop();
  below_->close();
}

}  // namespace sluice::https::detail
