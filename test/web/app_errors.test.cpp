// SPDX-License-Identifier: BSL-1.0
//
// What a step throws: the answer that comes of it, and who hears of it.
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <stdexcept>
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
