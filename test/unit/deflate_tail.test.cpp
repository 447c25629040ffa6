// SPDX-License-Identifier: BSL-1.0
//
// Frames with and without the bytes that end a compressed message, in pieces of any size.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <sluice/web/websocket/detail/deflate_tail.hpp>
#include <string>
#include <string_view>
#include "support/catch.hpp"

using sluice::web::detail::DeflateTail;

namespace {

constexpr std::string_view tail{"\x00\x00\xff\xff\x00", 5};

// The first byte of a frame. RFC 6455 5.2, RFC 7692 6.
constexpr unsigned last = 0x80;
constexpr unsigned compressed = 0x40;
constexpr unsigned continuation = 0;
constexpr unsigned text = 1;
constexpr unsigned binary = 2;
constexpr unsigned closing = 8;
constexpr unsigned ping = 9;

std::string bigEndian(std::uint64_t number, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = size; i-- > 0; number >>= 8) bytes[i] = static_cast<char>(number);
  return bytes;
}

/// A frame whose length has `lengthBytes` after the second byte.
std::string frame(unsigned first, std::string payload, bool masked, std::size_t lengthBytes) {
  constexpr std::string_view key = "\x12\xf4\x56\x78";
  const std::uint64_t shown = lengthBytes == 0 ? payload.size() : lengthBytes == 2 ? 126 : 127;
  std::string bytes{static_cast<char>(first), static_cast<char>(shown | (masked ? 0x80 : 0))};
  bytes += bigEndian(payload.size(), lengthBytes);
  if (masked) bytes += key;
  for (std::size_t i = 0; masked && i < payload.size(); ++i) {
    payload[i] = static_cast<char>(payload[i] ^ key[i % key.size()]);
  }
  return bytes + payload;
}

std::string frame(unsigned first, const std::string& payload, bool masked) {
  const std::size_t size = payload.size();
  return frame(first, payload, masked, size > 65535 ? 8 : size > 125 ? 2 : 0);
}

/// What comes out if each piece has `size` bytes.
std::string translated(std::string_view bytes, std::size_t size) {
  DeflateTail translation;
  std::string out;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
    translation.translate(bytes.substr(0, size), out);
  }
  return out;
}

/// What comes out, if it is the same however the bytes come.
std::string translated(std::string_view bytes) {
  const std::string whole = translated(bytes, bytes.size());
  for (std::size_t size = 1; size < std::min<std::size_t>(bytes.size(), 300); ++size) {
    if (translated(bytes, size) != whole) return "other bytes in pieces of " + std::to_string(size);
  }
  return whole;
}

std::string letters(std::size_t size) {
  std::string all(size, '\0');
  for (std::size_t i = 0; i < size; ++i) all[i] = static_cast<char>('a' + i % 26);
  return all;
}

}  // namespace

TEST_CASE("DeflateTail: a compressed message gets its tail, at every form of the length",
          "[DeflateTail]") {
  const bool masked = GENERATE(false, true);
  const auto check = [masked](std::size_t size) {
    INFO(size << " bytes");
    const std::string payload = letters(size);
    for (const unsigned opcode : {text, binary}) {
      const unsigned first = last | compressed | opcode;
      const std::string got = translated(frame(first, payload, masked), 1 + size / 3);
      CHECK((got == frame(first, payload + std::string(tail), masked)));
    }
  };
  for (std::size_t size = 1; size <= 140; ++size) check(size);
  for (std::size_t size = 65'520; size <= 65'550; ++size) check(size);
  check(200'000);
}

TEST_CASE("DeflateTail: frames that come byte by byte", "[DeflateTail]") {
  const bool masked = GENERATE(false, true);
  for (const std::size_t size : {1U, 2U, 120U, 121U, 125U, 126U, 300U, 65'531U, 65'536U}) {
    INFO(size << " bytes");
    const std::string payload = letters(size);
    const std::string two = frame(last | compressed | text, payload, masked) +
                            frame(last | compressed | binary, "next", masked);
    const std::string withTails =
        frame(last | compressed | text, payload + std::string(tail), masked) +
        frame(last | compressed | binary, "next" + std::string(tail), masked);
    CHECK((translated(two, 1) == withTails));
    CHECK((translated(two, two.size()) == withTails));
    for (std::size_t at = 1; at < std::min<std::size_t>(two.size(), 20); ++at) {
      DeflateTail translation;
      std::string out;
      translation.translate(std::string_view(two).substr(0, at), out);
      translation.translate(std::string_view(two).substr(at), out);
      CHECK((out == withTails));
    }
  }
}

TEST_CASE("DeflateTail: what is not the end of a compressed message passes", "[DeflateTail]") {
  const bool masked = GENERATE(false, true);
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U}) {
    INFO(size << " bytes");
    const std::string payload = letters(size);
    for (const unsigned first :
         {last | text, last | binary, compressed | text, last | continuation, last | ping,
          last | closing, last | compressed | ping, last | compressed | 3}) {
      INFO("first byte " << first);
      const std::string bytes = frame(first, payload, masked) + frame(last | text, "x", masked);
      CHECK((translated(bytes, 1) == bytes));
      CHECK((translated(bytes, bytes.size()) == bytes));
    }
  }
}

