// SPDX-License-Identifier: BSL-1.0
//
// A chat: the page comes over HTTP, its messages over WebSocket. Try it: open the address in two
// browser windows.
#include <cstdlib>
#include <iostream>
#include <set>
#include <sluice/websocket.hpp>

using namespace sluice::http;
using sluice::WebSocket;

const std::string_view page = R"(<!DOCTYPE html>
<title>chat</title>
<form><input autofocus> <button>say</button></form>
<ul></ul>
<script>
  const chat = new WebSocket("ws://" + location.host);
  const tell = text =>
      document.querySelector("ul").appendChild(document.createElement("li")).textContent = text;
  chat.onopen = () => tell("welcome");
  chat.onmessage = event => tell(event.data);
  chat.onclose = () => tell("goodbye");
  document.querySelector("form").onsubmit = event => {
    event.preventDefault();
    chat.send(document.querySelector("input").value);
    event.target.reset();
  };
</script>
)";

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, [](IncomingMessage& req, ServerResponse& res) -> sluice::task<> {
    if (req.url() != "/") res.statusCode = 404;
    res.setHeader("Content-Type", "text/html; charset=utf-8");
    co_await res.end(req.url() == "/" ? page : "There is nothing here.");
  });
  std::set<WebSocket*> clients;
  const auto chat = [&clients](WebSocket& client, IncomingMessage&) -> sluice::task<> {
    struct Entry {
      std::set<WebSocket*>& all;
      WebSocket* client;
      ~Entry() { all.erase(client); }
    } const entry{clients, *clients.insert(&client).first};
    while (auto message = co_await client.receive()) {
      // Nobody waits for a client that does not read: it misses messages, and costs no more memory.
      for (WebSocket* each : clients)
        if (each->bufferedAmount() < 100'000) each->send(message->data);
    }
  };
  server.on<"upgrade">(sluice::webSocket(chat, {.maxMessage = 4096}));
  server.on<"error">([](const Error& error) { std::cerr << error.what() << '\n'; });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
