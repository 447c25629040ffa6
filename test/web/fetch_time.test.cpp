// SPDX-License-Identifier: BSL-1.0
//
// What fetch() does with time: time-outs and cancellation in each phase of an exchange, and the
// waits before a repetition.
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <sluice/fetch.hpp>
#include <sluice/timer.hpp>
#include <string>
#include <support/catch.hpp>
#include <utility>
#include "fetch_in_memory.hpp"

using namespace sluice;
using namespace std::chrono_literals;
using http::IncomingMessage;
using http::ServerResponse;
using test::FetchInMemory;

namespace {

// One target for each phase in which an exchange can be ended.
constexpr const char* phases[] = {"http://silent/", "http://h/head", "http://h/redirect",
                                  "http://h/retry", "http://h/body"};

task<> stopsSomewhere(IncomingMessage& req, ServerResponse& res) {
  if (req.url() == "/redirect") {
    res.statusCode = 302;
    co_await res.setHeader("Location", "/head").end();
  } else if (req.url() == "/retry") {
    res.statusCode = 503;
    co_await res.setHeader("Retry-After", 100).end();
  } else {
    if (req.url() == "/body") co_await res.write("some");
    co_await sleepFor(24h);
  }
}

task<> keepText(std::string& text, FetchRequest request) {
  try {
    co_await fetch("http://me:secret@h/head?token=secret", std::move(request));
  } catch (const http::Error& error) {
    text = error.what();
  }
}

}  // namespace

TEST_CASE("a time-out ends the exchange in each of its phases", "[fetch][plain]") {
  for (const char* url : phases) {
    CAPTURE(url);
    FetchInMemory world(stopsSomewhere);
    world.start(url, world.request().timeout(60ms).retries(3));
    world.advance(59ms);
    CHECK(world.outcome().empty());
    world.advance(1ms);
    CHECK(world.outcome() == "ETIMEDOUT");
  }
}

TEST_CASE("the error of a time-out keeps the secrets of the URL", "[fetch][plain]") {
  FetchInMemory world(stopsSomewhere);
  std::string text;
  boost::asio::co_spawn(world.io, keepText(text, world.request().timeout(60ms)),
                        boost::asio::detached);
  world.settle();
  world.advance(60ms);
  CHECK(text.find("http://h/head") != std::string::npos);
  CHECK(text.find("secret") == std::string::npos);
}

TEST_CASE("a signal ends the exchange in each of its phases", "[fetch][plain]") {
  for (const char* url : phases) {
    CAPTURE(url);
    FetchInMemory world(stopsSomewhere);
    boost::asio::cancellation_signal signal;
    world.start(url, world.request().signal(signal.slot()).retries(3));
    CHECK(world.outcome().empty());
    signal.emit(boost::asio::cancellation_type::terminal);
    world.settle();
    CHECK(world.outcome() == "ABORT_ERR");
  }
}

TEST_CASE("connecting has a time of its own", "[fetch][plain]") {
  FetchInMemory world(stopsSomewhere);
  world.start("http://silent/", world.request().connectTimeout(50ms));
  world.advance(49ms);
  CHECK(world.outcome().empty());
  world.advance(1ms);
  CHECK(world.outcome() == "ETIMEDOUT");

  // Not for what comes after it.
  world.start("http://h/head", world.request().connectTimeout(50ms).timeout(300ms));
  world.advance(299ms);
  CHECK(world.outcome().empty());
  world.advance(1ms);
  CHECK(world.outcome() == "ETIMEDOUT");
}

TEST_CASE("an exchange whose loop ends while it waits is destroyed", "[fetch][plain]") {
  for (const char* url : phases) {
    FetchInMemory world(stopsSomewhere);
    world.start(url, world.request().timeout(1h).connectTimeout(1h).retries(3));
    CHECK(world.outcome().empty());
  }
}

namespace {

/// Fails so many requests, and counts them.
struct Failing {
  int failures = 0;
  std::string retryAfter = {};
  int requests = 0;

  task<> operator()(IncomingMessage& req, ServerResponse& res) {
    co_await req.text();
    if (requests++ < failures) {
      res.statusCode = 502 + requests % 3;
      if (!retryAfter.empty()) res.setHeader("Retry-After", std::string_view(retryAfter));
    }
    co_await res.end();
  }
};

// How many requests there were, when the last one came, and the final status.
std::string tried(Failing server, FetchRequest request) {
  FetchInMemory world(
      [&server](IncomingMessage& req, ServerResponse& res) { return server(req, res); });
  FetchRequest own = world.request();
  const auto options = sluice::detail::FetchRequestAccess::release(request);
  own.method(options.method.empty() ? "GET" : options.method);
  if (options.body) own.body(*options.body);
  own.retries(options.retries, options.backoff);
  world.start("http://h/", own);
  int spent = 0;
  for (; world.outcome().empty() && spent < 400'000; ++spent) world.advance(1ms);
  return std::to_string(server.requests) + " in " + std::to_string(spent) +
         " ms: " + world.outcome().substr(0, 3);
}

}  // namespace

TEST_CASE("an idempotent request is repeated after 502, 503 and 504", "[fetch][plain]") {
  const FetchRequest get = FetchRequest().retries(3, 10ms);
  CHECK(tried({.failures = 1}, FetchRequest()) == "1 in 0 ms: 503");
  CHECK(tried({.failures = 0}, get) == "1 in 0 ms: 200");
  CHECK(tried({.failures = 3}, get) == "4 in 70 ms: 200");
  CHECK(tried({.failures = 4}, get) == "4 in 70 ms: 503");
  CHECK(tried({.failures = 1}, FetchRequest(get).method("PUT").body("b")) == "2 in 10 ms: 200");
  CHECK(tried({.failures = 1}, FetchRequest(get).method("POST").body("b")) == "1 in 0 ms: 503");
}

TEST_CASE("Retry-After is obeyed, unless it is shorter than the backoff or longer than 5 minutes",
          "[fetch][plain]") {
  const FetchRequest get = FetchRequest().retries(1, 10ms);
  CHECK(tried({.failures = 1, .retryAfter = "1"}, get) == "2 in 1000 ms: 200");
  CHECK(tried({.failures = 1, .retryAfter = "0"}, get) == "2 in 10 ms: 200");
  CHECK(tried({.failures = 1, .retryAfter = "nonsense"}, get) == "2 in 10 ms: 200");
  CHECK(tried({.failures = 1, .retryAfter = "300"}, get) == "2 in 300000 ms: 200");
  CHECK(tried({.failures = 1, .retryAfter = "301"}, get) == "1 in 0 ms: 503");
}
