// SPDX-License-Identifier: BSL-1.0
//
// Received bodies in content codings: lists of them, limits, and everything that can be wrong.
#include <random>
#include <sluice/compress.hpp>
#include <sluice/pipe.hpp>
#include <sluice/test/inject.hpp>
#include <string>
#include <string_view>
#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <vector>

using namespace sluice::http;
namespace compress = sluice::compress;
using compress::Coding;
using compress::decode;
using compress::Decoded;
using compress::encode;
using compress::Limits;
using sluice::task;
using sluice::test::inject;
using sluice::test::InjectRequest;

namespace {

std::vector<Coding> codings() {
  std::vector<Coding> all = {Coding::gzip, Coding::deflate};
  if (isBuiltIn(Coding::br)) all.push_back(Coding::br);
  if (isBuiltIn(Coding::zstd)) all.push_back(Coding::zstd);
  return all;
}

std::string nameOf(const auto& act) {
  try {
    act();
  } catch (const Error& error) {
    return std::string(error.name());
  }
  return "none";
}

// Text that is neither all noise nor all the same.
std::string mixed(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < size) {
    text.append(random() % 40, static_cast<char>('a' + random() % 26));
    text += static_cast<char>(random() % 256);
  }
  text.resize(size);
  return text;
}

// The text of a request's body as its server reads it, or the name of what that threw.
std::string received(std::string_view contentEncoding, std::string body, Limits limits = {}) {
  InjectRequest request{.method = "POST", .body = std::move(body)};
  if (!contentEncoding.empty()) request.headers.set("Content-Encoding", contentEncoding);
  std::string result;
  inject(
      [&](IncomingMessage& req, ServerResponse& res) -> task<> {
        Decoded decoded(req, limits);
        try {
          result = co_await decoded.text();
        } catch (const Error& error) {
          result = error.name();
        }
        co_await res.end();
      },
      request);
  return result;
}

constexpr std::string_view damaged = "ERR_INVALID_CONTENT_ENCODING";
constexpr std::string_view tooLarge = "ERR_BODY_TOO_LARGE";
constexpr std::string_view unsupported = "ERR_UNSUPPORTED_ENCODING";

}  // namespace

TEST_CASE("what was encoded is decoded, whatever it is", "[compress]") {
  for (const Coding coding : codings()) {
    for (unsigned seed = 0; seed < 40; ++seed) {
      const std::string text = mixed(seed * seed * seed, seed);
      const std::string bytes = encode(coding, text);
      CHECK(decode(coding, bytes, text.size()) == text);
      if (!text.empty()) {
        CHECK(nameOf([&] { decode(coding, bytes, text.size() - 1); }) == tooLarge);
      }
    }
  }
  CHECK(encode(Coding::identity, "abc") == "abc");
  CHECK(decode(Coding::identity, "abc", 3) == "abc");
  CHECK(nameOf([] { decode(Coding::identity, "abc", 2); }) == tooLarge);
}

TEST_CASE("data that is cut short or followed by other data is damaged", "[compress]") {
  const std::string text = mixed(3000, 1);
  for (const Coding coding : codings()) {
    CAPTURE(codingName(coding));
    const std::string bytes = encode(coding, text);
    for (std::size_t size = 0; size < bytes.size(); size += size < 20 ? 1 : 37) {
      CAPTURE(size);
      CHECK(nameOf([&] { decode(coding, bytes.substr(0, size), text.size()); }) == damaged);
    }
    CHECK(nameOf([&] { decode(coding, bytes.substr(0, bytes.size() - 1), 9999); }) == damaged);
    CHECK(nameOf([&] { decode(coding, bytes + "x", text.size()); }) == damaged);
    CHECK(nameOf([&] { decode(coding, "no such thing", text.size()); }) == damaged);
  }
}

