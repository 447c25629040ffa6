// SPDX-License-Identifier: BSL-1.0
//
// Requests, responses, agents and contexts that go away at every stage, and connections that break
// at every operation: nothing dangles, nothing hangs, nothing short is taken for whole.
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include "support/catch.hpp"
#include "support/request.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

const std::string wholeAnswer =
    "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n0\r\n\r\n";

task<std::string> upload(ClientRequest& req, std::optional<IncomingMessage>& kept) {
  std::string body;
  try {
    for (int i = 0; i < 3; ++i) co_await req.write(std::string(9000, 'x'));
    co_await req.end();
    kept = co_await req.response();
    while (auto piece = co_await kept->read()) body += *piece;
  } catch (const Error& error) {
    co_return std::string(error.name());
  } catch (const boost::system::system_error&) {
    co_return "cancelled";
  }
  co_return body;
}

// A request with everything that can be under way: an upload that waits, 1xx, a body in chunks that
// come bit by bit. The stages are the steps of the loop; `act` comes after so many of them.
struct Scenario {
  std::unique_ptr<Requesting> net = std::make_unique<Requesting>();
  std::unique_ptr<Agent> agent =
      std::make_unique<Agent>(net->io(), AgentOptions{.keepAlive = true, .maxSockets = 1});
  std::unique_ptr<ClientRequest> req;
  std::unique_ptr<ClientRequest> queued;
  std::optional<IncomingMessage> res;
  std::optional<Started<std::string>> running;

