// SPDX-License-Identifier: BSL-1.0
//
// The encrypted bytes of a connection on their way between OpenSSL and the transport below: what
// was read and not decrypted yet, what was encrypted and not sent yet. It does not know what they
// mean.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <memory>
#include <sluice/net/detail/byte_buffer.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/transport.hpp>
#include <string_view>

struct bio_st;

namespace sluice::https::detail {

class CipherStream final : public net::detail::TransportOwner, private net::detail::LoopMember {
 public:
  /// Called with a fresh stack.
  class User {
   public:
    /// There is input, or an end of it.
    virtual void onCipherInput() = 0;
    /// What was encrypted has left, or cannot.
    virtual void onCipherSent() = 0;

   protected:
    ~User() = default;
  };

  CipherStream(std::shared_ptr<net::detail::Loop> loop,
               boost::intrusive_ptr<net::detail::Transport> below, User& user);
  SLUICE_DECL ~CipherStream() override;

  /// OpenSSL's way to the bytes. It never blocks on writing; who encrypts asks unsent() before.
  bio_st* makeBio();

  net::detail::Transport& below() const { return *below_; }

  /// Bytes that were read before there was TLS.
  void prepend(std::string_view bytes);
  bool hasInput() const { return begin_ != end_; }
  /// How the input ended: no more will come. Empty if it goes on.
  const error_code& inputEnd() const { return inputEnd_; }
  bool reading() const { return reading_; }
  /// Reads more, if that is not under way. Without memory for it the input has ended, which nobody
  /// is told.
  void read();
  /// The same, and until there is something it holds no memory: onCipherInput() comes before
  /// anything is read. false: not below, or bytes are on their way already.
  bool readWithoutBuffer();
  /// The same, but only what is there.
  void tryRead();

  std::size_t unsent() const { return output_.size() - sent_; }
  /// Hands on what the transport takes; onCipherSent() comes if that was not all.
  void flush();
  /// Why nothing can be sent any more.
  const error_code& outputError() const { return outputError_; }

  /// The user goes: no call any more. What waits still leaves, for a while.
  void close();
  void closeNow();

 private:
  // Small while it waits, since most connections do; large once a read has filled it.
  static constexpr std::size_t smallInput = 4096;
  static constexpr std::size_t largeInput = 33 * 1024;
  // So much memory is kept for output between two writes.
  static constexpr std::size_t keptOutput = 8 * 1024;

  SLUICE_DECL void onRead(const error_code&, std::size_t count) override;
  SLUICE_DECL void onWritable(const error_code&) override;
  void onLoopEnd() override { closeNow(); }
  bool prepareInput();
  void breakWithoutMemory();
  void took(const error_code& ec, std::size_t count);
  void append(std::string_view bytes);
  std::size_t take(char* to, std::size_t count);

  std::shared_ptr<net::detail::Loop> loop_;
  boost::intrusive_ptr<net::detail::Transport> below_;
  User* user_;
  std::unique_ptr<char[]> input_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  error_code inputEnd_;
  net::detail::ByteBuffer output_;
  std::size_t sent_ = 0;
  error_code outputError_;
  net::detail::TimerEntry patience_;
  bool filled_ = false;
  bool reading_ = false;
  bool waiting_ = false;
  bool closing_ = false;
};

}  // namespace sluice::https::detail