TEST_CASE("data with a changed byte is damaged or something else, and never more", "[compress]") {
  const std::string text = mixed(2000, 2);
  for (const Coding coding : codings()) {
    const std::string bytes = encode(coding, text);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
      std::size_t size = 0;
      const std::string name = nameOf([&] { size = decode(coding, changed, 5000).size(); });
      CHECK((name == "none" || name == damaged || name == tooLarge));
      CHECK(size <= 5000);
    }
  }
}

TEST_CASE("several members of gzip and frames of zstd are one body", "[compress]") {
  CHECK(decode(Coding::gzip, encode(Coding::gzip, "ab") + encode(Coding::gzip, "cd"), 4) == "abcd");
  if (!isBuiltIn(Coding::zstd)) return;
  CHECK(decode(Coding::zstd, encode(Coding::zstd, "ab") + encode(Coding::zstd, "cd"), 4) == "abcd");
}

TEST_CASE("deflate is read with and without the frame of zlib", "[compress]") {
  const std::string framed = encode(Coding::deflate, "some text, some text");
  const std::string raw = framed.substr(2, framed.size() - 6);
  CHECK(decode(Coding::deflate, framed, 100) == "some text, some text");
  CHECK(decode(Coding::deflate, raw, 100) == "some text, some text");
}

