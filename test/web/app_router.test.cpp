// SPDX-License-Identifier: BSL-1.0
//
// Routes and middleware: which handler answers, in which order things run, and what is said if
// nothing does.
#include <boost/asio/post.hpp>
#include <memory>
#include <optional>
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <string>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/serve.hpp>
#include "routing.hpp"

using namespace routing;
using namespace sluice;
using app::Next;
using app::Request;
using app::Response;
using app::Router;
using sluice::test::inject;

TEST_CASE("a path without the method is 405 with Allow, and OPTIONS is answered",
          "[app][Router][plain]") {
  Router router;
  router.get("/todos", says("list")).post("/todos", says("add"));
  router.put("/todos/:id", says("put"))
      .del("/todos/:id", says("del"))
      .patch("/todos/:id", says("patch"));
  router.get("/todos/new", says("new"));
  router.options("/own", says("own options")).get("/own", says("own"));
  router.all("/any", says("any")).get("/any", says("got"));
  router.route("PROPFIND", "/dav", says("found"));
  CHECK(get(router, "/todos", "POST") == "add");
  CHECK(get(router, "/todos", "PUT") == "405 GET, HEAD, POST");
  CHECK(get(router, "/todos", "OPTIONS") == "204 GET, HEAD, POST");
  CHECK(get(router, "/todos/1", "GET") == "405 DELETE, PATCH, PUT");
  CHECK(get(router, "/todos/new", "DELETE") == "del id=new");
  CHECK(get(router, "/todos/new", "POST") == "405 DELETE, GET, HEAD, PATCH, PUT");
  CHECK(get(router, "/own", "OPTIONS") == "own options");
  CHECK(get(router, "/any", "DELETE") == "any");
  CHECK(get(router, "/any") == "got");
  CHECK(get(router, "/dav", "PROPFIND") == "found");
  CHECK(get(router, "/nothing") == "404");
  CHECK(get(router, "/nothing", "OPTIONS") == "404");
  CHECK(get(router, "*", "OPTIONS") ==
        "204 DELETE, GET, HEAD, OPTIONS, PATCH, POST, PROPFIND, PUT");
}

TEST_CASE("HEAD is answered by the route for GET, unless it has one of its own",
          "[app][Router][plain]") {
  Router router;
  std::string method;
  router.get("/a", [&](Request& req, Response& res) -> task<> {
    method = req.method();
    co_await res.setHeader("Content-Length", 4).end("body");
  });
  router.get("/b", says("b")).head("/b", [](Request&, Response& res) -> task<> {
    co_await res.status(204).end();
  });
  const auto res = inject(router, {.method = "HEAD", .url = "/a"});
  CHECK(method == "HEAD");
  CHECK(res.statusCode == 200);
  CHECK(res.headers["content-length"] == "4");
  CHECK(res.raw.ends_with("\r\n\r\n"));
  CHECK(get(router, "/b", "HEAD") == "204");
}

TEST_CASE("middleware runs around the routes that were added after it", "[app][Router][plain]") {
  Router router;
  std::string log;
  router.use(marks(log, "1"));
  router.use("/admin", marks(log, "admin"));
  router.use("/users/:id", [&](Request& req, Response&, Next next) -> task<> {
    log += std::string(req.basePath()) + "=" + std::string(req.param("id")) + " ";
    co_await next();
  });
  router.get("/users/:id/x", says("x"));
  router.get("/admin/y", says("y"));
  router.use(marks(log, "late"));
  router.get("/z", marks(log, "own"), marks(log, "two"), says("z"));
  const auto run = [&](std::string url) {
    log.clear();
    const std::string answer = get(router, std::move(url));
    return answer + " " + log;
  };
  CHECK(run("/users/7/x") == "x id=7 1(/users/7=7 )");
  CHECK(run("/admin/y") == "y 1(admin())");
  CHECK(run("/adminy") == "404 1(late())");
  CHECK(run("/admin") == "404 1(admin(late()))");
  CHECK(run("/admin%2Fy") == "404 1(late())");
  CHECK(run("/z") == "z 1(late(own(two())))");
}