TEST_CASE("DeflateTail: of a message in fragments the last one gets the tail", "[DeflateTail]") {
  const bool masked = GENERATE(false, true);
  const auto one = [masked](unsigned first, std::string_view payload, bool tailed = false) {
    return frame(first, std::string(payload) + std::string(tailed ? tail : ""), masked);
  };
  const auto message = [&one](bool tailed) {
    return one(compressed | text, "one") + one(last | ping, "") + one(continuation, "two") +
           one(continuation, "") + one(last | ping, "between") +
           one(last | continuation, "three", tailed) + one(last | ping, "after");
  };
  const auto emptyEnd = [&one](bool tailed) {
    return one(compressed | binary, "all") + one(last | continuation, "", tailed);
  };
  const auto emptyBegin = [&one](bool tailed) {
    return one(compressed | binary, "") + one(continuation, "") +
           one(last | continuation, "x", tailed);
  };
  const std::string plain =
      one(text, "not") + one(last | ping, "") + one(last | continuation, "compressed");
  CHECK(translated(message(false)) == message(true));
  CHECK(translated(emptyEnd(false)) == emptyEnd(true));
  CHECK(translated(emptyBegin(false)) == emptyBegin(true));
  CHECK(translated(plain) == plain);
  CHECK(translated(message(false) + plain + emptyEnd(false) + plain + emptyBegin(false)) ==
        message(true) + plain + emptyEnd(true) + plain + emptyBegin(true));
}

TEST_CASE("DeflateTail: a message without any payload has no block to end", "[DeflateTail]") {
  const bool masked = GENERATE(false, true);
  const std::string next = frame(last | compressed | text, "x", masked);
  const std::string nextTailed = frame(last | compressed | text, "x" + std::string(tail), masked);
  for (const std::string& empty :
       {frame(last | compressed | text, "", masked),
        frame(compressed | text, "", masked) + frame(last | continuation, "", masked)}) {
    CHECK(translated(empty + next) == empty + nextTailed);
    CHECK(translated(next + empty) == nextTailed + empty);
  }
}

TEST_CASE("DeflateTail: a length that is refused passes unchanged", "[DeflateTail]") {
  const bool masked = GENERATE(false, true);
  const unsigned first = last | compressed | text;
  const auto longer = [&](std::size_t size, std::size_t lengthBytes) {
    INFO(size << " bytes in " << lengthBytes);
    const std::string bytes = frame(first, letters(size), masked, lengthBytes);
    CHECK((translated(bytes, 1) == bytes));
    CHECK((translated(bytes, bytes.size()) == bytes));
  };
  for (const std::size_t size : {0U, 1U, 121U, 125U}) longer(size, 2);
  for (const std::size_t size : {0U, 125U, 126U, 65'531U, 65'535U}) longer(size, 8);
  // Of a payload like this the end is never seen.
  const std::string begin{static_cast<char>(first), static_cast<char>(masked ? 0xff : 0x7f)};
  const std::string rest = "key.and the first bytes";
  for (const std::uint64_t length : {std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    const std::string highest = begin + bigEndian(length, 8) + rest;
    CHECK(translated(highest) == highest);
  }
  const std::uint64_t large = std::uint64_t{1} << 40;
  CHECK(translated(begin + bigEndian(large, 8) + rest) == begin + bigEndian(large + 5, 8) + rest);
}
