// SPDX-License-Identifier: BSL-1.0
//
// Server-sent events: answers that never end, to many clients at once. What is posted to /say goes
// to everybody who listens at /events. Try it, or open the address in two browser windows:
//   curl -N localhost:8080/events
//   curl localhost:8080/say -d 'hello, all'
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <set>
#include <sluice/http.hpp>

using namespace sluice::http;

const std::string_view page = R"(<!DOCTYPE html>
<title>sse</title>
<form><input autofocus> <button>say</button></form>
<ul></ul>
<script>
  new EventSource("/events").onmessage = event => {
    document.querySelector("ul").appendChild(document.createElement("li")).textContent = event.data;
  };
  document.querySelector("form").onsubmit = event => {
    event.preventDefault();
    fetch("/say", {method: "POST", body: document.querySelector("input").value});
    event.target.reset();
  };
</script>
)";

class Channel {
 public:
  // Returns never: the wait is cancelled when the client goes, and that takes it off the list.
  sluice::task<> listen(ServerResponse& res) {
    const Entry entry(listeners_, &res);
    res.writeHead(200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}});
    co_await res.write(": welcome\n\n");
    // Bytes now and then keep timeouts, ours and those of proxies, from ending a quiet stream.
    boost::asio::steady_timer timer(res.get_executor());
    while (true) {
      timer.expires_after(std::chrono::seconds(15));
      co_await timer.async_wait(boost::asio::use_awaitable);
      co_await res.write(": still here\n\n");
    }
  }

  // A line break would end the field "data", so each line is a field of its own.
  std::size_t say(std::string_view text) {
    std::string event;
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
      event.append("data: ").append(line).append("\n");
      text.remove_prefix(line.size());
      text.remove_prefix(text.starts_with("\r\n") ? 2 : text.empty() ? 0 : 1);
    }
    event += "\n";
    // Who does not read misses events, and costs no more memory.
    for (ServerResponse* res : listeners_) {
      if (!res->writableNeedDrain()) res->write(event);
    }
    return listeners_.size();
  }

 private:
  struct Entry {
    Entry(std::set<ServerResponse*>& all, ServerResponse* res)
        : at(all.insert(res).first), of(all) {}
    ~Entry() { of.erase(at); }
    std::set<ServerResponse*>::iterator at;
    std::set<ServerResponse*>& of;
  };

  std::set<ServerResponse*> listeners_;
};

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  Channel channel;
  auto server =
      createServer(loop, [&](IncomingMessage& req, ServerResponse& res) -> sluice::task<> {
        if (req.url() == "/events") {
          co_await channel.listen(res);
        } else if (req.url() == "/say" && req.method() == "POST") {
          const std::string text = co_await req.text(4096);
          co_await res.end("heard by " + std::to_string(channel.say(text)) + "\n");
        } else if (req.url() == "/") {
          co_await res.setHeader("Content-Type", "text/html; charset=utf-8").end(page);
        } else {
          co_await res.writeHead(404).end();
        }
      });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
