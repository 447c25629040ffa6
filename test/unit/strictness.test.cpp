// SPDX-License-Identifier: BSL-1.0
//
// The rules by themselves. That they are asked at the right moment is message_parser.test.cpp's.
#include <sluice/http/detail/wire/strictness.hpp>
#include <string>
#include <support/catch.hpp>

using namespace sluice::http::detail;
using sluice::http::errc;

TEST_CASE("the beginning of a line tells that no method follows", "[strictness][Q2]") {
  const std::string method = GENERATE("", "G", "GET", "GET ", "GET / HTTP", "M-SEARCH *", "ZZZ");
  CHECK_FALSE(methodFault(method));
  const std::string other =
      GENERATE(" GET", "g", "GET\t", "FOO ", "\x16\x03\x01", "1", "\r\r", "\n");
  CHECK(methodFault(other).code == errc::HPE_INVALID_METHOD);
  CHECK_FALSE(methodFault(std::string(31, 'A')));
  CHECK(methodFault(std::string(32, 'A')).code == errc::HPE_INVALID_METHOD);
}

TEST_CASE("the beginning of a line tells that no response follows", "[strictness][R2]") {
  const std::string response = GENERATE("", "H", "HTTP", "HTTP/", "HTTP/1.1 200");
  CHECK_FALSE(protocolFault(response));
  const std::string other = GENERATE("h", "HTP", "HTTPS", "ICY 200 OK", "\r\r");
  CHECK(protocolFault(other).code == errc::HPE_INVALID_CONSTANT);
}

TEST_CASE("a target is made of visible ASCII", "[strictness][Q5]") {
  CHECK(isTargetText("/a?b=c#d|\"~!"));
  CHECK_FALSE(isTargetText("/\x80"));
  CHECK_FALSE(isTargetText("/\xCE\xB4"));
  CHECK_FALSE(isTargetText("/\x7F"));
  CHECK_FALSE(isTargetText("/ a"));
}

TEST_CASE("a target has one of four forms, two of them with their methods only",
          "[strictness][Q4]") {
  CHECK(isTargetForm("GET", "/"));
  CHECK(isTargetForm("OPTIONS", "/a"));
  CHECK(isTargetForm("GET", "http://a/"));
  CHECK(isTargetForm("GET", "http://a?b"));
  CHECK(isTargetForm("GET", "X-y+z.1://a"));
  CHECK(isTargetForm("OPTIONS", "*"));
  CHECK(isTargetForm("M-SEARCH", "*"));
  CHECK(isTargetForm("CONNECT", "a.b:443"));
  CHECK(isTargetForm("CONNECT", "[::1]:443"));

  const std::string bad = GENERATE("*", "foo", "?x", "http:/a", "http://", "://a", "1", "1a://b",
                                   "a:80", "a b://c", "**");
  CHECK_FALSE(isTargetForm("GET", bad));
  CHECK_FALSE(isTargetForm("OPTIONS", "*a"));
}

TEST_CASE("CONNECT needs a host and a port that can be connected to", "[strictness][Q4]") {
  const std::string bad = GENERATE("/", "*", "a", "a:", "a:x", "a:65536", ":80", "u@a:80", "a:80/",
                                   "http://a:80", "[::1:80", "[]:80");
  CHECK_FALSE(isAuthority(bad));
  CHECK(isAuthority("a:65535"));
}

TEST_CASE("the text behind the target is named by what it lacks", "[strictness][Q6]") {
  CHECK(versionFault("ICE/1.0").code == errc::HPE_INVALID_CONSTANT);
  CHECK(versionFault("http/1.1").code == errc::HPE_INVALID_CONSTANT);
  CHECK(versionFault("").code == errc::HPE_INVALID_CONSTANT);
  CHECK(versionFault("HTTP/2.0").code == errc::HPE_INVALID_VERSION);
  CHECK(versionFault("HTTP/1.1 ").code == errc::HPE_INVALID_VERSION);
  CHECK(versionFault("HTTP/1.1\rX").code == errc::HPE_STRICT);
}

TEST_CASE("a status begins at 100", "[strictness][R5]") {
  CHECK(isStatus(100));
  CHECK(isStatus(999));
  CHECK_FALSE(isStatus(99));
  CHECK_FALSE(isStatus(0));
}

TEST_CASE("the first bytes of a line tell blanks and broken line ends",
          "[strictness][Q9][F6][F7][F8]") {
  CHECK(lineStartFault(" a: b", true).code == errc::HPE_UNEXPECTED_SPACE);
  CHECK(lineStartFault("\ta", true).code == errc::HPE_UNEXPECTED_SPACE);
  CHECK(lineStartFault(" a", false).code == errc::HPE_INVALID_HEADER_TOKEN);
  CHECK(lineStartFault("\ta", false).code == errc::HPE_INVALID_HEADER_TOKEN);
  CHECK(lineStartFault("\n", false).code == errc::HPE_INVALID_HEADER_TOKEN);
  CHECK(lineStartFault("\ra", false).code == errc::HPE_STRICT);
  CHECK_FALSE(lineStartFault("\r", false));
  CHECK_FALSE(lineStartFault("\r\n", false));
  CHECK_FALSE(lineStartFault("a", false));
  CHECK_FALSE(lineStartFault("", true));
}

