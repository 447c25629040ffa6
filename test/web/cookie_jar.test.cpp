// SPDX-License-Identifier: BSL-1.0
//
// Which cookies are taken and sent: RFC 6265, its dates, domains, paths and limits.
#include <chrono>
#include <sluice/fetch.hpp>
#include <sluice/web/fetch/detail/cookie.hpp>
#include <string>
#include <string_view>
#include <support/catch.hpp>

using namespace sluice;
using namespace std::chrono_literals;
using http::URL;

namespace {

// 2024-01-01 00:00:00 UTC.
constexpr std::int64_t newYear = 1704067200;

struct Jar {
  std::chrono::system_clock::time_point now{std::chrono::seconds(newYear)};
  CookieJar jar{[this] { return now; }};

  Jar& set(std::string_view url, std::string_view line) {
    http::Headers headers;
    headers.append("Set-Cookie", line);
    jar.store(URL(url), headers);
    return *this;
  }
  std::string get(std::string_view url) const { return jar.header(URL(url)); }
};

// What one line makes of the request after it.
std::string sent(std::string_view line, std::string_view from = "http://a.example.org/x/y",
                 std::string_view to = {}) {
  Jar jar;
  return jar.set(from, line).get(to.empty() ? from : to);
}

}  // namespace

TEST_CASE("a cookie is a name and a value", "[CookieJar]") {
  const auto [line, wanted] = GENERATE(table<std::string, std::string>({
      {"a=b", "a=b"},
      {"a=b; c; d=e", "a=b"},
      {"  a  =  b  ; Path=/", "a=b"},
      {"a=", "a="},
      {"a=b=c", "a=b=c"},
      {"a=\"b c\"", "a=\"b c\""},
      {"a=b,c", "a=b,c"},
      {"", ""},
      {"a", ""},
      {"=b", ""},
      {"; a=b", ""},
      {"a=b\tc", "a=b\tc"},
      {"A=b; A", "A=b"},
      {"__Secure-a=b", ""},
      {"__Host-a=b; Secure; Path=/", ""},
  }));
  CAPTURE(line);
  CHECK(sent(line) == wanted);
}

TEST_CASE("cookies with control characters and too long ones are passed over", "[CookieJar]") {
  const URL url("http://h/");
  const detail::WallTime now{};
  CHECK(!detail::parseCookie(std::string_view("a=b\0c", 5), url, now));
  CHECK(!detail::parseCookie("a=b\x7F", url, now));
  CHECK(!detail::parseCookie("a=b\r\nc", url, now));
  CHECK(detail::parseCookie("a=" + std::string(4095, 'x'), url, now).has_value());
  CHECK(!detail::parseCookie("a=" + std::string(4096, 'x'), url, now));
  const auto cookie = detail::parseCookie("a=b; Path=/" + std::string(1100, 'p'), url, now);
  REQUIRE(cookie.has_value());
  CHECK(cookie->path == "/");
}

TEST_CASE("a cookie goes to its host, and with Domain to the hosts below it", "[CookieJar]") {
  const struct {
    const char* line;
    const char* from;
    const char* to;
    bool sends;
  } cases[] = {
      {"a=b", "http://example.org/", "http://example.org/", true},
      {"a=b", "http://example.org/", "https://example.org:81/", true},
      {"a=b", "http://example.org/", "http://a.example.org/", false},
      {"a=b; Domain=example.org", "http://example.org/", "http://a.b.example.org/", true},
      {"a=b; Domain=.Example.ORG", "http://a.example.org/", "http://example.org/", true},
      {"a=b; domain=example.org", "http://a.example.org/", "http://b.example.org/", true},
      {"a=b; Domain=example.org", "http://example.org/", "http://badexample.org/", false},
      {"a=b; Domain=a.example.org", "http://example.org/", "http://a.example.org/", false},
      {"a=b; Domain=other.org", "http://example.org/", "http://other.org/", false},
      {"a=b; Domain=org", "http://example.org/", "http://example.org/", false},
      {"a=b; Domain=org.", "http://example.org./", "http://bank.org./", false},
      {"a=b; Domain=example.org.", "http://a.example.org./", "http://example.org./", true},
      {"a=b; Domain=localhost", "http://localhost/", "http://localhost/", true},
      {"a=b; Domain=", "http://example.org/", "http://example.org/", true},
      {"a=b; Domain=other.org; Domain=example.org", "http://example.org/", "http://example.org/",
       true},
      {"a=b; Domain=127.0.0.1", "http://127.0.0.1/", "http://127.0.0.1/", true},
      {"a=b; Domain=0.0.1", "http://127.0.0.1/", "http://127.0.0.1/", false},
      {"a=b", "http://[::1]/", "http://[::1]/", true},
  };
  for (const auto& each : cases) {
    CAPTURE(each.line, each.from, each.to);
    CHECK(sent(each.line, each.from, each.to) == (each.sends ? "a=b" : ""));
  }
}

