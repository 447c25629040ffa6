// SPDX-License-Identifier: BSL-1.0
//
// The cookbook's recipes for servers on <sluice/http.hpp> alone. Each is cut into docs/cookbook/.
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <sluice/http.hpp>
#include <sluice/test.hpp>
#include <string>
#include "check.hpp"

using namespace sluice;
using namespace std::chrono_literals;

// [body_limit]
task<> store(http::IncomingMessage& req, http::ServerResponse& res) {
  // More than one MiB: text() throws ERR_BODY_TOO_LARGE before it holds more.
  bool tooLarge = false;
  std::string body;
  try {
    body = co_await req.text(1024 * 1024);
  } catch (const http::Error& error) {
    if (error.name() != "ERR_BODY_TOO_LARGE") throw;
    tooLarge = true;
  }
  if (tooLarge)
    co_await res.writeHead(413).end("At most 1 MiB, please.\n");
  else
    co_await res.end("stored " + std::to_string(body.size()) + " bytes\n");
}
// [/body_limit]

// [blocking_work]
std::string render(int size) {  // takes long, and does not wait for anything
  return std::string(static_cast<std::size_t>(size), '*');
}

task<std::string> renderElsewhere(asio::thread_pool& pool, int size) {
  // The loop goes on with other requests. The coroutine comes back to its own thread afterwards.
  co_return co_await asio::co_spawn(
      pool, [](int wanted) -> task<std::string> { co_return render(wanted); }(size),
      asio::use_awaitable);
}
// [/blocking_work]

// [background_work]
task<> sendMail(std::string address) {
  co_await sleepFor(1ms);  // in place of the mail server
  std::cout << "mail to " << address << std::endl;
}

task<> subscribe(http::IncomingMessage& req, http::ServerResponse& res) {
  std::string address = co_await req.text(256);
  // What goes on after the answer owns its data. `req` and `res` end with the handler.
  asio::co_spawn(res.get_executor(), sendMail(std::move(address)), [](std::exception_ptr failure) {
    if (failure) std::cerr << "the mail was not sent" << std::endl;
  });
  co_await res.writeHead(202).end("You will get a mail.\n");
}
// [/background_work]

// [disconnect]
task<> longAnswer(http::IncomingMessage&, http::ServerResponse& res) {
  bool gone = false;
  try {
    for (int part = 0; part < 100; ++part) {
      co_await sleepFor(100ms);
      co_await res.write("part " + std::to_string(part) + "\n");
    }
  } catch (const boost::system::system_error&) {
    gone = true;  // the client went away: every wait of this handler ends with an error
  }
  if (gone) std::cout << "nobody is there any more" << std::endl;
  // Destructors run as well. Nothing else has to be done.
}
// [/disconnect]

// [redirect]
task<> movedAway(http::IncomingMessage& req, http::ServerResponse& res) {
  const std::string target = "https://example.org" + std::string(req.url());
  res.setHeader("Location", target);
  co_await res.writeHead(308).end();
}
// [/redirect]

// [custom_class]
class Counter {
 public:
  task<> operator()(http::IncomingMessage&, http::ServerResponse& res) {
    // One loop, one thread: no lock and no atomic.
    ++visits_;
    co_await res.end("visit " + std::to_string(visits_) + "\n");
  }

 private:
  int visits_ = 0;
};
// [/custom_class]

// [timeouts]
http::ServerOptions strictTimes() {
  http::ServerOptions options;
  options.headersTimeout = 10s;    // for the head of a request, else 408
  options.requestTimeout = 60s;    // for the whole request, else 408
  options.timeout = 30s;           // while nothing moves on the connection
  options.keepAliveTimeout = 15s;  // for the next request
  return options;
}
// [/timeouts]

// [max_connections]
void limit(http::Server& server) {
  server.maxConnections = 10'000;      // further ones are closed at once, and "drop" tells
  server.maxRequestsPerSocket = 1000;  // then the connection closes
  server.maxHeadersCount = 100;
}
// [/max_connections]

// [unix_socket]
void listenLocally(http::Server& server, const std::string& path) {
  std::filesystem::remove(path);  // of an earlier run that was killed
  server.listen(path, [path] { std::cout << "listening on " << path << std::endl; });
}
// [/unix_socket]

// [bad_requests]
void answerBadRequests(http::Server& server) {
  server.on<"clientError">([](const http::Error& error, net::Socket& socket) {
    std::cerr << error.name() << " from " << socket.remoteAddress() << std::endl;
    socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
}
// [/bad_requests]

// [handler_errors]
void reportErrors(http::Server& server) {
  // A handler that throws answers 500 (or cuts the connection if the head has gone), and this hears
  // why. The process goes on.
  server.on<"error">([](const http::Error& error) { std::cerr << error.what() << std::endl; });
}
// [/handler_errors]

// [await_anything]
task<> wait(http::IncomingMessage&, http::ServerResponse& res) {
  asio::steady_timer timer(res.get_executor(), 10ms);
  co_await timer.async_wait(asio::use_awaitable);  // or a query of Boost.MySQL, or Boost.Redis ...
  co_await res.end("waited\n");
}
// [/await_anything]

// [early_hints]
task<> page(http::IncomingMessage&, http::ServerResponse& res) {
  const http::Headers hints{{"Link", "</style.css>; rel=preload; as=style"}};
  res.writeEarlyHints(hints);  // 103: the browser begins to load while the page is made
  res.setHeader("Content-Type", "text/html");
  co_await res.end("<link rel=stylesheet href=/style.css><h1>Hello</h1>");
}
// [/early_hints]

int main() {
  using test::inject;
  check(inject(store, {.method = "POST", .body = "abc"}).body == "stored 3 bytes\n", "body");
  const std::string large(2 * 1024 * 1024, 'x');
  check(inject(store, {.method = "POST", .body = large}).statusCode == 413, "body_limit");
  asio::thread_pool pool(1);
  const auto renders = [&pool](http::IncomingMessage&, http::ServerResponse& res) -> task<> {
    const std::string text = co_await renderElsewhere(pool, 3);
    co_await res.end(text);
  };
  check(inject(renders).body == "***", "blocking_work");
  check(inject(subscribe, {.method = "POST", .body = "a@b"}).statusCode == 202, "background_work");
  check(inject(movedAway, {.url = "/x"}).headers["location"] == "https://example.org/x",
        "redirect");
  check(inject(Counter()).body == "visit 1\n", "custom_class");
  check(inject(wait, {}, strictTimes()).body == "waited\n", "await_anything, timeouts");
  check(inject(page).raw.starts_with("HTTP/1.1 103 "), "early_hints");

  asio::io_context loop(1);
  auto server = http::createServer(loop, longAnswer);
  limit(server);
  answerBadRequests(server);
  reportErrors(server);
  const std::string path = "cookbook." + std::to_string(::time(nullptr)) + ".sock";
  listenLocally(server, path);
  test::Clock clock(loop);
  test::Wire wire(loop);
  wire.deliver("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  server.serve(wire.socket());
  clock.advance(250ms);
  check(wire.received().find("part 1") != std::string_view::npos, "the answer has begun");
  wire.reset();
  clock.advance(100ms);
  check(server.getConnections() == 0, "disconnect");
  server.close();
  clock.advance(1ms);
}