TEST_CASE("a Host is empty, or a host and maybe a port", "[strictness][Q11]") {
  const std::string good = GENERATE("", "a", "a.b", "a:80", "a:", "127.0.0.1:8080", "[::1]",
                                    "[fe80::1]:80", "a_b-c", "0.0.0.0=5000", "%41");
  CHECK(isHost(good));
  const std::string bad = GENERATE("a b", "a/", "/", "u@a", "a:b", "a:80:80", "[::1", "::1", ":80",
                                   "a\tb", "a?", "a#b", "\xC3\xBC", "a\"");
  CHECK_FALSE(isHost(bad));
}

TEST_CASE("a Content-Length is digits and nothing else", "[strictness][B1]") {
  CHECK(contentLength("0") == 0U);
  CHECK(contentLength("003") == 3U);
  CHECK(contentLength(std::string(100, '0') + "7") == 7U);
  const std::string bad =
      GENERATE("", "+1", "-1", "0x1", "1 2", "3, 3", "3,3", "1.0", "a", "1a", "1\x80", " 1", "1 ");
  CHECK_FALSE(contentLength(bad).has_value());
}

TEST_CASE("a Content-Length fits into 64 bits", "[strictness][B2]") {
  CHECK(contentLength("18446744073709551615") == 18446744073709551615U);
  CHECK_FALSE(contentLength("18446744073709551616").has_value());
  CHECK_FALSE(contentLength("1000000000000000000000").has_value());
}

TEST_CASE("what frames a message is no trailer", "[strictness][B10]") {
  CHECK(trailerFault(KnownHeader::contentLength).code == errc::HPE_INVALID_CONTENT_LENGTH);
  CHECK(trailerFault(KnownHeader::transferEncoding).code == errc::HPE_INVALID_TRANSFER_ENCODING);
  CHECK_FALSE(trailerFault(KnownHeader::connection));
  CHECK_FALSE(trailerFault(KnownHeader::other));
}

TEST_CASE("Connection options are found on all lines, in any case, between unknown ones",
          "[strictness][K4]") {
  ConnectionHeader options;
  options.add("a,KEEP-Alive");
  CHECK(options.keepAlive);
  CHECK_FALSE(options.close);
  options.add(", x ,\tClose ,,");
  CHECK(options.close);
  CHECK_FALSE(options.upgrade);
  options.add("Upgrade");
  CHECK(options.upgrade);
}

TEST_CASE("a Connection option is a whole element of the list", "[strictness][K4]") {
  ConnectionHeader options;
  for (const char* value :
       {"", "closed", "not close", "keep-alive;timeout=5", "\"close\"", "clos"}) {
    options.add(value);
  }
  CHECK_FALSE(options.close);
  CHECK_FALSE(options.keepAlive);
}

TEST_CASE("chunked delimits as the last of all codings, once and without parameters",
          "[strictness][B5][B6][B7]") {
  const auto codings = [](std::initializer_list<const char*> values) {
    TransferCodings result;
    for (const char* value : values) result.add(value);
    return result;
  };
  CHECK_FALSE(codings({}).present());
  CHECK(codings({""}).present());
  CHECK(codings({"chunked"}).delimits());
  CHECK(codings({"CHUNKED"}).delimits());
  CHECK(codings({"gzip, chunked"}).delimits());
  CHECK(codings({"gzip;q=1;a=\"b,\\\"c\" ,\tchunked"}).delimits());
  CHECK(codings({"gzip", "chunked"}).delimits());

  const std::string bad =
      GENERATE("", "gzip", "identity", "xchunked", "chunkedchunked", "chunked, gzip",
               "chunked, chunked", "\"chunked\"", "chunked;a=b", "chunked x", "chunked,",
               ",chunked", "gzip,,chunked", "chunked\"", "chunked\x80", "chunked;", "chunked;a",
               "gzip;a=\"b, chunked", "chunked;a=\"b\"");
  CHECK_FALSE(codings({bad.c_str()}).delimits());
  CHECK_FALSE(codings({"chunked", "gzip"}).delimits());
  CHECK_FALSE(codings({"chunked", ""}).delimits());
  CHECK_FALSE(codings({"chunked", "chunked"}).delimits());
}

TEST_CASE("a response runs to the close if its codings are a list that does not end in chunked",
          "[strictness][R10]") {
  const auto runsToClose = [](const char* value) {
    TransferCodings codings;
    codings.add(value);
    return codings.runsToClose();
  };
  CHECK(runsToClose("gzip"));
  CHECK(runsToClose("chunked, gzip"));
  CHECK(runsToClose("chunked;a=b"));
  CHECK_FALSE(runsToClose("chunked"));
  CHECK_FALSE(runsToClose("chunked, chunked"));
  CHECK_FALSE(runsToClose("chunked x"));
  CHECK_FALSE(runsToClose("chunked,"));
}
