// SPDX-License-Identifier: BSL-1.0
//
// References that are kept after their handler has returned: they never act for somebody else, and
// say so.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <string>
#include <vector>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

template <class F>
std::string nameOf(F call) {
  try {
    call();
  } catch (const Error& error) {
    return std::string(error.name());
  }
  return "nothing";
}

constexpr const char* destroyed = "ERR_STREAM_DESTROYED";

task<> awaitInto(std::string& told, WriteResult result) {
  try {
    co_await result;
    told = "nothing";
  } catch (const Error& error) {
    told = error.name();
  }
}

task<> readInto(std::string& told, task<std::string> text) {
  try {
    told = co_await std::move(text);
  } catch (const Error& error) {
    told = error.name();
  }
}

struct Kept {
  IncomingMessage* req = nullptr;
  ServerResponse* res = nullptr;
};

}  // namespace

TEST_CASE("a response that is kept refuses every call, and no other client gets a byte",
          "[http][stale]") {
  Kept kept;
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/alice") {
      kept = {&req, &res};
      co_await res.end("first");
      co_return;
    }
    if (req.url() == "/bob") co_await gate.wait();
    co_await res.end("second");
  });
  wire.send(get("/alice"));
  if (GENERATE(false, true)) wire.end();
  // On the same connection or on another one, and after a few others.
  const int others = GENERATE(0, 1, 100);
  for (int i = 0; i != others; ++i) wire.connect().send(get("/other"));
  Client& bob = wire.connect();
  bob.send(get("/bob"));

  ServerResponse& res = *kept.res;
  CHECK(nameOf([&] { res.setHeader("X-Secret", "alice"); }) == destroyed);
  CHECK(nameOf([&] { res.appendHeader("X-Secret", "alice"); }) == destroyed);
  CHECK(nameOf([&] { res.removeHeader("X-Secret"); }) == destroyed);
  CHECK(nameOf([&] { res.writeHead(500); }) == destroyed);
  CHECK(nameOf([&] { res.writeContinue(); }) == destroyed);
  CHECK(nameOf([&] { res.writeProcessing(); }) == destroyed);
  CHECK(nameOf([&] { res.writeEarlyHints({{"link", "</a>; rel=preload"}}); }) == destroyed);
  CHECK(nameOf([&] { res.flushHeaders(); }) == destroyed);
  CHECK(nameOf([&] { res.addTrailers({}); }) == destroyed);
  CHECK(nameOf([&] { res.cork(); }) == destroyed);
  CHECK(nameOf([&] { res.uncork(); }) == destroyed);
  CHECK(nameOf([&] { res.setTimeout(std::chrono::seconds(1)); }) == destroyed);
  CHECK(nameOf([&] { res.on<"close">([] {}); }) == destroyed);
  CHECK(nameOf([&] { static_cast<void>(res.req()); }) == destroyed);
  CHECK(nameOf([&] { static_cast<void>(res.getHeader("a")); }) == destroyed);
  res.statusCode = 500;
  std::string told;
  CHECK(!res.write("alice's", [&](error_code ec) { told = errorName(ec); }));
  CHECK(!res.end("alice's"));
  CHECK(!res.drain());
  res.destroy();
  CHECK(res.destroyed());
  CHECK(res.closed());
  CHECK(res.errored() == errc::ERR_STREAM_DESTROYED);
  CHECK(res.socket() == nullptr);
  std::string awaited;
  asio::co_spawn(wire.io(), awaitInto(awaited, res.end("alice's private data")), asio::detached);
  wire.settle();
  CHECK(told == destroyed);
  CHECK(awaited == destroyed);

  IncomingMessage& req = *kept.req;
  CHECK(nameOf([&] { static_cast<void>(req.url()); }) == destroyed);
  CHECK(nameOf([&] { static_cast<void>(req.headers()); }) == destroyed);
  CHECK(nameOf([&] { static_cast<void>(req.socket()); }) == destroyed);
  CHECK(nameOf([&] { req.resume(); }) == destroyed);
  CHECK(nameOf([&] { req.on<"data">([](std::string_view) {}); }) == destroyed);
  req.destroy();
  std::string read;
  asio::co_spawn(wire.io(), readInto(read, req.text()), asio::detached);
  wire.settle();
  CHECK(read == destroyed);

  CHECK(!bob.closed());
  gate.open();
  CHECK(bob.received() == ok("second"));
}

TEST_CASE("a body that is still read when the handler returns fails there, and is never cut short",
          "[http][stale]") {
  std::string told;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    asio::co_spawn(req.get_executor(), readInto(told, req.text()), asio::detached);
    co_await asio::post(req.get_executor(), asio::use_awaitable);
    co_await res.end("early");
  });
  CHECK(wire.send(post(10, "12345")).starts_with("HTTP/1.1 200"));
  CHECK(told == destroyed);
  wire.take();
  CHECK(wire.send("67890" + get()).starts_with("HTTP/1.1 200"));
}

TEST_CASE("an object of the user's class goes when its request is over, and its place stays",
          "[http][stale]") {
  static int alive = 0;
  struct Own : ServerResponse {
    Own() { ++alive; }
    ~Own() { --alive; }
    std::string text = "a string that is long enough to be on the heap";
  };
  ServerResponse* kept = nullptr;
  auto wire = serve([&](IncomingMessage&, Own& res) -> task<> {
    kept = &res;
    co_await res.end(res.text);
  });
  wire.send(get());
  CHECK(alive == 0);
  CHECK(nameOf([&] { kept->setHeader("a", "b"); }) == destroyed);
}

TEST_CASE("messages that were refused are over once their handler is, also while bytes wait",
          "[http]") {
  Gate gate;
  IncomingMessage* request = nullptr;
  ServerResponse* response = nullptr;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    request = &req;
    response = &res;
    req.on<"data">([](std::string_view) {});
    co_await gate.wait();
  });
  wire.wire().room(0);
  wire.send("POST /mine HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
  REQUIRE(response != nullptr);
  CHECK_FALSE(wire.closed());
  CHECK(nameOf([&] { response->setHeader("a", "b"); }) == destroyed);
  CHECK(nameOf([&] { return request->url(); }) == destroyed);
}
