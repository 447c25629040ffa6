// SPDX-License-Identifier: BSL-1.0
//
// A chat: the page comes over HTTP, its messages over WebSocket. Beast speaks that on the
// connection that the "upgrade" handler gets. Try it: open the address in two browser windows.
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <set>
#include <sluice/http.hpp>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using namespace sluice::http;

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

class Chat {
 public:
  sluice::task<> join(IncomingMessage& req, sluice::net::Socket& socket, std::string_view head) {
    beast::http::request<beast::http::empty_body> handshake;
    handshake.method_string(req.method());
    handshake.target(req.url());
    for (const RawHeader& header : req.rawHeaders()) handshake.insert(header.name, header.value);
    if (!head.empty()) socket.unshift(head);

    Client client(socket);
    client.stream.read_message_max(4096);
    client.stream.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    co_await client.stream.async_accept(handshake, asio::use_awaitable);
    const Entry entry(clients_, &client);
    // Whoever is done first, which is receive(), takes the other along.
    using namespace asio::experimental::awaitable_operators;
    co_await (receive(client) || send(client));
  }

 private:
  struct Client {
    explicit Client(sluice::net::Socket& socket)
        : stream(socket), news(socket.get_executor(), asio::steady_timer::time_point::max()) {}

    websocket::stream<sluice::net::Socket&> stream;
    std::deque<std::shared_ptr<const std::string>> waiting;
    asio::steady_timer news;  // cancelled when something waits
  };

  struct Entry {
    Entry(std::set<Client*>& all, Client* client) : at(all.insert(client).first), of(all) {}
    ~Entry() { of.erase(at); }
    std::set<Client*>::iterator at;
    std::set<Client*>& of;
  };

  // Ends with the connection, be it by a goodbye or by an error.
  sluice::task<> receive(Client& from) {
    beast::flat_buffer buffer;
    sluice::error_code ec;
    while (true) {
      co_await from.stream.async_read(buffer, asio::redirect_error(asio::use_awaitable, ec));
      if (ec) break;
      const auto text =
          std::make_shared<const std::string>(beast::buffers_to_string(buffer.data()));
      buffer.clear();
      for (Client* to : clients_) {
        // Who does not read misses messages, and costs no more memory.
        if (to->waiting.size() < 100) to->waiting.push_back(text);
        to->news.cancel();
      }
    }
    if (ec != websocket::error::closed) std::cerr << ec.message() << '\n';
  }

  sluice::task<> send(Client& to) {
    while (true) {
      sluice::error_code ignored;
      if (to.waiting.empty()) {
        co_await to.news.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        continue;
      }
      const auto text = std::move(to.waiting.front());
      to.waiting.pop_front();
      co_await to.stream.async_write(asio::buffer(*text), asio::use_awaitable);
    }
  }

  std::set<Client*> clients_;
};

int main(int argc, char* argv[]) {
  asio::io_context loop(1);
  Chat chat;
  auto server = createServer(loop, [](IncomingMessage& req, ServerResponse& res) -> sluice::task<> {
    if (req.url() != "/") res.statusCode = 404;
    res.setHeader("Content-Type", "text/html; charset=utf-8");
    co_await res.end(req.url() == "/" ? page : "There is nothing here.");
  });
  server.on<"upgrade">([&](IncomingMessage& req, sluice::net::Socket& socket,
                           std::string_view head) { return chat.join(req, socket, head); });
  // A handshake that is none throws, and the connection ends.
  server.on<"error">([](const Error& error) { std::cerr << error.code().message() << '\n'; });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
