// SPDX-License-Identifier: BSL-1.0
//
// Runs of bytes against the plain question, for every byte at every place.

#include <algorithm>
#include <sluice/http/detail/wire/byte_run.hpp>
#include <string>
#include "support/catch.hpp"

using namespace sluice::http::detail;

namespace {

bool isControl(unsigned char byte) { return byte < 0x20 || byte == 0x7F; }
bool isUnusualInName(unsigned char byte) {
  const bool letter = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
  return !letter && byte != '-';
}

template <class Run>
void findsEveryByteEverywhere() {
  for (unsigned value = 0; value != 256; ++value) {
    const auto byte = static_cast<unsigned char>(value);
    for (std::size_t place = 0; place != Run::size; ++place) {
      // What stands behind the byte must not be taken for the first one, nor hide it.
      for (const char behind : {'a', 'Z', '-', '\x7F', '\0', '\xFF', ':', '@', '['}) {
        std::string text(Run::size, 'x');
        text[place] = static_cast<char>(byte);
        for (std::size_t after = place + 1; after != Run::size; ++after) text[after] = behind;
        const auto expected = [&](bool (*wanted)(unsigned char)) {
          std::size_t at = 0;
          while (at != Run::size && !wanted(static_cast<unsigned char>(text[at]))) ++at;
          return at;
        };
        const Run run(text.data());
        const bool same = run.firstControl() == expected(isControl) &&
                          run.firstUnusualInName() == expected(isUnusualInName);
        if (same) continue;
        CAPTURE(value, place, static_cast<int>(behind));
        CHECK(run.firstControl() == expected(isControl));
        CHECK(run.firstUnusualInName() == expected(isUnusualInName));
      }
    }
  }
}

}  // namespace

TEST_CASE("A word of eight bytes knows its first control and its first byte unusual in a name",
          "[ByteRun]") {
  findsEveryByteEverywhere<WordRun>();
  const WordRun name("Connecti");
  CHECK(name.firstControl() == WordRun::size);
  CHECK(name.firstUnusualInName() == WordRun::size);
}

TEST_CASE("A run of the machine's own size does so, too", "[ByteRun]") {
  findsEveryByteEverywhere<ByteRun>();
  const ByteRun name("Accept-Language:");
  CHECK(name.firstControl() == ByteRun::size);
  CHECK(name.firstUnusualInName() == std::min<std::size_t>(15, ByteRun::size));
}