TEST_CASE("a cookie goes to its path and below it", "[CookieJar]") {
  const struct {
    const char* line;
    const char* from;
    const char* to;
    bool sends;
  } cases[] = {
      {"a=b", "/", "/x", true},
      {"a=b", "/x", "/y", true},
      {"a=b", "/x/y", "/x/z", true},
      {"a=b", "/x/y", "/x", true},
      {"a=b", "/x/y", "/xy", false},
      {"a=b", "/x/y", "/", false},
      {"a=b", "/x/y/", "/x/y", true},
      {"a=b; Path=/", "/x/y", "/z", true},
      {"a=b; Path=/foo", "/", "/foo", true},
      {"a=b; Path=/foo", "/", "/foo/bar", true},
      {"a=b; Path=/foo", "/", "/foobar", false},
      {"a=b; Path=/foo/", "/", "/foo", false},
      {"a=b; Path=/foo/", "/", "/foo/bar", true},
      {"a=b; Path=foo", "/x/y", "/x/z", true},
      {"a=b; Path=/foo; Path=/bar", "/", "/bar", true},
      {"a=b; Path=/foo", "/", "/Foo", false},
  };
  for (const auto& each : cases) {
    CAPTURE(each.line, each.from, each.to);
    const std::string host = "http://example.org";
    CHECK(sent(each.line, host + each.from, host + each.to) == (each.sends ? "a=b" : ""));
  }
}

TEST_CASE("secure cookies are for https, and only it sets them", "[CookieJar]") {
  CHECK(sent("a=b; Secure", "http://h.org/", "https://h.org/").empty());
  CHECK(sent("a=b; Secure", "https://h.org/", "https://h.org/") == "a=b");
  CHECK(sent("a=b; Secure", "https://h.org/", "http://h.org/").empty());
  CHECK(sent("a=b", "https://h.org/", "http://h.org/") == "a=b");
  CHECK(sent("a=b; HttpOnly; SameSite=None", "http://h.org/") == "a=b");
  CHECK(sent("__Secure-a=b; Secure", "https://h.org/") == "__Secure-a=b");
  CHECK(sent("__Secure-a=b", "https://h.org/").empty());
  CHECK(sent("__Host-a=b; Secure; Path=/", "https://h.org/") == "__Host-a=b");
  CHECK(sent("__Host-a=b; Secure; Path=/; Domain=h.org", "https://h.org/").empty());
  CHECK(sent("__Host-a=b; Secure; Path=/x", "https://h.org/x").empty());
  CHECK(sent("__Host-a=b; Secure", "https://h.org/").empty());

  Jar jar;
  jar.set("https://h.org/", "a=safe; Secure").set("http://h.org/", "a=evil");
  CHECK(jar.get("https://h.org/") == "a=safe");
  jar.set("http://x.h.org/", "a=evil; Domain=h.org");
  CHECK(jar.get("https://h.org/") == "a=safe");
}

