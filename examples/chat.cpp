// SPDX-License-Identifier: BSL-1.0
//
// A chat that is reached in two ways: browsers talk over a WebSocket, and what is said is also a
// stream of server-sent events, which anything that reads HTTP can follow. Try it:
//   curl -N localhost:8080/events
//   curl localhost:8080/say -d 'hello, all'
#include <cstdlib>
#include <iostream>
#include <set>
#include <sluice/app.hpp>
#include <sluice/websocket.hpp>

namespace app = sluice::app;
namespace http = sluice::http;
using sluice::WebSocket;

const std::string_view page = R"(<!DOCTYPE html>
<title>chat</title>
<form><input autofocus> <button>say</button></form>
<h2>WebSocket</h2><ul id="socket"></ul>
<h2>Events</h2><ul id="events"></ul>
<script>
  const tell = (list, text) =>
      document.getElementById(list).appendChild(document.createElement("li")).textContent = text;
  const socket = new WebSocket("ws://" + location.host);
  socket.onopen = () => tell("socket", "welcome");
  socket.onmessage = event => tell("socket", event.data);
  const events = new EventSource("/events");
  events.onopen = () => tell("events", "welcome");
  events.onmessage = event => tell("events", event.data);
  document.querySelector("form").onsubmit = event => {
    event.preventDefault();
    socket.send(document.querySelector("input").value);
    event.target.reset();
  };
</script>
)";

class Chat {
 public:
  sluice::task<> join(WebSocket& client, http::IncomingMessage&) {
    struct Entry {
      std::set<WebSocket*>& all;
      WebSocket* client;
      ~Entry() { all.erase(client); }
    } const entry{clients_, *clients_.insert(&client).first};
    while (auto message = co_await client.receive()) say(message->data);
  }

  sluice::task<> follow(app::Request&, app::Response& res) {
    auto events = res.events();
    co_await channel_.join(events);
  }

  sluice::task<> post(app::Request& req, app::Response& res) {
    const std::string text = co_await req.text(4096);
    say(text);
    co_await res.status(204).end();
  }

 private:
  void say(std::string_view text) {
    // Each has a number, so that who reconnects gets what was said meanwhile.
    const std::string id = std::to_string(++said_);
    channel_.send({.data = text, .id = id});
    // A client that does not read misses messages, and costs no more memory.
    for (WebSocket* client : clients_)
      if (client->bufferedAmount() < 100'000) client->send(text);
  }

  app::Channel channel_;
  std::set<WebSocket*> clients_;
  int said_ = 0;
};

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  Chat chat;
  app::Router router;
  router.get("/",
             [](app::Request&, app::Response& res) -> sluice::task<> { co_await res.html(page); });
  router.get("/events", &Chat::follow, chat).post("/say", &Chat::post, chat);
  auto server = http::createServer(loop, router);
  server.on<"upgrade">(sluice::webSocket(
      [&](WebSocket& client, http::IncomingMessage& req) { return chat.join(client, req); },
      {.maxMessage = 4096}));
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
