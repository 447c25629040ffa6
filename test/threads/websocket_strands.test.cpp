// SPDX-License-Identifier: BSL-1.0
//
// WebSockets on the strands of a thread pool, with TLS and without.
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>
#include <sluice/websocket.hpp>
#include <string>
#include <string_view>
#include "https_home.hpp"

using namespace homes;

namespace {

task<> echo(WebSocket& ws, http::IncomingMessage&) {
  while (auto message = co_await ws.receive()) co_await ws.send(message->data);
}

WebSocketOptions clientOptions(const https::SecureContext& context, bool deflate) {
  WebSocketOptions options;
  options.secureContext = context;
  options.deflate = deflate;
  return options;
}

task<std::string> serveEcho(std::optional<http::Server>& server,
                            const https::ServerOptions& options, bool encrypted) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  if (encrypted) {
    server.emplace(https::createServer(executor, options));
  } else {
    server.emplace(http::createServer(executor));
  }
  server->on<"upgrade">(webSocket(&echo, {.deflate = true}));
  server->listen(0, "127.0.0.1");
  const std::string scheme = encrypted ? "wss" : "ws";
  co_return scheme + "://127.0.0.1:" + std::to_string(server->address().port);
}

// How many messages came back from each server in turn.
task<std::size_t> exchange(const std::vector<std::string>& urls, std::size_t own,
                           std::size_t messages, const WebSocketOptions& options) {
  std::size_t right = 0;
  for (std::size_t i = 0; i < urls.size(); ++i) {
    WebSocket ws = co_await connectWebSocket(urls[(own + i) % urls.size()], options);
    std::vector<std::string> sent;
    for (std::size_t j = 0; j < messages; ++j) {
      sent.push_back(std::to_string(own) + ':' + std::string(100 * j, 'x'));
      ws.send(sent.back());
    }
    for (const std::string& each : sent) {
      const auto message = co_await ws.receive();
      if (message && message->data == each) ++right;
    }
    co_await ws.close();
  }
  co_return right;
}

// Waits for the end that the server makes.
task<int> codeOfEnd(WebSocket& ws) {
  const auto message = co_await ws.receive();
  co_return message ? 0 : ws.closeCode();
}

}  // namespace

TEST_CASE("WebSockets on strands talk to servers on other strands", "[strands]") {
  constexpr std::size_t count = 6;
  constexpr std::size_t messages = 10;
  https::ServerOptions serverOptions;
  serverOptions.secureContext = contextOf(test::localhost());
  const auto plain = clientOptions(trust(), false);
  const auto deflating = clientOptions(trust(), true);
  Strands strands(count);
  std::vector<std::optional<http::Server>> servers(count);
  const auto urls =
      strands.all([&](std::size_t i) { return serveEcho(servers[i], serverOptions, i % 2 == 0); });
  const auto right = strands.all([&](std::size_t i) {
    return exchange(urls, i, messages, i < count / 2 ? plain : deflating);
  });
  CHECK(right == std::vector(count, count * messages));
  // The clients wait where they live, and each of them at another server.
  std::vector<WebSocket> open(count);
  strands.all([&](std::size_t i) -> task<> {
    open[i] = co_await connectWebSocket(urls[(i + 1) % count], plain);
  });
  std::vector<std::future<int>> ends;
  for (std::size_t i = 0; i < count; ++i) {
    ends.push_back(asio::co_spawn(strands[i], codeOfEnd(open[i]), asio::use_future));
  }
  strands.all([&](std::size_t i) -> task<> {
    co_await servers[i]->shutdown(std::chrono::seconds(60));
    servers[i].reset();
  });
  for (auto& end : ends) CHECK(end.get() == 1001);
  strands.all([&](std::size_t i) -> task<> {
    open[i] = WebSocket();
    co_return;
  });
}
