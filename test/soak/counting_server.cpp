// SPDX-License-Identifier: BSL-1.0
//
// Answers as server.js does and counts: counting_server [PORT [KEY CERT]], with KEY and CERT over
// TLS if the build has it. GET or HEAD /SIZE is answered with a body of that size, /SIZE?length
// with a length, /SIZE?chunked in chunks, and without either by turns; a POST by how long its body
// was, and by its trailer Sum, if it has one, as a trailer. GET /SIZE with an upgrade to "echo"
// gets so many bytes back. An answer has the Id of its request, and each seventh of those ends the
// connection. GET /counts tells how many requests have begun, were answered and were cut, and how
// many had an Id that came before, since the question before.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>
#if defined(SLUICE_TEST_TLS)
#include <sluice/https.hpp>
#endif
#include <string>
#include <utility>
#include <vector>

using namespace sluice::http;

namespace {

struct Counts {
  std::size_t begun = 0, answered = 0, cut = 0, repeated = 0;
};
Counts counts;
std::vector<bool> known;

// The Id of the request; empty: it has none.
std::string begin(const IncomingMessage& req) {
  ++counts.begun;
  std::string id(req.headers()["id"]);
  if (id.empty()) return id;
  const std::size_t number = std::stoul(id);
  if (known.size() <= number) known.resize(number + 1);
  if (known[number]) ++counts.repeated;
  known[number] = true;
  return id;
}

std::size_t sizeOf(const IncomingMessage& req) {
  return std::stoul(std::string(req.url().substr(1)));
}

sluice::task<> send(const IncomingMessage& req, ServerResponse& res) {
  const std::size_t size = sizeOf(req);
  const bool told = req.url().ends_with("?length");
  if (told || (counts.begun % 2 == 0 && !req.url().ends_with("?chunked"))) {
    res.setHeader("Content-Length", size);
  }
  static const std::string piece(16 * 1024, 'x');
  for (std::size_t left = size; left > 0;) {
    const std::size_t now = std::min(left, piece.size());
    co_await res.write(std::string_view(piece).substr(0, now));
    left -= now;
  }
  co_await res.end();
}

sluice::task<> answer(IncomingMessage& req, ServerResponse& res) {
  if (req.url() == "/counts") {
    const Counts now = std::exchange(counts, {});
    co_await res.end(std::to_string(now.begun) + ' ' + std::to_string(now.answered) + ' ' +
                     std::to_string(now.cut) + ' ' + std::to_string(now.repeated));
    co_return;
  }
  res.on<"close">([&res] { ++(res.writableFinished() ? counts.answered : counts.cut); });
  const std::string id = begin(req);
  if (!id.empty()) {
    res.setHeader("Id", id);
    if (std::stoul(id) % 7 == 0) res.shouldKeepAlive = false;
  }
  if (req.method() != "POST") {
    co_await send(req, res);
    co_return;
  }
  std::size_t size = 0;
  while (auto piece = co_await req.read()) size += piece->size();
  const std::string sum(req.trailers()["sum"]);
  if (!sum.empty()) {
    res.setHeader("Trailer", "Sum");
    res.addTrailers({{"Sum", sum}});
  }
  co_await res.end(std::to_string(size));
}

sluice::task<> echo(IncomingMessage& req, sluice::net::Socket& socket, std::string_view head) {
  const std::string id = begin(req);
  std::size_t left = sizeOf(req);
  try {
    socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nId: " + id +
        "\r\n\r\n");
    co_await socket.write(head);
    left -= head.size();
    while (left > 0) {
      const auto piece = co_await socket.read();
      if (!piece) break;
      co_await socket.write(*piece);
      left -= piece->size();
    }
    co_await socket.end();
  } catch (const boost::system::system_error&) {
    // What breaks the connection is the relay's doing. What was echoed until then decides.
  }
  ++(left == 0 ? counts.answered : counts.cut);
}

// Connections rest for as long as a run lasts.
template <class Options>
Options resting() {
  Options options;
  options.keepAliveTimeout = std::chrono::milliseconds(0);
  options.timeout = std::chrono::milliseconds(0);
  return options;
}

Server makeServer(boost::asio::io_context& loop, [[maybe_unused]] int argc,
                  [[maybe_unused]] char* argv[]) {
#if defined(SLUICE_TEST_TLS)
  if (argc > 3) {
    auto options = resting<sluice::https::ServerOptions>();
    options.key = argv[2];
    options.cert = argv[3];
    return sluice::https::createServer(loop, options, answer);
  }
#endif
  return createServer(loop, resting<ServerOptions>(), answer);
}

}  // namespace

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  Server server = makeServer(loop, argc, argv);
  server.on<"upgrade">(echo);
  server.listen(argc > 1 ? std::atoi(argv[1]) : 0, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
