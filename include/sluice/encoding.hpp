// SPDX-License-Identifier: BSL-1.0
//
// Text to bytes and bytes to text in the encodings that Node's Buffer knows. Text is UTF-8 on this
// side; what Node does with the UTF-16 of its strings happens here as if text were such a string.
#pragma once

#include <sluice/config.hpp>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace sluice {

/// How bytes are written as text. The names are Node's; toBytes() and toText() say what each means.
enum class Encoding { utf8, latin1, ascii, base64, base64url, hex, utf16le };

/// The bytes that a text stands for. Node: Buffer.from(text, encoding).
///
/// utf8               the text as it is, also if it is malformed; callers need not ask
/// latin1, ascii      the low byte of each UTF-16 code unit
/// utf16le            the code units, low byte first
/// hex                up to the first pair that is not hexadecimal; an odd digit is dropped
/// base64, base64url  both alphabets are read; other characters are skipped, "=" ends the text
///
/// Malformed UTF-8 is read as U+FFFD. In hex and base64 too a code unit counts by its low byte.
std::string toBytes(std::string_view text, Encoding encoding);

/// The text that bytes stand for, always well-formed UTF-8. Node: buffer.toString(encoding).
///
/// utf8               each malformed sequence becomes U+FFFD as the WHATWG Encoding standard says
/// latin1             each byte is a code point
/// ascii              the same without the highest bit
/// utf16le            lone surrogates become U+FFFD, an odd byte at the end is dropped
/// hex                lower-case digits
/// base64, base64url  with the padding and without
std::string toText(std::string_view bytes, Encoding encoding);

namespace detail {

/// RFC 3629: no overlong forms, no surrogates.
bool isUtf8(std::string_view bytes);

}  // namespace detail

/// Decodes bytes that arrive in pieces. What it gives in all is what toText() gives for the whole,
/// however the bytes were cut; no piece ends inside a character. Node: string_decoder.
///
/// Differs from Node, in where the pieces end and not in what they give together: surrogate pairs
/// are never halved, and of malformed UTF-8 only what can still become a character is held back.
class StringDecoder {
 public:
  explicit StringDecoder(Encoding encoding = Encoding::utf8) : encoding_(encoding) {}

  /// The text of all bytes that can be decoded by now. At most 3 bytes are held back.
  ///
  /// The result is valid until the next call, and not longer than `bytes`: well-formed UTF-8 is not
  /// copied.
  std::string_view write(std::string_view bytes);

  /// The text of the bytes held back. Then the decoder is as new.
  std::string_view end();

 private:
  std::string_view held() const { return {held_.data(), heldSize_}; }

  Encoding encoding_;
  // Bytes of a character, or a base64 group, whose other bytes did not arrive yet. write() adds one
  // byte before it looks whether that completes it.
  std::array<char, 4> held_{};
  std::size_t heldSize_ = 0;
  std::string text_;
};

}  // namespace sluice

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/detail/definitions/base.hpp>
#endif
