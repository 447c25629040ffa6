// SPDX-License-Identifier: BSL-1.0
//
// The cookbook's recipes for streams and server-sent events. Each is cut into docs/cookbook/.
#include <chrono>
#include <cstdio>
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <string>
#include "check.hpp"

using namespace sluice;
using namespace std::chrono_literals;

// [backpressure]
task<> numbers(http::IncomingMessage&, http::ServerResponse& res) {
  for (int i = 0; i < 1000; ++i) {
    // Returns at once while the client keeps up. Otherwise it waits: at most 16 KiB are held.
    co_await res.write(std::to_string(i) + "\n");
  }
  co_await res.end();
}
// [/backpressure]

// [pass_on]
task<> passOn(http::IncomingMessage& req, http::ServerResponse& res) {
  while (auto chunk = co_await req.read()) co_await res.write(*chunk);
}
// [/pass_on]

// [pipe]
task<> echo(http::IncomingMessage& req, http::ServerResponse& res) {
  // Reads no faster than it can write. A body of 100 GB needs as little memory as one of 1 KB.
  co_await pipe(req, res);
}
// [/pipe]

// [transform]
task<> upperCase(http::IncomingMessage& req, http::ServerResponse& res) {
  while (auto piece = co_await req.read()) {
    std::string text(*piece);  // the piece is valid until the next read()
    for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    co_await res.write(std::move(text));
  }
  co_await res.end();
}
// [/transform]

// [events]
task<> ticks(app::Request&, app::Response& res) {
  auto events = res.events();
  for (int i = 1; i <= 3; ++i) {
    const std::string text = std::to_string(i);
    co_await events.send({.event = "tick", .data = text, .id = text});
    co_await sleepFor(10ms);
  }
}
// [/events]

// [channel]
class News {
 public:
  task<> listen(app::Request&, app::Response& res) {
    auto events = res.events();
    co_await channel_.join(events);  // until the client goes; a slow one is dropped
  }
  task<> publish(app::Request& req, app::Response& res) {
    const std::string text = co_await req.text(4096);
    const std::string id = std::to_string(++last_);
    channel_.send({.event = "news", .data = text, .id = id});  // does not wait for anybody
    res.status(204);
    co_await res.end();
  }

 private:
  app::Channel channel_;
  int last_ = 0;
};
// [/channel]

// [trailers]
task<> counted(http::IncomingMessage&, http::ServerResponse& res) {
  res.setHeader("Trailer", "X-Lines");
  int lines = 0;
  for (; lines < 3; ++lines) co_await res.write("a line\n");
  const http::Headers trailers{{"X-Lines", lines}};
  res.addTrailers(trailers);  // what is known only after the body
  co_await res.end();
}
// [/trailers]

int main() {
  using test::inject;
  check(inject(numbers).body.size() == 3890, "backpressure");
  check(inject(passOn, {.method = "POST", .body = "abc"}).body == "abc", "pass_on");
  check(inject(echo, {.method = "POST", .body = "abc"}).body == "abc", "pipe");
  check(inject(upperCase, {.method = "POST", .body = "abc"}).body == "ABC", "transform");
  app::Router router;
  News news;
  router.get("/ticks", ticks);
  router.post("/news", &News::publish, news).get("/news", &News::listen, news);
  asio::io_context loop(1);
  test::Clock clock(loop);
  auto server = http::createServer(loop, router);
  test::Wire ticking(loop), listening(loop);
  ticking.deliver("GET /ticks HTTP/1.1\r\nHost: a\r\n\r\n");
  listening.deliver("GET /news HTTP/1.1\r\nHost: a\r\n\r\n");
  server.serve(ticking.socket());
  server.serve(listening.socket());
  clock.advance(50ms);
  check(ticking.received().find("id: 3") != std::string_view::npos, "events");
  test::Wire publishing(loop);
  publishing.deliver("POST /news HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  server.serve(publishing.socket());
  clock.advance(1ms);
  check(listening.received().find("data: hello") != std::string_view::npos, "channel");
  const auto answer = inject(counted);
  check(answer.trailers["x-lines"] == "3", "trailers");
}
