// SPDX-License-Identifier: BSL-1.0
//
// Sessions in signed cookies.
#include <sluice/test.hpp>
#include <sluice/web/app/sessions.hpp>
#include <string>
#include <support/catch.hpp>

using namespace sluice;
using app::Request;
using app::Response;
using app::Router;
using app::Session;
using sluice::test::inject;
using sluice::test::InjectResponse;

namespace {

const std::string secret(32, 's');

app::SessionOptions optionsWith(std::vector<std::string> secrets, std::string name = "session") {
  app::SessionOptions options;
  options.secrets = std::move(secrets);
  options.name = std::move(name);
  return options;
}

Router remembering(app::SessionOptions options) {
  Router router;
  router.use(app::sessions(std::move(options)));
  router.get("/set", [](Request& req, Response& res) -> task<> {
    res.cookie("other", "1");
    req.locals<Session>().set("user", "ada & bob=%");
    const std::string_view cart = "1,2 and more";
    req.locals<Session>().set("cart", cart.substr(0, 3));
    co_await res.end();
  });
  router.get("/get", [](Request& req, Response& res) -> task<> {
    co_await res.end(req.locals<Session>().get("user").value_or("nobody"));
  });
  router.get("/clear", [](Request& req, Response& res) -> task<> {
    req.locals<Session>().clear();
    co_await res.end();
  });
  router.get("/large", [](Request& req, Response& res) -> task<> {
    req.locals<Session>().set("x", std::string(5000, 'x'));
    co_await res.end();
  });
  return router;
}

InjectResponse ask(const Router& router, std::string url, std::string cookie = {}) {
  http::Headers headers;
  if (!cookie.empty()) headers.set("Cookie", cookie);
  return inject(router, {.url = std::move(url), .headers = headers});
}

// "name=value" of the session's cookie.
std::string cookieOf(const InjectResponse& res) {
  std::string found;
  for (const std::string_view line : res.headers.getSetCookie()) {
    if (line.starts_with("session=")) {
      CHECK(found.empty());
      found = line.substr(0, line.find(';'));
    }
  }
  return found;
}

}  // namespace

TEST_CASE("a session comes back with the cookie", "[app][sessions][plain]") {
  const Router router = remembering(optionsWith({secret}));
  const auto res = ask(router, "/set");
  const std::string cookie = cookieOf(res);
  CHECK(res.headers.getSetCookie().size() == 2);
  CHECK(res.headers.getSetCookie()[1].find(
            "; Path=/; Max-Age=1209600; HttpOnly; Secure; SameSite=Lax") != std::string_view::npos);
  CHECK(ask(router, "/get", cookie).body == "ada & bob=%");
  CHECK(ask(router, "/get").body == "nobody");
  CHECK(ask(router, "/get").headers.getSetCookie().empty());
  CHECK(cookieOf(ask(router, "/clear", cookie)) == "session=");
  CHECK(ask(router, "/large").statusCode == 500);
}

TEST_CASE("two sessions of one request do not mix", "[app][sessions][plain]") {
  Router router = remembering(optionsWith({secret}));
  Router inner = remembering(optionsWith({secret}, "admin"));
  router.use("/admin", inner);
  const std::string cookie = cookieOf(ask(router, "/set"));
  REQUIRE(ask(router, "/get", cookie).body == "ada & bob=%");
  CHECK(ask(router, "/admin/get", cookie).body == "nobody");
  const auto res = ask(router, "/admin/set");
  std::string admin;
  for (const std::string_view line : res.headers.getSetCookie()) {
    if (line.starts_with("admin=")) admin = line.substr(0, line.find(';'));
  }
  CHECK(cookieOf(res).empty());
  CHECK(ask(router, "/admin/get", admin).body == "ada & bob=%");
  CHECK(ask(router, "/get", admin).body == "nobody");
}

TEST_CASE("a session keeps its changes when another router has the same one",
          "[app][sessions][plain]") {
  const Router inner = remembering(optionsWith({secret}));
  Router router;
  router.use(app::sessions(optionsWith({secret})));
  router.get("/get", [inner](Request& req, Response& res) -> task<> {
    req.locals<Session>().set("user", "ada");
    co_await inner(req, res);
  });
  CHECK(ask(router, "/get").body == "ada");
}

