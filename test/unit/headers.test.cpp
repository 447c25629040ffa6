// SPDX-License-Identifier: BSL-1.0
//
// Header values keep their type, headers join by Node's table, and the braces of both compile in a
// statement with co_await.
#include <array>
#include <cctype>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <sluice/error.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <sluice/http/detail/wire/header_joining.hpp>
#include <sluice/http/headers.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include "support/catch.hpp"

using sluice::http::errc;
using sluice::http::Error;
using sluice::http::Headers;
using sluice::http::HeaderValue;
using sluice::http::RawHeader;
namespace detail = sluice::http::detail;

namespace {

using Texts = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

template <class F>
std::string failure(F&& action) {
  try {
    action();
  } catch (const Error& error) {
    return std::string(error.name()) + ": " + error.what();
  }
  return "nothing";
}

Pairs pairsOf(const Headers& headers) {
  Pairs pairs;
  for (const auto& [name, value] : headers) pairs.emplace_back(name, value);
  return pairs;
}

std::string wireOf(const Headers& headers) {
  std::string wire;
  for (std::size_t index = 0; index < headers.lineCount(); ++index) {
    const RawHeader line = headers.line(index);
    wire.append(line.name).append(": ").append(line.value).append("\n");
  }
  return wire;
}

template <class Views>
Texts textsOf(const Views& views) {
  return Texts(views.begin(), views.end());
}

// Runs at once, and hands on what it throws.
struct Eager {
  struct promise_type {
    Eager get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }
  };
};

// The overloads of a response through which braces have to find their way.
struct Response {
  Response& setHeader(std::string_view name, HeaderValue value) {
    headers.set(name, value);
    return *this;
  }
  Response& writeHead(int) { return *this; }
  Response& writeHead(int, std::string_view) { return *this; }
  Response& writeHead(int, Headers given) {
    headers = std::move(given);
    return *this;
  }
  Response& writeHead(int, std::string_view, Headers given) { return writeHead(0, given); }
  std::suspend_never end(std::string_view = {}) { return {}; }

  Headers headers;
};

}  // namespace

TEST_CASE("a header value keeps the type that it was made of", "[HeaderValue]") {
  const HeaderValue text = "a";
  CHECK(text.isString());
  CHECK(text);
  CHECK(text.str() == "a");

  const HeaderValue number = 42;
  CHECK(number.isNumber());
  CHECK(number.number() == 42);
  CHECK(number.str() == "42");

  const HeaderValue list = {"x=1", "y=2", "z=3"};
  CHECK(list.isArray());
  CHECK(textsOf(list.array()) == Texts{"x=1", "y=2", "z=3"});
  CHECK(list.str() == "x=1, y=2, z=3");

  const HeaderValue unset;
  CHECK_FALSE(unset);
  CHECK_FALSE(unset.isString());
  CHECK_FALSE(unset.isNumber());
  CHECK_FALSE(unset.isArray());
  CHECK(unset.str().empty());
}

TEST_CASE("braces around two texts are a list and never a pair of iterators", "[HeaderValue]") {
  const HeaderValue list = {"a", "b"};
  CHECK(list.isArray());
  CHECK(list.str() == "a, b");
  const std::string one = "1";
  const HeaderValue mixed = {one, std::string_view("2"), "3", std::string("4")};
  CHECK(mixed.str() == "1, 2, 3, 4");
  const HeaderValue sixteen = {"1", "2",  "3",  "4",  "5",  "6",  "7",  "8",
                               "9", "10", "11", "12", "13", "14", "15", "16"};
  CHECK(sixteen.array().size() == 16);
  CHECK(HeaderValue{"a"}.isString());
  const HeaderValue inParentheses({"a", "b"});
  CHECK(inParentheses == list);
  CHECK(HeaderValue({std::string("a"), std::string("b")}) == list);
}

