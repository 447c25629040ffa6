// SPDX-License-Identifier: BSL-1.0
//
// What a socket holds: both ends grow, and the front is taken.
#include <cstddef>
#include <sluice/http.hpp>
#include <sluice/net/detail/held_bytes.hpp>
#include <string>
#include <string_view>
#include "support/catch.hpp"

using namespace sluice;
using net::detail::HeldBytes;

namespace {

std::string take(HeldBytes& held, std::size_t size) {
  std::string taken(size, '\0');
  taken.resize(held.take(taken.data(), size));
  return taken;
}

}  // namespace

TEST_CASE("held bytes come in the order in which they stand", "[HeldBytes]") {
  HeldBytes held;
  CHECK(held.empty());
  CHECK(take(held, 3).empty());
  held.append("de");
  held.putInFront("c");
  held.putInFront("ab");
  held.append("f");
  CHECK(held.view() == "abcdef");
  CHECK(take(held, 0).empty());
  CHECK(take(held, 2) == "ab");
  held.putInFront("AB");
  held.putInFront({});
  CHECK(take(held, 4) == "ABcd");
  held.append("gh");
  CHECK(!held.empty());
  CHECK(held.takeAll() == "efgh");
  CHECK(held.empty());
  CHECK(held.takeAll().empty());
  held.append("x");
  CHECK(take(held, 2) == "x");
  CHECK(held.empty());
}

TEST_CASE("a million held bytes can be put back and taken one by one", "[HeldBytes]") {
  HeldBytes held;
  constexpr std::size_t size = 1'000'000;
  for (std::size_t count = 0; count != size; ++count) held.putInFront(count == 0 ? "b" : "a");
  for (std::size_t count = 1; count != size; ++count) {
    if (take(held, 1) != "a") FAIL("another byte at " << count);
  }
  CHECK(take(held, 2) == "b");
}
