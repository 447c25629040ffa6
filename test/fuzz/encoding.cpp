// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes the encodings of text: what is given is well-formed UTF-8, pieces give what the whole
// gives, and bytes come back where an encoding can tell them all apart. The first byte chooses the
// encoding and the pieces.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sluice/encoding.hpp>
#include <string>
#include <string_view>

using sluice::Encoding;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// A second opinion, by arithmetic and not by table.
bool isWellFormed(std::string_view text) {
  while (!text.empty()) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const std::size_t length = byte(0) < 0x80           ? 1
                               : (byte(0) >> 5) == 0x06 ? 2
                               : (byte(0) >> 4) == 0x0E ? 3
                               : (byte(0) >> 3) == 0x1E ? 4
                                                        : 0;
    if (length == 0 || length > text.size()) return false;
    std::uint32_t codePoint = length == 1 ? byte(0) : byte(0) & (0x7FU >> length);
    for (std::size_t at = 1; at < length; ++at) {
      if ((byte(at) & 0xC0) != 0x80) return false;
      codePoint = codePoint << 6 | (byte(at) & 0x3FU);
    }
    constexpr std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (codePoint < least[length - 1] || codePoint > 0x10FFFF) return false;
    if (codePoint >= 0xD800 && codePoint < 0xE000) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string inPieces(std::string_view bytes, Encoding encoding, std::size_t step) {
  sluice::StringDecoder decoder(encoding);
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const std::string_view piece = decoder.write(bytes.substr(at, step));
    require(isWellFormed(piece));
    text += piece;
  }
  text += decoder.end();
  require(decoder.end().empty());
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr Encoding all[] = {Encoding::utf8,   Encoding::latin1,    Encoding::ascii,
                              Encoding::base64, Encoding::base64url, Encoding::hex,
                              Encoding::utf16le};
  const Encoding encoding = all[data[0] % 7];
  const std::size_t step = 1 + data[0] / 7;

  require(sluice::detail::isUtf8(input) == isWellFormed(input));
  const std::string text = sluice::toText(input, encoding);
  require(isWellFormed(text));
  require(inPieces(input, encoding, step) == text);
  require(inPieces(input, encoding, 1) == text);

  // The text of these bytes stands for these bytes.
  const std::string back = sluice::toBytes(text, encoding);
  const bool tellsAllApart = encoding == Encoding::latin1 || encoding == Encoding::base64 ||
                             encoding == Encoding::base64url || encoding == Encoding::hex;
  if (tellsAllApart) require(back == input);
  require(sluice::toText(back, encoding) == text);

  // What a user writes may be anything.
  const std::string bytes = sluice::toBytes(input, encoding);
  require(bytes.size() <= input.size() * (encoding == Encoding::utf16le ? 2 : 1));
  return 0;
}
