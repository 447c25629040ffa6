// SPDX-License-Identifier: BSL-1.0
//
// What a router and its middleware add to a request: the same answer by a bare handler, by a route,
// and by a route after the five middlewares that most servers have. And what files cost, and a file
// that is compressed for each request.
//   app_server PORT handler|router|middleware
//   app_server PORT files FOLDER
//   app_server PORT gzip FILE LEVEL
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sluice/app.hpp>
#include <sluice/compress.hpp>
#include <support/mark.hpp>

namespace {

namespace asio = boost::asio;
namespace app = sluice::app;
using namespace sluice::http;
using sluice::task;

task<> plain(IncomingMessage&, ServerResponse& res) { co_await res.end("Hello, World!"); }
task<> answer(app::Request&, app::Response& res) { co_await res.end("Hello, World!"); }

app::Router routes(bool middleware) {
  app::Router router;
  if (middleware) {
    app::LogOptions log;
    log.write = [file = std::fopen("/dev/null", "w")](std::string_view lines) {
      std::fwrite(lines.data(), 1, lines.size(), file);
      std::fflush(file);
    };
    router.use(app::accessLog(log));
    router.use(app::requestId());
    router.use(app::securityHeaders());
    router.use(app::cors());
    router.use(app::rateLimit({.limit = 1'000'000'000}));
  }
  router.get("/", answer);
  router.get("/users/:id", answer);
  return router;
}

// Connections that are to stay idle while they are counted must not be ended for it.
const ServerOptions options{.keepAliveTimeout = std::chrono::minutes(10)};

void serve(asio::io_context& loop, Server& server, std::uint16_t port) {
  server.listen(port, "127.0.0.1", 4096,
                [&] { sluice::bench::tellOnSignal(server.address().port); });
  loop.run();
}

}  // namespace

int main(int argc, char* argv[]) {
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  const std::string_view way = argc > 2 ? argv[2] : "handler";
  asio::io_context loop(1);
  if (way == "handler") {
    auto server = createServer(loop, options, plain);
    serve(loop, server, port);
  } else if (way == "gzip") {
    std::ifstream file(argv[3], std::ios::binary);
    const std::string body(std::istreambuf_iterator<char>(file), {});
    sluice::compress::Options compressed;
    compressed.prefer = {sluice::compress::Coding::gzip};
    compressed.level = std::atoi(argv[4]);
    auto server =
        createServer(loop, options, [&](IncomingMessage& req, ServerResponse& res) -> task<> {
          sluice::compress::apply(req, res, compressed);
          co_await res.setHeader("Content-Type", "application/json").end(body);
        });
    serve(loop, server, port);
  } else {
    app::Router router = routes(way == "middleware");
    if (way == "files") router.use(app::staticFiles(argv[3]));
    auto server = createServer(loop, options, router);
    serve(loop, server, port);
  }
}
