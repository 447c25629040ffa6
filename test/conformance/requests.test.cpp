// SPDX-License-Identifier: BSL-1.0
//
// requests.txt and llhttp-requests.txt against our server: what it understands of each case, and
// what becomes of the connection, must not depend on the pieces in which the bytes arrive.
#include <cstddef>
#include <string>
#include <string_view>
#include "conformance/cases.hpp"
#include "support/catch.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

// Every answer of the handler is 200 and has a length, so the last status line in what was sent is
// either that of the last understood request or that of a refusal. A 100 says nothing of either.
std::string lastStatus(std::string_view sent) {
  std::size_t at = sent.rfind("HTTP/1.1 ");
  while (at != std::string_view::npos && at != 0 && sent[at + 9] == '1') {
    at = sent.rfind("HTTP/1.1 ", at - 1);
  }
  if (at == std::string_view::npos || sent[at + 9] == '1') return {};
  return std::string(sent.substr(at + 9, 3));
}

std::string understood(const ConformanceCase& test, Arrival arrival) {
  std::string seen;
  auto wire = serve([&seen](IncomingMessage& req, ServerResponse& res) -> task<> {
    const std::string line = std::string(req.method()) + ' ' + std::string(req.url());
    std::string body;
    while (auto piece = co_await req.read()) body += *piece;
    // Only a request that is here to its end counts.
    seen += line + " \"" + body + "\" ; ";
    res.setHeader("Content-Length", 2);
    co_await res.end("ok");
  });
  for (const std::string_view piece : cut(test.bytes, arrival, 7)) wire.send(piece);
  const std::string status = lastStatus(wire.received());
  const bool refused = !status.empty() && status != "200";
  if (refused) seen += "refused " + status;
  if (test.wanted == "incomplete") {
    const std::size_t before = seen.size();
    wire.end();
    if (seen.empty() && before == 0 && wire.ended()) return "incomplete";
  }
  if (wire.ended()) return refused ? seen : seen + "closed";
  if (!refused && test.wanted.ends_with("begun")) {
    const std::string before = seen;
    wire.end();
    return seen + (seen == before && wire.ended() ? "begun" : "open");
  }
  return seen + (refused ? " open" : "open");
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

TEST_CASE("requests are understood alike, whole, byte by byte and in random pieces",
          "[conformance]") {
  check("requests.txt", 800);
}

TEST_CASE("llhttp's requests are understood by our rules, in any pieces", "[conformance]") {
  check("llhttp-requests.txt", 100);
}