TEST_CASE("a body is decoded by its Content-Encoding", "[compress]") {
  const std::string text = mixed(50'000, 3);
  CHECK(received("", text) == text);
  CHECK(received("identity", text) == text);
  for (const Coding coding : codings()) {
    CHECK(received(codingName(coding), encode(coding, text)) == text);
  }
  CHECK(received("X-GZIP", encode(Coding::gzip, text)) == text);
  CHECK(received("gzip", encode(Coding::gzip, "")).empty());
  // No body at all: nothing needs to be decoded, also if nobody knows how.
  CHECK(received("gzip", "").empty());
  CHECK(received("new", "").empty());
}

TEST_CASE("codings that are listed were applied in this order", "[compress]") {
  const std::string text = mixed(5'000, 4);
  const std::string once = encode(Coding::gzip, text);
  const std::string twice = encode(Coding::deflate, once);
  CHECK(received("gzip, deflate", twice) == text);
  CHECK(received("gzip,identity , deflate", twice) == text);
  CHECK(received("deflate, gzip", twice) == damaged);
  std::string bytes = text;
  for (int i = 0; i < 4; ++i) bytes = encode(Coding::gzip, bytes);
  CHECK(received("gzip, gzip, gzip, gzip", bytes) == text);
  CHECK(received("gzip, gzip, gzip, gzip, gzip", bytes) == unsupported);
  CHECK(received("compress", "x") == unsupported);
  CHECK(received("gzip, new", once) == unsupported);
}

TEST_CASE("what cannot be decoded is refused again and again", "[compress]") {
  const auto endsOf = [](std::string_view contentEncoding, std::string body, Limits limits = {}) {
    InjectRequest request{.method = "POST", .body = std::move(body)};
    request.headers.set("Content-Encoding", contentEncoding);
    std::string names;
    inject(
        [&](IncomingMessage& req, ServerResponse& res) -> task<> {
          Decoded decoded(req, limits);
          for (int count = 0; count < 2; ++count) {
            try {
              while (co_await decoded.read()) {
              }
              names += "end ";
            } catch (const Error& error) {
              names.append(error.name()).append(" ");
            }
          }
          co_await res.end();
        },
        request);
    return names;
  };
  const auto twice = [](std::string_view name) {
    return std::string(name) + ' ' + std::string(name) + ' ';
  };
  CHECK(endsOf("gzip, new", "raw") == twice(unsupported));
  CHECK(endsOf("identity", "hello", {.size = 4}) == twice(tooLarge));
  const std::string text = mixed(5'000, 5);
  for (const Coding coding : codings()) {
    const std::string name(codingName(coding));
    CAPTURE(name);
    const std::string bytes = encode(coding, text);
    CHECK(endsOf(name, bytes, {.size = 4'999}) == twice(tooLarge));
    CHECK(endsOf(name, encode(coding, std::string(70'000, 'a'))) == twice(tooLarge));
    CHECK(endsOf(name, bytes.substr(0, bytes.size() - 3)) == twice(damaged));
    CHECK(endsOf(name, bytes + '\0') == twice(damaged));
    for (std::size_t at = 0; at < bytes.size(); at += 7) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ 0x55);
      const std::string names = endsOf(name, changed);
      CHECK((names == twice(damaged) || names == "end end "));
    }
  }
}

TEST_CASE("a body that ends too early, or goes on, is damaged", "[compress]") {
  const std::string bytes = encode(Coding::gzip, mixed(5'000, 5));
  CHECK(received("gzip", bytes.substr(0, bytes.size() - 3)) == damaged);
  CHECK(received("gzip", bytes + '\0') == damaged);
  CHECK(received("gzip, gzip", encode(Coding::gzip, bytes.substr(0, bytes.size() - 3))) == damaged);
}

TEST_CASE("a decoded body keeps to its limits", "[compress]") {
  const std::string text = mixed(100'000, 6);
  for (const std::string_view name : {"gzip", "identity"}) {
    const std::string bytes = name == "gzip" ? encode(Coding::gzip, text) : text;
    CHECK(received(name, bytes, {.size = 100'000}) == text);
    CHECK(received(name, bytes, {.size = 99'999}) == tooLarge);
    CHECK(received(name, bytes, {.size = 0, .ratio = 0}) == text);
  }
}

TEST_CASE("a bomb is found out by its ratio, before it has taken memory", "[compress]") {
  for (const Coding coding : codings()) {
    CAPTURE(codingName(coding));
    const std::string bomb = encode(coding, std::string(10'000'000, '\0'));
    CHECK(bomb.size() < 20'000);
    InjectRequest request{.method = "POST", .body = bomb};
    request.headers.set("Content-Encoding", codingName(coding));
    std::ptrdiff_t most = 0;
    std::size_t taken = 0;
    std::string name;
    inject(
        [&](IncomingMessage& req, ServerResponse& res) -> task<> {
          const sluice::test::Allocations heap;
          Decoded decoded(req);
          try {
            while (const auto piece = co_await decoded.read()) {
              taken += piece->size();
              most = std::max(most, heap.live());
            }
          } catch (const Error& error) {
            name = error.name();
          }
          co_await res.end();
        },
        request);
    CHECK(name == tooLarge);
    CHECK(taken < 2'000'000);
    CHECK(most < 1'000'000);
  }
  // Less than 64 KiB may have any ratio.
  CHECK(received("gzip", encode(Coding::gzip, std::string(65'536, 'a'))).size() == 65'536);
  CHECK(received("gzip", encode(Coding::gzip, std::string(100'000, 'a'))) == tooLarge);
  CHECK(received("gzip", encode(Coding::gzip, std::string(100'000, 'a')), {.ratio = 0}).size() ==
        100'000);
}

TEST_CASE("a bomb inside another coding is found out too", "[compress]") {
  const std::string bomb = encode(Coding::gzip, std::string(10'000'000, '\0'));
  CHECK(received("gzip, gzip", encode(Coding::gzip, bomb)) == tooLarge);
  // Empty members: nothing comes out, however many there are.
  std::string empty;
  for (int i = 0; i < 100'000; ++i) empty += encode(Coding::gzip, "").substr(0, 20);
  CHECK(received("gzip, gzip", encode(Coding::gzip, empty)) == tooLarge);
}

TEST_CASE("a decoded body is piped as any other", "[compress]") {
  const std::string text = mixed(300'000, 7);
  InjectRequest request{.method = "POST", .body = encode(Coding::gzip, text)};
  request.headers.set("Content-Encoding", "gzip");
  const auto response = inject(
      [](IncomingMessage& req, ServerResponse& res) -> task<> {
        Decoded decoded(req);
        co_await sluice::pipe(decoded, res);
      },
      request);
  CHECK(response.body == text);
}
