// SPDX-License-Identifier: BSL-1.0
//
// The patterns of routes: which route a path belongs to, what the names in it stand for, and what
// is no pattern.
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <string>
#include <support/catch.hpp>
#include "routing.hpp"

using namespace routing;
using namespace sluice;
using app::Next;
using app::Request;
using app::Response;
using app::Router;

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

TEST_CASE("a bad pattern throws when it is added and says where", "[app][Router][plain]") {
  Router router;
  const auto reason = [&](const char* pattern) {
    const std::string words = wordsOf([&] { router.get(pattern, says("")); });
    CHECK(words.find("app_patterns.test.cpp:") != std::string::npos);
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

TEST_CASE("a path that costs too much to compare with a guard's prefix does not pass the guard",
          "[app][Router][plain]") {
  std::string tail;
  for (int index = 0; index < 4060; ++index) tail += "/a";
  const auto answer = [](const char* prefix, std::string path) {
    std::string log;
    Router router;
    router.use(marks(log, "before"));
    router.use(prefix, [](Request&, Response& res) -> task<> { co_await res.status(403).end(); });
    router.use(marks(log, "after"));
    router.get("/*path", says("served"));
    return get(router, std::move(path)) + " " + log;
  };
  CHECK(answer("/*path/private", "/x/public") == "served path=x/public before(after())");
  CHECK(answer("/*path/private", "/x/private/a/a") == "403 before()");
  CHECK(answer("/*path/private", "/x/private" + tail) == "404 before()");
  CHECK(answer("/*path/private{/b}", "/x/private" + tail) == "404 before()");
  CHECK(answer("/in{/*path/private}", "/in/x/private" + tail) == "404 before()");
  CHECK(answer("/:a-:b-:c-:d-:e-:f.x", "/" + std::string(4000, '-')) == "404 before()");
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
