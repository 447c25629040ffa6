// SPDX-License-Identifier: BSL-1.0
//
// The published tables against the lists of Node 20, and the lookups in them.
#include <algorithm>
#include <sluice/http/constants.hpp>
#include <string>
#include <string_view>
#include <support/catch.hpp>
#include <utility>
#include <vector>

namespace http = sluice::http;
using http::detail::isKnownMethod;

TEST_CASE("METHODS are the 35 of Node, sorted", "[constants]") {
  std::string list;
  for (const std::string_view method : http::METHODS) {
    if (!list.empty()) list += ' ';
    list += method;
  }
  CHECK(list ==
        "ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY "
        "MKCALENDAR MKCOL MOVE NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND "
        "REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE");
  CHECK(http::METHODS.size() == 35);
  CHECK(std::is_sorted(http::METHODS.begin(), http::METHODS.end()));
}

TEST_CASE("a method is known as it is spelt in METHODS and in no other way", "[constants]") {
  for (const std::string_view method : http::METHODS) {
    INFO(method);
    CHECK(isKnownMethod(method));
    CHECK_FALSE(isKnownMethod(method.substr(1)));
    CHECK_FALSE(isKnownMethod(method.substr(0, method.size() - 1)));
    for (std::size_t index = 0; index < method.size(); ++index) {
      // Every other byte in this place: no method is one byte away from another.
      int accepted = 0;
      for (int byte = 0; byte < 256; ++byte) {
        std::string changed(method);
        changed[index] = static_cast<char>(byte);
        if (isKnownMethod(changed)) ++accepted;
      }
      CHECK(accepted == 1);
    }
  }
}

TEST_CASE("what is no method is not known", "[constants]") {
  const std::string_view unknown =
      GENERATE(std::string_view(), std::string_view("G"), std::string_view("GE"),
               std::string_view("get"), std::string_view("GET "), std::string_view(" GET"),
               std::string_view("GETT"), std::string_view("PRI"), std::string_view("FOO"),
               std::string_view("\0\0\0", 3), std::string_view("\xff\xff\xff\xff"));
  CHECK_FALSE(isKnownMethod(unknown));
}

TEST_CASE("STATUS_CODES are the 63 of Node, in ascending order", "[constants]") {
  const std::vector<std::pair<int, std::string_view>> expected = {
      {100, "Continue"},
      {101, "Switching Protocols"},
      {102, "Processing"},
      {103, "Early Hints"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {203, "Non-Authoritative Information"},
      {204, "No Content"},
      {205, "Reset Content"},
      {206, "Partial Content"},
      {207, "Multi-Status"},
      {208, "Already Reported"},
      {226, "IM Used"},
      {300, "Multiple Choices"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {305, "Use Proxy"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {402, "Payment Required"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {407, "Proxy Authentication Required"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Payload Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {418, "I'm a Teapot"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Entity"},
      {423, "Locked"},
      {424, "Failed Dependency"},
      {425, "Too Early"},
      {426, "Upgrade Required"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {451, "Unavailable For Legal Reasons"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {506, "Variant Also Negotiates"},
      {507, "Insufficient Storage"},
      {508, "Loop Detected"},
      {509, "Bandwidth Limit Exceeded"},
      {510, "Not Extended"},
      {511, "Network Authentication Required"},
  };
  std::vector<std::pair<int, std::string_view>> found;
  for (const auto& [code, phrase] : http::STATUS_CODES) found.emplace_back(code, phrase);
  CHECK(found == expected);
  CHECK(http::STATUS_CODES.size() == 63);
}

TEST_CASE("STATUS_CODES[code] is the phrase, or empty where there is none", "[constants]") {
  CHECK(http::STATUS_CODES[404] == "Not Found");
  CHECK(http::STATUS_CODES[799].empty());

  std::size_t known = 0;
  for (int code = -1; code <= 1000; ++code) {
    const auto entry = std::find_if(http::STATUS_CODES.begin(), http::STATUS_CODES.end(),
                                    [code](const auto& pair) { return pair.first == code; });
    const bool exists = entry != http::STATUS_CODES.end();
    INFO("code " << code);
    REQUIRE(http::STATUS_CODES.contains(code) == exists);
    REQUIRE(http::STATUS_CODES[code] == (exists ? entry->second : std::string_view()));
    if (exists) ++known;
  }
  CHECK(known == 63);
}

TEST_CASE("a head may have 8 KiB by default, and unlimited is more than any number",
          "[constants]") {
  CHECK(http::maxHeaderSize == 8192);
  CHECK(http::unlimited + 1 == 0);
}
