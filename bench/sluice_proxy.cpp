// SPDX-License-Identifier: BSL-1.0
//
// A reverse proxy as a user would write it: a request for every request, over an agent that keeps
// its connections, with both bodies piped and the fields of one hop left out.
//   sluice_proxy SERVER-PORT
#include <cstdlib>
#include <sluice/http.hpp>
#include <sluice/pipe.hpp>
#include <support/mark.hpp>

namespace {

namespace asio = boost::asio;
using namespace sluice::http;
using sluice::task;

Headers endToEnd(const IncomingMessage& message) {
  Headers passed;
  for (const RawHeader& line : message.rawHeaders()) passed.append(line.name, line.value);
  for (const auto* name : {"connection", "keep-alive", "transfer-encoding"}) passed.remove(name);
  return passed;
}

task<> forward(IncomingMessage& req, ServerResponse& res, Agent& agent, std::uint16_t port) {
  RequestOptions options;
  options.agent = agent;
  options.method = req.method();
  options.path = req.url();
  options.headers = endToEnd(req);
  options.host = "127.0.0.1";
  options.port = port;
  auto upstream = request(req.get_executor(), std::move(options));
  co_await sluice::pipe(req, upstream);
  IncomingMessage answer = co_await upstream.response();
  const Headers headers = endToEnd(answer);
  res.writeHead(answer.statusCode(), answer.statusMessage(), headers);
  co_await sluice::pipe(answer, res);
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 2) return 2;
  const auto serverPort = static_cast<std::uint16_t>(std::atoi(argv[1]));
  asio::io_context loop(1);
  Agent agent(loop, {.keepAlive = true});
  auto server = createServer(loop, {.keepAliveTimeout = std::chrono::minutes(10)},
                             [&](IncomingMessage& req, ServerResponse& res) {
                               return forward(req, res, agent, serverPort);
                             });
  server.listen(0, "127.0.0.1", 4096, [&] { sluice::bench::tellOnSignal(server.address().port); });
  loop.run();
}
