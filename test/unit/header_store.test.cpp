// SPDX-License-Identifier: BSL-1.0
//
// The store of outgoing headers: places, spellings and types are kept as Node keeps them, nothing
// invalid gets in, and what framing asks for is known.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <sluice/error.hpp>
#include <sluice/http/detail/wire/header_store.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include "support/catch.hpp"

using sluice::http::Error;
using sluice::http::Headers;
using sluice::http::HeaderValue;
using sluice::http::detail::HeaderStore;
using sluice::http::detail::KnownHeader;
using sluice::http::detail::knownHeader;

namespace {

using Texts = std::vector<std::string>;

std::string wireOf(const HeaderStore& store) {
  std::string wire;
  for (std::size_t index = 0; index < store.lineCount(); ++index) wire += store.wire(index);
  return wire;
}

template <class F>
std::string failure(F&& action) {
  try {
    action();
  } catch (const Error& error) {
    return std::string(error.name()) + ": " + error.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("a stored header comes back with the type that it was set with", "[HeaderStore]") {
  HeaderStore store;
  store.set("Text", "a");
  store.set("Number", 42);
  store.set("Minus", -7);
  store.set("List", {"x", "y"});
  store.set("One", Texts{"x"});
  store.set("None", Texts{});
  store.set("Bool", true);
  store.set("Real", 1.5);
  store.set("Big", std::numeric_limits<std::uint64_t>::max());
  store.set("Value", HeaderValue(9));
  CHECK(store.get("text").isString());
  CHECK(store.get("TEXT") == "a");
  CHECK(store.get("number").isNumber());
  CHECK(store.get("number") == 42);
  CHECK(store.get("minus") == -7);
  CHECK(store.get("list") == Texts{"x", "y"});
  CHECK(store.get("one") == Texts{"x"});
  CHECK(store.get("none") == Texts{});
  CHECK(store.get("bool") == "true");
  CHECK(store.get("real") == "1.5");
  CHECK(store.get("big") == "18446744073709551615");
  CHECK(store.get("value") == 9);
  CHECK_FALSE(store.get("absent"));
  CHECK(store.text("number") == "42");
  CHECK(store.text("absent").empty());
  CHECK(wireOf(store) ==
        "Text: a\r\nNumber: 42\r\nMinus: -7\r\nList: x\r\nList: y\r\nOne: x\r\nBool: true\r\n"
        "Real: 1.5\r\nBig: 18446744073709551615\r\nValue: 9\r\n");
}

TEST_CASE("setting replaces in place and the last spelling wins", "[HeaderStore]") {
  HeaderStore store;
  store.set("A-Name", "1");
  store.set("b", {"2", "3"});
  store.set("c", "4");
  store.set("a-NAME", "longer");
  store.set("B", 5);
  CHECK(wireOf(store) == "a-NAME: longer\r\nB: 5\r\nc: 4\r\n");
  store.set("b", {"6", "7", "8"});
  store.set("A-Name", "short!");
  CHECK(wireOf(store) == "A-Name: short!\r\nb: 6\r\nb: 7\r\nb: 8\r\nc: 4\r\n");
  CHECK(store.wire() == wireOf(store));
  CHECK(store.names() == Texts{"a-name", "b", "c"});
  CHECK(store.rawNames() == Texts{"A-Name", "b", "c"});
}

TEST_CASE("appending adds behind the values there are, under the first spelling", "[HeaderStore]") {
  HeaderStore store;
  store.append("Vary", "1");
  CHECK(store.get("vary").isString());
  store.set("Last", "x");
  store.append("VARY", 2);
  CHECK(wireOf(store) == "Vary: 1\r\nVary: 2\r\nLast: x\r\n");
  CHECK(store.get("vary") == Texts{"1", "2"});
  store.append("vary", {"3", "4"});
  CHECK(store.get("vary") == Texts{"1", "2", "3", "4"});
  CHECK(store.rawNames() == Texts{"Vary", "Last"});

  store.set("Empty", Texts{});
  store.append("empty", "a");
  CHECK(store.get("empty") == Texts{"a"});
  store.append("Empty", Texts{});
  CHECK(store.get("empty") == Texts{"a"});
}

TEST_CASE("removing drops every line of the name in any case", "[HeaderStore]") {
  HeaderStore store;
  store.set("A", "1");
  store.set("B", {"2", "3"});
  store.set("C", "4");
  store.remove("b");
  store.remove("absent");
  CHECK(wireOf(store) == "A: 1\r\nC: 4\r\n");
  CHECK_FALSE(store.has("B"));
  store.remove("c");
  store.remove("a");
  CHECK(store.empty());
  CHECK(store.wire().empty());
}

TEST_CASE("a header is found in any case, and no other for it, whatever its length",
          "[HeaderStore]") {
  HeaderStore store;
  HeaderStore prepared;
  for (std::size_t size = 1; size <= 40; ++size) {
    const std::string upper = std::string(size, 'X') + "-A", lower = std::string(size, 'x') + "-a";
    CHECK(!store.has(lower));
    store.set(upper, "1");
    CHECK(store.has(lower));
    CHECK(store.text(lower) == "1");
    prepared.set(lower, "2");
  }
  store.merge(prepared);
  CHECK(store.lineCount() == 40);
  CHECK(store.text("X-A") == "2");
  store.set("y", "3");
  CHECK(store.text("Y") == "3");
}

TEST_CASE("an empty list has a name and no line", "[HeaderStore]") {
  HeaderStore store;
  store.set("Connection", Texts{});
  store.set("B", 1);
  CHECK(store.has("connection"));
  CHECK(store.names() == Texts{"connection", "b"});
  CHECK_FALSE(store.has(KnownHeader::connection));
  CHECK_FALSE(store.isPlain());
  CHECK(wireOf(store) == "B: 1\r\n");
  CHECK(store.headers().size() == 1);
  store.set("Connection", "close");
  CHECK(store.has(KnownHeader::connection));
  CHECK(store.isPlain());
  store.set("Connection", Texts{});
  CHECK_FALSE(store.has(KnownHeader::connection));
  store.remove("Connection");
  CHECK(store.isPlain());
}

TEST_CASE("nothing invalid is stored and the store stays as it was", "[HeaderStore]") {
  HeaderStore store;
  store.set("Name", {"1", "2"});
  const std::string token = "ERR_INVALID_HTTP_TOKEN: Header name must be a valid HTTP token ";
  const std::string content = "ERR_INVALID_CHAR: Invalid character in header content ";
  const std::string unset =
      "ERR_HTTP_INVALID_HEADER_VALUE: Invalid value \"undefined\" for header ";
  CHECK(failure([&] { store.set("na me", "x"); }) == token + "[\"na me\"]");
  CHECK(failure([&] { store.set("", 1); }) == token + "[\"\"]");
  CHECK(failure([&] { store.set("a:", {"x", "y"}); }) == token + "[\"a:\"]");
  CHECK(failure([&] { store.append("a\n", "x"); }) == token + "[\"a\n\"]");
  CHECK(failure([&] { store.set("Name", "x\r\ny"); }) == content + "[\"Name\"]");
  CHECK(failure([&] { store.set("Name", {"x", "y\n"}); }) == content + "[\"Name\"]");
  CHECK(failure([&] { store.append("name", "\n"); }) == content + "[\"name\"]");
  CHECK(failure([&] { store.append("name", {"a", "\n"}); }) == content + "[\"name\"]");
  CHECK(failure([&] { store.set("X", HeaderValue()); }) == unset + "\"X\"");
  CHECK(failure([&] { store.append("Name", HeaderValue()); }) == unset + "\"Name\"");
  CHECK(failure([&] {
          store.merge({{"a", 1}, {"name", "x"}, {"b", "\n"}});
        }) == content + "[\"b\"]");
  CHECK(failure([&] { store.merge({{"a", 1}, {"b ", "x"}}); }) == token + "[\"b \"]");
  CHECK(wireOf(store) == "Name: 1\r\nName: 2\r\n");
}

TEST_CASE("names and values are accepted byte by byte as Node accepts them", "[HeaderStore]") {
  const std::string_view tokens =
      "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (int byte = 0; byte < 256; ++byte) {
    INFO("byte " << byte);
    const char letter = static_cast<char>(byte);
    HeaderStore store;
    const bool isToken = tokens.find(letter) != std::string_view::npos;
    CHECK((failure([&] { store.set(std::string("x") + letter, "v"); }) == "nothing") == isToken);
    CHECK(store.empty() != isToken);
    store.clear();
    const bool isText = byte == '\t' || (byte >= 0x20 && byte != 0x7F);
    const std::string value = std::string("some text ") + letter + " x";
    CHECK((failure([&] { store.set("X", value); }) == "nothing") == isText);
    CHECK(wireOf(store) == (isText ? "X: " + value + "\r\n" : ""));
  }
}

TEST_CASE("merged headers win at the place and in the spelling that writeHead gives",
          "[HeaderStore]") {
  HeaderStore store;
  store.set("A", "1");
  store.set("B", {"2", "3"});
  store.merge({{"b", 4}, {"C", "5"}, {"a", {"6", "7"}}, {"c", "8"}});
  CHECK(wireOf(store) == "a: 6\r\na: 7\r\nb: 4\r\nC: 5\r\nC: 8\r\n");
  CHECK(store.get("c") == Texts{"5", "8"});
}

TEST_CASE("a prepared store is copied to the end, and wins where names are there already",
          "[HeaderStore]") {
  HeaderStore prepared;
  prepared.merge(Headers{{"Date", "x"}, {"Set-Cookie", "a"}, {"set-cookie", "b"}, {"D", "4"}});
  HeaderStore store;
  SECTION("into an empty one") {
    store.remove("date");
    store.merge(prepared);
    CHECK(wireOf(store) == wireOf(prepared));
    CHECK(store.has(KnownHeader::date));
    CHECK_FALSE(store.removed(KnownHeader::date));
  }
  SECTION("after other names") {
    store.set("A", 1);
    store.merge(prepared);
    CHECK(wireOf(store) == "A: 1\r\n" + wireOf(prepared));
    store.set("d", "5");
    store.set("A", "10");
    store.remove("set-cookie");
    CHECK(wireOf(store) == "A: 10\r\nDate: x\r\nd: 5\r\n");
  }
  SECTION("over the same names") {
    store.set("SET-COOKIE", "old");
    store.set("A", 1);
    store.set("d", Texts{});
    store.merge(prepared);
    CHECK(wireOf(store) == "Set-Cookie: a\r\nSet-Cookie: b\r\nA: 1\r\nD: 4\r\nDate: x\r\n");
  }
  SECTION("names of the same size are not the same names") {
    store.set("E", 1);
    store.merge(prepared);
    CHECK(wireOf(store) == "E: 1\r\n" + wireOf(prepared));
  }
}

TEST_CASE("headers() has every line under its spelling", "[HeaderStore]") {
  HeaderStore store;
  store.set("Set-Cookie", {"a", "b"});
  store.set("N", 1);
  const Headers headers = store.headers();
  CHECK(headers["set-cookie"] == "a, b");
  CHECK(headers.getSetCookie().size() == 2);
  CHECK(headers.line(0).name == "Set-Cookie");
  CHECK(headers["n"] == "1");
}

TEST_CASE("the headers that framing asks for are known in any case", "[HeaderStore]") {
  const std::pair<const char*, KnownHeader> names[] = {
      {"Connection", KnownHeader::connection},
      {"CONTENT-LENGTH", KnownHeader::contentLength},
      {"transfer-encoding", KnownHeader::transferEncoding},
      {"Date", KnownHeader::date},
      {"Keep-Alive", KnownHeader::keepAlive},
      {"Trailer", KnownHeader::trailer},
      {"expect", KnownHeader::expect},
      {"Host", KnownHeader::host},
      {"Upgrade", KnownHeader::upgrade},
      {"Cookie", KnownHeader::cookie},
      {"TE", KnownHeader::te},
      {"Proxy-Connection", KnownHeader::proxyConnection}};
  for (const auto& [name, known] : names) {
    INFO(name);
    CHECK(knownHeader(name) == known);
    CHECK(knownHeader(std::string(name) + "s") == KnownHeader::other);
    std::string close = name;
    close.back() = '-';
    CHECK(knownHeader(close) == KnownHeader::other);
    std::string broken = name;
    std::replace(broken.begin(), broken.end(), '-', '\r');
    if (broken != name) CHECK(knownHeader(broken) == KnownHeader::other);
    HeaderStore store;
    const char* const value = known == KnownHeader::contentLength      ? "1"
                              : known == KnownHeader::transferEncoding ? "gzip"
                                                                       : "x";
    CHECK_FALSE(store.has(known));
    store.set(name, value);
    for (const auto& [other, otherKnown] : names) CHECK(store.has(otherKnown) == (other == name));
    store.remove(name);
    CHECK_FALSE(store.has(known));
    CHECK(store.removed(known));
    // There is one length, and of the others may be several.
    if (known == KnownHeader::contentLength) {
      store.set(name, 5);
    } else {
      store.set(name, {"x", "y"});
      store.append(name, "z");
    }
    CHECK(store.has(known));
    CHECK_FALSE(store.removed(known));
    store.clear();
    CHECK_FALSE(store.has(known));
  }
  CHECK(knownHeader("") == KnownHeader::other);
}

TEST_CASE("removing what was never set is remembered until it is set or cleared", "[HeaderStore]") {
  HeaderStore store;
  store.remove("date");
  store.remove("X-Other");
  CHECK(store.removed(KnownHeader::date));
  CHECK_FALSE(store.removed(KnownHeader::connection));
  CHECK_FALSE(store.removed(KnownHeader::other));
  store.set("Date", Texts{});
  CHECK_FALSE(store.removed(KnownHeader::date));
  store.remove("date");
  store.clear();
  CHECK_FALSE(store.removed(KnownHeader::date));
}

TEST_CASE("a cleared store keeps nothing of the message before", "[HeaderStore]") {
  HeaderStore store;
  store.set("A", Texts{});
  store.set("Cookie", {"x", "y"});
  store.clear();
  CHECK(store.empty());
  CHECK(store.isPlain());
  CHECK(store.wire().empty());
  store.set("B", 1);
  CHECK(store.wire() == "B: 1\r\n");
}

TEST_CASE("what is set may be a view of the store itself", "[HeaderStore]") {
  const std::string longText(100, 'x');
  HeaderStore store;
  store.set("B", longText);
  std::string expected = "B: " + longText + "\r\n";
  SECTION("a new header while the store grows") {
    for (int number = 0; number < 50; ++number) {
      const std::string name = "A" + std::to_string(number);
      store.set(name, store.text("b"));
      expected += name + ": " + longText + "\r\n";
    }
  }
  SECTION("a header before it, of another size") {
    store.set("C", "short");
    for (int number = 0; number < 20; ++number) {
      store.set("B", longText);
      store.set("C", store.text("b"));
      store.set("B", store.text("c").substr(static_cast<std::size_t>(number)));
    }
    expected = "B: " + longText.substr(19) + "\r\nC: " + longText + "\r\n";
  }
  SECTION("a part of the header that it replaces") {
    store.set("B", "one two");
    store.set("B", store.text("b").substr(4));
    store.set("B", store.text("b"));
    expected = "B: two\r\n";
  }
  SECTION("as a name") {
    store.set("B", "C");
    store.set("A", {"1", "2", "3"});
    store.set(store.text("b"), longText);
    store.set(store.text("b"), {"x", longText, longText});
    store.set("B", "A");
    store.set("A", {"1", "2", "3"});
    store.set("Z", "A");
    store.append(store.text("z"), longText);
    store.set(store.text("z"), "4");
    store.set("Z", "C");
    store.remove(store.text("z"));
    expected = "B: A\r\nA: 4\r\nZ: C\r\n";
  }
  CHECK(wireOf(store) == expected);
}
