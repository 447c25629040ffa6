// SPDX-License-Identifier: BSL-1.0
//
// What docs/lifetimes.md, docs/threads.md and docs/compiler_traps.md show.
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <sluice/http.hpp>
#include <sluice/test.hpp>
#include <string>
#include <thread>
#include "check.hpp"

using namespace sluice;
using namespace std::chrono_literals;

// [copy_what_stays]
task<> collect(http::IncomingMessage& req, http::ServerResponse& res) {
  std::string all;
  while (auto piece = co_await req.read()) {
    all.append(*piece);  // *piece is valid until the next read(): copy what you keep
  }
  co_await res.end(std::move(all));
}
// [/copy_what_stays]

// [own_coroutine]
task<> remind(std::string name) {  // by value: it is alive as long as the coroutine
  co_await sleepFor(1ms);
  std::cout << "remember " << name << std::endl;
}

void remindLater(asio::io_context& loop, std::string_view name) {
  asio::co_spawn(loop, remind(std::string(name)), [](std::exception_ptr failure) {
    if (failure) std::cerr << "no reminder" << std::endl;
  });
}
// [/own_coroutine]

// [server_in_class]
class Service {
 public:
  explicit Service(asio::io_context& loop)
      : server_(http::createServer(loop, [this](http::IncomingMessage&, http::ServerResponse& res) {
          return answer(res);  // a member function: its state is in the object
        })) {}

  http::Server& server() { return server_; }

 private:
  task<> answer(http::ServerResponse& res) {
    ++visits_;
    co_await res.end(std::to_string(visits_));
  }

  int visits_ = 0;
  http::Server server_;  // declared last, destroyed first: no handler outlives what it uses
};
// [/server_in_class]

// [from_another_thread]
void publish(asio::io_context& loop, std::function<void(std::string)> onLoop, std::string text) {
  // Objects of the library belong to the loop's thread. post() is the door from other threads.
  asio::post(loop, [onLoop = std::move(onLoop), text = std::move(text)] { onLoop(text); });
}
// [/from_another_thread]

// [strand]
http::Server onStrand(asio::thread_pool& pool) {
  auto strand = asio::make_strand(pool);  // the threads of the pool run its work one by one
  return http::createServer(strand,
                            [](http::IncomingMessage&, http::ServerResponse& res) -> task<> {
                              co_await res.end("from a strand\n");
                            });
}
// [/strand]

// [named_options]
task<int> status(std::string url) {
  http::RequestOptions options;  // a named object
  options.headers.set("Accept", "text/plain");
  auto res = co_await http::get(url, options);
  co_return res.statusCode();
}
// [/named_options]

// [named_executor]
task<int> replace(std::string url, std::string text) {
  const auto executor = co_await asio::this_coro::executor;  // a statement of its own
  auto req = http::request(executor, url, {.method = "PUT"});
  req.end(text);
  auto res = co_await req.response();
  co_return res.statusCode();
}
// [/named_executor]

// [named_lambda]
task<> answer(http::ServerResponse& res, std::string user) {
  auto done = [user](error_code) { std::cout << "answered " << user << std::endl; };
  co_await res.end("done\n", std::move(done));  // the lambda has a name, and is moved
}
// [/named_lambda]

// [if_else]
task<> choose(http::IncomingMessage& req, http::ServerResponse& res) {
  std::string text = "nothing\n";
  if (req.method() == "POST") text = co_await req.text();
  co_await res.end(text);
}
// [/if_else]

int main() {
  using test::inject;
  check(inject(collect, {.method = "POST", .body = "abc"}).body == "abc", "copy_what_stays");
  asio::io_context loop(1);
  remindLater(loop, "the milk");
  Service service(loop);
  service.server().listen(0, "127.0.0.1");
  const std::string url = "http://127.0.0.1:" + std::to_string(service.server().address().port);
  std::thread([&] {
    publish(
        loop, [](std::string text) { check(text == "x", "post"); }, "x");
  }).join();
  spawn(loop, [](std::string where, http::Server& server) -> task<> {
    const int received = co_await status(where);
    check(received == 200, "named_options, server_in_class");
    check(co_await replace(where, "text") == 200, "named_executor");
    server.close();
  }(url, service.server()));
  loop.run();
  check(inject([](http::IncomingMessage&, http::ServerResponse& res) {
          return answer(res, "a user whose name is long enough");
        }).body == "done\n",
        "named_lambda");
  check(inject(choose).body == "nothing\n", "if_else");
  asio::thread_pool pool(2);
  { auto server = onStrand(pool); }
  pool.join();
}
