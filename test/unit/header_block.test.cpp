// SPDX-License-Identifier: BSL-1.0
//
// Received lines as offsets: what is found, and that the bytes may move.
#include <sluice/http/detail/wire/header_block.hpp>
#include <string>
#include <support/catch.hpp>
#include <vector>

using sluice::http::RawHeader;
using sluice::http::detail::HeaderBlock;

namespace {

const std::string bytes = "Host: a\r\nx-One: 1\r\nX-ONE: 22\r\n";

HeaderBlock block() {
  HeaderBlock result;
  result.add({0, 4, 6, 1});
  result.add({9, 5, 16, 1});
  result.add({19, 5, 26, 2});
  result.rebase(bytes.data());
  return result;
}

}  // namespace

TEST_CASE("a header block gives lines back in order and in the sender's spelling",
          "[HeaderBlock]") {
  const HeaderBlock lines = block();
  std::vector<std::string> names, values;
  for (const RawHeader line : lines) {
    names.emplace_back(line.name);
    values.emplace_back(line.value);
  }
  CHECK(names == std::vector<std::string>{"Host", "x-One", "X-ONE"});
  CHECK(values == std::vector<std::string>{"a", "1", "22"});
  CHECK(lines.size() == 3);
}

TEST_CASE("a header block follows its bytes to another place", "[HeaderBlock]") {
  HeaderBlock lines = block();
  const std::string moved = "HOST: b\r\nx-One: 1\r\nX-ONE: 22\r\n";
  lines.rebase(moved.data());
  CHECK(lines.at(0).name == "HOST");
  CHECK(lines.at(0).value == "b");
}

TEST_CASE("a cleared header block is empty and takes lines again", "[HeaderBlock]") {
  HeaderBlock lines = block();
  lines.clear();
  CHECK(lines.empty());
  CHECK(lines.begin() == lines.end());
  lines.add({9, 5, 16, 1});
  CHECK(lines.at(0).name == "x-One");
}

TEST_CASE("a header block keeps lines beyond its first allocation", "[HeaderBlock]") {
  HeaderBlock lines;
  lines.rebase(bytes.data());
  for (int i = 0; i < 100; ++i) lines.add({0, 4, 6, 1});
  CHECK(lines.size() == 100);
  CHECK(lines.at(99).name == "Host");
}