TEST_CASE("a header value is made of any text, any integer and any range of texts",
          "[HeaderValue]") {
  std::string movable(40, 'x');
  CHECK(HeaderValue(std::string("t")).str() == "t");
  CHECK(HeaderValue(std::string_view("t")).str() == "t");
  CHECK(HeaderValue(std::as_const(movable)).str() == movable);
  CHECK(HeaderValue(std::move(movable)).str() == std::string(40, 'x'));

  const std::array<std::byte, 3> bytes = {std::byte{'a'}, std::byte{0xE9}, std::byte{'b'}};
  CHECK(HeaderValue(bytes) ==
        "a\xE9"
        "b");
  CHECK(HeaderValue(bytes).isString());
  CHECK(HeaderValue(std::span<const std::byte>(bytes).first(1)) == "a");
  CHECK(Headers().set("n", bytes).append("n", std::as_bytes(std::span("t", 1)))["n"] ==
        "a\xE9"
        "b, t");

  CHECK(HeaderValue(std::int8_t{-5}).number() == -5);
  CHECK(HeaderValue(std::uint8_t{200}).str() == "200");
  CHECK(HeaderValue(std::size_t{7}).number() == 7);
  CHECK(HeaderValue(std::numeric_limits<std::int64_t>::min()).str() == "-9223372036854775808");
  CHECK(HeaderValue(std::numeric_limits<std::uint64_t>::max()).str() == "18446744073709551615");

  const char* const array[] = {"a", "b"};
  CHECK(HeaderValue(array).str() == "a, b");
  CHECK(HeaderValue(Texts{"a"}).isArray());
  CHECK(HeaderValue(Texts{}).isArray());
  CHECK(HeaderValue(Texts{}));
  Texts texts{"a", "b"};
  CHECK(HeaderValue(texts).array().size() == 2);
}

TEST_CASE("what is neither text nor integer becomes the text that Node makes of it",
          "[HeaderValue]") {
  CHECK(HeaderValue(true).str() == "true");
  CHECK(HeaderValue(false).str() == "false");
  CHECK(HeaderValue(true).isString());
  CHECK(HeaderValue('c').str() == "c");
  CHECK(HeaderValue(1.5).str() == "1.5");
  CHECK(HeaderValue(3.0).number() == 3);
  CHECK(HeaderValue(-0.25F).str() == "-0.25");
  CHECK(HeaderValue(std::numeric_limits<double>::infinity()).str() == "Infinity");
  CHECK(HeaderValue(-std::numeric_limits<double>::infinity()).str() == "-Infinity");
  CHECK(HeaderValue(std::numeric_limits<double>::quiet_NaN()).str() == "NaN");
}

TEST_CASE("a header value compares with texts, integers, lists and its like", "[HeaderValue]") {
  CHECK(HeaderValue("a") == "a");
  CHECK("a" == HeaderValue("a"));
  CHECK(HeaderValue("a") != "b");
  CHECK(HeaderValue("a") == std::string("a"));
  CHECK(HeaderValue(4) == 4);
  CHECK(HeaderValue(4) == std::size_t{4});
  CHECK(HeaderValue(-1) != std::numeric_limits<std::uint64_t>::max());
  CHECK(HeaderValue(4) == "4");
  CHECK(HeaderValue("4") != 4);
  CHECK(HeaderValue{"a", "b"} == Texts{"a", "b"});
  CHECK(HeaderValue{"a", "b"} != Texts{"a"});
  CHECK(HeaderValue{"a", "b"} != Texts{"a", "b", "c"});
  CHECK(HeaderValue("a") != Texts{"a"});
  CHECK(HeaderValue() != "");
  CHECK(HeaderValue() == HeaderValue());
  CHECK(HeaderValue(4) != HeaderValue("4"));
}

TEST_CASE("a copied header value is independent, a moved one is whole", "[HeaderValue]") {
  HeaderValue original = {std::string(50, 'a'), "b"};
  HeaderValue copy = original;
  const HeaderValue moved = std::move(original);
  copy = "else";
  CHECK(moved.str() == std::string(50, 'a') + ", b");
  CHECK(moved.array().size() == 2);
  CHECK(copy == "else");
  CHECK_FALSE(copy.isArray());
}

