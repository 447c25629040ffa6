// SPDX-License-Identifier: BSL-1.0
//
// responses.txt and llhttp-responses.txt against our client: what it understands of each case, and
// whether it uses the connection again, must not depend on the pieces in which the bytes arrive.
#include <cstddef>
#include <string>
#include <string_view>
#include "conformance/cases.hpp"
#include "support/catch.hpp"
#include "support/request.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

task<std::string> outcome(ClientRequest& req) {
  std::string result;
  try {
    auto res = co_await req.response();
    result = std::to_string(res.statusCode());
    const std::string body = co_await res.text();
    result += " \"" + body + '"';
  } catch (const Error& error) {
    if (!result.empty()) result += ' ';
    result += "error " + std::string(error.name());
  }
  co_return result;
}

std::string understood(const ConformanceCase& test, Arrival arrival) {
  const std::size_t bar = test.bytes.find('|');
  std::string_view bytes = std::string_view(test.bytes).substr(bar + 1);
  constexpr std::string_view end = "<end>";
  const bool ends = bytes.ends_with(end);
  if (ends) bytes.remove_suffix(end.size());

  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  RequestOptions options = net.options(agent);
  options.method = test.bytes.substr(0, bar);
  auto req = request(net.io(), std::move(options));
  req.end();
  auto waiting = start(net.io(), outcome(req));
  net.settle();
  for (const std::string_view piece : cut(bytes, arrival, 11)) net.deliver(piece);
  if (ends) net.end();
  std::string result = waiting.result();
  net.settle();
  if (result.find("error") != std::string::npos) return result;
  return result + (net.closed() ? " closed" : " kept");
}

void check(const std::string& file, std::size_t atLeast) {
  const auto cases = conformanceCases(file);
  REQUIRE(cases.size() >= atLeast);
  for (const ConformanceCase& test : cases) {
    INFO(test.id << " (" << test.rule << ")");
    CHECK(understood(test, Arrival::whole) == test.wanted);
    CHECK(understood(test, Arrival::byteByByte) == test.wanted);
    CHECK(understood(test, Arrival::randomPieces) == test.wanted);
  }
}

}  // namespace

TEST_CASE("responses are understood alike, whole, byte by byte and in random pieces",
          "[conformance]") {
  check("responses.txt", 200);
}

TEST_CASE("llhttp's responses are understood by our rules, in any pieces", "[conformance]") {
  check("llhttp-responses.txt", 60);
}
