// SPDX-License-Identifier: BSL-1.0
//
// Asked before the body comes: a client that sends `Expect: 100-continue` waits until it is told to
// go on, so what is too large, or of an unwanted type, is refused before it was sent. Try it:
//   curl -i localhost:8080 -H 'Expect: 100-continue' -H 'Content-Type: text/plain' -d 'short'
//   curl -i localhost:8080 -H 'Expect: 100-continue' -d 'of the wrong type'
//   curl -i localhost:8080 -H 'Content-Type: text/plain' -T FILE-OF-2-MIB
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;

constexpr std::size_t limit = 1024 * 1024;

// 0: the body may come. Else the status to refuse it with.
int refusal(const IncomingMessage& req) {
  if (!req.headers()["content-type"].starts_with("text/")) return 415;
  const std::string_view length = req.headers()["content-length"];
  std::size_t bytes = 0;
  std::from_chars(length.data(), length.data() + length.size(), bytes);
  return bytes > limit ? 413 : 0;
}

sluice::task<> handle(IncomingMessage& req, ServerResponse& res) {
  if (req.method() != "POST" && req.method() != "PUT") {
    co_await res.writeHead(405, {{"Allow", "POST, PUT"}}).end("Send me some text.\n");
    co_return;
  }
  std::string body;
  int status = refusal(req);
  try {
    if (status == 0) body = co_await req.text(limit);
  } catch (const Error& error) {
    if (error.code() != errc::ERR_BODY_TOO_LARGE) throw;
    status = 413;
  }
  if (status == 0) {
    co_await res.end("Got " + std::to_string(body.size()) + " bytes.\n");
  } else {
    // The next request on this connection would be behind a body that nobody wants.
    co_await res.writeHead(status, {{"Connection", "close"}}).end("Not this, please.\n");
  }
}

// Without this listener the server says "100 Continue" to everybody who asks.
sluice::task<> decide(IncomingMessage& req, ServerResponse& res) {
  const bool welcome = refusal(req) == 0;
  std::cout << (welcome ? "go on" : "stop") << std::endl;
  if (welcome) res.writeContinue();
  co_await handle(req, res);
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, handle);
  server.on<"checkContinue">(decide);
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
