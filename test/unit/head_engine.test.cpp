// SPDX-License-Identifier: BSL-1.0
//
// Beast's parser as the engine of heads: what the sink is told, and what makes a run end. That a
// head read as a whole and one read by lines are understood alike is held by everySplit() in
// message_parser.test.cpp and by the fuzz entry head_agreement.
#include <sluice/http/detail/wire/head_engine.hpp>
#include <string>
#include <string_view>
#include <support/catch.hpp>

namespace {

namespace beast = boost::beast::http;
using sluice::http::detail::HeadEngine;

// What it was told, a line each.
struct Sink {
  bool onRequestLine(beast::verb verb, std::string_view method, std::string_view target,
                     int version) {
    CHECK(verb == beast::string_to_verb(method));
    text.append(method).append("|").append(target).append("|").append(std::to_string(version));
    return note();
  }
  bool onStatusLine(int status, std::string_view reason, int version) {
    text.append(std::to_string(status)).append("|").append(reason).append("|");
    text.append(std::to_string(version));
    return note();
  }
  bool onFieldLine(beast::field field, std::string_view name, std::string_view value) {
    CHECK(field == beast::string_to_field(name));
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

// "-" if the run has failed; otherwise what the sink was told, and how many bytes are left.
template <bool isRequest>
std::string run(std::string_view input, int stopAt = -1) {
  Sink sink;
  sink.stopAt = stopAt;
  HeadEngine<isRequest, Sink> engine(sink);
  if (engine.run(input)) return "-";
  return sink.text + std::to_string(input.size() - engine.consumed());
}

std::string request(std::string_view input, int stopAt = -1) { return run<true>(input, stopAt); }
std::string response(std::string_view input) { return run<false>(input); }

}  // namespace

TEST_CASE("a head is read in one pass, and nothing after it", "[HeadEngine]") {
  CHECK(request("GET / HTTP/1.1\r\n\r\n") == "GET|/|11\n0");
  CHECK(request("GET /a?b#c HTTP/1.0\r\nHost: a\r\n\r\nbody") == "GET|/a?b#c|10\nHost|a\n4");
  CHECK(request("X / HTTP/1.1\r\na:\r\nb:  c \t d\t \r\n\r\n") == "X|/|11\na|\nb|c \t d\n0");
  CHECK(request("X / HTTP/1.1\r\na: \xC3\xBC \xFF\r\n\r\n\r\n") == "X|/|11\na|\xC3\xBC \xFF\n2");
  CHECK(request("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody") ==
        "POST|/|11\nContent-Length|4\n4");
  CHECK(response("HTTP/1.1 200 OK\r\nServer: x\r\n\r\nbody") == "200|OK|11\nServer|x\n4");
  CHECK(response("HTTP/1.0 404 \r\n\r\n") == "404||10\n0");
  CHECK(response("HTTP/1.1 204 a\tb\r\n\r\nHTTP/1.1") == "204|a\tb|11\n8");
}

TEST_CASE("a value may be of any length", "[HeadEngine]") {
  for (std::size_t size = 0; size != 40; ++size) {
    const std::string value(size, 'v');
    CHECK(request("X / HTTP/1.1\r\na:" + value + "\r\n\r\n") == "X|/|11\na|" + value + "\n0");
  }
}

TEST_CASE("a head that is not complete ends the run", "[HeadEngine]") {
  const std::string all = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
  for (std::size_t size = 0; size != all.size(); ++size) {
    INFO(size);
    CHECK(request(std::string_view(all).substr(0, size)) == "-");
  }
}

TEST_CASE("no folded line gets through, wherever its parts are", "[HeadEngine]") {
  CHECK(request("GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n") == "-");
  CHECK(request("GET / HTTP/1.1\r\na: b\r\n \r\n\r\n") == "-");
  CHECK(request("GET / HTTP/1.1\r\na:\r\n c\r\n\r\n") == "-");
  CHECK(request("GET / HTTP/1.1\r\na: \r\n\t\r\n\r\n") == "-");
  CHECK(request("GET / HTTP/1.1\r\nContent-Length:\r\n 3\r\n\r\n") == "-");
  CHECK(request("GET / HTTP/1.1\r\nContent-Length: 3\r\n \r\n\r\n") == "-");
}

TEST_CASE("a sink that stops ends the run", "[HeadEngine]") {
  CHECK(request("GET / HTTP/1.1\r\na: b\r\n\r\n", 1) == "-");
  CHECK(request("GET / HTTP/1.1\r\na: b\r\n\r\n", 2) == "-");
}