TEST_CASE("headers are made of braces with every kind of value", "[Headers]") {
  const Headers headers{{"a", "b"}, {"n", 42}, {"set-cookie", {"x=1", "y=2"}}, {"t", true}};
  CHECK(wireOf(headers) == "a: b\nn: 42\nset-cookie: x=1\nset-cookie: y=2\nt: true\n");
  CHECK(headers.size() == 4);
  CHECK(wireOf(Headers{{"a", "b"}}) == "a: b\n");
  CHECK(wireOf(Headers{{"a", "b"}, {"c", "d"}}) == "a: b\nc: d\n");
  CHECK(wireOf({{"a", {"b", "c"}}}) == "a: b\na: c\n");
  CHECK(Headers().empty());

  const Headers six{{"1", 1}, {"2", 2}, {"3", 3}, {"4", 4}, {"5", 5}, {"6", 6}};
  CHECK(six.size() == 6);
  const Headers ten{{"1", 1}, {"2", 2}, {"3", 3}, {"4", 4}, {"5", 5},
                    {"6", 6}, {"7", 7}, {"8", 8}, {"9", 9}, {"10", 10}};
  CHECK(ten.keys().back() == "10");
  const Headers many{{"1", 1},   {"2", 2},   {"3", 3},   {"4", 4},   {"5", 5},   {"6", 6},
                     {"7", 7},   {"8", 8},   {"9", 9},   {"10", 10}, {"11", 11}, {"12", 12},
                     {"13", 13}, {"14", 14}, {"15", 15}, {"16", 16}, {"17", 17}, {"18", 18},
                     {"19", 19}, {"20", 20}, {"21", 21}, {"22", 22}, {"23", 23}, {"24", 24}};
  CHECK(many.size() == 24);
  CHECK(many["24"] == "24");
}

TEST_CASE("braces for headers and values compile and run in a statement with co_await",
          "[Headers]") {
  Response res;
  const std::string text(40, 'v');
  auto handler = [&]() -> Eager {
    co_await res.setHeader("Set-Cookie", {"a=1", "b=2"}).end();
    CHECK(wireOf(res.headers) == "Set-Cookie: a=1\nSet-Cookie: b=2\n");
    co_await res.writeHead(200, {{"a", "b"}}).end();
    CHECK(wireOf(res.headers) == "a: b\n");
    co_await res.writeHead(200, {{"a", text}, {"n", 42}}).end("x");
    CHECK(wireOf(res.headers) == "a: " + text + "\nn: 42\n");
    co_await res.writeHead(200, "Fine", {{"a", text + "!"}, {"l", {"1", text}}, {"c", "d"}}).end();
    CHECK(wireOf(res.headers) == "a: " + text + "!\nl: 1\nl: " + text + "\nc: d\n");
    co_await res.writeHead(200, Headers{{"1", 1}, {"2", 2}, {"3", 3}, {"4", 4}, {"5", text}}).end();
    CHECK(res.headers["5"] == text);
    co_await res.setHeader("n", 7).setHeader("t", text + text).end();
    CHECK(res.headers["t"] == text + text);
    co_await res.writeHead(200, "Fine").end();
  };
  handler();
  CHECK(res.headers["n"] == "7");
}

TEST_CASE("names of headers match in any case and go out as they were spelled", "[Headers]") {
  Headers headers;
  headers.append("Content-Type", "text/plain").append("X-One", 1);
  CHECK(headers.get("content-type") == "text/plain");
  CHECK(headers["CONTENT-TYPE"] == "text/plain");
  CHECK(headers.has("x-ONE"));
  CHECK_FALSE(headers.has("x-on"));
  CHECK_FALSE(headers.get("absent").has_value());
  CHECK(headers["absent"].empty());
  CHECK(textsOf(headers.keys()) == Texts{"content-type", "x-one"});
  CHECK(pairsOf(headers) == Pairs{{"content-type", "text/plain"}, {"x-one", "1"}});
  CHECK(wireOf(headers) == "Content-Type: text/plain\nX-One: 1\n");
  CHECK(headers.begin()->first == "content-type");
}

TEST_CASE("only the case of letters is ignored in names", "[Headers]") {
  CHECK(Headers{{"x^", 1}}.has("X^"));
  CHECK_FALSE(Headers{{"x^", 1}}.has("x~"));
  CHECK_FALSE(Headers{{"x@abcdefgh", 1}}.has("x`abcdefgh"));
  // Lengths that are compared in all ways there are: byte by byte, and up to eight at once.
  for (const std::size_t size : {1U, 4U, 5U, 8U, 9U, 17U}) {
    for (std::size_t place = 0; place < size; ++place) {
      std::string a(size, 'm');
      std::string b(size, 'M');
      for (int left = 0; left < 256; ++left) {
        for (int right = 0; right < 256; ++right) {
          a[place] = static_cast<char>(left);
          b[place] = static_cast<char>(right);
          const bool same = left == right || (std::isalpha(left) != 0 && left < 128 &&
                                              std::isalpha(right) != 0 && (left ^ right) == 0x20);
          if (detail::equalIgnoreCase(a, b) != same) {
            FAIL_CHECK("bytes " << left << " and " << right << " at " << place << " of " << size);
          }
        }
      }
    }
  }
}

