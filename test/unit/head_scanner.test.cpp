// SPDX-License-Identifier: BSL-1.0
//
// The quick way through a head: what it takes, and what it leaves for the reading by lines. That
// both understand the same is held by everySplit() in message_parser.test.cpp, conformance.test.cpp
// and the fuzzers: of a head that comes in pieces this one never sees the whole.
#include <sluice/http/detail/wire/head_scanner.hpp>
#include <string>
#include <support/catch.hpp>

namespace {

using sluice::http::detail::HeadScanner;

// What it was told, a line each.
struct Sink {
  bool onRequestLine(std::string_view method, std::string_view target, int version) {
    text.append(method).append("|").append(target).append("|").append(std::to_string(version));
    return note();
  }
  bool onStatusLine(int status, std::string_view reason, int version) {
    text.append(std::to_string(status)).append("|").append(reason).append("|");
    text.append(std::to_string(version));
    return note();
  }
  bool onFieldLine(std::string_view name, std::string_view value) {
    text.append(name).append("|").append(value);
    return note();
  }
  bool note() {
    text += '\n';
    return ++lines != stopAt;
  }

  std::string text;
  int lines = 0;
  int stopAt = -1;
};

// "-" where it is not taken; else what it was told, and how many bytes are left.
std::string request(std::string_view input, int stopAt = -1) {
  Sink sink;
  sink.stopAt = stopAt;
  HeadScanner<Sink> scanner(input, sink);
  if (!scanner.scanRequest()) return "-";
  return sink.text + std::to_string(input.size() - scanner.consumed());
}

std::string response(std::string_view input) {
  Sink sink;
  HeadScanner<Sink> scanner(input, sink);
  if (!scanner.scanResponse()) return "-";
  return sink.text + std::to_string(input.size() - scanner.consumed());
}

}  // namespace

TEST_CASE("a plain head is scanned, and nothing behind it", "[HeadScanner]") {
  CHECK(request("GET / HTTP/1.1\r\n\r\n") == "GET|/|11\n0");
  CHECK(request("GET /a?b#c HTTP/1.0\r\nHost: a\r\n\r\nbody") == "GET|/a?b#c|10\nHost|a\n4");
  CHECK(request("X / HTTP/1.1\r\na:\r\nb:  c \t d\t \r\n\r\n") == "X|/|11\na|\nb|c \t d\n0");
  CHECK(request("X / HTTP/1.1\r\na: \xC3\xBC, 0123456789 abcdefgh \xFF\r\n\r\n\r\n") ==
        "X|/|11\na|\xC3\xBC, 0123456789 abcdefgh \xFF\n2");
  CHECK(response("HTTP/1.1 200 OK\r\nServer: x\r\n\r\n") == "200|OK|11\nServer|x\n0");
  CHECK(response("HTTP/1.0 404 \r\n\r\n") == "404||10\n0");
  CHECK(response("HTTP/1.1 099 a\tb\r\n\r\n") == "99|a\tb|11\n0");
}

TEST_CASE("a value may be of any length", "[HeadScanner]") {
  for (std::size_t size = 0; size != 40; ++size) {
    const std::string value(size, 'v');
    CHECK(request("X / HTTP/1.1\r\na:" + value + "\r\n\r\n") == "X|/|11\na|" + value + "\n0");
  }
}

TEST_CASE("a head that is not complete is not taken", "[HeadScanner]") {
  const std::string all = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
  for (std::size_t size = 0; size != all.size(); ++size) {
    INFO(size);
    CHECK(request(std::string_view(all).substr(0, size)) == "-");
  }
  const std::string reply = "HTTP/1.1 200 OK\r\nServer: a\r\n\r\n";
  for (std::size_t size = 0; size != reply.size(); ++size) {
    INFO(size);
    CHECK(response(std::string_view(reply).substr(0, size)) == "-");
  }
}

TEST_CASE("what is unusual is left to the reading by lines", "[HeadScanner]") {
  const std::string unusual = GENERATE(
      " GET / HTTP/1.1\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET /  HTTP/1.1\r\n\r\n",
      "GET\t/ HTTP/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n", "GET / HTTP/1.2\r\n\r\n",
      "GET / http/1.1\r\n\r\n", "GET / HTTP/1.1\n\n", "GET /\x80 HTTP/1.1\r\n\r\n",
      "GET /\x7F HTTP/1.1\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n a: b\r\n\r\n",
      "GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n", "GET / HTTP/1.1\r\na : b\r\n\r\n",
      "GET / HTTP/1.1\r\n: b\r\n\r\n", "GET / HTTP/1.1\r\na\r\n\r\n",
      "GET / HTTP/1.1\r\na: b\n\r\n", "GET / HTTP/1.1\r\na: b\rc\r\n\r\n",
      "GET / HTTP/1.1\r\na: b\x7F\r\n\r\n", "GET / HTTP/1.1\r\na: 01234567\x01\r\n\r\n",
      "GET / HTTP/1.1\r\na: b\r\n\n", "GET / HTTP/1.1\r\na: b\r\n\rx");
  CHECK(request(unusual) == "-");
  CHECK(request(std::string("GET / HTTP/1.1\r\na: b\0c\r\n\r\n", 27)) == "-");
  const std::string reply =
      GENERATE("HTTP/1.1 200\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
               "HTTP/1.1 20 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 200 O\x01\r\n\r\n",
               "HTTP/1.1 200 OK\n\r\n");
  CHECK(response(reply) == "-");
}

TEST_CASE("a sink that stops ends the scan", "[HeadScanner]") {
  CHECK(request("GET / HTTP/1.1\r\na: b\r\n\r\n", 1) == "-");
  CHECK(request("GET / HTTP/1.1\r\na: b\r\n\r\n", 2) == "-");
}
