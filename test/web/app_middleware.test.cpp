// SPDX-License-Identifier: BSL-1.0
//
// The middleware that comes with the router.
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <clocale>
#include <mutex>
#include <set>
#include <sluice/app.hpp>
#include <sluice/compress.hpp>
#include <sluice/test.hpp>
#include <sluice/web/app/compression.hpp>
#include <sluice/web/app/detail/line_writer.hpp>
#include <sluice/web/app/detail/token_buckets.hpp>
#include <string>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>
#include <support/serve.hpp>

using namespace sluice;
using namespace std::chrono_literals;
using app::Next;
using app::Request;
using app::Response;
using app::Router;
using sluice::test::inject;
using sluice::test::InjectRequest;
using sluice::test::InjectResponse;

namespace {

// A router with one middleware and an answer for every path.
template <class F>
Router behind(F middleware) {
  Router router;
  router.use(std::move(middleware));
  router.all("/*path", [](Request&, Response& res) -> task<> { co_await res.end("answer"); });
  return router;
}

InjectResponse ask(const Router& router, http::Headers headers = {}, std::string method = "GET",
                   std::string url = "/x") {
  return inject(
      router, {.method = std::move(method), .url = std::move(url), .headers = std::move(headers)});
}

// What a log has written, from any thread.
struct Lines {
  void operator()(std::string_view lines) const {
    const std::lock_guard lock(*mutex);
    text->append(lines);
  }
  std::shared_ptr<std::mutex> mutex = std::make_shared<std::mutex>();
  std::shared_ptr<std::string> text = std::make_shared<std::string>();
};

bool matches(const std::string& text, const std::string& pattern) {
  // '#' stands for any run of digits, dots, colons and letters.
  std::size_t at = 0;
  for (const char letter : pattern) {
    if (letter == '#') {
      const std::size_t begin = at;
      while (at < text.size() &&
             (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '.' ||
              text[at] == ':' || text[at] == '/' || text[at] == '-'))
        ++at;
      if (at == begin) return false;
    } else if (at == text.size() || text[at++] != letter) {
      return false;
    }
  }
  return at == text.size();
}

}  // namespace

TEST_CASE("cors() lets every origin read, or those that are named", "[app][cors][plain]") {
  const Router open = behind(app::cors());
  CHECK(ask(open, {{"Origin", "https://a"}}).headers["access-control-allow-origin"] == "*");
  CHECK(!ask(open).headers.has("access-control-allow-origin"));
  CHECK(!ask(open, {{"Origin", "https://a"}}).headers.has("vary"));

  app::CorsOptions options;
  options.origins = {"https://a"};
  options.allow = [](std::string_view origin) { return origin == "https://b"; };
  options.credentials = true;
  options.exposedHeaders = {"X-One", "X-Two"};
  options.maxAge = 1h;
  const Router named = behind(app::cors(options));
  for (const char* origin : {"https://a", "https://b"}) {
    const auto res = ask(named, {{"Origin", origin}});
    CHECK(res.headers["access-control-allow-origin"] == origin);
    CHECK(res.headers["access-control-allow-credentials"] == "true");
    CHECK(res.headers["access-control-expose-headers"] == "X-One, X-Two");
    CHECK(res.headers["vary"] == "Origin");
    CHECK(res.body == "answer");
  }
  const auto other = ask(named, {{"Origin", "https://a.evil"}});
  CHECK(!other.headers.has("access-control-allow-origin"));
  CHECK(other.headers["vary"] == "Origin");
  CHECK(!ask(named).headers.has("access-control-allow-origin"));

  const http::Headers preflight{{"Origin", "https://a"},
                                {"Access-Control-Request-Method", "PUT"},
                                {"Access-Control-Request-Headers", "x-y"}};
  const auto res = ask(named, preflight, "OPTIONS");
  CHECK(res.statusCode == 204);
  CHECK(res.headers["access-control-allow-methods"] == "GET, HEAD, PUT, PATCH, POST, DELETE");
  CHECK(res.headers["access-control-allow-headers"] == "x-y");
  CHECK(res.headers["access-control-max-age"] == "3600");
  CHECK(res.headers["vary"] == "Origin, Access-Control-Request-Headers");
  const auto refused =
      ask(named, {{"Origin", "null"}, {"Access-Control-Request-Method", "PUT"}}, "OPTIONS");
  CHECK(refused.statusCode == 204);
  CHECK(!refused.headers.has("access-control-allow-methods"));
  CHECK(ask(named, {{"Origin", "https://a"}}, "OPTIONS").body == "answer");
  app::CorsOptions unsafe;
  unsafe.credentials = true;
  CHECK_THROWS_AS(app::cors(unsafe), Error);
}

