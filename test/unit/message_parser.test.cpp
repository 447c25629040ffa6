// SPDX-License-Identifier: BSL-1.0
//
// The rules for heads, each in every split of the input: what is read, and which code says no.
#include <sluice/http/detail/wire/message_parser.hpp>
#include <string>
#include <support/catch.hpp>
#include <support/every_split.hpp>

using namespace sluice::http::detail;
using namespace sluice::test;

namespace {

using Status = MessageParser::Status;

const std::string get = "GET / HTTP/1.1\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\n";

// A request for / with these lines, and what becomes of it.
std::string head(const std::string& lines) { return request(get + "Host: a\r\n" + lines + "\r\n"); }

std::string headInsecure(const std::string& lines) {
  return insecureRequest(get + "Host: a\r\n" + lines + "\r\n");
}

std::string read(const std::string& facts, const std::string& lines) {
  return "GET / 11" + facts + "\n| Host: a\n" + lines + "end\n";
}

std::string withLimits(const std::string& bytes, ParserLimits limits) {
  return everyWay(bytes, {.limits = limits});
}

}  // namespace

TEST_CASE("empty lines before a request are skipped and start nothing", "[MessageParser][Q1]") {
  CHECK(request("\r\n\r\n" + get + "Host: a\r\n\r\n\r\n" + get + "Host: a\r\n\r\n\r\n") ==
        read("", "") + read("", ""));
  MessageParser parser(MessageParser::Kind::request);
  parser.reset({.maxHeaderSize = 100});
  CHECK(parser.parseHead("\r\n\r") == Status::needMore);
  CHECK_FALSE(parser.startedMessage());
  CHECK(parser.parseHead("\r\n\r\nG") == Status::needMore);
  CHECK(parser.startedMessage());
  CHECK(verdict(request("\n" + get + "\r\n")) == "INVALID_METHOD");
  CHECK(verdict(request("\r" + get + "\r\n")) == "INVALID_METHOD");
}

TEST_CASE("a request begins with a method that is known, in capitals", "[MessageParser][Q2]") {
  const std::string method = GENERATE("get", "FOO", "~", "PRI", "GETT", "");
  CHECK(request(method + " / HTTP/1.1\r\nHost: a\r\n\r\n") == "HPE_INVALID_METHOD\nat 0\n");
  CHECK(request("QUERY / HTTP/1.1\r\nHost: a\r\n\r\n") == "QUERY / 11\n| Host: a\nend\n");
}

TEST_CASE("one space, and nothing else, stands between the parts of a request line",
          "[MessageParser][Q3]") {
  CHECK(verdict(request(" GET / HTTP/1.1\r\n\r\n")) == "INVALID_METHOD");
  CHECK(verdict(request("GET\t/ HTTP/1.1\r\n\r\n")) == "INVALID_METHOD");
  CHECK(verdict(request("GET  / HTTP/1.1\r\n\r\n")) == "INVALID_URL");
  CHECK(verdict(request("GET /\tHTTP/1.1\r\n\r\n")) == "INVALID_URL");
  CHECK(verdict(request("GET /  HTTP/1.1\r\n\r\n")) == "INVALID_CONSTANT");
  CHECK(verdict(request("GET /a b HTTP/1.1\r\n\r\n")) == "INVALID_CONSTANT");
  CHECK(verdict(request("GET / HTTP/1.1 \r\n\r\n")) == "INVALID_VERSION");
  CHECK(verdict(insecureRequest("GET /  HTTP/1.1\r\n\r\n")) == "INVALID_CONSTANT");
}

