// SPDX-License-Identifier: BSL-1.0
//
// Handles that were moved from: calls throw, whatever the order in which a user makes them.
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <sluice/app.hpp>
#include <sluice/compress.hpp>
#include <sluice/fetch.hpp>
#include <sluice/net.hpp>
#include <sluice/timer.hpp>
#include <sluice/websocket.hpp>
#include <string>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/run.hpp>
#include <support/serve.hpp>
#include <utility>
#include "routing.hpp"

using namespace routing;
using namespace sluice;
using namespace std::chrono_literals;

namespace {

// What a call on an empty handle throws; "" if it does not throw.
template <class Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.name() == "ERR_INVALID_STATE");
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a server that was moved from refuses every call", "[http.Server]") {
  asio::io_context io;
  http::Server server = http::createServer(io);
  const http::Server taken = std::move(server);
  const std::string empty = "The server is empty: it was moved away";
  CHECK(refusal([&] { server.listen(0); }) == empty);
  CHECK(refusal([&] { static_cast<void>(server.listening()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(server.address()); }) == empty);
  CHECK(refusal([&] { server.serve(net::Socket()); }) == empty);
  CHECK(refusal([&] { server.close(); }) == empty);
  CHECK(refusal([&] { static_cast<void>(server.closed()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(server.shutdown(1s)); }) == empty);
  CHECK(refusal([&] { server.closeAllConnections(); }) == empty);
  CHECK(refusal([&] { server.closeIdleConnections(); }) == empty);
  CHECK(refusal([&] { static_cast<void>(server.getConnections()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(server.get_executor()); }) == empty);
  CHECK(refusal([&] { server.on<"close">([] {}); }) == empty);
  CHECK(refusal([&] { static_cast<void>(server.listenerCount<"close">()); }) == empty);
  CHECK_FALSE(taken.listening());
}

TEST_CASE("a server of raw connections that was moved from refuses every call", "[net.Server]") {
  asio::io_context io;
  net::Server server = net::createServer(io, nullptr);
  const net::Server taken = std::move(server);
  const std::string empty = "The server is empty: it was moved away";
  CHECK(refusal([&] { server.listen(0); }) == empty);
  CHECK(refusal([&] { static_cast<void>(server.listening()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(server.address()); }) == empty);
  CHECK(refusal([&] { server.close(); }) == empty);
  CHECK(refusal([&] { static_cast<void>(server.closed()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(server.getConnections()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(server.get_executor()); }) == empty);
  CHECK(refusal([&] { server.on<"close">([] {}); }) == empty);
  CHECK(refusal([&] { server.on<"close">([]() -> task<> { co_return; }); }) == empty);
  CHECK_FALSE(taken.listening());
}

TEST_CASE("a timer that was moved from does not run and cannot be started", "[Timer]") {
  asio::io_context io;
  Timer timer(io);
  timer.start(1h, [] {});
  const Timer taken = std::move(timer);
  CHECK_FALSE(timer.running());
  timer.stop();
  const std::string empty = "The timer is empty: it was moved away";
  CHECK(refusal([&] { timer.start(1s, [] {}); }) == empty);
  CHECK(refusal([&] { test::run(io, timer.wait(1s)); }) == empty);
  CHECK(taken.running());
}

TEST_CASE("a result that was moved from can be awaited as before", "[WriteResult]") {
  int told = 0;
  auto wire = test::serve([&](http::IncomingMessage&, http::ServerResponse& res) -> task<> {
    WriteResult result = res.end("x");
    const WriteResult taken = std::move(result);
    co_await result;
    co_await taken;
    co_await result(asio::use_awaitable);
    result([&](const error_code& ec, bool) { told += ec ? 0 : 1; });
  });
  CHECK(wire.send(test::get()).ends_with("x"));
  CHECK(told == 1);
}

TEST_CASE("a request that was moved out refuses to be waited for", "[http.IncomingMessage]") {
  std::string wait;
  auto wire = test::serve([&](http::IncomingMessage& req, http::ServerResponse&) -> task<> {
    const http::IncomingMessage taken = std::move(req);
    try {
      co_await req.once<"close">();
    } catch (const Error& error) {
      wait = error.name();
    }
  });
  wire.send(test::get());
  CHECK(wait == "ERR_STREAM_DESTROYED");
}

TEST_CASE("a channel that was moved from refuses every call", "[app.Channel]") {
  app::Channel channel;
  const app::Channel taken = std::move(channel);
  const std::string empty = "The channel is empty: it was moved away";
  CHECK(refusal([&] { channel.send({.data = "x"}); }) == empty);
  CHECK(refusal([&] { channel.close(); }) == empty);
  CHECK(refusal([&] { static_cast<void>(channel.listeners()); }) == empty);
  CHECK(taken.listeners() == 0);
}

TEST_CASE("an empty WebSocket refuses every call", "[WebSocket]") {
  WebSocket socket;
  const std::string empty = "The WebSocket is empty: it was moved away";
  CHECK(refusal([&] { static_cast<void>(socket.receive()); }) == empty);
  CHECK(refusal([&] { socket.send("x"); }) == empty);
  CHECK(refusal([&] { socket.ping(); }) == empty);
  CHECK(refusal([&] { static_cast<void>(socket.close()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(socket.closeCode()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(socket.closeReason()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(socket.protocol()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(socket.bufferedAmount()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(socket.socket()); }) == empty);
}

TEST_CASE("an empty response of fetch() refuses every call", "[fetch]") {
  FetchResponse response;
  const std::string empty = "The response is empty: it was moved away";
  CHECK(refusal([&] { static_cast<void>(response.status()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(response.ok()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(response.statusText()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(response.url()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(response.redirected()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(response.headers()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(response.read()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(response.text()); }) == empty);
  CHECK(refusal([&] { static_cast<void>(response.message()); }) == empty);
}

TEST_CASE("an empty request has no headers to show", "[http.ClientRequest]") {
  const http::ClientRequest request;
  CHECK_THROWS_AS(request.headerText("Host"), Error);
  CHECK_THROWS_AS(request.getHeader("Host"), Error);
}

TEST_CASE("a decoded body that was moved from cannot be read", "[compress][Decoded]") {
  std::string read;
  auto wire = test::serve([&](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
    compress::Decoded body(req);
    compress::Decoded taken = std::move(body);
    try {
      co_await body.read();
    } catch (const Error& error) {
      read = error.what();
    }
    const std::string text = co_await taken.text();
    co_await res.end(text);
  });
  CHECK(wire.send(test::post(4, "body")).ends_with("body"));
  CHECK(read == "The body is empty: it was moved away");
}

TEST_CASE("a router, a middleware and prepared headers share what they hold, moved or copied",
          "[app][plain]") {
  app::Router router;
  app::Router taken = std::move(router);
  router.get("/late", says("late"));
  CHECK(get(taken, "/late") == "late");

  const auto used = [](auto middleware, const std::string& url) {
    app::Router twice;
    twice.use(std::move(middleware)).use(middleware).get("/", says("root"));
    return get(twice, url);
  };
  int lines = 0;
  CHECK(used(app::accessLog({.write = [&](std::string_view) { ++lines; }}), "/") == "root");
  CHECK(used(app::health(), "/readyz") == R"({"status":"ok"})");
  CHECK(used(app::metrics(), "/") == "root");
  CHECK(used(app::rateLimit({.limit = 2}), "/") == "root");
  CHECK(used(app::rateLimit({.limit = 1}), "/") == "429");
  CHECK(used(app::requestId(), "/") == "root");
  CHECK(used(app::staticFiles(std::filesystem::temp_directory_path()), "/") == "root");
  CHECK(used(app::traceContext(), "/") == "root");

  http::PreparedHeaders prepared(http::Headers{{"X-Prepared", "yes"}});
  const http::PreparedHeaders others = std::move(prepared);
  CHECK(test::inject([&](http::IncomingMessage&, http::ServerResponse& res) -> task<> {
          res.setHeaders(prepared);
          co_await res.end();
        }).headers["x-prepared"] == "yes");
}