TEST_CASE("securityHeaders() sets what browsers obey", "[app][plain]") {
  const auto res = ask(behind(app::securityHeaders()));
  CHECK(res.headers["x-content-type-options"] == "nosniff");
  CHECK(res.headers["x-frame-options"] == "SAMEORIGIN");
  CHECK(res.headers["content-security-policy"].starts_with("default-src 'self'"));
  CHECK(!res.headers.has("strict-transport-security"));
  app::SecurityHeaderOptions options;
  options.frameOptions = "";
  CHECK(!ask(behind(app::securityHeaders(options))).headers.has("x-frame-options"));
}

TEST_CASE("requestId() names each request, and keeps a well-formed name", "[app][plain]") {
  const Router router = behind(app::requestId());
  const std::string first(ask(router).headers["x-request-id"]),
      second(ask(router).headers["x-request-id"]);
  CHECK(first.size() == 32);
  CHECK(first != second);
  std::set<char> digits(first.begin(), first.end());
  for (int ids = 0; ids < 50; ++ids) {
    const std::string id(ask(router).headers["x-request-id"]);
    digits.insert(id.begin(), id.end());
  }
  CHECK(std::string(digits.begin(), digits.end()) == "0123456789abcdef");
  CHECK(ask(router, {{"X-Request-Id", "abc-1.2_3"}}).headers["x-request-id"] == "abc-1.2_3");
  CHECK(ask(router, {{"X-Request-Id", "a b"}}).headers["x-request-id"].size() == 32);
  CHECK(ask(router, {{"X-Request-Id", std::string(129, 'a')}}).headers["x-request-id"].size() ==
        32);
  CHECK(ask(behind(app::requestId({.acceptIncoming = false})), {{"X-Request-Id", "abc"}})
            .headers["x-request-id"] != "abc");
}

TEST_CASE("traceContext() goes on with the trace of the client", "[app][plain]") {
  Router router;
  router.use(app::traceContext());
  router.get("/", [](Request& req, Response& res) -> task<> {
    co_await res.end(req.locals<app::Trace>().header());
  });
  const std::string trace = "0af7651916cd43dd8448eb211c80319c", parent = "b7ad6b7169203331";
  const auto asked = [&](std::string header) {
    return ask(router, {{"traceparent", header}}, "GET", "/").body;
  };
  const std::string same = asked("00-" + trace + "-" + parent + "-01");
  CHECK(same.starts_with("00-" + trace + "-"));
  CHECK(same.ends_with("-01"));
  CHECK(same.find(parent) == std::string::npos);
  CHECK(same.size() == 55);
  CHECK(asked("cc-" + trace + "-" + parent + "-00-what").starts_with("00-" + trace));
  router.get("/state", [](Request& req, Response& res) -> task<> {
    co_await res.end(req.locals<app::Trace>().state);
  });
  const std::string header = "00-" + trace + "-" + parent + "-01";
  const auto state = [&](std::string given) {
    return ask(router, {{"traceparent", header}, {"tracestate", given}}, "GET", "/state").body;
  };
  CHECK(state("a=1,b=2") == "a=1,b=2");
  CHECK(state(std::string(513, 'a')).empty());
  for (const std::string& bad :
       {"00-" + trace + "-" + parent, "00-" + trace + "-" + parent + "-01-x",
        "ff-" + trace + "-" + parent + "-01", "00-" + std::string(32, '0') + "-" + parent + "-01",
        "00-" + trace + "-" + std::string(16, '0') + "-01",
        "00-" + std::string(32, 'A') + "-" + parent + "-01",
        "cc-" + trace + "-" + parent + "-01x"}) {
    CAPTURE(bad);
    CHECK(asked(bad).size() == 55);
    CHECK(asked(bad).find(trace) == std::string::npos);
  }
}

