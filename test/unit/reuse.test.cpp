// SPDX-License-Identifier: BSL-1.0
//
// The positive list that decides whether a connection carries another message.
#include <sluice/http/detail/reuse.hpp>
#include "support/catch.hpp"

using namespace sluice::http::detail;

namespace {

constexpr ReuseFacts allTrue{true, true, true, true, true, true, true, true};

constexpr bool ReuseFacts::*const all[] = {
    &ReuseFacts::requestComplete, &ReuseFacts::responseComplete,
    &ReuseFacts::lengthKept,      &ReuseFacts::ownSideWilling,
    &ReuseFacts::peerWilling,     &ReuseFacts::nothingUnread,
    &ReuseFacts::nothingFailed,   &ReuseFacts::open};

}  // namespace

TEST_CASE("a connection is used again only if every fact of the list holds", "[reuse]") {
  CHECK(isReusable(allTrue));
  CHECK(fateOf(allTrue, false) == Fate::keep);
  CHECK(fateOf(allTrue, true) == Fate::keep);
  for (const auto fact : all) {
    ReuseFacts facts = allTrue;
    facts.*fact = false;
    CHECK(!isReusable(facts));
    CHECK(fateOf(facts, false) == Fate::close);
    CHECK(fateOf(facts, true) == Fate::linger);
  }
}

TEST_CASE("what nobody has said is not true", "[reuse]") {
  CHECK(!isReusable({}));
  for (const auto fact : all) {
    ReuseFacts facts;
    facts.*fact = true;
    CHECK(!isReusable(facts));
  }
}
