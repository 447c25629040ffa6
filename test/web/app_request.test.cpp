// SPDX-License-Identifier: BSL-1.0
//
// What a request says about itself, and the short ways to answer it.
#include <boost/json/src.hpp>
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <string>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/serve.hpp>
#include <vector>

using namespace sluice;
using app::Request;
using app::Response;
using app::Router;
using sluice::test::inject;
using sluice::test::InjectRequest;

namespace {

// What `look` says about a request.
template <class F>
std::string seen(InjectRequest request, F look, std::vector<std::string> trusted = {}) {
  std::string text;
  Router router;
  router.trustProxy(std::move(trusted));
  router.use([&](Request& req, Response& res) -> task<> {
    text = look(req);
    co_await res.end();
  });
  CHECK(inject(router, request).statusCode == 200);
  return text;
}

template <class F>
sluice::test::InjectResponse sent(F act) {
  return inject([&](Request&, Response& res) -> task<> {
    act(res);
    co_return;
  });
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += "[" + text + "]";
  return all;
}

}  // namespace

TEST_CASE("path() is decoded and normalised, url() is as it was sent", "[app][Request][plain]") {
  const auto path = [](std::string url) {
    return seen({.url = std::move(url)}, [](Request& req) { return std::string(req.path()); });
  };
  CHECK(path("/") == "/");
  CHECK(path("/a/b?c=/../") == "/a/b");
  CHECK(path("/a//b///") == "/a/b/");
  CHECK(path("/a/./b/.") == "/a/b/");
  CHECK(path("/a/b/..") == "/a/");
  CHECK(path("/../../a") == "/a");
  CHECK(path("/%2e%2E/%2e/a") == "/a");
  CHECK(path("/a%2Fb%20%e2%82%ac") == "/a/b \xE2\x82\xAC");
  CHECK(path("/.well-known/x") == "/.well-known/x");
  CHECK(path("/...") == "/...");
  CHECK(path("http://host?x") == "/");
  CHECK(path("http://host/x/?y") == "/x/");
  CHECK(seen({.url = "/a/../b?c"}, [](Request& req) { return std::string(req.url()); }) ==
        "/a/../b?c");
}

TEST_CASE("query() gives the first value, queryAll() every one", "[app][Request][plain]") {
  const InjectRequest request{.url = "/?a=1&b=x+y%26z&a=2&c&=e&d=%zz&%61=3"};
  const auto first = [&](std::string name) {
    return seen(request, [&](Request& req) { return req.query(name).value_or("<none>"); });
  };
  CHECK(first("a") == "1");
  CHECK(first("b") == "x y&z");
  CHECK(first("c") == "");
  CHECK(first("d") == "%zz");
  CHECK(first("") == "e");
  CHECK(first("nothing") == "<none>");
  CHECK(seen(request, [](Request& req) { return joined(req.queryAll("a")); }) == "[1][2][3]");
  CHECK(seen(request, [](Request& req) { return joined(req.queryAll("x")); }) == "");
  const InjectRequest malformed{.url = "/?&a=%41+%zz%&&"};
  CHECK(seen(malformed, [](Request& req) { return joined(req.queryAll("a")); }) == "[A %zz%]");
  CHECK(seen(malformed, [](Request& req) { return joined(req.queryAll("")); }) == "");
}

TEST_CASE("cookies are read by name, and decoded", "[app][Request][plain]") {
  const InjectRequest request{.headers = {{"Cookie", "a=1; bb=\"q\"; c=x%20y%3B; d=%zz; e; a=2"}}};
  const auto cookie = [&](std::string name) {
    return seen(request,
                [&](Request& req) { return std::string(req.cookie(name).value_or("<none>")); });
  };
  CHECK(cookie("a") == "1");
  CHECK(cookie("b") == "<none>");
  CHECK(cookie("bb") == "q");
  CHECK(cookie("c") == "x y;");
  CHECK(cookie("d") == "%zz");
  CHECK(cookie("e") == "<none>");
}

