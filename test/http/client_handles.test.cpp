// SPDX-License-Identifier: BSL-1.0
//
// What the handles of a client are worth at the wrong moment: a response that is taken late, twice
// or never, a request that has gone, an agent that is gone. Nothing is lost, and nothing acts for
// somebody else.
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

constexpr std::string_view cutAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";

// The events of a response that is asked for after everything has happened.
std::string takenLate(Requesting& net, ClientRequest& req) {
  EventLog log;
  std::optional<IncomingMessage> res;
  const auto take = [&]() -> task<> {
    res = co_await req.response();
    log.listen(*res);
  };
  run(net.io(), take());
  net.settle();
  return log.take();
}

}  // namespace

TEST_CASE("a response that is taken late tells what became of it",
          "[ClientRequest][IncomingMessage]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  SECTION("whole, the connection closed") {
    net.deliver(response("abc"));
    net.end();
    CHECK(req.closed());
    CHECK(takenLate(net, req) == "data:abc res-end res-close");
  }
  SECTION("cut by an orderly end") {
    net.deliver(cutAnswer);
    net.end();
    CHECK(req.closed());
    CHECK(takenLate(net, req) == "data:abc res-aborted res-error:ECONNRESET res-close");
  }
  SECTION("cut by a reset") {
    net.deliver(cutAnswer);
    net.reset();
    CHECK(req.closed());
    CHECK(takenLate(net, req) == "data:abc res-aborted res-error:ECONNRESET res-close");
  }
  SECTION("destroyed with its request") {
    net.deliver(cutAnswer);
    req.destroy();
    net.settle();
    CHECK(takenLate(net, req) == "data:abc res-aborted res-error:ECONNRESET res-close");
  }
}

TEST_CASE("a response that is taken late from an agent's connection tells what became of it",
          "[ClientRequest][IncomingMessage][Agent]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = http::get(net.io(), net.options(agent));
  net.deliver(response("abc"));
  CHECK(agent.freeSockets().size() == 1);
  CHECK(takenLate(net, req) == "data:abc res-end res-close");
}

TEST_CASE("a response that has left its connection tells a waiter of an end that is due",
          "[IncomingMessage]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  auto taking = start(net.io(), req.response());
  net.deliver("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc");
  auto res = taking.result();
  REQUIRE(net.closed());
  bool closed = false;
  res.on<"close">([&] { closed = true; });
  const auto read = [&]() -> task<std::string> {
    std::string body = co_await res.text();
    co_await res.once<"end">();
    co_return body;
  };
  CHECK(run(net.io(), read()) == "abc");
  net.settle();
  CHECK(closed);
}

TEST_CASE("a coroutine that waits for the close of a cut response goes on", "[IncomingMessage]") {
  Requesting net;
  const auto wait = [&]() -> task<bool> {
    const RequestOptions options = net.options();
    auto res = co_await http::get(options);
    co_await res.once<"close">();
    co_return res.complete();
  };
  auto waiting = start(net.io(), wait());
  net.deliver(cutAnswer);
  CHECK(!waiting.done());
  net.end();
  REQUIRE(waiting.done());
}

TEST_CASE("a coroutine that waits for an event of its response goes with the context",
          "[IncomingMessage]") {
  struct Frame {
    int& gone;
    ~Frame() { ++gone; }
  };
  int gone = 0;
  {
    Requesting net;
    const auto wait = [&gone](Requesting& in) -> task<> {
      const Frame frame{gone};
      const RequestOptions options = in.options();
      auto res = co_await http::get(options);
      res.on<"data">([](std::string_view) {});
      co_await res.once<"end">();
    };
    asio::co_spawn(net.io(), wait(net), asio::detached);
    net.deliver(cutAnswer);
  }
  CHECK(gone == 1);
}

