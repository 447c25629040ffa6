// SPDX-License-Identifier: BSL-1.0
//
// References to a client's messages that are kept for too long, and waits for events of a message
// that is over: they end, say why, and never act for another exchange.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include "support/catch.hpp"
#include "support/request.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

constexpr const char* destroyed = "ERR_STREAM_DESTROYED";

// What a reference to a response says when nothing is left of it.
void checkStale(Requesting& net, IncomingMessage& res) {
  CHECK(thrownBy([&] { static_cast<void>(res.statusCode()); }) == destroyed);
  CHECK(thrownBy([&] { static_cast<void>(res.headers()); }) == destroyed);
  CHECK(thrownBy([&] { static_cast<void>(res.rawTrailers()); }) == destroyed);
  CHECK(thrownBy([&] { static_cast<void>(res.socket()); }) == destroyed);
  CHECK(thrownBy([&] { static_cast<void>(res.complete()); }) == destroyed);
  CHECK(thrownBy([&] { res.resume(); }) == destroyed);
  CHECK(thrownBy([&] { res.pause(); }) == destroyed);
  CHECK(thrownBy([&] { res.setEncoding(Encoding::utf8); }) == destroyed);
  CHECK(thrownBy([&] { res.setTimeout(std::chrono::seconds(1)); }) == destroyed);
  CHECK(thrownBy([&] { res.on<"data">([](std::string_view) {}); }) == destroyed);
  CHECK(thrownBy([&] { run(net.io(), res.read()); }) == destroyed);
  CHECK(thrownBy([&] { run(net.io(), res.text()); }) == destroyed);
  CHECK(thrownBy([&] {
          run(net.io(),
              [](IncomingMessage& kept) -> task<> { co_await kept.once<"close">(); }(res));
        }) == destroyed);
  res.destroy();
  CHECK(res.destroyed());
  CHECK(res.closed());
  CHECK(res.errored() == errc::ERR_STREAM_DESTROYED);
}

}  // namespace

