// SPDX-License-Identifier: BSL-1.0
//
// Answers as server.js does and counts: counting_server [PORT [KEY CERT]], with KEY and CERT over
// TLS if the build has it. GET /SIZE is answered with a body
// of that size, with a length or in chunks by turns; a POST by how long its body was. An answer has
// the Id of its request, and each seventh of those ends the connection. GET /counts tells how many
// requests have begun, were answered and were cut, and how many came twice, since the question
// before.
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

void count(const IncomingMessage& req, ServerResponse& res) {
  ++counts.begun;
  res.on<"close">([&res] { ++(res.writableFinished() ? counts.answered : counts.cut); });
  const std::string id(req.headers()["id"]);
  if (id.empty()) return;
  res.setHeader("Id", id);
  const std::size_t number = std::stoul(id);
  if (known.size() <= number) known.resize(number + 1);
  if (known[number]) ++counts.repeated;
  known[number] = true;
  if (number % 7 == 0) res.shouldKeepAlive = false;
}

sluice::task<> send(ServerResponse& res, std::size_t size) {
  if (counts.begun % 2 == 0) res.setHeader("Content-Length", size);
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
    known.clear();
    co_await res.end(std::to_string(now.begun) + ' ' + std::to_string(now.answered) + ' ' +
                     std::to_string(now.cut) + ' ' + std::to_string(now.repeated));
    co_return;
  }
  count(req, res);
  if (req.method() == "GET") {
    co_await send(res, std::stoul(std::string(req.url().substr(1))));
    co_return;
  }
  std::size_t size = 0;
  while (auto piece = co_await req.read()) size += piece->size();
  co_await res.end(std::to_string(size));
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
  server.listen(argc > 1 ? std::atoi(argv[1]) : 0, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