TEST_CASE("a target has one of the four forms", "[MessageParser][Q4]") {
  const std::string bad = GENERATE("foo", "?x", "http:/a", "1", "*");
  CHECK(request("GET " + bad + " HTTP/1.1\r\n\r\n") == "HPE_INVALID_URL\nat 0\n");
  CHECK(verdict(insecureRequest("GET " + bad + " HTTP/1.1\r\n\r\n")) == "INVALID_URL");
  CHECK(verdict(request("CONNECT / HTTP/1.1\r\n\r\n")) == "INVALID_URL");
  CHECK(request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") == "OPTIONS * 11\n| Host: a\nend\n");
  CHECK(request("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n") ==
        "GET http://a/ 11\n| Host: a\nend\n");
  CHECK(request("CONNECT a:1 HTTP/1.1\r\n\r\ntunnel") == "CONNECT a:1 11\nend\n");
}

TEST_CASE("a target has visible ASCII only", "[MessageParser][Q5]") {
  const std::string bad = GENERATE("/\x80", "/\xFF", "/\x7F", "/\x01");
  CHECK(request("GET " + bad + " HTTP/1.1\r\n\r\n") == "HPE_INVALID_URL\nat 0\n");
  CHECK(verdict(insecureRequest("GET " + bad + " HTTP/1.1\r\n\r\n")) == "INVALID_URL");
}

TEST_CASE("the version is HTTP/1.0 or HTTP/1.1", "[MessageParser][Q6]") {
  const std::string version =
      GENERATE("HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/11.1", "HTTP/1.", "HTTP/1", "HTTP/");
  CHECK(verdict(request("GET / " + version + "\r\n\r\n")) == "INVALID_VERSION");
  const std::string other = GENERATE("http/1.1", "ICE/1.0", "HTP/1.1", "HT", "");
  CHECK(verdict(request("GET / " + other + "\r\n\r\n")) == "INVALID_CONSTANT");
  CHECK(insecureRequest("GET / HTTP/5.6\r\nHost: a\r\n\r\n") == "GET / 56\n| Host: a\nend\n");
  CHECK(verdict(insecureRequest("GET / HTTP/1.11\r\n\r\n")) == "INVALID_VERSION");
}

TEST_CASE("a request without a version and the preface of HTTP/2 are refused",
          "[MessageParser][Q7]") {
  CHECK(verdict(request("GET /\r\n\r\n")) == "INVALID_URL");
  CHECK(verdict(request("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) == "INVALID_METHOD");
}

TEST_CASE("a request line ends in CRLF", "[MessageParser][Q8]") {
  CHECK(verdict(request("GET / HTTP/1.1\nHost: a\r\n\r\n")) == "INVALID_VERSION");
  CHECK(verdict(request("GET / HTTP/1.1\rHost: a\r\n\r\n")) == "STRICT");
  CHECK(insecureRequest("GET / HTTP/1.1\nHost: a\r\n\r\n") == read("", ""));
  CHECK(verdict(insecureRequest("GET / HTTP/1.1\rHost: a\r\n\r\n")) == "STRICT");
}

TEST_CASE("no blank stands in front of the first field line", "[MessageParser][Q9]") {
  CHECK(request(get + " Host: a\r\n\r\n") == "HPE_UNEXPECTED_SPACE\nat 16\n");
  CHECK(request(get + "\tHost: a\r\n\r\n") == "HPE_UNEXPECTED_SPACE\nat 16\n");
  CHECK(request(get + " ") == "HPE_UNEXPECTED_SPACE\nat 16\n");
  CHECK(insecureRequest(get + " Host: a\r\n\r\n") == read("", ""));
}

TEST_CASE("a request without Host is an ordinary 400, not for CONNECT and HTTP/1.0",
          "[MessageParser][Q10]") {
  CHECK(request(get + "\r\n") == "GET / 11 no-host\nend\n");
  CHECK(insecureRequest(get + "\r\n") == "GET / 11 no-host\nend\n");
  CHECK(request(get + "Host:\r\n\r\n") == "GET / 11\n| Host: \nend\n");
  CHECK(request("GET / HTTP/1.0\r\n\r\n") == "GET / 10 close\nend\n");
  CHECK(request("CONNECT a:1 HTTP/1.1\r\n\r\n") == "CONNECT a:1 11\nend\n");
  CHECK(request(get + "Connection: upgrade\r\nUpgrade: x\r\n\r\n") ==
        "GET / 11 upgrade no-host\n| Connection: upgrade\n| Upgrade: x\nend\n");
}

TEST_CASE("two Host lines and a Host that is none are an ordinary 400", "[MessageParser][Q11]") {
  CHECK(head("Host: a\r\n") == read(" hosts", "| Host: a\n"));
  const std::string bad = GENERATE("a b", "a/b", "u@a", "a:b");
  CHECK(request(get + "Host: " + bad + "\r\n\r\n") ==
        "GET / 11 bad-host\n| Host: " + bad + "\nend\n");
}

TEST_CASE("the name of a field is a token", "[MessageParser][F1]") {
  const std::string line = GENERATE(": b", "a", "a b: c", "a@: b", "a\x01: b", "a\x80: b",
                                    "\"a\": b", "a\rb: c", "(a): b", "a\x00: b");
  CHECK(request(get + line + "\r\n\r\n") == "HPE_INVALID_HEADER_TOKEN\nat 16\n");
  CHECK(verdict(insecureRequest(get + line + "\r\n\r\n")) == "INVALID_HEADER_TOKEN");
  CHECK(head("!#$%&'*+-.^_`|~09aZ: b\r\n") == read("", "| !#$%&'*+-.^_`|~09aZ: b\n"));
}

TEST_CASE("nothing stands between the name and the colon", "[MessageParser][F2]") {
  const std::string line = GENERATE("a : b", "a\t: b", "Content-Length : 5");
  CHECK(verdict(head(line + "\r\n")) == "INVALID_HEADER_TOKEN");
  CHECK(verdict(headInsecure(line + "\r\n")) == "INVALID_HEADER_TOKEN");
}

TEST_CASE("a value has no control characters but tab", "[MessageParser][F3]") {
  const std::string control =
      GENERATE(std::string("\0", 1), std::string("\x01"), std::string("\x0C"), std::string("\x7F"));
  CHECK(verdict(head("a: x" + control + "y\r\n")) == "INVALID_HEADER_TOKEN");
  CHECK(verdict(head("a: " + control + "\r\n")) == "INVALID_HEADER_TOKEN");
  CHECK(headInsecure("a: x" + control + "y\r\n") == read("", "| a: x" + control + "y\n"));
  CHECK(head("a: x\ty ~\x80\xFF\r\n") == read("", "| a: x\ty ~\x80\xFF\n"));
}

TEST_CASE("a control character that passes does not make a framing field of a value",
          "[MessageParser][F3]") {
  CHECK(verdict(headInsecure("Content-Length: 5\x01\r\n")) == "INVALID_CONTENT_LENGTH");
  CHECK(headInsecure("Connection: close\x01\r\n") == read("", "| Connection: close\x01\n"));
}

TEST_CASE("blanks around a value are removed, inner ones are kept", "[MessageParser][F4]") {
  CHECK(head("a:b\r\nc: \t d  e \t\r\nf:\r\ng:  \r\n") ==
        read("", "| a: b\n| c: d  e\n| f: \n| g: \n"));
  CHECK(
      request(
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\t3\t\r\nConnection:\tclose \r\n\r\nabc") ==
      "POST / 11 close sized=3\n| Host: a\n| Content-Length: 3\n| Connection: close\nbody "
      "abc\nend\n");
}

TEST_CASE("LF alone does not end a field line", "[MessageParser][F5]") {
  CHECK(request(get + "a: b\nHost: a\r\n\r\n") == "HPE_CR_EXPECTED\nat 16\n");
  CHECK(verdict(request(get + "a:\nHost: a\r\n\r\n")) == "CR_EXPECTED");
  CHECK(insecureRequest(get + "Host: a\nb: c\r\nd: e\n\r\n") == read("", "| b: c\n| d: e\n"));
}

TEST_CASE("CR not followed by LF is refused", "[MessageParser][F6]") {
  CHECK(verdict(head("a: b\rc: d\r\n")) == "LF_EXPECTED");
  CHECK(verdict(head("a:\rb: d\r\n")) == "LF_EXPECTED");
  CHECK(verdict(head("a: b\r\r\n")) == "LF_EXPECTED");
  CHECK(request(get + "Host: a\r\n\rX") == "HPE_STRICT\nat 25\n");
  CHECK(verdict(headInsecure("a: b\rc: d\r\n")) == "LF_EXPECTED");
  CHECK(verdict(insecureRequest(get + "Host: a\r\n\rX")) == "STRICT");
}

TEST_CASE("folded lines are refused", "[MessageParser][F7]") {
  CHECK(request(get + "a: b\r\n c\r\n\r\n") == "HPE_INVALID_HEADER_TOKEN\nat 22\n");
  CHECK(request(get + "a: b\r\n\tc\r\n\r\n") == "HPE_INVALID_HEADER_TOKEN\nat 22\n");
  // The first of the two lines is wrong by itself.
  CHECK(verdict(head("Content-Length:\r\n 3\r\n")) == "INVALID_CONTENT_LENGTH");
  CHECK(verdict(head("Content-Length: 3\r\n 4\r\n")) == "INVALID_HEADER_TOKEN");
  CHECK(verdict(head("a: b\r\n \r\n")) == "INVALID_HEADER_TOKEN");
  CHECK(verdict(head("a: " + std::string(100, 'b') + "\r\n c\r\n")) == "INVALID_HEADER_TOKEN");
}

TEST_CASE("insecure: the parts of a folded line are joined with one space", "[MessageParser][F7]") {
  CHECK(headInsecure("a: b \r\n\t c\r\n  d\r\ne:\r\n f\r\ng: h\r\n \r\ni:\r\n \r\n") ==
        read("", "| a: b c d\n| e: f\n| g: h\n| i: \n"));
  CHECK(insecureRequest("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 3\r\n\r\nabc") ==
        "POST / 11 sized=3\n| Host: a\n| Content-Length: 3\nbody abc\nend\n");
  CHECK(headInsecure("a: b\n c\n") == read("", "| a: b c\n"));
  CHECK(verdict(headInsecure("a\r\n : b\r\n")) == "INVALID_HEADER_TOKEN");
}

TEST_CASE("LF alone does not end the head", "[MessageParser][F8]") {
  CHECK(request(get + "Host: a\r\n\n") == "HPE_INVALID_HEADER_TOKEN\nat 25\n");
  CHECK(verdict(request(get + "\n")) == "INVALID_HEADER_TOKEN");
  CHECK(insecureRequest(get + "Host: a\r\n\n") == read("", ""));
  CHECK(insecureRequest("GET / HTTP/1.1\nHost: a\n\n") == read("", ""));
}

TEST_CASE("lines above maxHeadersCount are dropped, but not from the framing",
          "[MessageParser][F9]") {
  const ParserLimits two{.maxHeaderSize = 1000, .maxHeadersCount = 2};
  CHECK(withLimits("POST / HTTP/1.1\r\na: 1\r\nb: 2\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
                   two) == "POST / 11 sized=1\n| a: 1\n| b: 2\nbody x\nend\n");
  CHECK(verdict(withLimits(
            "POST / HTTP/1.1\r\na: 1\r\nb: 2\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
            two)) == "UNEXPECTED_CONTENT_LENGTH");
  const ParserLimits all{.maxHeaderSize = 1000, .maxHeadersCount = 0};
  CHECK(withLimits(get + "Host: a\r\nb: 2\r\nc: 3\r\n\r\n", all) == read("", "| b: 2\n| c: 3\n"));
}

TEST_CASE("Content-Length is a number that fits into 64 bits", "[MessageParser][B1][B2]") {
  const std::string bad =
      GENERATE("", "3, 3", "3,3", "+3", "-3", "0x3", "3 3", "18446744073709551616", "3;a");
  CHECK(verdict(head("Content-Length: " + bad + "\r\n")) == "INVALID_CONTENT_LENGTH");
  CHECK(verdict(headInsecure("Content-Length: " + bad + "\r\n")) == "INVALID_CONTENT_LENGTH");
  CHECK(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0002\r\n\r\nab") ==
        "POST / 11 sized=2\n| Host: a\n| Content-Length: 0002\nbody ab\nend\n");
  CHECK(head("Content-Length: 18446744073709551615\r\n") ==
        "GET / 11 sized=18446744073709551615\n| Host: a\n| Content-Length: "
        "18446744073709551615\nneeds more body\n");
}

TEST_CASE("a second Content-Length is refused at its line, equal or not", "[MessageParser][B3]") {
  const std::string second = GENERATE("3", "4");
  const std::string lines = "Content-Length: 3\r\nContent-Length: " + second + "\r\n";
  CHECK(request("POST / HTTP/1.1\r\n" + lines) == "HPE_UNEXPECTED_CONTENT_LENGTH\nat 36\n");
  CHECK(verdict(insecureRequest("POST / HTTP/1.1\r\n" + lines + "\r\n")) ==
        "UNEXPECTED_CONTENT_LENGTH");
}

TEST_CASE("Content-Length beside Transfer-Encoding is refused, and the later line is named",
          "[MessageParser][B4]") {
  const std::string coding = GENERATE("chunked", "gzip", "identity", "");
  const std::string te = "Transfer-Encoding: " + coding + "\r\n";
  CHECK(verdict(head("Content-Length: 5\r\n" + te)) == "INVALID_TRANSFER_ENCODING");
  CHECK(verdict(head(te + "Content-Length: 5\r\n")) == "INVALID_CONTENT_LENGTH");
  CHECK(verdict(response(ok + "Content-Length: 5\r\n" + te + "\r\n")) ==
        "INVALID_TRANSFER_ENCODING");
  CHECK(verdict(response(ok + te + "Content-Length: 5\r\n\r\n")) == "INVALID_CONTENT_LENGTH");
}

TEST_CASE("insecure: Transfer-Encoding wins over Content-Length, and the connection ends",
          "[MessageParser][B4]") {
  const std::string cl = "Content-Length: 9\r\n", te = "Transfer-Encoding: chunked\r\n";
  const std::string rest = "\r\n2\r\nab\r\n0\r\n\r\n";
  CHECK(headInsecure(cl + te + "\r\n").find("GET / 11 close chunked\n") == 0);
  CHECK(insecureRequest("POST / HTTP/1.1\r\nHost: a\r\n" + te + cl + rest) ==
        "POST / 11 close chunked\n| Host: a\n| Transfer-Encoding: chunked\n| Content-Length: "
        "9\nbody ab\nend\n");
}

TEST_CASE("the last coding of a request is chunked", "[MessageParser][B5]") {
  const std::string coding = GENERATE("gzip", "identity", "xchunked", "chunked, gzip",
                                      "chunked, chunked", "\"chunked\"", "");
  CHECK(verdict(head("Transfer-Encoding: " + coding + "\r\n")) == "INVALID_TRANSFER_ENCODING");
  CHECK(insecureRequest("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: " + coding +
                        "\r\n\r\nabc") ==
        "POST / 11 close until-close\n| Host: a\n| Transfer-Encoding: " + coding +
            "\nbody abc\nneeds more body\n");
  CHECK(request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: "
                "Chunked\r\n\r\n0\r\n\r\n") ==
        "POST / 11 chunked\n| Host: a\n| Transfer-Encoding: gzip\n| Transfer-Encoding: "
        "Chunked\nend\n");
}

TEST_CASE("chunked is there once, with nothing behind it and without parameters",
          "[MessageParser][B6]") {
  const std::string coding =
      GENERATE("chunked;a=b", "chunked x", "chunked,", "chunked\"", "chunked\x80", ",chunked");
  CHECK(verdict(head("Transfer-Encoding: " + coding + "\r\n")) == "INVALID_TRANSFER_ENCODING");
  CHECK(headInsecure("Transfer-Encoding: " + coding + "\r\n").find(" until-close\n") !=
        std::string::npos);
}

TEST_CASE("no Transfer-Encoding line stands behind one that ended in chunked",
          "[MessageParser][B7]") {
  const std::string coding = GENERATE("chunked", "gzip", "");
  CHECK(verdict(head("Transfer-Encoding: chunked\r\nTransfer-Encoding: " + coding + "\r\n")) ==
        "INVALID_TRANSFER_ENCODING");
}

TEST_CASE("HTTP/1.0 has no Transfer-Encoding: a request is refused, a response ends the connection",
          "[MessageParser][B8]") {
  const std::string lines = "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  CHECK(request("POST / HTTP/1.0\r\n" + lines) == "HPE_INVALID_TRANSFER_ENCODING\nat 41\n");
  CHECK(response("HTTP/1.0 200 OK\r\n" + lines) ==
        "200 [OK] 10 close chunked\n| Connection: keep-alive\n| Transfer-Encoding: chunked\nend\n");
  CHECK(insecureRequest("POST / HTTP/1.0\r\n" + lines) ==
        "POST / 10 close chunked\n| Connection: keep-alive\n| Transfer-Encoding: chunked\nend\n");
}

TEST_CASE("a request with neither has no body", "[MessageParser][B9]") {
  CHECK(request("POST / HTTP/1.1\r\nHost: a\r\n\r\n" + get + "Host: a\r\n\r\n") ==
        "POST / 11\n| Host: a\nend\n" + read("", ""));
  CHECK(head("Content-Length: 0\r\n") == read("", "| Content-Length: 0\n"));
}

TEST_CASE("HTTP/1.1 lives unless it says close, HTTP/1.0 dies unless it says keep-alive",
          "[MessageParser][K1]") {
  CHECK(head("") == read("", ""));
  CHECK(head("Connection: a, CLOSE\r\n") == read(" close", "| Connection: a, CLOSE\n"));
  CHECK(request("GET / HTTP/1.0\r\n\r\n") == "GET / 10 close\nend\n");
  CHECK(request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n") ==
        "GET / 10\n| Connection: Keep-Alive\nend\n");
}

TEST_CASE("close wins over keep-alive", "[MessageParser][K2]") {
  CHECK(request("GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n") ==
        "GET / 10 close\n| Connection: close, keep-alive\nend\n");
  CHECK(head("Connection: close\r\nConnection: keep-alive\r\n") ==
        read(" close", "| Connection: close\n| Connection: keep-alive\n"));
}

TEST_CASE("what follows a message that ends the connection is not read", "[MessageParser][K3]") {
  CHECK(head("Connection: close\r\n\r\n" + get + "\r\n") ==
        read(" close", "| Connection: close\n") + "bytes behind the end\n");
  CHECK(head("Connection: close\r\n\r\n\r\n") == read(" close", "| Connection: close\n"));
}

TEST_CASE("Connection options that are not known, or are no list, are ignored",
          "[MessageParser][K4]") {
  const std::string value = GENERATE("x, y", "keep alive", "keep-alive;timeout=5", ", ,", "");
  CHECK(head("Connection: " + value + "\r\n") == read("", "| Connection: " + value + "\n"));
}

TEST_CASE("Proxy-Connection counts as Connection", "[MessageParser][K5]") {
  CHECK(head("Proxy-Connection: close\r\n") == read(" close", "| Proxy-Connection: close\n"));
}

TEST_CASE("an upgrade needs both lines, and HTTP/1.1", "[MessageParser][K6]") {
  CHECK(head("Connection: a, Upgrade\r\nUpgrade: x\r\n\r\nbytes") ==
        read(" upgrade", "| Connection: a, Upgrade\n| Upgrade: x\n"));
  CHECK(head("Upgrade: x\r\n") == read("", "| Upgrade: x\n"));
  CHECK(head("Connection: upgrade\r\n") == read("", "| Connection: upgrade\n"));
  CHECK(request("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n") ==
        "GET / 10 close\n| Connection: upgrade\n| Upgrade: x\nend\n");
}

TEST_CASE("Expect asks for 100, or for something else, in HTTP/1.1 only", "[MessageParser]") {
  CHECK(head("Expect: 100-Continue\r\n") == read(" continue", "| Expect: 100-Continue\n"));
  CHECK(head("Expect: a, 100-continue;b\r\n") ==
        read(" continue", "| Expect: a, 100-continue;b\n"));
  CHECK(head("Expect: 200-ok\r\n") == read(" expect", "| Expect: 200-ok\n"));
  CHECK(head("Expect: 100-continues\r\n") == read(" expect", "| Expect: 100-continues\n"));
  CHECK(request("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n") ==
        "GET / 10 close\n| Expect: 100-continue\nend\n");
}

TEST_CASE("TE tells that a client reads chunks", "[MessageParser]") {
  CHECK(head("TE: trailers, Chunked\r\n") == read(" te", "| TE: trailers, Chunked\n"));
  CHECK(head("TE: trailers\r\n") == read("", "| TE: trailers\n"));
}

TEST_CASE("empty lines before a response are skipped", "[MessageParser][R1]") {
  CHECK(response("\r\nHTTP/1.1 100 Continue\r\n\r\n\r\n\r\nHTTP/1.1 204 No\r\n\r\n") ==
        "100 [Continue] 11\nend\n204 [No] 11\nend\n");
  CHECK(verdict(response("\nHTTP/1.1 204 No\r\n\r\n")) == "INVALID_CONSTANT");
}

TEST_CASE("a status line is HTTP/1.0 or HTTP/1.1, one space, three digits", "[MessageParser][R2]") {
  CHECK(verdict(response("HTP/1.1 200 OK\r\n\r\n")) == "INVALID_CONSTANT");
  CHECK(verdict(response("http/1.1 200 OK\r\n\r\n")) == "INVALID_CONSTANT");
  const std::string version = GENERATE("HTTP/2.0 200 OK", "HTTP/0.9 200 OK", "HTTP/1.01 200 OK",
                                       "HTTP/1.1\t200 OK", "HTTP/1.1", "HTTP/1", "HTTP/x.y 200");
  CHECK(verdict(response(version + "\r\n\r\n")) == "INVALID_VERSION");
  const std::string status = GENERATE("HTTP/1.1  200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK",
                                      "HTTP/1.1 2x0 OK", "HTTP/1.1 200\tOK", "HTTP/1.1 ");
  CHECK(verdict(response(status + "\r\n\r\n")) == "INVALID_STATUS");
  CHECK(insecureResponse("HTTP/5.6 204 OK\r\n\r\n") == "204 [OK] 56\nend\n");
}

TEST_CASE("a status line may end behind the status", "[MessageParser][R3]") {
  CHECK(response("HTTP/1.1 204\r\na: b\r\n\r\n") == "204 [] 11\n| a: b\nend\n");
  CHECK(response("HTTP/1.0 204\r\nConnection: keep-alive\r\n\r\n") ==
        "204 [] 10\n| Connection: keep-alive\nend\n");
}

TEST_CASE("an empty phrase stays empty", "[MessageParser][R4]") {
  CHECK(response("HTTP/1.1 204 \r\n\r\n") == "204 [] 11\nend\n");
}

TEST_CASE("a status below 100 is refused, one above 599 is passed on", "[MessageParser][R5]") {
  CHECK(response("HTTP/1.1 099 X\r\n\r\n") == "HPE_INVALID_STATUS\nat 0\n");
  CHECK(verdict(response("HTTP/1.1 000\r\n\r\n")) == "INVALID_STATUS");
  CHECK(response("HTTP/1.1 999 X\r\nContent-Length: 1\r\n\r\na") ==
        "999 [X] 11 sized=1\n| Content-Length: 1\nbody a\nend\n");
}

TEST_CASE("a phrase has no control characters and ends in CRLF", "[MessageParser][R6]") {
  CHECK(response("HTTP/1.1 204 a\tb ~\xC3\xAB\r\n\r\n") == "204 [a\tb ~\xC3\xAB] 11\nend\n");
  CHECK(verdict(response("HTTP/1.1 204 a\x01\r\n\r\n")) == "INVALID_STATUS");
  CHECK(verdict(response("HTTP/1.1 204 a\x7F\r\n\r\n")) == "INVALID_STATUS");
  CHECK(verdict(response("HTTP/1.1 204 a\rb\r\n\r\n")) == "STRICT");
  CHECK(verdict(response("HTTP/1.1 204\rb: c\r\n\r\n")) == "STRICT");
  CHECK(verdict(response("HTTP/1.1 204 a\n\r\n")) == "CR_EXPECTED");
  CHECK(verdict(response("HTTP/1.1 204\n\r\n")) == "CR_EXPECTED");
  CHECK(insecureResponse("HTTP/1.1 204 a\n\r\n") == "204 [a] 11\nend\n");
}

TEST_CASE("responses to HEAD and CONNECT, 1xx, 204 and 304 have no body, whatever they say",
          "[MessageParser][R7]") {
  const std::string lines = GENERATE("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "");
  const auto framing = [&](const std::string& status, std::string_view method) {
    const std::string text = response("HTTP/1.1 " + status + "\r\n" + lines + "\r\n", method);
    return text.substr(0, text.find('\n'));
  };
  CHECK(framing("200 OK", "HEAD") == "200 [OK] 11");
  CHECK(framing("200 OK", "CONNECT") == "200 [OK] 11");
  CHECK(framing("100 Go", "GET") == "100 [Go] 11");
  CHECK(framing("204 No", "GET") == "204 [No] 11");
  CHECK(framing("304 No", "GET") == "304 [No] 11");
  CHECK(framing("404 No", "CONNECT") != "404 [No] 11");
  CHECK(framing("200 OK", "GET") != "200 [OK] 11");
}

TEST_CASE("each 1xx is a message of its own", "[MessageParser][R8]") {
  CHECK(response("HTTP/1.1 100 A\r\n\r\nHTTP/1.1 103 B\r\na: b\r\n\r\nHTTP/1.1 200 C\r\nContent-"
                 "Length: 1\r\n\r\nx") ==
        "100 [A] 11\nend\n103 [B] 11\n| a: b\nend\n200 [C] 11 sized=1\n| Content-Length: 1\nbody "
        "x\nend\n");
  CHECK(response("HTTP/1.1 101 A\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nnot HTTP") ==
        "101 [A] 11 upgrade\n| Connection: upgrade\n| Upgrade: x\nend\n");
}

TEST_CASE("responses obey the rules for lengths", "[MessageParser][R9]") {
  CHECK(verdict(response(ok + "Content-Length: 3, 3\r\n\r\n")) == "INVALID_CONTENT_LENGTH");
  CHECK(verdict(response(ok + "Content-Length: 3\r\nContent-Length: 3\r\n\r\n")) ==
        "UNEXPECTED_CONTENT_LENGTH");
  const std::string coding = GENERATE("chunked x", "chunked,", "chunked, chunked", "");
  CHECK(verdict(response(ok + "Transfer-Encoding: " + coding + "\r\n\r\n")) ==
        "INVALID_TRANSFER_ENCODING");
  CHECK(insecureResponse(ok + "Transfer-Encoding: " + coding + "\r\n\r\na").find("until-close") !=
        std::string::npos);
}

TEST_CASE("a response whose last coding is not chunked runs to the close", "[MessageParser][R10]") {
  const std::string coding = GENERATE("gzip", "chunked, gzip", "chunked;x=y", "xchunked");
  CHECK(lastResponse(ok + "Transfer-Encoding: " + coding + "\r\n\r\n0\r\n\r\n") ==
        "200 [OK] 11 close until-close\n| Transfer-Encoding: " + coding +
            "\nbody 0\r\n\r\n\nend\n");
  CHECK(lastResponse(ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: a\r\n\r\nb") ==
        "200 [OK] 11 close until-close\n| Transfer-Encoding: chunked\n| Transfer-Encoding: a\nbody "
        "b\nend\n");
}

TEST_CASE("a response with neither runs to the close", "[MessageParser][R11]") {
  CHECK(lastResponse(ok + "\r\nab" + ok) ==
        "200 [OK] 11 close until-close\nbody ab" + ok + "\nend\n");
  CHECK(lastResponse(ok + "\r\n") == "200 [OK] 11 close until-close\nend\n");
}

TEST_CASE("a response cut short is an error", "[MessageParser][R12]") {
  CHECK(lastResponse("HTTP/1.1 200 OK\r\na: b\r\n") == "HPE_INVALID_EOF_STATE\n");
  CHECK(lastResponse(ok + "Content-Length: 3\r\n\r\nab") ==
        "200 [OK] 11 sized=3\n| Content-Length: 3\nbody ab\nHPE_INVALID_EOF_STATE\n");
}

TEST_CASE("a head may have maxHeaderSize bytes, blank lines not counted", "[MessageParser][L1]") {
  const std::string bytes = get + "Host: a\r\nb: " + std::string(50, 'c') + "\r\n\r\n";
  const std::string facts = read("", "| b: " + std::string(50, 'c') + "\n");
  CHECK(withLimits(bytes, {.maxHeaderSize = bytes.size()}) == facts);
  CHECK(withLimits("\r\n\r\n" + bytes, {.maxHeaderSize = bytes.size()}) == facts);
  for (std::size_t limit = 1; limit < bytes.size(); ++limit) {
    CHECK(verdict(withLimits(bytes, {.maxHeaderSize = limit})) == "HEADER_OVERFLOW");
    CHECK(verdict(withLimits(bytes, {.maxHeaderSize = limit, .insecure = true})) ==
          "HEADER_OVERFLOW");
  }
}

TEST_CASE("a head that never ends fails at the limit, however it is cut", "[MessageParser][L1]") {
  // Pieces that end one byte into the next line are what a parser that counts only unread bytes
  // takes for ever.
  MessageParser parser(MessageParser::Kind::request);
  parser.reset({.maxHeaderSize = 8192});
  std::string input = get + "a";
  Status status = Status::needMore;
  while (status == Status::needMore && input.size() < 20000) {
    status = parser.parseHead(input);
    input += ": b\r\na";
  }
  CHECK(status == Status::failed);
  CHECK(parser.error() == sluice::http::errc::HPE_HEADER_OVERFLOW);
  CHECK(input.size() <= 8192 + 16);
}

TEST_CASE("a line without an end fails at the limit", "[MessageParser][L1]") {
  CHECK(verdict(withLimits("GET /" + std::string(100, 'a'), {.maxHeaderSize = 100})) ==
        "HEADER_OVERFLOW");
  CHECK(verdict(withLimits(get + "a: " + std::string(100, 'a'), {.maxHeaderSize = 100})) ==
        "HEADER_OVERFLOW");
}

TEST_CASE("empty lines before a message are limited", "[MessageParser][L5]") {
  std::string few, many;
  while (few.size() < 256) few += "\r\n";
  many = few + "\r\n";
  CHECK(transcript({few, get + "Host: a\r\n\r\n"}, {}) == read("", ""));
  CHECK(transcript({many}, {}) == "HPE_INVALID_METHOD\nat 256\n");
  CHECK(transcript({many + get}, {}) == "HPE_INVALID_METHOD\nat 256\n");
  CHECK(transcript({many}, {.kind = MessageParser::Kind::response}) ==
        "HPE_INVALID_CONSTANT\nat 256\n");
}

TEST_CASE("the end of the input between messages is no error", "[MessageParser][E1]") {
  CHECK(everyWay(get + "Host: a\r\n\r\n\r\n", {.eof = true}) == read("", "") + "eof\n");
  CHECK(everyWay("\r\n\r", {.eof = true}) == "eof\n");
  CHECK(transcript({}, {.eof = true}) == "eof\n");
}

TEST_CASE("the end of the input in a head is an error", "[MessageParser][E2]") {
  const std::string all = get + "Host: a\r\n\r\n";
  for (std::size_t size = 1; size < all.size(); ++size) {
    CHECK(verdict(transcript({std::string_view(all).substr(0, size)}, {.eof = true})) ==
          "INVALID_EOF_STATE");
  }
}

TEST_CASE("a wrong line is refused when its end is there, not at the end of the head",
          "[MessageParser]") {
  const std::string line =
      GENERATE("FOO / HTTP/1.1\r\n", "GET x HTTP/1.1\r\n", "GET / HTTP/1.2\r\n",
               "GET / HTTP/1.1\r\na b: c\r\n", "GET / HTTP/1.1\r\na: \x01\r\n",
               "GET / HTTP/1.1\r\nContent-Length: x\r\n", "GET / HTTP/1.1\r\na: b\nc");
  const std::string text = request(line);
  CHECK(text.find("HPE_") == 0);
  CHECK(text.find("--- but") == std::string::npos);
}

TEST_CASE("one parser reads message after message and forgets each", "[MessageParser]") {
  MessageParser parser(MessageParser::Kind::request);
  const ParserLimits limits{.maxHeaderSize = 1000};
  parser.reset(limits);
  const std::string first =
      "POST /a HTTP/1.0\r\nHost: x\r\nHost: y\r\nContent-Length: 5\r\nExpect: 1\r\n\r\n";
  REQUIRE(parser.parseHead(first) == Status::complete);
  CHECK(parser.contentLength() == 5);
  CHECK(parser.consumed() == first.size());

  parser.reset(limits);
  const std::string second = get + "Host: a\r\n\r\n";
  REQUIRE(parser.parseHead(second) == Status::complete);
  CHECK(parser.method() == "GET");
  CHECK(parser.target() == "/");
  CHECK(parser.version() == 11);
  CHECK(parser.framing() == Framing::none);
  CHECK(parser.contentLength() == 0);
  CHECK(parser.keepAlive());
  CHECK(parser.hostProblem() == HostProblem::none);
  CHECK(parser.headers().size() == 1);
  CHECK_FALSE(parser.expectOther());
}

TEST_CASE("an error says why in words", "[MessageParser]") {
  MessageParser parser(MessageParser::Kind::request);
  parser.reset({.maxHeaderSize = 1000});
  CHECK(parser.parseHead("\r\nget / HTTP/1.1\r\n") == Status::failed);
  CHECK(parser.error() == sluice::http::errc::HPE_INVALID_METHOD);
  CHECK_FALSE(parser.reason().empty());
  CHECK(parser.bytesParsed() == 2);
  CHECK(parser.parseHead("\r\nget / HTTP/1.1\r\n") == Status::failed);
  CHECK(parser.atEof() == Status::failed);
}
