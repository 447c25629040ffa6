// SPDX-License-Identifier: BSL-1.0
//
// Every scenario that is measured, one handler each, chosen by the path. The handlers are written
// as a user would write them.
//   sluice_server PORT [LOOPS]      more than one share the port, which must not be 0
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <sluice/cluster.hpp>
#include <sluice/http.hpp>
#include <support/mark.hpp>

namespace {

namespace asio = boost::asio;
using namespace sluice::http;
using sluice::task;

const std::string block(1024 * 1024, 'x');
const std::string json = R"({"items": [")" + std::string(1024 - 14, 'x') + R"("]})";

std::size_t number(std::string_view url) {
  return std::strtoull(std::string(url.substr(url.find('?') + 1)).c_str(), nullptr, 10);
}

task<> plain(IncomingMessage&, ServerResponse& res) { co_await res.end("Hello, World!"); }

task<> echo(IncomingMessage& req, ServerResponse& res) {
  const Headers& headers = req.headers();
  res.setHeader("X-Language", headers["accept-language"]);
  co_await res.end(headers["user-agent"]);
}

task<> answerJson(IncomingMessage&, ServerResponse& res) {
  res.setHeader("Content-Type", "application/json; charset=utf-8");
  res.setHeader("Cache-Control", "no-store");
  res.setHeader("X-Request-Id", "0123456789abcdef");
  res.setHeader("Content-Length", json.size());
  co_await res.end(json);
}

task<> answer64KiB(IncomingMessage&, ServerResponse& res) {
  co_await res.end(std::string_view(block).substr(0, 64 * 1024));
}

task<> answer1MiB(IncomingMessage&, ServerResponse& res) { co_await res.end(block); }

// /download?BYTES, in writes of 64 KiB.
task<> download(IncomingMessage& req, ServerResponse& res) {
  std::size_t left = number(req.url());
  res.setHeader("Content-Length", left);
  while (left != 0) {
    const std::string_view piece = std::string_view(block).substr(0, std::min(left, 65536ul));
    co_await res.write(piece);
    left -= piece.size();
  }
  co_await res.end();
}

task<> upload(IncomingMessage& req, ServerResponse& res) {
  std::size_t bytes = 0;
  while (auto piece = co_await req.read()) bytes += piece->size();
  co_await res.end(bytes != 0 ? "Hello, World!" : "there was no body");
}

// 16 KiB come and go in chunks of 4 KiB.
task<> chunked(IncomingMessage& req, ServerResponse& res) {
  std::size_t bytes = 0;
  while (auto piece = co_await req.read()) bytes += piece->size();
  for (; bytes != 0; bytes -= 4096) {
    co_await res.write(std::string_view(block).substr(0, 4096));
  }
  co_await res.end();
}

// /events?COUNT, each in a turn of the loop of its own.
task<> events(IncomingMessage& req, ServerResponse& res) {
  res.setHeader("Content-Type", "text/event-stream");
  for (std::size_t left = number(req.url()); left != 0; --left) {
    co_await res.write("data: {\"price\": 12.34}\n\n");
    co_await asio::post(res.get_executor(), asio::use_awaitable);
  }
  co_await res.end();
}

// For readers that do not read: never more than the high-water mark and a piece is held for them.
task<> endless(IncomingMessage&, ServerResponse& res) {
  while (true) co_await res.write(std::string_view(block).substr(0, 4096));
}

// What a connection holds while its handler waits and nothing was written.
task<> wait(IncomingMessage&, ServerResponse& res) {
  asio::steady_timer timer(res.get_executor(), std::chrono::hours(1));
  co_await timer.async_wait(asio::use_awaitable);
}

task<> handle(IncomingMessage& req, ServerResponse& res) {
  const std::string_view url = req.url();
  const std::string_view path = url.substr(0, url.find('?'));
  if (path == "/") return plain(req, res);
  if (path == "/echo") return echo(req, res);
  if (path == "/json") return answerJson(req, res);
  if (path == "/64k") return answer64KiB(req, res);
  if (path == "/1m") return answer1MiB(req, res);
  if (path == "/download") return download(req, res);
  if (path == "/upload") return upload(req, res);
  if (path == "/chunked") return chunked(req, res);
  if (path == "/events") return events(req, res);
  if (path == "/endless") return endless(req, res);
  return wait(req, res);
}

// Connections that are to stay idle while they are counted must not be ended for it.
const ServerOptions options{.keepAliveTimeout = std::chrono::minutes(10)};

task<> serveInCluster(asio::io_context& loop, std::uint16_t port) {
  auto server = createServer(loop, options, handle);
  server.listen(port, "127.0.0.1", 4096);
  co_await server.closed();
}

}  // namespace

int main(int argc, char* argv[]) {
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  const auto loops = static_cast<unsigned>(argc > 2 ? std::atoi(argv[2]) : 1);
  if (loops > 1) {
    sluice::cluster(loops, [&](asio::io_context& loop, unsigned worker) {
      asio::co_spawn(loop, serveInCluster(loop, port), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
      });
      if (worker == 0) sluice::bench::tellOnSignal(port);
    });
    return 0;
  }
  asio::io_context loop(1);
  auto server = createServer(loop, options, handle);
  server.listen(port, "127.0.0.1", 4096,
                [&] { sluice::bench::tellOnSignal(server.address().port); });
  loop.run();
}