TEST_CASE("a middleware that does not call next() has answered", "[app][Router][plain]") {
  Router router;
  router.use("/secret", [](Request& req, Response& res, Next next) -> task<> {
    if (req.query("key") == "42") {
      co_await next();
      co_return;
    }
    co_await res.status(401).end();
  });
  router.get("/secret", says("treasure"));
  CHECK(get(router, "/secret") == "401");
  CHECK(get(router, "/secret/") == "401");
  CHECK(get(router, "//secret?key=41") == "401");
  CHECK(get(router, "/secret?key=42") == "treasure");
}

TEST_CASE("a route that calls next() goes on to what was added after it", "[app][Router][plain]") {
  Router router;
  router.get("/a", [](Request&, Response&, Next next) -> task<> { co_await next(); });
  router.use("/a", says("fallback"));
  router.get("/b", [](Request&, Response&, Next next) -> task<> { co_await next(); });
  CHECK(get(router, "/a") == "fallback");
  CHECK(get(router, "/b") == "404");
}

TEST_CASE("a handler may hand a request on to another router", "[app][Router][plain]") {
  Router other;
  other.use([](Request&, Response& res, Next next) -> task<> {
    res.setHeader("X-Other", "yes");
    co_await next();
  });
  other.get("/a", [](Request&, Response& res) -> task<> { co_await res.end("other"); });
  Router router;
  router.use([](Request&, Response&, Next next) -> task<> { co_await next(); });
  router.get("/a", [&](Request& req, Response& res) -> task<> { co_await other(req, res); });
  const auto res = inject(router, {.url = "/a"});
  CHECK(res.body == "other");
  CHECK(res.headers["x-other"] == "yes");
}

TEST_CASE("next() can be called once", "[app][Router][plain]") {
  Router router;
  int calls = 0;
  router.use([](Request&, Response&, Next next) -> task<> {
    co_await next();
    co_await next();
  });
  router.get("/", [&](Request&, Response&) -> task<> {
    ++calls;
    co_return;
  });
  const auto res = inject(router);
  CHECK(calls == 1);
  REQUIRE(res.error);
  CHECK(res.error->code() == http::errc::ERR_INVALID_STATE);
}

TEST_CASE("a mounted router has its own middleware, below its prefix", "[app][Router][plain]") {
  std::string log;
  Router posts;
  posts.use(marks(log, "posts"));
  posts.get("/", says("posts")).get("/:post", says("post"));
  Router api;
  api.use(marks(log, "api"));
  api.use("/users/:id/posts", posts);
  api.get("/", says("api"));
  Router router;
  router.use(marks(log, "root"));
  router.use("/v1", api);
  router.use(marks(log, "end"));
  router.get("/v1/late",
             [](Request& req, Response& res) -> task<> { co_await res.end(req.route()); });
  const auto run = [&](std::string url) {
    log.clear();
    const std::string answer = get(router, std::move(url));
    return answer + " " + log;
  };
  CHECK(run("/v1") == "api root(api())");
  CHECK(run("/v1/users/7/posts/9") == "post id=7 post=9 root(api(posts()))");
  CHECK(run("/v1/users/7/posts") == "posts id=7 root(api(posts()))");
  CHECK(run("/v1/nothing") == "404 root(api(end()))");
  CHECK(run("/v2") == "404 root(end())");
  CHECK(run("/v1/late") == "/v1/late root(api(end()))");
  CHECK(get(router, "/v1/users/7/posts", "PUT") == "405 GET, HEAD");
}

