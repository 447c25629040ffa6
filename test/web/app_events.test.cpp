// SPDX-License-Identifier: BSL-1.0
//
// Server-sent events: their bytes, what keeps a connection alive, and channels with fast and slow
// listeners.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <list>
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <string>
#include <support/allocations.hpp>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>
#include <support/serve.hpp>

using namespace sluice;
using namespace std::chrono_literals;
using app::Request;
using app::Response;
using app::Router;
using sluice::test::inject;

namespace {

std::string bodyOf(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string() : std::string(bytes.substr(end + 4));
}

// The content of a chunked body that goes on.
std::string unchunked(std::string_view bytes) {
  std::string text;
  std::string rest = bodyOf(bytes);
  while (!rest.empty()) {
    const std::size_t line = rest.find("\r\n");
    const std::size_t size = std::stoul(rest.substr(0, line), nullptr, 16);
    text += rest.substr(line + 2, size);
    rest.erase(0, line + 2 + size + 2);
  }
  return text;
}

Router broadcasting(app::Channel& channel) {
  Router router;
  router.get("/", [&](Request&, Response& res) -> task<> {
    auto events = res.events();
    co_await channel.join(events);
  });
  return router;
}

app::ServerEvent event(std::string_view data, std::string_view id = {}) {
  app::ServerEvent made;
  made.data = data;
  made.id = id;
  return made;
}

}  // namespace