TEST_CASE("a response that a listener keeps after its exchange refuses every call",
          "[ClientRequest][IncomingMessage][stale]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  IncomingMessage* kept = nullptr;
  const int how = GENERATE(0, 1, 2, 3);
  CAPTURE(how);
  {
    auto req = http::get(net.io(), net.options(agent), [&](IncomingMessage& res) {
      kept = &res;
      if (how != 3) res.resume();
    });
    net.deliver(how == 1 ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc" : response("abc"));
    if (how == 1) net.reset();
    if (how == 2) {
      const IncomingMessage taken = run(net.io(), req.response());
      CHECK(taken.statusCode() == 200);
      checkStale(net, *kept);
    }
  }
  net.settle();
  REQUIRE(kept != nullptr);
  checkStale(net, *kept);

  // Also while another exchange has the memory of this one.
  auto second = http::get(net.io(), net.options(agent), [](IncomingMessage& res) { res.resume(); });
  net.settle();
  net.deliver(response("second"), net.count() - 1);
  checkStale(net, *kept);
}

TEST_CASE("a message of 'upgrade' that a listener keeps after its exchange refuses every call",
          "[ClientRequest][IncomingMessage][stale]") {
  Requesting net;
  IncomingMessage* kept = nullptr;
  {
    auto req = http::get(net.io(),
                         net.options({.headers = {{"Connection", "Upgrade"}, {"Upgrade", "x"}}}));
    req.on<"upgrade">([&](IncomingMessage& res, net::Socket&, std::string_view) { kept = &res; });
    net.deliver("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    REQUIRE(kept != nullptr);
    CHECK(kept->statusCode() == 101);
  }
  net.settle();
  checkStale(net, *kept);
}

TEST_CASE("a response whose reader is a coroutine stays until the coroutine has ended",
          "[ClientRequest][IncomingMessage][stale]") {
  Requesting net;
  std::string body;
  IncomingMessage* kept = nullptr;
  {
    auto req = http::get(net.io(), net.options(), [&](IncomingMessage& res) -> task<> {
      kept = &res;
      body = co_await res.text();
      body += std::to_string(res.statusCode());
    });
    net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
  }
  net.deliver("def");
  CHECK(body == "abcdef200");
  net.settle();
  REQUIRE(kept != nullptr);
  checkStale(net, *kept);
}

TEST_CASE("a wait for an event of a response that is over ends", "[IncomingMessage][stale]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  const auto response = [&]() -> IncomingMessage {
    auto req = http::get(net.io(), net.options(agent));
    net.deliver(test::response("abc"));
    return run(net.io(), req.response());
  };
  IncomingMessage res = response();
  const bool told = GENERATE(true, false);
  if (told) res.on<"close">([] {});
  CHECK(run(net.io(), res.text()) == "abc");
  net.settle();
  CHECK(res.closed());
  run(net.io(), [](IncomingMessage& ended) -> task<> { co_await ended.once<"close">(); }(res));
  const auto waitForEnd = [](IncomingMessage& ended) -> task<> { co_await ended.once<"end">(); };
  CHECK(thrownBy([&] { run(net.io(), waitForEnd(res)); }) == "cancelled");
}

TEST_CASE("a wait that began before the response was over ends with it",
          "[IncomingMessage][stale]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = http::get(net.io(), net.options(agent));
  net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
  IncomingMessage res = run(net.io(), req.response());
  const auto wait = [](IncomingMessage& waited) -> task<> { co_await waited.once<"timeout">(); };
  auto waiting = start(net.io(), wait(res));
  auto reading = start(net.io(), res.text());
  net.deliver("def");
  CHECK(reading.result() == "abcdef");
  net.settle();
  REQUIRE(waiting.done());
  CHECK(thrownBy([&] { waiting.result(); }) == "cancelled");
}

TEST_CASE("a coroutine that waits for an event of a response that is over goes with the context",
          "[IncomingMessage][stale]") {
  struct Frame {
    int& gone;
    ~Frame() { ++gone; }
  };
  int gone = 0;
  {
    Requesting net;
    Agent agent(net.io(), {.keepAlive = true});
    const auto wait = [&gone](Requesting& in, Agent& through) -> task<> {
      const Frame frame{gone};
      const RequestOptions options = in.options(through);
      auto res = co_await http::get(options);
      // Nobody reads it, so its end is never told.
      co_await res.once<"timeout">();
    };
    asio::co_spawn(net.io(), wait(net, agent), asio::detached);
    net.deliver(response("abc"));
    CHECK(agent.freeSockets().size() == 1);
  }
  CHECK(gone == 1);
}

TEST_CASE("a wait for an event of a request that is over ends", "[ClientRequest][stale]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  net.deliver(response("abc"));
  const IncomingMessage res = run(net.io(), req.response());
  net.settle();
  CHECK(req.closed());
  run(net.io(), [](ClientRequest& ended) -> task<> { co_await ended.once<"close">(); }(req));
  const auto wait = [](ClientRequest& ended) -> task<> { co_await ended.once<"finish">(); };
  CHECK(thrownBy([&] { run(net.io(), wait(req)); }) == "cancelled");
}

TEST_CASE("a request and a response that outlive their agent can still be asked",
          "[ClientRequest][IncomingMessage][stale]") {
  std::optional<ClientRequest> req;
  std::optional<IncomingMessage> res;
  std::optional<WriteResult> written;
  const int stage = GENERATE(0, 1, 2, 3);
  const bool contextGoes = GENERATE(false, true);
  CAPTURE(stage, contextGoes);
  auto net = std::make_unique<Requesting>();
  {
    Agent agent(net->io(), {.keepAlive = true});
    RequestOptions options = net->options(agent);
    options.method = "POST";
    req = request(net->io(), options);
    written = req->write("body");
    if (stage > 0) net->settle();
    if (stage > 1)
      net->deliver(stage == 2 ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"
                              : std::string_view(response("abc")));
    if (stage > 1) res = run(net->io(), req->response());
    if (stage > 2) req->end();
    if (stage > 2) net->settle();
  }
  net->settle();
  if (contextGoes) net.reset();

  CHECK(req->method() == "POST");
  CHECK(req->path() == "/");
  CHECK(!req->aborted());
  static_cast<void>(req->reusedSocket());
  static_cast<void>(req->socket());
  static_cast<void>(req->errored());
  static_cast<void>(req->writableLength());
  req->setNoDelay();
  req->setSocketKeepAlive();
  req->setTimeout(std::chrono::seconds(1));
  req->on<"close">([] {});
  static_cast<void>(req->write("more"));
  static_cast<void>(req->end());
  if (!net) return;
  (*written)([](const error_code&, bool) {});
  if (res) {
    CHECK(res->statusCode() == 200);
    CHECK(res->headers()["content-length"] == (stage == 2 ? "9" : "3"));
    res->on<"data">([](std::string_view) {});
    res->setTimeout(std::chrono::seconds(1));
    static_cast<void>(res->socket().destroyed());
    res->destroy();
  }
  req->abort();
  req->destroy();
  net->settle();
}