TEST_CASE("a name in a prefix has its value for all that run below it", "[app][Router][plain]") {
  Router router;
  std::string after;
  router.use("/users/:id", [&after](Request& req, Response&, Next next) -> task<> {
    co_await next();
    after = req.param("id");
  });
  router.use("/:section/7/:what", [](Request&, Response&, Next next) { return next(); });
  router.use("/:section/7/:what/nowhere", [](Request&, Response&, Next next) { return next(); });
  router.get("/users/*path", says("rest"));
  CHECK(get(router, "/users/7/posts") == "rest id=7 path=7/posts");
  CHECK(after == "7");
  CHECK(get(router, "/users/8") == "rest id=8 path=8");
  CHECK(after == "8");
}

TEST_CASE("a guard with a name in its prefix sees the value there, not the route's",
          "[app][Router][plain]") {
  std::string seen;
  const auto looks = [&seen](Request& req, Response&, Next next) -> task<> {
    seen += std::string(req.param("id")) + "," + std::string(req.param("post")) + " ";
    co_await next();
  };
  Router router;
  router.use("/users/:id", looks);
  router.use(looks);
  router.use("/users/:post/friends", looks);
  router.get("/users/:from/friends/:id", says("friend"));
  router.get("/posts/:id", looks, says("post"));
  router.use("/posts/:post", looks);
  CHECK(get(router, "/users/victim/friends/me") == "friend id=me post=victim from=victim");
  CHECK(seen == "victim, me, me,victim ");
  seen.clear();
  CHECK(get(router, "/posts/7") == "post id=7");
  CHECK(get(router, "/users/victim/friends/me", "PUT") == "405 GET, HEAD");
  CHECK(seen == "7, 7, victim, victim, victim,victim ");
}

TEST_CASE("a router that was handed a request knows no names of the other one",
          "[app][Router][plain]") {
  Router other;
  other.use("/:path/x", [](Request& req, Response& res) -> task<> {
    co_await res.end(std::string(req.param("id")) + "-" + std::string(req.param("path")));
  });
  Router router;
  router.use("/:id/x", [&other](Request& req, Response& res) -> task<> {
    CHECK(req.param("id") == "7");
    co_await other(req, res);
  });
  CHECK(get(router, "/7/x") == "-7");
}

TEST_CASE("a router that cannot be mounted leaves the other one as it was",
          "[app][Router][plain]") {
  std::string log;
  Router inner;
  inner.use(marks(log, "inner")).get("/x", says("x")).get("/a/x", says("ax"));
  Router router;
  router.get("/b/x", says("own"));
  // With the group, "/x" is "/a/x" too.
  CHECK(wordsOf([&] { router.use("{/a}", inner); }).find("\"{/a}/x\"") != std::string::npos);
  CHECK(wordsOf([&] { router.use("/b", inner); }).find("\"/b/x\"") != std::string::npos);
  CHECK(get(router, "/x") == "404");
  CHECK(get(router, "/a/x") == "404");
  CHECK(get(router, "/b/a/x") == "404");
  CHECK(get(router, "/b/x") == "own");
  CHECK(log.empty());
  // Neither of them is the worse for it.
  router.get("/c", says("c"));
  inner.get("/late", says("late"));
  router.use("/d", inner);
  CHECK(get(router, "/d/late") == "late");
  CHECK(log == "inner()");
}

TEST_CASE("of several routers in one call all are mounted, or none", "[app][Router][plain]") {
  Router first, second, router;
  first.use([](Request&, Response& res, Next) -> task<> { co_await res.end("first"); });
  first.get("/a", says("a"));
  second.get("/b", says("b"));
  router.get("/b", says("own"));
  CHECK(wordsOf([&] { router.use(first, second); }).find("\"/b\" is there already") !=
        std::string::npos);
  CHECK(get(router, "/a") == "404");
  CHECK(get(router, "/b") == "own");
  first.get("/late", says("late"));
  router.use("/x", second, first);
  CHECK(get(router, "/x/b") == "b");
  CHECK(get(router, "/x/late") == "first");
}

