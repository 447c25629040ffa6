// SPDX-License-Identifier: BSL-1.0
//
// Path and query of whatever a client sends.
#include <sluice/http/target.hpp>
#include <string>
#include <support/catch.hpp>

using namespace sluice::http;

namespace {

std::string split(std::string_view url) {
  const Target target = splitTarget(url);
  return std::string(target.path) + '|' + std::string(target.query);
}

}  // namespace

TEST_CASE("a target is taken apart into path and query", "[Target]") {
  CHECK(split("/") == "/|");
  CHECK(split("/a%20b?c=d&e") == "/a%20b|c=d&e");
  CHECK(split("/a?") == "/a|");
  CHECK(split("/?a?b") == "/|a?b");
  CHECK(split("/a/../b//c") == "/a/../b//c|");
  CHECK(split("/a#f?g") == "/a|");
  CHECK(split("/a?b#f") == "/a|b");
}

TEST_CASE("a target that begins with two slashes is a path, not a host", "[Target]") {
  CHECK(split("//x:99999/") == "//x:99999/|");
  CHECK(split("//evil.example/a?b") == "//evil.example/a|b");
  CHECK(split("/a://b?c") == "/a://b|c");
}

TEST_CASE("the absolute form gives the path of its URL", "[Target]") {
  CHECK(split("http://a.example/b?c") == "/b|c");
  CHECK(split("http://a.example") == "/|");
  CHECK(split("http://a.example?c") == "/|c");
  CHECK(split("http://") == "/|");
}

TEST_CASE("other forms are given as they are", "[Target]") {
  CHECK(split("*") == "*|");
  CHECK(split("a.example:443") == "a.example:443|");
  CHECK(split("") == "|");
  CHECK(split("a?b=http://c/d") == "a|b=http://c/d");
}

TEST_CASE("decodeURIComponent() decodes escapes and refuses what is none", "[Target]") {
  CHECK(decodeURIComponent("") == "");
  CHECK(decodeURIComponent("a%20b%2Fc+d%c3%A9") == "a b/c+d\u00E9");
  CHECK(decodeURIComponent("%00") == std::string(1, '\0'));
  for (const char* wrong : {"%", "%2", "a%zz", "%2x", "%C3", "%FF", "%ED%A0%80"}) {
    INFO(wrong);
    CHECK(!decodeURIComponent(wrong));
  }
}