TEST_CASE("a response that a listener has moved out cannot be taken", "[ClientRequest]") {
  Requesting net;
  std::optional<IncomingMessage> moved;
  auto req = http::get(net.io(), net.options(),
                       [&](IncomingMessage& res) { moved.emplace(std::move(res)); });
  net.deliver(response("abc"));
  CHECK(thrownBy([&] { run(net.io(), req.response()); }) == "ERR_INVALID_STATE");
  CHECK(run(net.io(), moved->text()) == "abc");
}

TEST_CASE("a response that nobody can read any more does not keep its connection",
          "[ClientRequest][Agent]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxSockets = 1});
  const std::string body(GENERATE(as<std::size_t>(), 10, 40'000), 'x');
  auto req = std::make_unique<ClientRequest>(request(net.io(), net.options(agent)));
  const int how = GENERATE(0, 1, 2, 3);
  CAPTURE(body.size(), how);
  if (how == 0) req->once<"response">([](IncomingMessage& res) { CHECK(res.statusCode() == 200); });
  if (how == 1) {
    req->once<"response">([](IncomingMessage& res) -> task<> { co_await res.read(); });
  }
  if (how == 2) req->once<"response">([](IncomingMessage& res) { res.pause(); });
  req->end();
  net.deliver(response(body));
  req.reset();
  net.settle();
  auto second = http::get(net.io(), net.options(agent));
  net.settle();
  const std::size_t last = net.count() - 1;
  net.deliver(response("second"), last);
  const auto read = [&]() -> task<std::string> {
    auto res = co_await second.response();
    co_return co_await res.text();
  };
  CHECK(run(net.io(), read()) == "second");
}

TEST_CASE("a request that was moved from throws", "[ClientRequest]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  const ClientRequest kept = std::move(req);
  CHECK(thrownBy([&] { static_cast<void>(req.method()); }) == "ERR_STREAM_DESTROYED");
  CHECK(thrownBy([&] { static_cast<void>(req.reusedSocket()); }) == "ERR_STREAM_DESTROYED");
  CHECK(thrownBy([&] { req.abort(); }) == "ERR_STREAM_DESTROYED");
  CHECK(thrownBy([&] { req.setNoDelay(); }) == "ERR_STREAM_DESTROYED");
  CHECK(thrownBy([&] { static_cast<void>(req.response()); }) == "ERR_STREAM_DESTROYED");
}

TEST_CASE("options may outlive the agent that they name", "[Agent]") {
  Requesting net;
  RequestOptions options;
  {
    Agent agent(net.io());
    options = net.options(agent);
  }
  CHECK(thrownBy([&] { static_cast<void>(request(net.io(), options)); }) == "ERR_STREAM_DESTROYED");
  CHECK(thrownBy([&] { run(net.io(), http::get(options)); }) == "ERR_STREAM_DESTROYED");
}

TEST_CASE("end() while the connection is being made", "[ClientRequest]") {
  Requesting net;
  net.slow = true;
  auto req = request(net.io(), net.options({.method = "POST"}));
  net.settle();
  CHECK(net.opening());
  req.end("body");
  req.setTimeout(std::chrono::seconds(1));
  CHECK(req.socket() == nullptr);
  net.settle();
  net.connect();
  CHECK(net.received().ends_with("\r\n\r\nbody"));
}

TEST_CASE("a deadline ends an exchange whatever moves", "[ClientRequest]") {
  using namespace std::chrono_literals;
  Requesting net;
  const auto drip = [&] {
    for (int i = 0; i < 9; ++i) {
      net.advance(100ms);
      if (net.count() != 0) net.deliver("x");
    }
  };
  SECTION("of a request, in the body") {
    auto req = http::get(net.io(), net.options({.deadline = 300ms}));
    EventLog log(req);
    net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    drip();
    CHECK(log.text() ==
          "socket finish response data:x data:x error:ETIMEDOUT res-aborted close "
          "res-error:ECONNRESET res-close");
  }
  SECTION("of a get(), in the body") {
    RequestOptions options = net.options({.deadline = 300ms});
    const auto read = [&]() -> task<std::string> {
      auto res = co_await http::get(options);
      co_return co_await res.text();
    };
    auto running = start(net.io(), read());
    net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    drip();
    REQUIRE(running.done());
    CHECK(thrownBy([&] { running.result(); }) == "ETIMEDOUT");
  }
  SECTION("of a get(), in the head") {
    RequestOptions options = net.options({.deadline = 300ms});
    auto running = start(net.io(), http::get(options));
    net.deliver("HTTP/1.1 200 OK\r\nX: ");
    drip();
    REQUIRE(running.done());
    CHECK(thrownBy([&] { running.result(); }) == "ETIMEDOUT");
  }
  SECTION("while the connection is being made") {
    net.slow = true;
    auto req = http::get(net.io(), net.options({.deadline = 300ms}));
    EventLog log(req);
    drip();
    CHECK(log.text() == "error:ETIMEDOUT close");
  }
  SECTION("and not one that is over") {
    auto req = http::get(net.io(), net.options({.deadline = 300ms}));
    EventLog log(req);
    net.deliver(response("hi"));
    drip();
    CHECK(log.text() == "socket finish response data:hi res-end res-close close");
  }
  CHECK(thrownBy([&] { static_cast<void>(request(net.io(), {.deadline = -1ms})); }) ==
        "ERR_OUT_OF_RANGE");
}

TEST_CASE("a connection that takes too long ends its request", "[ClientRequest]") {
  using namespace std::chrono_literals;
  Requesting net;
  SECTION("as nothing else does") {
    net.slow = true;
    auto req = http::get(net.io(), net.options({.connectTimeout = 300ms}));
    EventLog log(req);
    net.advance(299ms);
    CHECK(log.text().empty());
    net.advance(1ms);
    CHECK(log.text() == "error:ETIMEDOUT close");
  }
  SECTION("and not if it is open by then") {
    auto req = http::get(net.io(), net.options({.connectTimeout = 300ms}));
    EventLog log(req);
    net.settle();
    net.advance(400ms);
    CHECK(log.text() == "socket finish");
  }
  CHECK(thrownBy([&] { static_cast<void>(request(net.io(), {.connectTimeout = -1ms})); }) ==
        "ERR_OUT_OF_RANGE");
}

TEST_CASE("a request that was moved from says that it is over", "[ClientRequest]") {
  Requesting net;
  ClientRequest from = request(net.io(), net.options());
  ClientRequest to = std::move(from);
  CHECK(from.destroyed());
  CHECK(from.closed());
  CHECK(from.headersSent());
  CHECK(from.writableEnded());
  CHECK(from.writableFinished());
  CHECK(from.socket() == nullptr);
  CHECK(!from.writableNeedDrain());
  CHECK(from.writableLength() == 0);
  CHECK(from.errored() == http::errc::ERR_STREAM_DESTROYED);
  CHECK(thrownBy([&] { from.setHeader("A", "b"); }) == "ERR_STREAM_DESTROYED");
  CHECK(thrownBy([&] { from.cork(); }) == "ERR_STREAM_DESTROYED");
  from.destroy();
  from.destroy(Error(http::errc::ERR_OUT_OF_RANGE, "mine"));
  CHECK(!to.destroyed());
  CHECK(!to.headersSent());
  to.end();
  net.deliver(response("abc"));
  CHECK(run(net.io(), run(net.io(), to.response()).text()) == "abc");
}

TEST_CASE("a request may be destroyed with an error of the program's", "[ClientRequest]") {
  Requesting net;
  ClientRequest req = request(net.io(), net.options());
  std::string told;
  req.on<"error">([&](const Error& error) { told = error.what(); });
  req.end();
  net.settle();
  req.destroy(Error(http::errc::ERR_OUT_OF_RANGE, "mine"));
  net.settle();
  CHECK(told.find("mine") != std::string::npos);
}