TEST_CASE("a request that is answered keeps its route while others are added",
          "[app][Router][plain]") {
  Router router;
  router.get("/users/:id", [&router](Request& req, Response& res) -> task<> {
    for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
      router.route(method, "/users/:name", says(method));
    }
    co_await res.end(std::string(req.route()) + " " + std::string(req.param("id")));
  });
  CHECK(get(router, "/users/7") == "/users/:id 7");
  CHECK(get(router, "/users/7", "PUT") == "PUT");
}

namespace {
struct Api {
  task<> list(Request&, Response& res) { co_await res.end("list of " + name); }
  task<> check(Request&, Response&, Next next) {
    ++checks;
    co_await next();
  }
  std::string name = "todos";
  int checks = 0;
};
task<> plainFunction(Request&, Response& res) { co_await res.end("function"); }
}  // namespace

TEST_CASE("member functions and plain functions are handlers", "[app][Router][plain]") {
  Api api;
  Router router;
  router.use(&Api::check, api);
  router.get("/", &Api::check, &api, &Api::list, api);
  router.get("/f", plainFunction);
  router.get("/p", &plainFunction);
  CHECK(get(router, "/") == "list of todos");
  CHECK(api.checks == 2);
  CHECK(get(router, "/f") == "function");
  CHECK(get(router, "/p") == "function");
}

namespace {
struct Steps {
  task<> moved(Request&, Response&, Next&& next) { co_await next(); }
  task<> seen(Request&, Response&, const Next& next) const { co_await next(); }
};
task<> plainStep(Request&, Response&, Next&& next) { co_await next(); }
}  // namespace

TEST_CASE("a handler may take a reference to Next, which lives as long as the handler runs",
          "[app][Router][plain]") {
  Steps steps;
  Router router;
  int passed = 0;
  router.use([&passed](Request&, Response&, Next&& next) -> task<> {
    ++passed;
    co_await next();
  });
  router.use([&passed](Request&, Response&, const Next& next) -> task<> {
    ++passed;
    co_await next();
  });
  router.use([&passed](Request&, Response&, Next&& next) mutable {
    ++passed;
    return next();
  });
  router.use([&passed](auto& req, auto& res, auto next) -> task<> {
    static_assert(std::is_same_v<decltype(req), Request&> &&
                  std::is_same_v<decltype(res), Response&>);
    ++passed;
    co_await next();
  });
  router.use(&Steps::moved, steps).use(&Steps::seen, steps);
  router.use(plainStep).use(&plainStep);
  router.get("/", says("end"));
  CHECK(get(router, "/") == "end");
  CHECK(get(router, "/", "HEAD") == "");
  CHECK(passed == 8);
}

TEST_CASE("copies of a router are the same one, and it may go before its server", "[app][Router]") {
  auto wire = [] {
    Router router;
    Router copy = router;
    auto serving = std::make_unique<sluice::test::Serving>(router, http::ServerOptions{});
    copy.get("/late", says("late"));
    return serving;
  }();
  CHECK(wire->send(sluice::test::get("/late")) == sluice::test::ok("late"));
}

TEST_CASE("a request knows its route to its end, also if its server is gone", "[app][Router]") {
  asio::io_context io;
  std::optional<http::Server> server;
  std::string log;
  {
    Router router;
    router.get("/a/:b", [&](Request& req, Response& res) -> task<> {
      res.on<"close">([&] { log = std::string(req.route()) + ' ' + std::string(req.param("b")); });
      res.end(std::string(100'000, 'x'));
      asio::post(io, [&] { server.reset(); });
      co_return;
    });
    server.emplace(http::createServer(io, router));
  }
  sluice::test::Wire wire(io);
  wire.room(100);
  server->serve(wire.socket());
  wire.deliver(sluice::test::get("/a/1"));
  sluice::test::settleBounded(io);
  CHECK(log == "/a/:b 1");
}