TEST_CASE("ip, protocol and host believe proxies only if they are trusted",
          "[app][Request][plain]") {
  const InjectRequest request{.headers = {{"Host", "inside:8080"},
                                          {"X-Forwarded-For", "6.6.6.6, 1.2.3.4, 10.0.0.7"},
                                          {"X-Forwarded-Proto", "https"},
                                          {"X-Forwarded-Host", "example.org"}}};
  const auto about = [&](std::vector<std::string> trusted) {
    return seen(
        request, [](Request& req) { return req.ip() + " " + req.protocol() + " " + req.host(); },
        std::move(trusted));
  };
  const std::string peer = seen({}, [](Request& req) { return req.ip(); });
  CHECK(about({}) == peer + " http inside:8080");
  CHECK(about({"8.8.8.8"}) == peer + " http inside:8080");
  CHECK(about({"192.0.2.2"}) == "10.0.0.7 https example.org");
  CHECK(about({"192.0.2.0/24", "10.0.0.0/8"}) == "1.2.3.4 https example.org");
  CHECK(about({"0.0.0.0/0"}) == "6.6.6.6 https example.org");
  Router router;
  for (const char* text :
       {"", "x", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129", "1.2.3.4/-1"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(router.trustProxy({text}), http::Error);
  }
}

TEST_CASE("an empty element in what proxies say is ignored", "[app][Request][plain]") {
  const auto about = [](std::string addresses, std::string others) {
    return seen({.headers = {{"Host", "inside"},
                             {"X-Forwarded-For", addresses},
                             {"X-Forwarded-Proto", others + "https"},
                             {"X-Forwarded-Host", others + "example.org"}}},
                [](Request& req) { return req.ip() + " " + req.protocol() + " " + req.host(); },
                {"192.0.2.2", "10.0.0.0/8"});
  };
  CHECK(about("9.9.9.9, , 10.0.0.1", "") == "9.9.9.9 https example.org");
  CHECK(about("9.9.9.9,", ",") == "9.9.9.9 https example.org");
  CHECK(about(",, 9.9.9.9 , ,\t,10.0.0.1,,", " , ,") == "9.9.9.9 https example.org");
  CHECK(about(" , ", "") == "192.0.2.2 https example.org");
  CHECK(about(",10.0.0.1", "") == "10.0.0.1 https example.org");
}

TEST_CASE("is() knows the type of the body", "[app][Request][plain]") {
  const auto is = [](std::string type, std::string asked) {
    return seen({.headers = {{"Content-Type", type}}},
                [&](Request& req) { return std::string(req.is(asked) ? "yes" : "no"); });
  };
  CHECK(is("application/json; charset=utf-8", "json") == "yes");
  CHECK(is("application/json", "application/json") == "yes");
  CHECK(is("application/problem+json", "+json") == "yes");
  CHECK(is("Text/HTML", "html") == "yes");
  CHECK(is("text/html", "text/*") == "yes");
  CHECK(is("text/html", "json") == "no");
  CHECK(seen({}, [](Request& req) { return std::string(req.is("json") ? "yes" : "no"); }) == "no");
}

TEST_CASE("accepts() follows quality and closeness", "[app][Request][plain]") {
  const auto best = [](std::string accept) {
    return seen({.headers = {{"Accept", accept}}}, [](Request& req) {
      return std::string(req.accepts({"html", "json", "image/png"}));
    });
  };
  CHECK(best("*/*") == "html");
  CHECK(best("application/json") == "json");
  CHECK(best("text/html;q=0.5, application/json") == "json");
  CHECK(best("text/*;q=0.1, */*;q=0.2") == "json");
  CHECK(best("text/html;q=0, */*") == "json");
  CHECK(best("image/*, application/json;q=0.9") == "image/png");
  CHECK(best("text/csv") == "");
  CHECK(best("text/html;level=\"1,2\";q=0.9, application/json;q=0.4") == "json");
  CHECK(seen({}, [](Request& req) { return std::string(req.accepts({"json"})); }) == "json");
}

// With the list in braces this does not compile with g++ 12.
TEST_CASE("accepts() takes types without braces, also in a statement with co_await",
          "[app][Request][plain]") {
  const auto best = [](std::string accept) {
    const std::string third = "image/png";
    const auto answers = [&third](Request& req, Response& res) -> task<> {
      co_await res.text(std::string(req.accepts("html", std::string_view("json"), third)));
    };
    return inject(answers, {.headers = {{"Accept", accept}}}).body;
  };
  CHECK(best("*/*") == "html");
  CHECK(best("text/html;q=0.5, application/json") == "json");
  CHECK(best("image/*") == "image/png");
  CHECK(best("text/csv") == "");
}

TEST_CASE("accepts() compares parameters, and the order of what is liked alike",
          "[app][Request][plain]") {
  const auto best = [](std::string accept, std::initializer_list<std::string_view> types) {
    return seen({.headers = {{"Accept", accept}}},
                [types](Request& req) { return std::string(req.accepts(types)); });
  };
  // As npm's negotiator has them.
  CHECK(best("text/html;level=1", {"html"}) == "");
  CHECK(best("text/html;level=1", {"text/html;level=1", "html"}) == "text/html;level=1");
  CHECK(best("text/html;level=1;q=0.2, text/html;q=0.7", {"text/html;level=1", "html"}) == "html");
  CHECK(best("text/html;Level=\"A\";q=0.2, text/html;q=0.7", {"text/html; level=a", "html"}) ==
        "html");
  CHECK(best("application/json;charset=utf-8", {"json"}) == "");
  CHECK(best("application/json;charset=*", {"application/json; charset=utf-8"}) ==
        "application/json; charset=utf-8");
  CHECK(best("*/*;q=0.1, text/html", {"json", "html"}) == "html");
  CHECK(best("*/*;q=0.1", {"json", "html"}) == "json");
  CHECK(best("text/html, application/json", {"json", "html"}) == "html");
  CHECK(best("text/*, application/json", {"html", "json"}) == "json");
  CHECK(best("*/html", {"json", "html"}) == "html");
  CHECK(best("text/html;q=0.3, text/html;q=0.9, application/json;q=0.5", {"json", "html"}) ==
        "html");
  CHECK(best("TEXT/HTML ; Q = 0.5 , application/json;q=0.4", {"json", "html"}) == "html");
}

TEST_CASE("locals() is one object of each type for the whole request", "[app][Request][plain]") {
  Router router;
  router.use([](Request& req, Response&, app::Next next) -> task<> {
    req.locals<std::string>() = "ada";
    req.locals<int>() = 7;
    co_await next();
  });
  router.get("/", [](Request& req, Response& res) -> task<> {
    co_await res.end(req.locals<std::string>() + std::to_string(req.locals<int>()));
  });
  CHECK(inject(router).body == "ada7");
}

namespace other_library {
struct Value {
  std::string text;
  std::string dump() const { return text; }
};
}  // namespace other_library

TEST_CASE("json() takes text and values of any library", "[app][Response][plain]") {
  CHECK(sent([](Response& res) { res.json("{\"a\":1}"); }).body == "{\"a\":1}");
  CHECK(sent([](Response& out) { out.json(std::string_view("[2]x").substr(0, 3)); }).body == "[2]");
  CHECK(sent([](Response& out) {
          const char* const text = "[4]";
          out.json(text);
        }).body == "[4]");
  CHECK(sent([](Response& out) { out.json({}); }).body.empty());
  const auto res = sent([](Response& out) { out.status(201).json(boost::json::value{{"a", 1}}); });
  CHECK(res.statusCode == 201);
  CHECK(res.body == "{\"a\":1}");
  CHECK(res.headers["content-type"] == "application/json");
  CHECK(sent([](Response& out) { out.json(boost::json::array{1, 2}); }).body == "[1,2]");
  CHECK(sent([](Response& out) { out.json(boost::json::string("x")); }).body == "\"x\"");
  CHECK(sent([](Response& out) { out.json(other_library::Value{"[3]"}); }).body == "[3]");
  CHECK(sent([](Response& out) {
          out.type("application/problem+json").json("{}");
        }).headers["content-type"] == "application/problem+json");
}

TEST_CASE("html(), text() and type() say what the body is", "[app][Response][plain]") {
  CHECK(sent([](Response& res) { res.html("<p>"); }).headers["content-type"] ==
        "text/html; charset=utf-8");
  CHECK(sent([](Response& res) { res.text("x"); }).headers["content-type"] ==
        "text/plain; charset=utf-8");
  CHECK(sent([](Response& res) { res.type("svg").end("x"); }).headers["content-type"] ==
        "image/svg+xml");
  CHECK(sent([](Response& res) {
          CHECK_THROWS_AS(res.type("nonsense"), http::Error);
        }).statusCode == 200);
}

TEST_CASE("redirect() sends a Location that is a URL", "[app][Response][plain]") {
  const auto res = sent([](Response& out) { out.redirect("/a b?x=\xC3\xA9%20\r\n"); });
  CHECK(res.statusCode == 302);
  CHECK(res.headers["location"] == "/a%20b?x=%C3%A9%20%0D%0A");
  CHECK(sent([](Response& out) { out.redirect("/x", 308); }).statusCode == 308);
  sent([](Response& out) {
    CHECK_THROWS_AS(out.redirect("/x", 200), http::Error);
    CHECK_THROWS_AS(out.redirect("/x", 304), http::Error);
  });
}

TEST_CASE("cookie() writes a Set-Cookie with its attributes", "[app][Response][plain]") {
  const auto line = [](std::string value, app::CookieOptions options = {}) {
    const auto res = sent([&](Response& out) { out.cookie("name", value, options); });
    return std::string(res.headers["set-cookie"]);
  };
  using namespace std::chrono_literals;
  CHECK(line("v") == "name=v; Path=/");
  CHECK(line("a b;\"%") == "name=a%20b%3B%22%25; Path=/");
  CHECK(line("v", {.path = "/x",
                   .domain = "example.org",
                   .maxAge = 1h,
                   .httpOnly = true,
                   .secure = true,
                   .sameSite = app::SameSite::strict}) ==
        "name=v; Domain=example.org; Path=/x; Max-Age=3600; HttpOnly; Secure; SameSite=Strict");
  CHECK(line("v", {.path = "", .expires = std::chrono::system_clock::time_point()}) ==
        "name=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(line("v", {.secure = true, .sameSite = app::SameSite::none, .partitioned = true}) ==
        "name=v; Path=/; Secure; SameSite=None; Partitioned");
  const auto res =
      sent([](Response& out) { out.cookie("a", "1").clearCookie("b").cookie("c", "2"); });
  CHECK(res.headers.getSetCookie().size() == 3);
  CHECK(res.headers.getSetCookie()[1] ==
        "b=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
  sent([](Response& out) {
    CHECK_THROWS_AS(out.cookie("a b", "1"), http::Error);
    CHECK_THROWS_AS(out.cookie("a", "1", {.path = "/;x"}), http::Error);
    CHECK_THROWS_AS(out.cookie("a", "1", {.domain = "x\r\nSet-Cookie: y"}), http::Error);
    CHECK_THROWS_AS(out.cookie("a", "1", {.sameSite = app::SameSite::none}), http::Error);
  });
}

TEST_CASE("classes of the router work without a router", "[app][Request][plain]") {
  const auto res = inject(
      [](Request& req, Response& out) -> task<> {
        co_await out.json("\"" + std::string(req.path()) + "\"");
      },
      {.url = "/a%20b"});
  CHECK(res.body == "\"/a b\"");
}