TEST_CASE("a cookie ends when it says so", "[CookieJar]") {
  const std::string url = "http://h.org/";
  const auto lives = [&](std::string_view line, std::chrono::seconds time) {
    Jar jar;
    jar.set(url, line);
    jar.now += time;
    return jar.get(url) == "a=b";
  };
  CHECK(lives("a=b", 1000h));
  CHECK(lives("a=b; Max-Age=10", 9s));
  CHECK(!lives("a=b; Max-Age=10", 10s));
  CHECK(!lives("a=b; Max-Age=0", 0s));
  CHECK(!lives("a=b; Max-Age=-1", 0s));
  CHECK(lives("a=b; Max-Age=99999999999999999999", 10000h));
  CHECK(lives("a=b; Max-Age=1x", 10h));
  CHECK(lives("a=b; Expires=Mon, 01 Jan 2024 00:00:10 GMT", 9s));
  CHECK(!lives("a=b; Expires=Mon, 01 Jan 2024 00:00:10 GMT", 10s));
  CHECK(!lives("a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 0s));
  CHECK(lives("a=b; Expires=nonsense", 10h));
  // Max-Age wins.
  CHECK(lives("a=b; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 5s));
  CHECK(!lives("a=b; Expires=Mon, 01 Jan 2030 00:00:00 GMT; Max-Age=10", 11s));
}

TEST_CASE("dates are read as RFC 6265 reads them", "[CookieJar]") {
  const auto seconds = [](std::string_view text) -> std::int64_t {
    const auto date = detail::cookieDate(text);
    if (!date) return -1;
    return std::chrono::duration_cast<std::chrono::seconds>(date->time_since_epoch()).count();
  };
  for (const char* same :
       {"Mon, 01 Jan 2024 00:00:00 GMT", "Monday, 01-Jan-24 00:00:00 GMT",
        "Mon Jan  1 00:00:00 2024", "1 jan 2024 0:0:0", "00:00:00 2024 01 january",
        "01-JAN-2024 00:00:00x", "x 1 Jan 24 00:00:00"}) {
    CAPTURE(same);
    CHECK(seconds(same) == newYear);
  }
  CHECK(seconds("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
  CHECK(seconds("06 Nov 94 08:49:37") == 784111777);
  CHECK(seconds("Thu, 29 Feb 2024 23:59:59 GMT") == 1709251199);
  for (const char* wrong :
       {"", "Mon, 01 Jan 2024", "01 Jan 00:00:00", "Jan 2024 00:00:00", "30 Feb 2024 00:00:00",
        "01 Jan 1600 00:00:00", "01 Jan 2024 24:00:00", "01 Jan 2024 00:60:00",
        "32 Jan 2024 00:00:00", "01 Foo 2024 00:00:00", "001 Jan 2024 00:00:00"}) {
    CAPTURE(wrong);
    CHECK(seconds(wrong) == -1);
  }
}

TEST_CASE("longer paths come first, then older cookies", "[CookieJar]") {
  Jar jar;
  const std::string url = "http://h.org/a/b/c";
  jar.set(url, "one=1; Path=/").set(url, "two=2; Path=/a/b").set(url, "three=3; Path=/");
  CHECK(jar.get(url) == "two=2; one=1; three=3");
  // A new value does not make a cookie younger.
  jar.set(url, "one=new; Path=/");
  CHECK(jar.get(url) == "two=2; one=new; three=3");
  CHECK(jar.jar.size() == 3);
  jar.set(url, "one=x; Path=/; Max-Age=0");
  CHECK(jar.get(url) == "two=2; three=3");
  // A cookie for the domain is another one.
  jar.set(url, "three=4; Path=/; Domain=h.org");
  CHECK(jar.get(url) == "two=2; three=3; three=4");
  jar.jar.clear();
  CHECK(jar.get(url).empty());
}

TEST_CASE("a jar keeps to its limits, and the oldest go", "[CookieJar]") {
  Jar jar;
  for (int i = 0; i < 500; ++i) jar.set("http://h.org/", "n" + std::to_string(i) + "=1");
  CHECK(jar.jar.size() == 180);
  CHECK(jar.get("http://h.org/").starts_with("n320=1"));
  for (int i = 0; i < 4000; ++i) jar.set("http://h" + std::to_string(i) + ".org/", "a=b");
  CHECK(jar.jar.size() == 3000);
  CHECK(jar.get("http://h.org/").empty());
  CHECK(jar.get("http://h3999.org/") == "a=b");
}

TEST_CASE("a jar is saved and loaded as cookies.txt", "[CookieJar]") {
  Jar jar;
  jar.set("https://h.org/x/", "a=b; Secure; HttpOnly; Max-Age=100");
  jar.set("http://x.h.org/", "c=d; Domain=h.org");
  const std::string text = jar.jar.save();
  CHECK(text ==
        "# Netscape HTTP Cookie File\n"
        "#HttpOnly_h.org\tFALSE\t/x\tTRUE\t1704067300\ta\tb\n"
        ".h.org\tTRUE\t/\tFALSE\t0\tc\td\n");
  Jar other;
  other.jar.load(text + "# nonsense\r\nx\ty\n\nh.org\tFALSE\t/\tFALSE\tx\tn\tv\n");
  CHECK(other.jar.save() == text);
  CHECK(other.get("https://h.org/x") == "a=b; c=d");
  other.now += 100s;
  CHECK(other.get("https://h.org/x") == "c=d");
  other.jar.clear();
  // Such a line would be a comment when it is saved.
  other.jar.load(".#h.org\tTRUE\t/\tFALSE\t0\ta\tb\n");
  CHECK(other.jar.size() == 0);
}

TEST_CASE("a tab in a cookie makes no other cookie of it when a jar is saved", "[CookieJar]") {
  for (const char* line :
       {"a=b; Path=/\tTRUE\t0\t__Host-id\tforged", "a\tforged=b; Path=/", "a=b\tc; Path=/"}) {
    CAPTURE(line);
    Jar jar;
    jar.set("http://example.org/", line);
    Jar loaded;
    loaded.jar.load(jar.jar.save());
    CHECK(loaded.get("http://example.org/") == jar.get("http://example.org/"));
    CHECK(loaded.get("https://example.org/").find("forged") == std::string::npos);
  }
}