TEST_CASE("rateLimit() answers 429 when the bucket is empty", "[app][plain]") {
  app::RateLimitOptions options;
  options.limit = 2;
  options.key = [](Request& req) { return std::string(req.headers()["x-user"]); };
  const Router router = behind(app::rateLimit(options));
  const auto as = [&](std::string user) { return ask(router, {{"X-User", user}}); };
  auto res = as("ada");
  CHECK(res.statusCode == 200);
  CHECK(res.headers["ratelimit-limit"] == "2");
  CHECK(res.headers["ratelimit-remaining"] == "1");
  CHECK(res.headers["ratelimit-reset"] == "30");
  CHECK(as("ada").statusCode == 200);
  res = as("ada");
  CHECK(res.statusCode == 429);
  CHECK(res.headers["retry-after"] == "30");
  CHECK(as("bob").statusCode == 200);

  sluice::test::Serving wire(router, {});
  const auto again = [&] { return wire.send(sluice::test::get("/x", "X-User: eve\r\n")); };
  again();
  again();
  wire.take();
  CHECK(again().starts_with("HTTP/1.1 429 "));
  wire.take();
  wire.advance(30s);
  CHECK(wire.take().empty());
  CHECK(
      wire.connect().send(sluice::test::get("/x", "X-User: eve\r\n")).starts_with("HTTP/1.1 200 "));
  CHECK_THROWS_AS(app::rateLimit({.limit = 0}), Error);
  CHECK_THROWS_AS(app::rateLimit({.window = 0ms}), Error);
  CHECK_THROWS_AS(app::rateLimit({.maxKeys = 0}), Error);
  CHECK(ask(behind(app::rateLimit())).headers["ratelimit-remaining"] == "99");
}

TEST_CASE("a bucket fills up evenly, and the oldest are forgotten", "[app][plain]") {
  app::detail::TokenBuckets buckets(10, 1000ms, 2);
  const auto start = std::chrono::steady_clock::now();
  for (int index = 0; index < 10; ++index) CHECK(buckets.take("a", start).taken);
  auto answer = buckets.take("a", start + 50ms);
  CHECK(!answer.taken);
  CHECK(answer.untilNext == 50ms);
  CHECK(buckets.take("a", start + 100ms).taken);
  CHECK(!buckets.take("a", start + 100ms).taken);
  CHECK(buckets.take("a", start + 10s).left == 9);
  CHECK(buckets.take("b", start + 10s).taken);
  for (int index = 0; index < 9; ++index) buckets.take("a", start + 10s);
  CHECK(!buckets.take("a", start + 10s).taken);
  CHECK(buckets.take("c", start + 10s).taken);  // b is forgotten, a is not
  CHECK(buckets.keys() == 2);
  CHECK(!buckets.take("a", start + 10s).taken);
  // A clock that goes back takes nothing away.
  CHECK(!buckets.take("a", start).taken);
}