TEST_CASE("an event has a line for each line of its data", "[app][events][plain]") {
  CHECK(app::formatEvent({.data = "hello"}) == "data: hello\n\n");
  CHECK(app::formatEvent({}) == "data: \n\n");
  CHECK(app::formatEvent({.event = "tick", .data = "a\nb\r\nc\rd\n", .id = "7", .retry = 2s}) ==
        "id: 7\nevent: tick\nretry: 2000\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
  CHECK_THROWS_AS(app::formatEvent({.event = "a\nb"}), Error);
  CHECK_THROWS_AS(app::formatEvent({.id = "a\rb"}), Error);
  CHECK_THROWS_AS(app::formatEvent({.id = std::string_view("\0", 1)}), Error);
  CHECK_THROWS_AS(app::formatEvent({.retry = -1ms}), Error);
}

TEST_CASE("events() sends the head, and then events and comments", "[app][events][plain]") {
  const auto res = inject(
      [](Request&, Response& out) -> task<> {
        auto events = out.events();
        CHECK(out.headersSent());
        CHECK(events.lastEventId() == "41");
        co_await events.send({.event = "tick", .data = "1", .id = "42"});
        co_await events.send("2");
        co_await events.comment("a\nb");
      },
      {.headers = {{"Last-Event-ID", "41"}}});
  CHECK(res.headers["content-type"] == "text/event-stream");
  CHECK(res.headers["cache-control"] == "no-cache");
  CHECK(res.body == "id: 42\nevent: tick\ndata: 1\n\ndata: 2\n\n: a\n: b\n\n");
}

TEST_CASE("a silent stream is kept alive by comments", "[app][events]") {
  app::Channel channel;
  sluice::test::Serving wire(broadcasting(channel), {});
  wire.send(sluice::test::get());
  CHECK(unchunked(wire.received()).empty());
  wire.advance(15s);
  CHECK(unchunked(wire.received()) == ":\n\n");
  wire.advance(15s);
  CHECK(unchunked(wire.received()) == ":\n\n:\n\n");
  wire.advance(10min);
  CHECK(!wire.closed());
}

TEST_CASE("HEAD to an endless stream ends at once", "[app][events][plain]") {
  app::Channel channel;
  int asked = 0;
  Router router;
  router.onError([&](std::exception_ptr, Request&, Response&) -> task<> {
    ++asked;
    co_return;
  });
  Router inner = broadcasting(channel);
  inner.onError([&](std::exception_ptr error, Request&, Response&) -> task<> {
    ++asked;
    std::rethrow_exception(error);
  });
  router.use("/channel", inner);
  router.get("/loop", [](Request&, Response& res) -> task<> {
    auto events = res.events();
    sluice::test::Gate never;
    while (true) {
      co_await never.wait();
      co_await events.send("1");
    }
  });
  router.get("/next", [](Request&, Response& res) -> task<> { co_await res.end("next"); });
  sluice::test::Serving wire(router, {});
  int errors = 0;
  wire.server().on<"error">([&](const Error&) { ++errors; });
  for (const char* path : {"/channel", "/loop"}) {
    const std::string head =
        wire.send("HEAD " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(head.find("Content-Type: text/event-stream\r\n") != std::string::npos);
    CHECK(head.ends_with("\r\n\r\n"));
    wire.take();
    CHECK(wire.send(sluice::test::get("/next")) == sluice::test::ok("next"));
    wire.take();
  }
  wire.advance(1min);
  CHECK(wire.received().empty());
  CHECK(asked == 0);
  CHECK(errors == 0);
  CHECK(channel.listeners() == 0);
}

TEST_CASE("the steps around a stream that HEAD ends see it return", "[app][events][plain]") {
  std::string log;
  Router router;
  router.use([&](Request&, Response&, app::Next next) -> task<> {
    try {
      co_await next();
      log += "returned ";
    } catch (...) {
      log += "thrown ";
    }
  });
  Router inner;
  inner.use([&](Request&, Response&, app::Next next) -> task<> {
    co_await next();
    log += "inner ";
  });
  inner.get("/handler", [](Request&, Response& res) -> task<> {
    auto events = res.events();
    co_await events.send("1");
  });
  inner.use("/step", [](Request&, Response& res, app::Next) -> task<> {
    auto events = res.events();
    co_await events.send("1");
  });
  inner.use("/plain", [](Request&, Response& res, app::Next next) {
    res.events();
    return next();
  });
  router.use("/in", inner);
  for (const char* path : {"/in/handler", "/in/step", "/in/plain"}) {
    CAPTURE(path);
    log.clear();
    CHECK(inject(router, {.method = "HEAD", .url = path}).statusCode == 200);
    CHECK(log == "inner returned ");
  }
}

TEST_CASE("a client that reads nothing is given up after the keep-alive time", "[app][events]") {
  app::Channel channel;
  sluice::test::Serving wire(broadcasting(channel), {});
  wire.wire().room(200);
  wire.send(sluice::test::get());
  channel.send(event(std::string(1000, 'x')));
  wire.settle();
  CHECK(!wire.closed());
  wire.advance(16s);
  CHECK(wire.closed());
  CHECK(channel.listeners() == 0);
}

TEST_CASE("a channel sends each event to all who have joined", "[app][events]") {
  app::Channel channel;
  sluice::test::Serving wire(broadcasting(channel), {});
  auto& first = wire.connect();
  auto& second = wire.connect();
  first.send(sluice::test::get());
  channel.send(event("1"));
  wire.settle();
  second.send(sluice::test::get());
  CHECK(channel.listeners() == 2);
  channel.send(event("2"));
  channel.send(event("3"));
  CHECK(unchunked(first.received()) == "data: 1\n\ndata: 2\n\ndata: 3\n\n");
  CHECK(unchunked(second.received()) == "data: 2\n\ndata: 3\n\n");
  first.wire().reset();
  wire.settle();
  CHECK(channel.listeners() == 1);
  channel.send(event("4"));
  CHECK(unchunked(second.received()).ends_with("data: 4\n\n"));
  channel.close();
  wire.settle();
  CHECK(channel.listeners() == 0);
  CHECK(second.received().ends_with("\r\n0\r\n\r\n"));
}

TEST_CASE("a client that reconnects gets what it has missed", "[app][events]") {
  app::Channel channel({.backlog = 3});
  for (const char* id : {"1", "2", "3", "4"}) channel.send(event(id, id));
  sluice::test::Serving wire(broadcasting(channel), {});
  auto& known = wire.connect();
  auto& unknown = wire.connect();
  auto& newest = wire.connect();
  auto& fresh = wire.connect();
  known.send(sluice::test::get("/", "Last-Event-ID: 2\r\n"));
  unknown.send(sluice::test::get("/", "Last-Event-ID: 1\r\n"));
  CHECK(unchunked(known.received()) == "id: 3\ndata: 3\n\nid: 4\ndata: 4\n\n");
  newest.send(sluice::test::get("/", "Last-Event-ID: 4\r\n"));
  fresh.send(sluice::test::get());
  // It has missed what is not kept, and gets the rest.
  CHECK(unchunked(unknown.received()) == "id: 2\ndata: 2\n\nid: 3\ndata: 3\n\nid: 4\ndata: 4\n\n");
  CHECK(unchunked(newest.received()).empty());
  CHECK(unchunked(fresh.received()).empty());
}

TEST_CASE("a slow listener is dropped or skips, and holds nobody back", "[app][events]") {
  for (const auto slow : {app::SlowListener::drop, app::SlowListener::skip}) {
    app::Channel channel({.backlog = 4, .slow = slow});
    sluice::test::Serving wire(broadcasting(channel), {});
    auto& lazy = wire.connect();
    auto& quick = wire.connect();
    lazy.send(sluice::test::get());
    quick.send(sluice::test::get());
    lazy.wire().room(0);
    const std::string payload(10'000, 'x');
    for (int index = 0; index < 20; ++index) {
      channel.send(event(std::to_string(index) + payload));
      wire.settle();
    }
    CHECK(unchunked(quick.received()).size() > 200'000);
    // Also one that reads nothing any more.
    CHECK(lazy.closed() == (slow == app::SlowListener::drop));
    lazy.wire().room(10'000'000);
    wire.settle();
    if (slow == app::SlowListener::drop) {
      CHECK(lazy.closed());
      CHECK(channel.listeners() == 1);
    } else {
      const std::string seen = unchunked(lazy.received());
      CHECK(seen.starts_with("data: 0xxx"));
      CHECK(seen.find("data: 8xxx") == std::string::npos);
      CHECK(seen.find("data: 19xxx") != std::string::npos);
    }
  }
}

TEST_CASE("more events in one turn than are kept do not drop clients that read", "[app][events]") {
  app::Channel channel({.backlog = 3});
  sluice::test::Serving wire(broadcasting(channel), {});
  auto& idle = wire.connect();
  auto& stuck = wire.connect();
  idle.send(sluice::test::get());
  stuck.send(sluice::test::get());
  stuck.wire().room(0);
  channel.send(event(std::string(100'000, 'x')));
  wire.settle();
  for (const char* data : {"1", "2", "3", "4", "5"}) channel.send(event(data));
  wire.settle();
  CHECK(unchunked(idle.received()).ends_with("x\n\ndata: 3\n\ndata: 4\n\ndata: 5\n\n"));
  CHECK(!idle.closed());
  CHECK(stuck.closed());
  CHECK(channel.listeners() == 1);
}

TEST_CASE("the backlog is bounded in bytes, and the newest event always kept", "[app][events]") {
  app::Channel channel({.backlogBytes = 1000});
  channel.send(event("old", "1"));
  channel.send(event(std::string(5000, 'x'), "2"));
  channel.send(event("new", "3"));
  sluice::test::Serving wire(broadcasting(channel), {});
  wire.send(sluice::test::get("/", "Last-Event-ID: 1\r\n"));
  CHECK(unchunked(wire.received()) == "id: 3\ndata: new\n\n");
}

TEST_CASE("ten thousand listeners hold less than 12 KiB each", "[app][events][plain]") {
  constexpr std::size_t count = 10'000;
  app::Channel channel;
  sluice::test::Serving wire(broadcasting(channel), {});
  for (int index = 0; index < 100; ++index) wire.connect().send(sluice::test::get());
  const sluice::test::Allocations heap;
  for (std::size_t index = 0; index < count; ++index) {
    wire.connect().wire().deliver(sluice::test::get());
  }
  wire.settle();
  CHECK(channel.listeners() == count + 100);
  // Both ends of the connection, which are in memory here, and the frames of three coroutines.
  CHECK(heap.live() / static_cast<std::ptrdiff_t>(count) < 12 * 1024);
  channel.send(event("x"));
  CHECK(unchunked(wire.connect().send(sluice::test::get())).empty());
  CHECK(unchunked(wire.client().received()) == "data: x\n\n");
}

TEST_CASE("a channel may go before its listeners", "[app][events]") {
  auto channel = std::make_unique<app::Channel>();
  sluice::test::Serving wire(broadcasting(*channel), {});
  wire.send(sluice::test::get());
  channel->send(event("last"));
  channel.reset();
  CHECK(unchunked(wire.received()) == "data: last\n\n");
  CHECK(wire.received().ends_with("\r\n0\r\n\r\n"));
}

TEST_CASE("a join that is cancelled has left its channel", "[app][events]") {
  const bool throws = GENERATE(true, false);
  app::Channel channel;
  asio::cancellation_signal cancel;
  sluice::test::Gate gate;
  std::string log;
  Router router;
  router.get("/", [&](Request&, Response& res) -> task<> {
    auto events = res.events();
    const auto join = [&]() -> task<> {
      co_await asio::this_coro::throw_if_cancelled(throws);
      try {
        co_await channel.join(events);
        log += "returned";
      } catch (const Error& error) {
        log += error.name();
      }
    };
    asio::co_spawn(res.get_executor(), join(),
                   asio::bind_cancellation_slot(cancel.slot(), asio::detached));
    co_await gate.wait();
    co_await events.send("after");
  });
  sluice::test::Serving wire(router, {});
  wire.send(sluice::test::get());
  channel.send(event("before"));
  wire.settle();
  CHECK(channel.listeners() == 1);
  cancel.emit(asio::cancellation_type::terminal);
  wire.settle();
  CHECK(log == "ABORT_ERR");
  CHECK(channel.listeners() == 0);
  gate.open();
  CHECK(unchunked(wire.received()) == "data: before\n\ndata: after\n\n");
}

TEST_CASE("a join that outlives its handler ends with the response", "[app][events]") {
  app::Channel channel;
  int ended = 0;
  Router router;
  router.get("/", [&](Request&, Response& res) -> task<> {
    const auto join = [](app::Channel& joined, app::EventStream events) -> task<> {
      co_await joined.join(events);
    };
    asio::co_spawn(res.get_executor(), join(channel, res.events()),
                   [&](std::exception_ptr) { ++ended; });
    co_return;
  });
  sluice::test::Serving wire(router, {});
  wire.send(sluice::test::get());
  CHECK(ended == 1);
  CHECK(channel.listeners() == 0);
  channel.send(event("nobody"));
  CHECK(unchunked(wire.received()).empty());
}
