// SPDX-License-Identifier: BSL-1.0
//
// Routes and middleware: which handler answers, in which order things run, and what is said if
// nothing does.
#include <boost/asio/post.hpp>
#include <optional>
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <stdexcept>
#include <string>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/serve.hpp>

using namespace sluice;
using app::Next;
using app::Request;
using app::Response;
using app::Router;
using sluice::test::inject;

namespace {

// A handler that sends a text and the values of the names in the pattern.
auto says(std::string text) {
  return [text = std::move(text)](Request& req, Response& res) -> task<> {
    std::string body = text;
    for (const char* name : {"id", "post", "path", "from", "to", "lang"}) {
      const std::string_view value = req.param(name);
      if (!value.empty()) body.append(" ").append(name).append("=").append(value);
    }
    co_await res.end(body);
  };
}

auto marks(std::string& log, std::string name) {
  return [&log, name = std::move(name)](Request&, Response&, Next next) -> task<> {
    log += name + "(";
    co_await next();
    log += ")";
  };
}

std::string get(const Router& router, std::string url, std::string method = "GET") {
  const auto res = inject(router, {.method = std::move(method), .url = std::move(url)});
  if (res.statusCode == 200) return res.body;
  std::string answer = std::to_string(res.statusCode);
  if (res.headers.has("allow")) answer.append(" ").append(res.headers["allow"]);
  return answer;
}

std::string wordsOf(const std::function<void()>& act) {
  try {
    act();
  } catch (const http::Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("the most specific route answers, whatever was added first", "[app][Router][plain]") {
  Router router;
  router.get("/*path", says("rest"));
  router.get("/users/:id", says("user"));
  router.get("/users/me", says("me"));
  router.get("/users/:id/posts/:post", says("post"));
  router.get("/", says("root"));
  CHECK(get(router, "/") == "root");
  CHECK(get(router, "/users/me") == "me");
  CHECK(get(router, "/users/mei") == "user id=mei");
  CHECK(get(router, "/users/m") == "user id=m");
  CHECK(get(router, "/users/7/posts/9?x=1") == "post id=7 post=9");
  CHECK(get(router, "/users/7/posts") == "rest path=users/7/posts");
  CHECK(get(router, "/users/") == "rest path=users/");
}

TEST_CASE("case does not count in a pattern, unless it is asked to", "[app][Router][plain]") {
  const auto fill = [](Router& router) {
    Router inner;
    inner.use("/Guarded", [](Request&, Response& res, Next) -> task<> { co_await res.end("no"); });
    inner.get("/Guarded/x", says("yes"));
    inner.get("/Users/:id/Posts", says("user"));
    router.use("/Api", inner);
  };
  Router folding;
  fill(folding);
  CHECK(get(folding, "/Api/Users/Ada/Posts") == "user id=Ada");
  CHECK(get(folding, "/aPI/uSERS/Ada/posts/") == "user id=Ada");
  CHECK(get(folding, "/api/guarded/X") == "no");
  CHECK(get(folding, "/api/user") == "404");
  CHECK(get(folding, "/API/USERS/x/posts", "PUT") == "405 GET, HEAD");
  CHECK_THROWS_AS(folding.get("/API/users/:name/posts", says("again")), Error);

  Router strict(app::RouterOptions{.caseSensitive = true});
  fill(strict);
  CHECK(get(strict, "/Api/Users/Ada/Posts") == "user id=Ada");
  CHECK(get(strict, "/api/Users/Ada/Posts") == "404");
  CHECK(get(strict, "/Api/Guarded/x") == "no");
  CHECK(get(strict, "/Api/guarded/x") == "404");
  strict.get("/api/users/:name/posts", says("other"));
  CHECK(get(strict, "/api/users/x/posts") == "other");
}

TEST_CASE("patterns: parts of segments, optional groups, quotes and escapes",
          "[app][Router][plain]") {
  Router router;
  router.get("/flights/:from-:to", says("flight"));
  router.get("/a{/:id}", says("a"));
  router.get("{/:lang}/about{/}", says("about"));
  router.get("/files/*path/edit", says("edit"));
  router.get("/x\\:y", says("colon"));
  router.get("/q/:\"id\"s", says("quoted"));
  router.get("/archive.:id", says("archive"));
  CHECK(get(router, "/flights/LHR-JFK") == "flight from=LHR to=JFK");
  CHECK(get(router, "/flights/a-b-c") == "flight from=a-b to=c");
  CHECK(get(router, "/flights/LHR") == "404");
  CHECK(get(router, "/a") == "a");
  CHECK(get(router, "/a/") == "a");
  CHECK(get(router, "/a/1") == "a id=1");
  CHECK(get(router, "/a/1/2") == "404");
  CHECK(get(router, "/about") == "about");
  CHECK(get(router, "/de/about") == "about lang=de");
  CHECK(get(router, "/files/a/b/edit") == "edit path=a/b");
  CHECK(get(router, "/files/edit") == "404");
  CHECK(get(router, "/x:y") == "colon");
  CHECK(get(router, "/q/7s") == "quoted id=7");
  CHECK(get(router, "/archive.zip") == "archive id=zip");
}

TEST_CASE("an optional group takes what it can, as in Express", "[app][Router][plain]") {
  Router router;
  router.get("/:path{.:id}", says("file"));
  router.get("/v/:from{-:to}{-:id}", says("v"));
  router.get("/w/:id", says("w"));
  router.get("/w/:from.:to", says("part"));
  CHECK(get(router, "/a") == "file path=a");
  CHECK(get(router, "/a.txt") == "file id=txt path=a");
  CHECK(get(router, "/a.tar.gz") == "file id=gz path=a.tar");
  CHECK(get(router, "/.a") == "file path=.a");
  CHECK(get(router, "/a.") == "file path=a.");
  CHECK(get(router, "/v/1") == "v from=1");
  CHECK(get(router, "/v/1-2") == "v from=1 to=2");
  CHECK(get(router, "/v/1-2-3") == "v id=3 from=1 to=2");
  CHECK(get(router, "/v/1-2-3-4") == "v id=4 from=1-2 to=3");
  // Text in a segment says more than a name for all of it.
  CHECK(get(router, "/w/a.b") == "part from=a to=b");
  CHECK(get(router, "/w/ab") == "w id=ab");
  CHECK(get(router, "/w/" + std::string(6000, 'a')) == "w id=" + std::string(6000, 'a'));
  Router prefix;
  prefix.use("/:path{.:id}", [](Request&, Response&, Next next) { return next(); });
  prefix.get("/*rest", says("under"));
  CHECK(get(prefix, "/a.txt/x") == "under id=txt path=a");
}

TEST_CASE("a value has no text in it that separates it from others, as in Express",
          "[app][Router][plain]") {
  Router router;
  router.get("/p/:from-:to", says("p"));
  router.get("/q/*from-*to", says("q"));
  router.get("/r/:from-*to", says("r"));
  router.get("/s/*from/x/*to", says("s"));
  router.get("/T/:from--:to", says("t"));
  router.get("/v/*from/*to", says("v"));
  router.get("/w/*path", says("w"));
  router.get("/u/:from.and.:to", says("u"));
  CHECK(get(router, "/p/1-2-3") == "p from=1-2 to=3");
  CHECK(get(router, "/p/1-2-") == "404");
  CHECK(get(router, "/p/1--") == "p from=1 to=-");
  CHECK(get(router, "/q/1-2-3") == "q from=1-2 to=3");
  CHECK(get(router, "/q/1/a-2/b") == "q from=1/a to=2/b");
  CHECK(get(router, "/r/1-2-3") == "r from=1 to=2-3");
  CHECK(get(router, "/s/a/x/b/x/c") == "s from=a/x/b to=c");
  CHECK(get(router, "/s/a/x/x/b") == "s from=a/x to=b");
  CHECK(get(router, "/v/a/b/c") == "v from=a/b to=c");
  CHECK(get(router, "/v/a/b/") == "v from=a to=b");
  CHECK(get(router, "/w/a/") == "w path=a/");
  CHECK(get(router, "/t/1---2") == "t from=1- to=2");
  CHECK(get(router, "/u/1.AND.2.and.3") == "u from=1.AND.2 to=3");
}

TEST_CASE("a prefix that a group may leave empty is no prefix of every path, as in Express",
          "[app][Router][plain]") {
  std::string log;
  Router inner;
  inner.get("/", says("root"));
  inner.get("/y", says("y"));
  Router router;
  router.use("/{a}", marks(log, "1"));
  router.use("/x/{a}", marks(log, "2"));
  router.use("/m/{a}", inner);
  router.all("/*path", says("rest"));
  router.get("/", says("root"));
  const auto passed = [&](std::string url) {
    log.clear();
    get(router, std::move(url));
    return log;
  };
  CHECK(passed("/") == "1()");
  CHECK(passed("/a") == "1()");
  CHECK(passed("/a/b") == "1()");
  CHECK(passed("/b") == "");
  CHECK(passed("/x/") == "2()");
  CHECK(passed("/x/a/b") == "2()");
  CHECK(passed("/x") == "");
  CHECK(passed("/x/b") == "");
  CHECK(get(router, "/m/") == "root");
  CHECK(get(router, "/m/a") == "root");
  CHECK(get(router, "/m/a/y") == "y");
  CHECK(get(router, "/m/y") == "rest path=m/y");
  CHECK(get(router, "/m") == "rest path=m");
  CHECK_THROWS_AS(router.get("/{z}", says("again")), Error);
}

TEST_CASE("names bring decoded values, and an encoded slash separates nothing",
          "[app][Router][plain]") {
  Router router;
  router.get("/users/:id", says("user"));
  router.get("/caf\xC3\xA9", says("cafe"));
  CHECK(get(router, "/users/a%20b%2Fc%2520") == "user id=a b/c%20");
  CHECK(get(router, "/%75sers/%C3%A9") == "user id=\xC3\xA9");
  CHECK(get(router, "/caf%C3%A9") == "cafe");
  CHECK(get(router, "//users/./x/../7") == "user id=7");
  CHECK(get(router, "http://a/users/7") == "user id=7");
}

TEST_CASE("a target that is malformed or hides a dot segment is answered 400",
          "[app][Router][plain]") {
  Router router;
  router.get("/", says("root")).get("/*path", says("rest"));
  for (const char* url :
       {"/%", "/%2", "/%zz", "/%00", "/a%00b", "/%ff", "/%c0%ae", "/%c0%af", "/%e0%80%af",
        "/%ed%a0%80", "/..%2f", "/a/..%2fb", "/a%2f..", "/a%2F.%2Fb", "/..%5c..%5cetc", "/..\\x"}) {
    CAPTURE(url);
    CHECK(get(router, url) == "400");
  }
}

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

TEST_CASE("a bad pattern throws when it is added and says where", "[app][Router][plain]") {
  Router router;
  const auto reason = [&](const char* pattern) {
    const std::string words = wordsOf([&] { router.get(pattern, says("")); });
    CHECK(words.find("app_router.test.cpp:") != std::string::npos);
    return words.substr(words.find(": ") + 2);
  };
  CHECK(reason("users") == "GET \"users\": a pattern begins with '/' at 0");
  CHECK(reason("") == "GET \"\": a pattern begins with '/' at 0");
  CHECK(reason("/a{/b") == "GET \"/a{/b\": '{' is not closed at 2");
  CHECK(reason("/a}") == "GET \"/a}\": '}' closes nothing at 2");
  CHECK(reason("/:") == "GET \"/:\": a name is missing at 1");
  CHECK(reason("/*") == "GET \"/*\": a name is missing at 1");
  CHECK(reason("/:a:b") == "GET \"/:a:b\": \"b\" needs text before it at 3");
  CHECK(reason("/:a/:a") == "GET \"/:a/:a\": \"a\" is named twice at 4");
  CHECK(reason("/a(b)") == "GET \"/a(b)\": '(' is reserved, write \"\\(\" at 2");
  CHECK(reason("/a?") == "GET \"/a?\": '?' is reserved, write \"\\?\" at 2");
  CHECK(reason("/a\\") == "GET \"/a\\\": there is nothing after '\\' at 2");
  CHECK(reason("/a//b") == "GET \"/a//b\": \"//\" matches no path, repeated slashes are one at 3");
  CHECK(reason("/:\"a") == "GET \"/:\"a\": '\"' is not closed at 2");
  CHECK(reason("/{a}{b}{c}{d}{e}{f}{g}").find("too many optional groups") != std::string::npos);
  CHECK(get(router, "/") == "404");
}

TEST_CASE("a duplicate throws and names the first one", "[app][Router][plain]") {
  Router router;
  router.get("/users/:id", says("1"));
  const std::string words = wordsOf([&] { router.get("/users/:name{/x}", says("2")); });
  CHECK(words.find("is there already, as \"/users/:id\" at ") != std::string::npos);
  router.post("/users/:name", says("3"));
  Router other;
  other.get("/:x", says("4"));
  CHECK(wordsOf([&] { router.use("/users", other); }).find("is there already, as \"/users/:id\"") !=
        std::string::npos);
  CHECK(get(router, "/users/7") == "1 id=7");
  CHECK(get(router, "/users/7/x") == "404");
  CHECK(wordsOf([&] { router.use(router); }) == "use(): a router cannot be mounted in itself");
  router.use("/others", other);
  CHECK(wordsOf([&] { other.get("/y", says("5")); }) ==
        "GET: this router was mounted in another one, add to it before");
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

TEST_CASE("HttpError is the answer, as JSON or text by Accept", "[app][Router][plain]") {
  Router router;
  router.use([](Request&, Response& res, Next next) -> task<> {
    res.setHeader("X-Kept", "1").setHeader("ETag", "\"dropped\"");
    co_await next();
  });
  router.get("/", [](Request&, Response&) -> task<> {
    throw app::HttpError{409, "a \"quoted\"\nreason"};
    co_return;
  });
  const auto text = inject(router);
  CHECK(text.statusCode == 409);
  CHECK(text.body == "a \"quoted\"\nreason");
  CHECK(text.headers["content-type"] == "text/plain; charset=utf-8");
  CHECK(text.headers["x-kept"] == "1");
  CHECK(!text.headers.has("etag"));
  CHECK(!text.error);
  const auto json = inject(router, {.headers = {{"Accept", "application/json, text/plain;q=0.5"}}});
  CHECK(json.body == R"({"error":"a \"quoted\"\u000areason"})");
  CHECK(json.headers["content-type"] == "application/json");
}

TEST_CASE("an error is not kept by caches as long as the answer would have been",
          "[app][Router][plain]") {
  Router router;
  router.get("/", [](Request&, Response& res) -> task<> {
    res.setHeader("Cache-Control", "max-age=60").setHeader("ETag", "\"1\"");
    res.setHeader("Expires", "Thu, 01 Jan 2099 00:00:00 GMT");
    res.setHeader("Content-Language", "de").setHeader("Content-Location", "/de");
    res.setHeader("X-Kept", "1");
    throw app::HttpError{404};
    co_return;
  });
  const auto res = inject(router, {});
  CHECK(res.statusCode == 404);
  for (const char* name :
       {"cache-control", "etag", "expires", "content-language", "content-location"}) {
    CAPTURE(name);
    CHECK(!res.headers.has(name));
  }
  CHECK(res.headers["x-kept"] == "1");
}

TEST_CASE("an error handler answers, the nearest router's first", "[app][Router][plain]") {
  const auto throws = [](Request&, Response&) -> task<> {
    throw std::runtime_error("broken");
    co_return;
  };
  const auto answers = [](std::string name, bool handsOn) {
    return [name = std::move(name), handsOn](std::exception_ptr error, Request&,
                                             Response& res) -> task<> {
      res.appendHeader("X-Asked", name);
      if (handsOn) std::rethrow_exception(error);
      std::string words;
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& thrown) {
        words = thrown.what();
      }
      co_await res.status(503).end(words);
    };
  };
  Router inner;
  inner.get("/a", throws).onError(answers("inner", false));
  Router shy;
  shy.get("/b", throws).onError(answers("shy", true));
  Router router;
  router.use("/inner", inner).use("/shy", shy).get("/c", throws).onError(answers("root", false));
  const auto asked = [&](std::string url) {
    const auto res = inject(router, {.url = std::move(url)});
    CHECK(res.statusCode == 503);
    CHECK(res.body == "broken");
    return std::string(res.headers["x-asked"]);
  };
  CHECK(asked("/inner/a") == "inner");
  CHECK(asked("/shy/b") == "shy, root");
  CHECK(asked("/c") == "root");

  Router bare;
  bare.get("/", throws);
  const auto res = inject(bare);
  CHECK(res.statusCode == 500);
  REQUIRE(res.error);
  CHECK(std::string(res.error->what()).find("broken") != std::string::npos);
}

TEST_CASE("an error handler hears what a step throws that is no coroutine",
          "[app][Router][plain]") {
  const auto heard = [](std::string name) {
    return [name = std::move(name)](std::exception_ptr, Request&, Response& res) -> task<> {
      co_await res.status(503).end(name);
    };
  };
  const auto throwing = [](Request&, Response&, Next) -> task<> {
    throw std::runtime_error("broken");
  };
  const auto passing = [](Request&, Response&, Next next) { return next(); };
  Router inner;
  inner.use(passing).get("/a", throwing).onError(heard("inner"));
  Router router;
  router.use(passing).use("/inner", inner).get("/b", passing, throwing).onError(heard("root"));
  const auto answer = [](const Router& asked, std::string url) {
    const auto res = inject(asked, {.url = std::move(url)});
    return std::to_string(res.statusCode) + ' ' + res.body;
  };
  CHECK(answer(router, "/inner/a") == "503 inner");
  CHECK(answer(router, "/b") == "503 root");
  Router first;
  first.use(throwing).onError(heard("first"));
  CHECK(answer(first, "/") == "503 first");
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

TEST_CASE("an error handler may add others", "[app][Router][plain]") {
  Router router;
  const auto handsOn = [&router](std::exception_ptr error, Request&, Response&) -> task<> {
    for (int count = 0; count < 8; ++count) {
      router.onError(
          [](std::exception_ptr, Request&, Response& res) -> task<> { co_await res.end("late"); });
    }
    std::rethrow_exception(error);
    co_return;
  };
  router.onError(handsOn).onError(handsOn);
  router.get("/", [](Request&, Response&) -> task<> {
    throw std::runtime_error("x");
    co_return;
  });
  CHECK(get(router, "/") == "late");
}

TEST_CASE("a middleware can catch what a later step throws", "[app][Router][plain]") {
  Router router;
  router.use([](Request&, Response& res, Next next) -> task<> {
    bool failed = false;
    try {
      co_await next();
    } catch (const app::HttpError&) {
      failed = true;
    }
    if (failed) co_await res.end("caught");
  });
  router.get("/", [](Request&, Response&) -> task<> {
    throw app::HttpError{404};
    co_return;
  });
  CHECK(get(router, "/") == "caught");
}

TEST_CASE("a body past the limit is answered 413", "[app][Router][plain]") {
  Router router;
  router.post(
      "/", [](Request& req, Response& res) -> task<> { co_await res.end(co_await req.text(4)); });
  CHECK(inject(router, {.method = "POST", .body = "1234"}).body == "1234");
  CHECK(inject(router, {.method = "POST", .body = "12345"}).statusCode == 413);
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

TEST_CASE("a client that goes away asks no error handler", "[app][Router]") {
  int asked = 0;
  Router router;
  router.get("/", [](Request&, Response& res) -> task<> {
    while (true) co_await res.write(std::string(1000, 'x'));
  });
  router.onError([&](std::exception_ptr, Request&, Response&) -> task<> {
    ++asked;
    co_return;
  });
  sluice::test::Serving wire(router, {});
  wire.wire().room(100);
  wire.send(sluice::test::get("/"));
  wire.wire().reset();
  wire.settle();
  CHECK(wire.closed());
  CHECK(asked == 0);
}

TEST_CASE("looking for a route ends, whatever the path is made of", "[app][Router][plain]") {
  Router router;
  router.get("/:a-:b-:c-:d-:e-:f.x", says("params"));
  router.get("/*a/x/*b/x/*c/x/*d/y", says("wildcards"));
  std::string dashes = "/" + std::string(4000, '-'), slashes = "/";
  for (int index = 0; index < 1000; ++index) slashes += "a/x/";
  CHECK(get(router, dashes) == "404");
  CHECK(get(router, slashes) == "404");
  // Few attempts, each of which looks through a long value.
  router.get("/in/:a-:b=*c/end", says("found"));
  const auto path = [](int count) {
    std::string text = "/in/q-w=z";
    for (; count > 0; --count) text += "-x";
    return text + "/end";
  };
  CHECK(get(router, path(100)) == "found");
  CHECK(get(router, path(1000)) == "404");
}

TEST_CASE("a thousand routes are told apart", "[app][Router][plain]") {
  Router router;
  for (int index = 0; index < 1000; ++index) {
    router.get("/group" + std::to_string(index % 40) + "/item" + std::to_string(index) + "/:id",
               says(std::to_string(index)));
  }
  for (int index = 0; index < 1000; index += 37) {
    CHECK(get(router, "/group" + std::to_string(index % 40) + "/item" + std::to_string(index) +
                          "/x") == std::to_string(index) + " id=x");
  }
  CHECK(get(router, "/group1/item2/x") == "404");
}
