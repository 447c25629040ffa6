// SPDX-License-Identifier: BSL-1.0
//
// The worked examples of docs/migrate_*.md, on sluice's side.
#include <cstdio>
#include <map>
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <string>
#include "check.hpp"

using namespace sluice;

// [hello]
http::Server hello(asio::io_context& loop) {
  return http::createServer(loop,
                            [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
                              const bool found = req.url() == "/";
                              if (!found) res.statusCode = 404;
                              res.setHeader("Content-Type", "text/plain");
                              co_await res.end(found ? "Hello, World!\n" : "not found\n");
                            });
}
// [/hello]

// [download]
task<std::string> download(std::string url) {
  http::RequestOptions options;
  options.deadline = std::chrono::seconds(30);
  auto res = co_await http::get(url, options);
  co_return co_await res.text();
}
// [/download]

// [shop]
class Shop {
 public:
  app::Router routes() {
    app::Router router;
    router.use(app::accessLog());
    router.get("/items/:id", &Shop::show, *this);
    router.post("/items", &Shop::add, *this);
    router.onError([](std::exception_ptr, app::Request&, app::Response& res) -> task<> {
      res.status(500);
      co_await res.json(R"({"error":"something broke"})");
    });
    return router;
  }

 private:
  task<> show(app::Request& req, app::Response& res) {
    const auto item = items_.find(std::string(req.param("id")));
    if (item == items_.end()) {
      res.status(404);
      co_await res.json(R"({"error":"no such item"})");
    } else {
      co_await res.json(item->second);
    }
  }

  task<> add(app::Request& req, app::Response& res) {
    const std::string id = std::to_string(items_.size() + 1);
    items_[id] = co_await req.text(64 * 1024);
    res.status(201);
    res.setHeader("Location", "/items/" + id);
    co_await res.end();
  }

  std::map<std::string, std::string> items_;
};
// [/shop]

// [greet_and_numbers]
app::Router greetAndNumbers() {
  app::Router router;
  router.get("/hello/:name", [](app::Request& req, app::Response& res) -> task<> {
    co_await res.end("Hello, " + std::string(req.param("name")) + "!\n");
  });
  router.get("/numbers", [](app::Request&, app::Response& res) -> task<> {
    for (int i = 0; i < 1000; ++i) co_await res.write(std::to_string(i) + "\n");  // blocks nobody
  });
  return router;
}
// [/greet_and_numbers]

task<> tryAll(http::Server& server) {
  const std::string root = "http://127.0.0.1:" + std::to_string(server.address().port);
  check(co_await download(root + "/") == "Hello, World!\n", "hello, download");
  server.close();
}

int main() {
  asio::io_context loop(1);
  auto server = hello(loop);
  server.listen(0, "127.0.0.1");
  spawn(loop, tryAll(server));
  loop.run();
  check(test::inject(greetAndNumbers(), {.url = "/hello/Ada"}).body == "Hello, Ada!\n", "greet");
  check(test::inject(greetAndNumbers(), {.url = "/numbers"}).body.size() == 3890, "numbers");
  Shop shop;
  const auto routes = shop.routes();
  check(test::inject(routes, {.method = "POST", .url = "/items", .body = "{}"}).statusCode == 201,
        "shop");
  check(test::inject(routes, {.url = "/items/1"}).body == "{}", "shop");
  check(test::inject(routes, {.url = "/items/2"}).statusCode == 404, "shop");
}