  Scenario() {
    net->onOpen = [](Wire& wire) {
      wire.room(10'000);
      wire.chop(7).deliver(wholeAnswer);
    };
    RequestOptions options = net->options(*agent);
    options.method = "POST";
    req = std::make_unique<ClientRequest>(request(net->io(), options));
    queued = std::make_unique<ClientRequest>(http::get(net->io(), net->options(*agent)));
    running.emplace(net->io(), upload(*req, res));
  }

  // false: nothing was left to do.
  bool step(int count) {
    net->io().restart();
    for (int i = 0; i < count; ++i) {
      if (net->io().poll_one() != 0) continue;
      if (roomGiven) return false;
      roomGiven = true;
      if (net->count() == 0) return false;
      net->wire().room(100'000);
      net->io().restart();
    }
    return true;
  }

  // Everything that can still happen.
  void finish() {
    net->settle();
    for (std::size_t i = 0; i < net->count(); ++i) net->wire(i).room(100'000);
    net->settle();
  }

  bool roomGiven = false;
};

template <class Act>
void sweep(Act act) {
  int stage = 0;
  for (bool more = true; more; ++stage) {
    INFO("at stage " << stage);
    Scenario scenario;
    more = scenario.step(stage);
    act(scenario);
    if (stage > 2000) FAIL("it does not end");
  }
  CHECK(stage > 20);
}

}  // namespace

TEST_CASE("a request can be destroyed by itself at every stage", "[ClientRequest]") {
  sweep([](Scenario& s) {
    s.req->destroy();
    s.net->settle();
    REQUIRE(s.running->done());
    REQUIRE(s.req->closed());
  });
}

TEST_CASE("the last handle of a request can go at every stage", "[ClientRequest]") {
  sweep([](Scenario& s) {
    // The coroutine works with the request, so it goes first.
    s.running.reset();
    s.queued.reset();
    s.net->settle();
  });
  Requesting net;
  for (int stage = 0; stage < 60; ++stage) {
    auto req = std::make_unique<ClientRequest>(
        http::get(net.io(), net.options(), [](IncomingMessage& res) -> task<> {
          try {
            co_await res.text();
          } catch (const Error&) {
          }
        }));
    net.onOpen = [](Wire& wire) { wire.chop(5).deliver(wholeAnswer); };
    net.io().restart();
    for (int i = 0; i < stage; ++i) net.io().poll_one();
    req.reset();
    net.settle();
  }
  CHECK(net.count() > 0);
}

TEST_CASE("a response can be destroyed, or dropped, at every stage", "[IncomingMessage]") {
  sweep([](Scenario& s) {
    if (s.res && http::detail::IncomingMessageAccess::state(*s.res)) s.res->destroy();
    s.finish();
    REQUIRE(s.running->done());
  });
}

TEST_CASE("a coroutine has its response, whatever a listener that had it before ends",
          "[ClientRequest]") {
  Requesting net;
  std::optional<Agent> agent(std::in_place, net.io());
  auto req = http::request(net.io(), net.options(*agent));
  SECTION("its connection") {
    req.on<"response">([&](IncomingMessage&) { req.socket()->destroy(); });
  }
  SECTION("its agent") {
    req.on<"response">([&](IncomingMessage&) { agent.reset(); });
  }
  req.end();
  auto waiting = start(net.io(), req.response());
  net.settle();
  net.wire(0).deliver("HTTP/1.1 204 No Content\r\n\r\n");
  net.settle();
  REQUIRE(waiting.done());
  CHECK(waiting.result().statusCode() == 204);
  CHECK(req.closed());
}

TEST_CASE("an agent can be destroyed by itself at every stage", "[Agent]") {
  sweep([](Scenario& s) {
    s.agent->destroy();
    s.finish();
    REQUIRE(s.running->done());
  });
}

TEST_CASE("an agent can go at every stage, with what runs and what waits", "[Agent]") {
  sweep([](Scenario& s) {
    s.agent.reset();
    s.net->settle();
    REQUIRE(s.running->done());
    REQUIRE(s.req->closed());
    REQUIRE(s.queued->closed());
  });
}

TEST_CASE("a context can end at every stage, before the request and the response do",
          "[ClientRequest]") {
  sweep([](Scenario& s) {
    s.running.reset();
    s.net.reset();
    s.queued.reset();
    s.res.reset();
    s.req.reset();
    s.agent.reset();
  });
}

TEST_CASE("a context can end while a connection is being made", "[ClientRequest]") {
  std::optional<ClientRequest> req;
  {
    Requesting net;
    net.slow = true;
    req = http::get(net.io(), net.options());
    net.settle();
    CHECK(net.opening());
  }
  CHECK(!req->closed());
}

TEST_CASE("a context can end while a coroutine that owns its request waits for the response",
          "[ClientRequest]") {
  bool ended = false;
  {
    Requesting net;
    asio::co_spawn(
        net.io(),
        [](Requesting& in) -> task<> {
          auto req = http::get(in.io(), in.options());
          co_await req.response();
        }(net),
        [&](std::exception_ptr) { ended = true; });
    CHECK(net.received() == plainGet);
  }
  CHECK(!ended);
}

TEST_CASE("a request and a response that outlive their context take calls, and tell nobody",
          "[ClientRequest]") {
  std::optional<ClientRequest> req;
  std::optional<IncomingMessage> res;
  std::optional<WriteResult> written;
  int told = 0;
  {
    Requesting net;
    net.onOpen = [](Wire& wire) { wire.room(4); };
    req = request(net.io(), net.options({.method = "POST"}));
    written = req->write("one");
    req->once<"response">([&](IncomingMessage& response) { res = std::move(response); });
    net.settle();
    net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
  }
  REQUIRE(res);
  res->on<"data">([&](std::string_view) { ++told; });
  res->on<"close">([&] { ++told; });
  res->resume();
  req->on<"close">([&] { ++told; });
  (*written)([&](error_code, bool) { ++told; });
  static_cast<void>(req->write("two"));
  req->destroy();
  CHECK(told == 0);
}

TEST_CASE("an error of every read and write ends in an error or in the whole response",
          "[ClientRequest]") {
  const error_code ec =
      GENERATE(error_code(asio::error::connection_reset), error_code(asio::error::broken_pipe),
               error_code(asio::error::timed_out));
  bool whole = false;
  for (std::size_t n = 1; !whole; ++n) {
    INFO("operation " << n);
    REQUIRE(n < 500);
    Requesting net;
    net.onOpen = [&](Wire& wire) { wire.failAt(n, ec).chop(7).deliver(wholeAnswer); };
    auto req = request(net.io(), net.options({.method = "POST"}));
    EventLog log;
    req.on<"error">([&](const Error&) { log.add("error"); });
    req.on<"close">([&] { log.add("close"); });
    std::optional<IncomingMessage> res;
    auto running = start(net.io(), upload(req, res));
    net.settle();
    REQUIRE(running.done());
    const std::string result = running.result();
    whole = result == "hello";
    if (!whole) REQUIRE(result == errorName(ec));
    REQUIRE(req.closed());
    REQUIRE(net.closed());
  }
}

TEST_CASE("a request whose server vanishes at every stage comes to its end", "[ClientRequest]") {
  sweep([](Scenario& s) {
    if (s.net->count() != 0) s.net->reset();
    s.net->settle();
    for (std::size_t i = 0; i < s.net->count(); ++i) s.net->reset(i);
    s.net->settle();
    if (s.net->asked() != 0) REQUIRE(s.running->done());
  });
}