TEST_CASE("buckets with long keys are fewer", "[app][plain]") {
  app::detail::TokenBuckets buckets(1, 1000ms, 10);
  const auto now = std::chrono::steady_clock::now();
  for (char letter = 'a'; letter != 'k'; ++letter) buckets.take(std::string(64, letter), now);
  CHECK(buckets.keys() == 10);
  buckets.take(std::string(320, 'x'), now);
  CHECK(buckets.keys() == 6);
  CHECK(!buckets.take(std::string(64, 'j'), now).taken);
  CHECK(buckets.take(std::string(16'000, 'y'), now).taken);
  CHECK(buckets.keys() == 1);
  for (char letter = 'a'; letter != 'z'; ++letter) buckets.take({&letter, 1}, now);
  CHECK(buckets.keys() == 10);
}

TEST_CASE("rateLimit() without a limit tells nothing", "[app][plain]") {
  const auto res = ask(behind(app::rateLimit({.limit = http::unlimited})));
  CHECK(res.statusCode == 200);
  CHECK(!res.headers.has("ratelimit-limit"));
  CHECK(!res.headers.has("ratelimit-remaining"));
  CHECK(!res.headers.has("ratelimit-reset"));
}

TEST_CASE("timeLimit() cancels what takes too long", "[app][plain]") {
  bool cancelled = false;
  Router router;
  router.use(app::timeLimit(5ms));
  const auto wait = [&](Request&, Response& res) -> task<> {
    asio::steady_timer timer(res.get_executor(), asio::steady_timer::time_point::max());
    try {
      co_await timer.async_wait(asio::use_awaitable);
    } catch (const boost::system::system_error&) {
      cancelled = true;
      throw;
    }
  };
  router.get("/slow", wait);
  router.get(
      "/begun",
      [](Request&, Response& res, Next next) -> task<> {
        co_await res.write("begun");
        co_await next();
      },
      wait);
  router.get("/quick", [](Request&, Response& res) -> task<> { co_await res.end("quick"); });
  router.get("/fails", [](Request&, Response&) -> task<> {
    throw app::HttpError{418};
    co_return;
  });
  sluice::test::Serving wire(router, {});
  CHECK(wire.send(sluice::test::get("/slow")).empty());
  wire.advance(4ms);
  CHECK(!cancelled);
  wire.advance(1ms);
  CHECK(cancelled);
  CHECK(wire.take().starts_with("HTTP/1.1 503 "));
  CHECK(wire.send(sluice::test::get("/quick")).ends_with("quick"));
  wire.take();
  wire.advance(10ms);
  CHECK(wire.send(sluice::test::get("/fails")).starts_with("HTTP/1.1 418 "));
  wire.take();
  CHECK(wire.send(sluice::test::get("/begun")).ends_with("begun\r\n"));
  CHECK(!wire.closed());
  wire.advance(5ms);
  CHECK(wire.closed());
  CHECK_THROWS_AS(app::timeLimit(0ms), Error);
}

TEST_CASE("a client that goes away cancels what runs under a time limit", "[app]") {
  bool cancelled = false;
  Router router;
  router.use(app::timeLimit(1h));
  router.get("/", [&](Request&, Response& res) -> task<> {
    asio::steady_timer timer(res.get_executor(), asio::steady_timer::time_point::max());
    try {
      co_await timer.async_wait(asio::use_awaitable);
    } catch (const boost::system::system_error&) {
      cancelled = true;
      throw;
    }
  });
  sluice::test::Serving wire(router, {});
  wire.send(sluice::test::get());
  CHECK(!cancelled);
  wire.wire().reset();
  wire.settle();
  CHECK(cancelled);
}

TEST_CASE("a time limit that passes outside of the loop finds its request over", "[app][plain]") {
  sluice::test::Gate gate;
  Router router;
  router.use(app::timeLimit(5ms));
  router.get("/", [&](Request&, Response& res) -> task<> {
    co_await gate.wait();
    co_await res.end("answer");
  });
  sluice::test::Serving wire(router, {});
  sluice::test::Clock clock(wire.io(), [] {});
  CHECK(wire.send(sluice::test::get()).empty());
  // Both happen before the loop runs again, and the handler comes first.
  gate.open();
  clock.advance(5ms);
  CHECK(wire.take().ends_with("answer"));
  CHECK(wire.send(sluice::test::get()).empty());
  clock.advance(5ms);
  CHECK(wire.take().starts_with("HTTP/1.1 503 "));
}

TEST_CASE("a connection that ends outside of the loop finds its limited request over", "[app]") {
  sluice::test::Gate gate;
  Router router;
  router.use(app::timeLimit(1h));
  router.get("/", [&](Request&, Response& res) -> task<> {
    co_await gate.wait();
    co_await res.end("answer");
  });
  sluice::test::Serving wire(router, {});
  CHECK(wire.send(sluice::test::get()).empty());
  gate.open();
  wire.server().closeAllConnections();
  wire.settle();
  CHECK(wire.closed());
}

TEST_CASE("accessLog() writes a line when the response has left", "[app][plain]") {
  Lines combined, json;
  {
    Router router;
    router.use(app::requestId());
    router.use(app::accessLog({.write = combined}));
    router.use(app::accessLog(
        {.format = app::LogFormat::json,
         .write = json,
         .filter = [](const Request& req, const Response&) { return req.url() != "/quiet"; }}));
    router.get("/users/:id", [](Request&, Response& res) -> task<> { co_await res.end("answer"); });
    const http::Headers headers{
        {"User-Agent", "a \"quoted\" agent"}, {"Referer", "http://x/"}, {"X-Request-Id", "r1"}};
    ask(router, headers, "GET", "/users/7?x=%22");
    ask(router, {}, "PUT", "/quiet");
  }
  CAPTURE(*combined.text, *json.text);
  const std::size_t line = combined.text->find('\n') + 1;
  CHECK(matches(combined.text->substr(0, line),
                "# - - [# +0000] \"GET /users/7?x=%22 HTTP/1.1\" 200 # \"http://x/\" \"a "
                "\\x22quoted\\x22 agent\" #\n"));
  CHECK(matches(combined.text->substr(line),
                "# - - [# +0000] \"PUT /quiet HTTP/1.1\" 404 # \"-\" \"-\" #\n"));
  CHECK(matches(
      *json.text,
      "{\"time\":\"#\",\"ip\":\"#\",\"method\":\"GET\",\"url\":\"/users/7?x=%22\",\"route\":\"/"
      "users/:id\",\"status\":200,\"bytes\":#,\"ms\":#,\"referer\":\"http://x/\",\"userAgent\":\"a "
      "\\\"quoted\\\" agent\",\"requestId\":\"r1\"}\n"));
}

TEST_CASE("accessLog() has room for whatever a trusted proxy calls an address", "[app][plain]") {
  Lines lines;
  {
    Router router;
    router.trustProxy({"0.0.0.0/0"});
    router.use(app::accessLog({.write = lines}));
    ask(router, http::Headers{{"X-Forwarded-For", std::string(4000, '"')}}, "GET", "/");
  }
  std::string address;
  for (int i = 0; i < 4000; ++i) address += "\\x22";
  CHECK(matches(*lines.text, address + " - - [# +0000] \"GET / HTTP/1.1\" 404 # \"-\" \"-\" #\n"));
}

TEST_CASE("accessLog() goes on if writing throws, whatever it throws", "[app][plain]") {
  std::atomic<int> calls = 0;
  {
    Router router;
    router.use(app::accessLog({.write = [&calls](std::string_view) {
      ++calls;
      throw 42;
    }}));
    ask(router, {}, "GET", "/");
  }
  CHECK(calls == 1);
}

TEST_CASE("accessLog() has a line for what failed, and waits for what is not sent yet",
          "[app][plain]") {
  Lines lines;
  {
    Router router;
    router.use(app::accessLog({.write = lines}));
    router.get("/fails", [](Request&, Response&) -> task<> {
      throw std::runtime_error("no luck");
      co_return;
    });
    router.get("/refused", [](Request&, Response&) -> task<> {
      throw app::HttpError{403};
      co_return;
    });
    router.get("/unawaited", [](Request&, Response& res) -> task<> {
      res.end("answer");
      co_return;
    });
    router.get("/unended", [](Request&, Response& res) -> task<> {
      res.write("part");
      co_return;
    });
    asio::io_context io;
    http::Server server = http::createServer(io, router);
    server.on<"error">([](const http::Error&) {});
    for (const char* url : {"/fails", "/refused", "/unawaited", "/unended"}) {
      inject(io, server, {.url = url});
    }
  }
  CAPTURE(*lines.text);
  CHECK(matches(*lines.text,
                "# - - [# +0000] \"GET /fails HTTP/1.1\" 500 # \"-\" \"-\" #\n"
                "# - - [# +0000] \"GET /refused HTTP/1.1\" 403 # \"-\" \"-\" #\n"
                "# - - [# +0000] \"GET /unawaited HTTP/1.1\" 200 # \"-\" \"-\" #\n"
                "# - - [# +0000] \"GET /unended HTTP/1.1\" 200 # \"-\" \"-\" #\n"));
}

TEST_CASE("a log's filter that throws keeps no other log from its line", "[app][plain]") {
  const bool awaited = GENERATE(true, false);
  Lines lines;
  std::string failures;
  {
    Router router;
    router.use(app::accessLog({.write = lines}));
    router.use(app::accessLog({.write = [](std::string_view) {},
                               .filter = [](const Request&, const Response&) -> bool {
                                 throw std::runtime_error("no filter");
                               }}));
    router.get("/", [awaited](Request&, Response& res) -> task<> {
      if (awaited) {
        co_await res.end("answer");
      } else {
        res.end("answer");
      }
    });
    asio::io_context io;
    http::Server server = http::createServer(io, router);
    server.on<"error">([&](const http::Error& error) { failures += error.what(); });
    CHECK(inject(io, server, {.url = "/"}).body == "answer");
  }
  CAPTURE(*lines.text);
  CHECK(matches(*lines.text, "# - - [# +0000] \"GET / HTTP/1.1\" 200 # \"-\" \"-\" #\n"));
  CHECK(failures == "no filter");
}

TEST_CASE("a log that cannot keep up drops lines and says so", "[app][plain]") {
  std::mutex blocked;
  std::string text;
  {
    std::unique_lock lock(blocked);
    app::detail::LineWriter writer(
        [&](std::string_view lines) {
          const std::lock_guard wait(blocked);
          text += lines;
        },
        100);
    for (int index = 0; index < 1000; ++index) writer.push("0123456789");
    lock.unlock();
  }
  CHECK(text.size() < 500);
  CHECK(text.find(" lines were dropped") != std::string::npos);
}

TEST_CASE("metrics() counts by route and status", "[app][plain]") {
  app::Metrics metrics = app::metrics({.maxSeries = 3});
  asio::io_context io;
  http::Agent agent(io);
  metrics.watch("upstream", agent);
  Router router;
  router.use(metrics);
  router.get("/users/:id", [](Request&, Response& res) -> task<> { co_await res.end("answer"); });
  router.post("/users/:id",
              [](Request&, Response& res) -> task<> { co_await res.status(201).end(); });
  http::Server server = http::createServer(io, router);
  metrics.watch(server);
  for (const char* url : {"/users/1", "/users/2", "/nothing"}) inject(io, server, {.url = url});
  inject(io, server, {.method = "POST", .url = "/users/1"});
  inject(io, server, {.method = "PUT", .url = "/users/1"});
  inject(io, server, {.method = "PATCH", .url = "/users/1"});
  const auto res = inject(io, server, {.url = "/metrics"});
  CHECK(res.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8");
  CAPTURE(res.body);
  for (const char* line :
       {"# TYPE http_requests_total counter\n",
        "http_requests_total{method=\"GET\",route=\"/users/:id\",status=\"200\"} 2\n",
        "http_requests_total{method=\"GET\",route=\"\",status=\"404\"} 1\n",
        "http_requests_total{method=\"POST\",route=\"/users/:id\",status=\"201\"} 1\n",
        "http_requests_total{method=\"other\",route=\"other\",status=\"400\"} 2\n",
        "http_request_duration_seconds_bucket{method=\"GET\",route=\"/users/"
        ":id\",status=\"200\",le=\"+Inf\"} 2\n",
        "http_request_duration_seconds_count{method=\"GET\",route=\"/users/:id\",status=\"200\"} "
        "2\n",
        "http_requests_running 0\n", "http_connections 1\n",
        "http_agent_sockets{agent=\"upstream\",state=\"free\"} 0\n", "event_loop_lag_seconds "}) {
    CAPTURE(line);
    CHECK(res.body.find(line) != std::string::npos);
  }
  CHECK(res.body.find("/metrics") == std::string::npos);
}

TEST_CASE("metrics() counts the bytes of requests, in whatever pieces they came", "[app]") {
  app::Metrics metrics = app::metrics();
  Router router;
  router.use(metrics);
  router.all("/read", [](Request& req, Response& res) -> task<> {
    co_await req.text();
    co_await res.end();
  });
  router.all("/unread", [](Request&, Response& res) -> task<> { co_await res.end(); });
  auto wire = sluice::test::serve(router);
  const auto counted = [&](std::string_view method, std::string_view route) {
    const std::string text = metrics.text();
    const std::string name = "http_request_bytes_total{method=\"" + std::string(method) +
                             "\",route=\"" + std::string(route) + "\",status=\"200\"} ";
    const std::size_t at = text.find(name);
    REQUIRE(at != std::string::npos);
    return std::stoul(text.substr(at + name.size()));
  };
  const std::string get = "GET /read HTTP/1.1\r\nHost: a\r\n\r\n";
  wire.send(get);
  CHECK(counted("GET", "/read") == get.size());
  wire.send(get + get);
  CHECK(counted("GET", "/read") == 3 * get.size());

  const std::string head = "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";
  wire.send(head + "0123456789" + get);
  CHECK(counted("POST", "/read") == head.size() + 10);
  wire.send(head);
  wire.send("01234");
  wire.send("56789");
  CHECK(counted("POST", "/read") == 2 * (head.size() + 10));

  const std::string chunked =
      "PUT /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;x=y\r\nabc\r\n0\r\nt: v\r\n\r\n";
  wire.send(chunked + get);
  CHECK(counted("PUT", "/read") == chunked.size());
  CHECK(counted("GET", "/read") == 5 * get.size());

  // Of a body that nobody reads, the head is known.
  const std::string left = "PUT /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
  wire.send(left + "abc");
  CHECK(counted("PUT", "/unread") >= left.size());
}

TEST_CASE("logs and metrics do not depend on the language of the program", "[app][plain]") {
  const auto set = [] {
    for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"}) {
      if (std::setlocale(LC_ALL, name) != nullptr) return true;
    }
    return false;
  };
  if (!set()) {
    WARN("SKIPPED: this system has neither German nor French");
    return;
  }
  Lines lines;
  app::Metrics metrics = app::metrics();
  {
    Router router = behind(metrics);
    router.use(app::accessLog({.write = lines}));
    router.get("/", [](Request&, Response& res) -> task<> { co_await res.end(); });
    sluice::test::Serving wire(router, {});
    // To a month that has another name in these languages.
    wire.advance(std::chrono::days(150));
    wire.send(sluice::test::get("/"));
  }
  const std::string text = metrics.text();
  std::setlocale(LC_ALL, "C");
  CHECK(text.find(",le=\"0.001\"") != std::string::npos);
  CHECK(lines.text->find("/May/") != std::string::npos);
}

TEST_CASE("health() is ready until a check fails or a server shuts down", "[app]") {
  app::Health health = app::health();
  bool database = true;
  health.check("database", [&]() -> task<bool> {
    if (!database) throw std::runtime_error("gone");
    co_return true;
  });
  Router router;
  router.use(health);
  asio::io_context io;
  http::Server server = http::createServer(io, router);
  health.watch(server);
  const auto ready = [&] { return inject(io, server, {.url = "/readyz"}); };
  CHECK(ready().statusCode == 200);
  CHECK(inject(io, server, {.url = "/livez"}).body == "{\"status\":\"ok\"}");
  database = false;
  CHECK(ready().body == "{\"status\":\"not ready\",\"failed\":[\"database\"]}");
  database = true;
  server.listen(0, "127.0.0.1");
  io.poll();
  CHECK(ready().statusCode == 200);
  // A connection that was there before the server began to shut down.
  sluice::test::Wire wire(io);
  server.serve(wire.socket());
  wire.deliver("GET /readyz HTTP/1.1\r\nHost: a\r\n");
  io.restart();
  io.poll();
  server.close();
  wire.deliver("\r\n");
  io.restart();
  io.poll();
  CHECK(wire.received().find("503 Service Unavailable") != std::string::npos);
  CHECK(wire.received().find("shutting down") != std::string::npos);
}

TEST_CASE("a check of health() fails whatever it throws", "[app][plain]") {
  app::Health health = app::health();
  health.check("number", []() -> task<bool> {
    throw 5;
    co_return true;
  });
  health.check("at once", []() -> task<bool> { throw "no coroutine"; });
  health.check("fine", []() -> task<bool> { co_return true; });
  Router router;
  router.use(health);
  const auto res = ask(router, {}, "GET", "/readyz");
  CHECK(res.statusCode == 503);
  CHECK(res.body == "{\"status\":\"not ready\",\"failed\":[\"number\",\"at once\"]}");
  CHECK(!res.error);
}

TEST_CASE("a check of health() may be added while another one runs", "[app][plain]") {
  sluice::test::Gate gate;
  app::Health health = app::health();
  health.check("slow", [&gate, answer = true]() -> task<bool> {
    co_await gate.wait();
    co_return answer;
  });
  Router router;
  router.use(health);
  sluice::test::Serving wire(router, {});
  wire.send(sluice::test::get("/readyz"));
  for (int count = 0; count < 8; ++count) {
    health.check("late", [answer = true]() -> task<bool> { co_return answer; });
  }
  gate.open();
  CHECK(wire.received().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("compression() compresses what later steps answer", "[app][plain]") {
  Router router;
  router.use(app::compression());
  const std::string text(10'000, 'x');
  router.get("/", [&](Request&, Response& res) -> task<> { co_await res.text(text); });
  const auto res = ask(router, {{"Accept-Encoding", "gzip"}}, "GET", "/");
  CHECK(res.headers["content-encoding"] == "gzip");
  CHECK(res.headers["vary"] == "Accept-Encoding");
  CHECK(compress::decode(compress::Coding::gzip, res.body, 100'000) == text);
  CHECK(ask(router, {}, "GET", "/").body == text);
}