TEST_CASE("a session whose cookie a browser would drop is refused when it is set",
          "[app][sessions][plain]") {
  // Each byte is one that needs an escape in a cookie.
  const std::string text(3000, '%');
  app::SessionOptions options = optionsWith({secret});
  options.path = "/" + std::string(500, 'p');
  Router router;
  router.use(app::sessions(options));
  std::string refusal;
  router.get("/fill", [&](Request& req, Response& res) -> task<> {
    Session& session = req.locals<Session>();
    session.set("first", "kept");
    std::size_t size = 0;
    try {
      for (; size <= text.size(); size += 10) session.set("x", text.substr(0, size));
    } catch (const Error& error) {
      refusal = error.what();
      CHECK(error.code() == http::errc::ERR_OUT_OF_RANGE);
    }
    // It is as it was before.
    CHECK(session.get("x") == text.substr(0, size - 10));
    CHECK(session.get("first") == "kept");
    CHECK(!res.headersSent());
    co_await res.end(std::to_string(size));
  });
  router.get("/get", [](Request& req, Response& res) -> task<> {
    co_await res.end(req.locals<Session>().get("x").value_or("nobody"));
  });
  const auto res = ask(router, "/fill");
  REQUIRE(res.statusCode == 200);
  CHECK(refusal.find("4096") != std::string::npos);
  const std::string_view line = res.headers.getSetCookie().front();
  CHECK(line.size() <= 4096);
  CHECK(line.size() > 4000);
  // Three bytes become four.
  const std::size_t fits = std::stoul(res.body) - 10;
  CHECK(fits > 2400);
  CHECK(ask(router, "/get", cookieOf(res)).body == text.substr(0, fits));
}

TEST_CASE("a session keeps all bytes of its names and values", "[app][sessions][plain]") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  Router router;
  router.use(app::sessions(optionsWith({secret})));
  router.get("/set", [&](Request& req, Response& res) -> task<> {
    req.locals<Session>().set(all, "");
    req.locals<Session>().set("", all);
    req.locals<Session>().set("1:2", "3:");
    co_await res.end();
  });
  router.get("/get", [&](Request& req, Response& res) -> task<> {
    const Session& session = req.locals<Session>();
    CHECK(session.values().size() == 3);
    CHECK(session.get(all) == "");
    CHECK(session.get("") == all);
    CHECK(session.get("1:2") == "3:");
    co_await res.end();
  });
  ask(router, "/get", cookieOf(ask(router, "/set")));
}

TEST_CASE("a cookie that was changed, or signed for something else, counts for nothing",
          "[app][sessions][plain]") {
  const Router router = remembering(optionsWith({secret}));
  const std::string cookie = cookieOf(ask(router, "/set"));
  for (std::size_t at = 8; at < cookie.size(); ++at) {
    std::string changed = cookie;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    REQUIRE(ask(router, "/get", changed).body == "nobody");
  }
  CHECK(ask(router, "/get", cookie.substr(0, cookie.size() - 1)).body == "nobody");
  CHECK(ask(router, "/get", "session=").body == "nobody");
  CHECK(ask(router, "/get", "session=.").body == "nobody");
  const Router other = remembering(optionsWith({secret}, "other"));
  CHECK(ask(other, "/get", "other=" + cookie.substr(8)).body == "nobody");
  app::SessionOptions past = optionsWith({secret});
  past.maxAge = std::chrono::seconds(-10);
  CHECK(ask(router, "/get", cookieOf(ask(remembering(past), "/set"))).body == "nobody");
}

TEST_CASE("a new secret signs, and old ones are still accepted", "[app][sessions][plain]") {
  const std::string fresh(32, 'f');
  const std::string cookie = cookieOf(ask(remembering(optionsWith({secret})), "/set"));
  CHECK(ask(remembering(optionsWith({fresh, secret})), "/get", cookie).body == "ada & bob=%");
  CHECK(ask(remembering(optionsWith({fresh})), "/get", cookie).body == "nobody");
  CHECK_THROWS_AS(app::sessions(optionsWith({})), Error);
  CHECK_THROWS_AS(app::sessions(optionsWith({"short"})), Error);
}
