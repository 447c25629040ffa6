// SPDX-License-Identifier: BSL-1.0
//
// What a server says to requests that are no HTTP: the code that clientError brings, and the answer
// where nobody listens. Every rule by itself is tested with the parser.
#include <string>
#include <string_view>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

const auto handler = [](IncomingMessage& req, ServerResponse& res) -> task<> {
  co_await res.end(co_await req.text());
};

// The code of clientError; the answer without a listener is 400, and nothing behind it is looked
// at.
std::string refusal(const std::string& bytes) {
  auto silent = serve(handler);
  CHECK(silent.send(bytes + get()) == badRequest);
  CHECK(silent.ended());
  auto wire = serve(handler);
  std::string code;
  wire.server().on<"clientError">([&](const Error& error, net::Socket& socket) {
    code = error.name();
    socket.destroy();
  });
  CHECK(wire.send(bytes).empty());
  CHECK(wire.closed());
  return code;
}

std::string framed(std::string_view fields, std::string_view body = {}) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

}  // namespace

TEST_CASE("start lines that are none are refused", "[http][row:11.9/start-line]") {
  CHECK(refusal("get / HTTP/1.1\r\n\r\n") == "HPE_INVALID_METHOD");
  CHECK(refusal("FOO / HTTP/1.1\r\n\r\n") == "HPE_INVALID_METHOD");
  CHECK(refusal("GET / HTTP/1.2\r\n\r\n") == "HPE_INVALID_VERSION");
  CHECK(refusal("GET x HTTP/1.1\r\n\r\n") == "HPE_INVALID_URL");
  CHECK(refusal("GET /a b HTTP/1.1\r\n\r\n") == "HPE_INVALID_CONSTANT");
}

TEST_CASE("line ends that are none are refused", "[http][row:11.9/line-ends]") {
  CHECK(refusal(framed("A: b\n")) == "HPE_CR_EXPECTED");
  CHECK(refusal(framed("A: b\rC: d\r\n")) == "HPE_LF_EXPECTED");
  CHECK(refusal(framed("A: b\r\n c\r\n")) == "HPE_INVALID_HEADER_TOKEN");
  CHECK(refusal(framed("A : b\r\n")) == "HPE_INVALID_HEADER_TOKEN");
}

TEST_CASE("lengths that are none, twice or contradicted are refused",
          "[http][row:11.9/content-length][row:11.9/both-lengths]"
          "[row:11.9/transfer-encoding-on-requests]") {
  CHECK(refusal(framed("Content-Length:\r\n")) == "HPE_INVALID_CONTENT_LENGTH");
  CHECK(refusal(framed("Content-Length: +1\r\n")) == "HPE_INVALID_CONTENT_LENGTH");
  CHECK(refusal(framed("Content-Length: 99999999999999999999\r\n")) ==
        "HPE_INVALID_CONTENT_LENGTH");
  CHECK(refusal(framed("Content-Length: 1\r\nContent-Length: 1\r\n", "a")) ==
        "HPE_UNEXPECTED_CONTENT_LENGTH");
  CHECK(refusal(framed("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")) ==
        "HPE_INVALID_TRANSFER_ENCODING");
  CHECK(refusal(framed("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", "0\r\n\r\n")) ==
        "HPE_INVALID_CONTENT_LENGTH");
  CHECK(refusal(framed("Transfer-Encoding: gzip\r\n")) == "HPE_INVALID_TRANSFER_ENCODING");
  CHECK(refusal(framed("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")) ==
        "HPE_INVALID_TRANSFER_ENCODING");
}

TEST_CASE("chunks that are none are refused", "[http][row:11.9/chunks]") {
  CHECK(refusal(chunked("x\r\n")) == "HPE_INVALID_CHUNK_SIZE");
  CHECK(refusal(chunked("1\r\nab\r\n")) == "HPE_STRICT");
}

TEST_CASE("insecureHTTPParser lets some of it pass", "[http][row:11.9/lenient-mode]") {
  auto wire = serve(handler, {.insecureHTTPParser = true});
  CHECK(wire.send(framed("A: b\r\n c\r\nContent-Length: 2\r\n", "ok")) == ok("ok"));
}