TEST_CASE("setting a header replaces all its lines at the place of the first", "[Headers]") {
  Headers headers{{"A", 1}, {"B", 2}, {"c", 3}, {"b", 4}};
  headers.set("b", "five");
  CHECK(wireOf(headers) == "A: 1\nb: five\nc: 3\n");
  CHECK(headers.size() == 3);
  headers.set("B", {"6", "7"});
  CHECK(wireOf(headers) == "A: 1\nB: 6\nB: 7\nc: 3\n");
  CHECK(headers["b"] == "6, 7");
  headers.set("D", 8);
  CHECK(headers.size() == 4);
  headers.set("a", std::vector<std::string>());
  CHECK_FALSE(headers.has("a"));
  CHECK(wireOf(headers) == "B: 6\nB: 7\nc: 3\nD: 8\n");
}

TEST_CASE("removing a header drops all its lines and tells whether there were any", "[Headers]") {
  Headers headers{{"A", 1}, {"B", 2}, {"a", 3}, {"b", 4}};
  CHECK(headers.remove("a"));
  CHECK_FALSE(headers.remove("a"));
  CHECK(wireOf(headers) == "B: 2\nb: 4\n");
  CHECK(headers["b"] == "2, 4");
  CHECK(headers.size() == 1);
  CHECK(headers.remove("B"));
  CHECK(headers.empty());
  CHECK(pairsOf(headers).empty());
}

TEST_CASE("a name may be a view of the headers themselves", "[Headers]") {
  const std::vector<std::string> values(16, std::string(100, 'x'));
  Headers headers{{"Trailer", "Cookie"}, {"Cookie", 1}, {"b", "Cookie"}, {"cookie", 2}};
  const std::string rest = "Trailer: Cookie\nb: Cookie\n";
  std::string expected;
  SECTION("set to a text") {
    headers.set(headers["b"], "3");
    expected = "Trailer: Cookie\nCookie: 3\nb: Cookie\n";
  }
  SECTION("set to a list") {
    headers.set(headers.keys()[1], values);
    expected = "Trailer: Cookie\n";
    for (const std::string& value : values) expected += "cookie: " + value + "\n";
    expected += "b: Cookie\n";
  }
  SECTION("set to an empty list") {
    headers.set(headers.keys()[1], std::vector<std::string>());
    expected = rest;
  }
  SECTION("set to the value that was its name") {
    headers.set("cookie", "COOKIE");
    headers.set(headers["cookie"], "no one");
    expected = "Trailer: Cookie\nCOOKIE: no one\nb: Cookie\n";
    CHECK(headers["cookie"] == "no one");
    CHECK(headers.keys() == std::vector<std::string_view>{"trailer", "cookie", "b"});
  }
  SECTION("appended to") {
    headers.append(headers.keys()[1], values);
    expected = "Trailer: Cookie\nCookie: 1\nb: Cookie\ncookie: 2\n";
    for (const std::string& value : values) expected += "cookie: " + value + "\n";
  }
  SECTION("appended to for the first time") {
    headers.append("x", "Accept");
    headers.append(headers["x"], values);
    expected = "Trailer: Cookie\nCookie: 1\nb: Cookie\ncookie: 2\nx: Accept\n";
    for (const std::string& value : values) expected += "Accept: " + value + "\n";
  }
  SECTION("removed") {
    CHECK(headers.remove(headers["b"]));
    expected = rest;
  }
  SECTION("removed by its own name") {
    CHECK(headers.remove(headers.keys()[1]));
    expected = rest;
  }
  CHECK(wireOf(headers) == expected);
}

