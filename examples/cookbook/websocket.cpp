// SPDX-License-Identifier: BSL-1.0
//
// The cookbook's recipes for <sluice/websocket.hpp>. Each is cut into docs/cookbook/.
#include <cstdio>
#include <set>
#include <sluice/websocket.hpp>
#include <string>
#include "check.hpp"

using namespace sluice;

// [echo]
task<> echo(WebSocket& ws, http::IncomingMessage&) {
  while (auto message = co_await ws.receive()) co_await ws.send(message->data);
  std::cout << "closed with " << ws.closeCode() << std::endl;
}

void acceptWebSockets(http::Server& server) {
  server.on<"upgrade">(webSocket(echo, {.maxMessage = 64 * 1024}));
}
// [/echo]

// [broadcast]
class Room {
 public:
  task<> enter(WebSocket& ws, http::IncomingMessage&) {
    struct Place {
      std::set<WebSocket*>& all;
      WebSocket* mine;
      ~Place() { all.erase(mine); }
    };
    members_.insert(&ws);
    const Place place{members_, &ws};
    while (auto message = co_await ws.receive()) tellAll(message->data);
  }

  void tellAll(std::string_view text) {
    for (WebSocket* member : members_) {
      // Nobody waits for the slowest: a member that does not read misses messages.
      if (member->bufferedAmount() < 100'000) member->send(text);
    }
  }

 private:
  std::set<WebSocket*> members_;
};
// [/broadcast]

// [client]
task<std::string> askOnce(std::string url) {
  WebSocket ws = co_await connectWebSocket(url);  // ws:// or wss://
  co_await ws.send("hello");
  const auto answer = co_await ws.receive();
  std::string text(answer ? answer->data : "");
  co_await ws.close();
  co_return text;
}
// [/client]

// [origin]
WebSocketOptions onlyFromOurPages() {
  WebSocketOptions options;
  options.verify = [](http::IncomingMessage& req) {
    return req.headers()["origin"] == "https://app.example";  // false: 403
  };
  return options;
}
// [/origin]

// [token]
task<WebSocket> connectWithToken(std::string url, std::string token) {
  WebSocketOptions options;
  options.headers.set("Authorization", "Bearer " + token);
  options.protocols = {"chat"};
  options.pingInterval = std::chrono::seconds(20);  // a peer that does not answer is gone
  co_return co_await connectWebSocket(url, options);
}
// [/token]

task<> tryAll(http::Server& server, std::string root) {
  check(co_await askOnce(root) == "hello", "echo, client");
  {
    WebSocket ws = co_await connectWithToken(root, "secret");
    co_await ws.close();
  }
  Room room;
  server.on<"upgrade">(webSocket(
      [&room](WebSocket& ws, http::IncomingMessage& req) { return room.enter(ws, req); }));
  check(co_await askOnce(root) == "hello", "broadcast");
  server.on<"upgrade">(webSocket(echo, onlyFromOurPages()));
  bool refused = false;
  try {
    co_await askOnce(root);
  } catch (const http::Error&) {
    refused = true;
  }
  check(refused, "origin");
  server.close();
}

int main() {
  asio::io_context loop(1);
  auto server = http::createServer(loop);
  acceptWebSockets(server);
  server.listen(0, "127.0.0.1");
  spawn(loop, tryAll(server, "ws://127.0.0.1:" + std::to_string(server.address().port) + "/"));
  loop.run();
}
