// SPDX-License-Identifier: BSL-1.0
//
// A workaround for Beast before Boost 1.90: it feeds 00 00 ff ff, which ends a compressed message
// (RFC 7692 7.2.2), once more whenever its output buffer is full while the inflater still has
// output (beast#3028), and then takes a valid message for a damaged one. Pure: bytes in, bytes out.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::web::detail {

/// Rewrites the frames that a peer sends, once permessage-deflate was agreed on: the last frame of
/// each compressed message gets five more bytes of payload.
///
/// Four of them end the message. The fifth begins an empty block, whose lengths are Beast's own
/// 00 00 ff ff. So all output is written before the payload is consumed, and Beast feeds its bytes
/// once. All other frames pass unchanged, those that Beast refuses too.
class DeflateTail {
 public:
  /// Appends to `out` what Beast is to read in place of `bytes`, the next ones from the peer.
  void translate(std::string_view bytes, std::string& out) {
    while (!bytes.empty()) {
      bytes.remove_prefix(state_ == State::header ? takeHeader(bytes, out)
                                                  : takePayload(bytes, out));
    }
  }

 private:
  // header: it is held until it is complete, as its length may change; payload: passes.
  //
  //   header ◄──► payload
  enum class State : std::uint8_t { header, payload };

  static constexpr std::string_view tail{"\x00\x00\xff\xff\x00", 5};

  unsigned headerByte(std::size_t at) const { return static_cast<unsigned char>(header_[at]); }
  bool masked() const { return (headerByte(1) & 0x80) != 0; }
  std::size_t lengthBytes() const {
    const unsigned length = headerByte(1) & 0x7f;
    return length == 126 ? 2 : length == 127 ? 8 : 0;
  }
  std::size_t headerSize() const {
    return held_ < 2 ? 2 : 2 + lengthBytes() + (masked() ? key_.size() : 0);
  }

  std::size_t takeHeader(std::string_view bytes, std::string& out) {
    header_[held_++] = bytes.front();
    if (held_ == headerSize()) endHeader(out);
    return 1;
  }

  void endHeader(std::string& out) {
    left_ = headerByte(1) & 0x7f;
    if (lengthBytes() != 0) left_ = 0;
    for (std::size_t i = 0; i < lengthBytes(); ++i) left_ = left_ << 8 | headerByte(2 + i);
    std::copy_n(header_.begin() + 2 + static_cast<std::ptrdiff_t>(lengthBytes()), key_.size(),
                key_.begin());
    tailed_ = endsCompressed();
    keyOffset_ = static_cast<std::size_t>(left_ % key_.size());
    if (tailed_) {
      appendRaised(out);
    } else {
      out.append(header_.data(), held_);
    }
    held_ = 0;
    state_ = State::payload;
    if (left_ == 0) endPayload(out);
  }

  /// Whether this frame is the last one of a compressed message, as far as Beast takes it.
  bool endsCompressed() {
    const unsigned opcode = headerByte(0) & 0x0f;
    // Control frames may come between the fragments of a message. RFC 6455 5.4.
    if (opcode > 2) return false;
    if (opcode != 0) {
      // RFC 7692 6.1: the first frame says whether the message is compressed.
      compressed_ = (headerByte(0) & 0x40) != 0;
      empty_ = true;
    }
    if (left_ != 0) empty_ = false;
    // Without any payload there is no block that the tail could end. RFC 7692 7.2.3.6.
    return (headerByte(0) & 0x80) != 0 && compressed_ && !empty_ && lengthIsRight();
  }

  /// RFC 6455 5.2: the shortest form, and the highest bit is 0.
  bool lengthIsRight() const {
    if (lengthBytes() == 8) return left_ > 0xffff && left_ >> 63 == 0;
    return lengthBytes() == 0 || left_ > 125;
  }

  /// The header for a payload with the tail.
  void appendRaised(std::string& out) const {
    const std::uint64_t length = left_ + tail.size();
    const std::size_t size = length > 0xffff ? 8 : length > 125 ? 2 : 0;
    const std::uint64_t shown = size == 8 ? 127 : size == 2 ? 126 : length;
    out += header_[0];
    out += static_cast<char>(shown | (masked() ? 0x80 : 0));
    for (std::size_t i = size; i-- > 0;) out += static_cast<char>((length >> (8 * i)) & 0xff);
    if (masked()) out.append(key_.data(), key_.size());
  }

  std::size_t takePayload(std::string_view bytes, std::string& out) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    out += bytes.substr(0, count);
    left_ -= count;
    if (left_ == 0) endPayload(out);
    return count;
  }

  void endPayload(std::string& out) {
    for (std::size_t i = 0; tailed_ && i < tail.size(); ++i) {
      const char key = masked() ? key_[(keyOffset_ + i) % key_.size()] : '\0';
      out += static_cast<char>(tail[i] ^ key);
    }
    state_ = State::header;
  }

  std::uint64_t left_ = 0;  // of the payload
  std::size_t held_ = 0;    // bytes of the header
  std::size_t keyOffset_ = 0;
  // RFC 6455 5.2: a header has 14 bytes at most. Room for a key is there without a mask too.
  std::array<char, 14> header_{};
  std::array<char, 4> key_{};
  State state_ = State::header;
  bool compressed_ = false;  // the message
  bool empty_ = true;        // the message, up to now
  bool tailed_ = false;      // the frame
};

}  // namespace sluice::web::detail