TEST_CASE("a header value that is not set is refused", "[Headers]") {
  const std::string expected =
      "ERR_HTTP_INVALID_HEADER_VALUE: Invalid value \"undefined\" for header \"X\"";
  CHECK(failure([] { Headers{{"X", HeaderValue()}}; }) == expected);
  CHECK(failure([] { Headers().set("X", {}); }) == expected);
  CHECK(failure([] { Headers().append("X", HeaderValue()); }) == expected);
}

TEST_CASE("values of a repeated name are joined by Node's table", "[Headers]") {
  const std::string_view firstWins[] = {"age",
                                        "authorization",
                                        "content-length",
                                        "content-type",
                                        "etag",
                                        "expires",
                                        "from",
                                        "host",
                                        "if-modified-since",
                                        "if-unmodified-since",
                                        "last-modified",
                                        "location",
                                        "max-forwards",
                                        "proxy-authorization",
                                        "referer",
                                        "retry-after",
                                        "server",
                                        "user-agent"};
  for (const std::string_view name : firstWins) {
    INFO(name);
    const RawHeader lines[] = {{name, "1"}, {name, "2"}};
    Headers headers;
    CHECK(headers.assign(lines)[name] == "1");
    CHECK(headers.assign(lines, true)[name] == "1, 2");
    CHECK(textsOf(headers.assign(lines).getAll(name)) == Texts{"1", "2"});
  }
  for (const bool joinDuplicates : {false, true}) {
    const RawHeader lines[] = {{"Cookie", "a=1"},     {"x-any", "1"},        {"cookie", "b=2"},
                               {"X-Any", "2"},        {"Set-Cookie", "c=3"}, {"X-ANY", ""},
                               {"set-cookie", "d=4"}, {"Accept", "*"}};
    Headers headers;
    headers.assign(lines, joinDuplicates);
    CHECK(headers["cookie"] == "a=1; b=2");
    CHECK(headers["x-any"] == "1, 2, ");
    CHECK(headers["set-cookie"] == "c=3, d=4");
    CHECK(textsOf(headers.getSetCookie()) == Texts{"c=3", "d=4"});
    CHECK(headers.size() == 4);
    CHECK(pairsOf(headers) == Pairs{{"cookie", "a=1; b=2"},
                                    {"x-any", "1, 2, "},
                                    {"set-cookie", "c=3, d=4"},
                                    {"accept", "*"}});
  }
  CHECK(detail::joiningOf("") == detail::Joining::comma);
  CHECK(detail::joiningOf("hos") == detail::Joining::comma);
}

TEST_CASE("appended values are joined as received ones are", "[Headers]") {
  Headers headers;
  for (const char* value : {"1", "2", "3"}) {
    headers.append("x", value).append("cookie", value).append("Host", value);
  }
  CHECK(headers["x"] == "1, 2, 3");
  CHECK(headers["cookie"] == "1; 2; 3");
  CHECK(headers["host"] == "1");
  CHECK(wireOf(headers) ==
        "x: 1\ncookie: 1\nHost: 1\nx: 2\ncookie: 2\nHost: 2\nx: 3\ncookie: 3\nHost: 3\n");
}

TEST_CASE("copied and moved headers stand alone", "[Headers]") {
  Headers original{{"a", "1"}, {"A", "2"}, {"b", std::string(100, 'x')}};
  Headers copy = original;
  copy.append("a", 3);
  CHECK(original["a"] == "1, 2");
  CHECK(copy["a"] == "1, 2, 3");
  const Headers moved = std::move(original);
  CHECK(moved["a"] == "1, 2");
  CHECK(moved["b"] == std::string(100, 'x'));
}

TEST_CASE("received lines replace what headers held before", "[Headers]") {
  Headers headers{{"old", 1}, {"old", 2}};
  const RawHeader lines[] = {{"Host", "a"}, {"Empty", ""}};
  headers.assign(lines);
  CHECK(wireOf(headers) == "Host: a\nEmpty: \n");
  CHECK(headers.get("empty") == "");
  CHECK(headers.size() == 2);
  headers.assign({});
  CHECK(headers.empty());
  CHECK(headers.size() == 0);
  CHECK(headers.begin() == headers.end());
}

