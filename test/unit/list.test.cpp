// SPDX-License-Identifier: BSL-1.0
//
// The list whose elements carry the links.
#include <memory>
#include <sluice/detail/list.hpp>
#include <string>
#include "support/catch.hpp"

namespace {

struct Item : sluice::detail::Linked<Item> {
  explicit Item(char letter) : name(letter) {}
  bool leavesLastOf(sluice::detail::List<Item>& list) { return unlink() == &list; }
  char name;
};

using Items = sluice::detail::List<Item>;

std::string names(const Items& items) {
  std::string text;
  for (const Item& each : items) text += each.name;
  return text;
}

}  // namespace

TEST_CASE("elements go in at both ends and out anywhere", "[List]") {
  Items items;
  Item a('a'), b('b'), c('c');
  CHECK(items.empty());
  CHECK(names(items).empty());
  items.pushBack(b);
  items.pushBack(c);
  items.pushFront(a);
  CHECK(names(items) == "abc");
  CHECK(items.contains(b));
  items.remove(b);
  items.remove(b);
  CHECK(!items.contains(b));
  CHECK(names(items) == "ac");
  CHECK(items.popFront().name == 'a');
  CHECK(items.front().name == 'c');
  items.clear();
  CHECK(items.empty());
  CHECK(!items.contains(c));
}

TEST_CASE("an element that is destroyed leaves its list, and a list leaves its elements",
          "[List]") {
  Item a('a'), c('c');
  {
    Items items;
    items.pushBack(a);
    {
      Item b('b');
      items.pushBack(b);
      items.pushBack(c);
    }
    CHECK(names(items) == "ac");
  }
  CHECK(!Items::contains(a));
  CHECK(!Items::contains(c));
}

TEST_CASE("an element that leaves says which list it leaves empty", "[List]") {
  Items items;
  Item a('a'), b('b');
  CHECK(!a.leavesLastOf(items));
  items.pushBack(a);
  items.pushBack(b);
  CHECK(!a.leavesLastOf(items));
  CHECK(b.leavesLastOf(items));
}

TEST_CASE("the elements of another list are appended in their order", "[List]") {
  Items items, others;
  Item a('a'), b('b'), c('c');
  items.append(others);
  CHECK(items.empty());
  others.pushBack(b);
  others.pushBack(c);
  items.pushBack(a);
  items.append(others);
  CHECK(names(items) == "abc");
  CHECK(others.empty());
  others.append(items);
  CHECK(names(others) == "abc");
}

TEST_CASE("a walk goes on if the element that it has left goes", "[List]") {
  Items items;
  auto a = std::make_unique<Item>('a');
  Item b('b');
  items.pushBack(*a);
  items.pushBack(b);
  std::string seen;
  for (auto each = items.begin(); each != items.end();) {
    seen += (each++)->name;
    a.reset();
  }
  CHECK(seen == "ab");
  CHECK(names(items) == "b");
}