TEST_CASE("many received headers join as few do", "[Headers]") {
  std::vector<std::string> texts;
  for (int index = 0; index < 500; ++index) texts.push_back("name" + std::to_string(index % 100));
  std::vector<RawHeader> lines;
  for (const std::string& text : texts) lines.push_back({text, "v"});
  Headers headers;
  headers.assign(lines);
  CHECK(headers.size() == 100);
  CHECK(headers.lineCount() == 500);
  for (const auto& [name, value] : headers) CHECK(value == "v, v, v, v, v");
  CHECK(headers.keys().front() == "name0");
  CHECK(headers.keys().back() == "name99");
  CHECK(headers.firstLineOf(499) == 99);
}

TEST_CASE("a header name is a token, byte by byte", "[validateHeaderName]") {
  const std::string_view allowed =
      "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (int byte = 0; byte < 256; ++byte) {
    INFO("byte " << byte);
    const char letter = static_cast<char>(byte);
    const std::string name = std::string("na") + letter + "me";
    const bool valid = allowed.find(letter) != std::string_view::npos;
    CHECK(failure([&] { sluice::http::validateHeaderName(name); }) ==
          (valid
               ? "nothing"
               : "ERR_INVALID_HTTP_TOKEN: " +
                     std::string(Error(errc::ERR_INVALID_HTTP_TOKEN,
                                       "Header name must be a valid HTTP token [\"" + name + "\"]")
                                     .what())));
  }
  CHECK(failure([] { sluice::http::validateHeaderName("na me"); }) ==
        "ERR_INVALID_HTTP_TOKEN: Header name must be a valid HTTP token [\"na me\"]");
  CHECK(failure([] { sluice::http::validateHeaderName(""); }) ==
        "ERR_INVALID_HTTP_TOKEN: Header name must be a valid HTTP token [\"\"]");
}

TEST_CASE("a header value has no controls but tab, byte by byte and at every place",
          "[validateHeaderValue]") {
  for (int byte = 0; byte < 256; ++byte) {
    INFO("byte " << byte);
    const bool valid = byte == '\t' || (byte >= 0x20 && byte != 0x7F);
    for (const std::size_t size : {1U, 7U, 8U, 9U, 15U, 16U, 17U, 23U, 32U, 33U}) {
      for (std::size_t place = 0; place < size; ++place) {
        // Beside a tab, which makes the fast test look closer.
        for (const char other : {'v', '\t', '\xFF'}) {
          std::string value(size, other);
          value[place] = static_cast<char>(byte);
          if (detail::isHeaderText(value) != valid) FAIL_CHECK("at " << place << " of " << size);
        }
      }
    }
    const std::string value(1, static_cast<char>(byte));
    CHECK(failure([&] { sluice::http::validateHeaderValue("Name", value); }) ==
          (valid ? "nothing" : "ERR_INVALID_CHAR: Invalid character in header content [\"Name\"]"));
  }
  CHECK(detail::isHeaderText(""));
}

TEST_CASE("a token has no other bytes, at every place", "[validateHeaderName]") {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  for (int byte = 0; byte < 256; ++byte) {
    INFO("byte " << byte);
    const auto is = [byte](char from, char to) { return byte >= from && byte <= to; };
    const bool valid = is('0', '9') || is('A', 'Z') || is('a', 'z') ||
                       (byte != 0 && marks.find(static_cast<char>(byte)) != marks.npos);
    for (const std::size_t size : {1U, 7U, 8U, 9U, 15U, 16U, 17U, 23U, 32U, 33U}) {
      for (std::size_t place = 0; place < size; ++place) {
        // Beside a digit, which makes the fast test look closer.
        for (const char other : {'n', '7'}) {
          std::string name(size, other);
          name[place] = static_cast<char>(byte);
          if (detail::isToken(name) != valid) FAIL_CHECK("at " << place << " of " << size);
        }
      }
    }
  }
  CHECK(!detail::isToken(""));
}

TEST_CASE("a word counts only where no letter, digit or underscore is beside it",
          "[containsWord]") {
  for (const char* text : {"close", "CLOSE", "a, Close", "x-close", "close;", "\"close\""}) {
    CHECK(detail::containsWord(text, "close"));
  }
  for (const char* text : {"", "clos", "closed", "xclose", "_close", "close1", "c lose"}) {
    CHECK_FALSE(detail::containsWord(text, "close"));
  }
  CHECK(detail::containsWord("closed, close", "close"));
}
