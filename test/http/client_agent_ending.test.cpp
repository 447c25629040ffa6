// SPDX-License-Identifier: BSL-1.0
//
// Connections, requests and agents that end, and connections that leave their agent.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include "support/agents.hpp"
#include "support/catch.hpp"
#include "support/request.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

TEST_CASE("a free connection that the server ends is gone at once",
          "[Agent][row:8/freeSockets][row:11.16/bytes on an idle socket]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  exchange(net, agent, 0);
  CHECK(freeCount(agent) == 1);
  SECTION("in good order") { net.end(); }
  SECTION("with a reset") { net.reset(); }
  SECTION("or sends what nobody asked for") { net.deliver("HTTP/1.1 200 OK\r\n"); }
  CHECK(net.closed());
  CHECK(agent.freeSockets().empty());
  CHECK(agent.totalSocketCount() == 0);
  exchange(net, agent, 1);
}

TEST_CASE("a server that closes right behind its response is not used again",
          "[Agent][row:11.16/release]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = http::get(net.io(), net.options(agent));
  net.settle();
  net.wire().deliver(response()).deliverEnd();
  net.settle();
  CHECK(req.closed());
  CHECK(agent.totalSocketCount() == 0);
  CHECK(net.closed());
}

TEST_CASE("a connection that was dead when it was taken again",
          "[Agent][row:11.16/stale reuse][row:7.3/reusedSocket]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  exchange(net, agent, 0);
  RequestOptions options = net.options(agent);
  SECTION("is an error of which reusedSocket() tells the cause") {
    auto req = http::get(net.io(), options);
    EventLog log(req);
    net.settle();
    net.end();
    CHECK(log.text() == "socket finish error:ECONNRESET close");
    CHECK(req.reusedSocket());
    CHECK(net.count() == 1);
  }
  SECTION("is tried anew with retryStale") {
    options.retryStale = true;
    auto req = http::get(net.io(), options);
    EventLog log(req);
    net.settle();
    net.end();
    CHECK(net.count() == 2);
    CHECK(net.received(1) == keepAliveGet);
    CHECK(!req.reusedSocket());
    net.deliver(response("x"), 1);
    CHECK(log.text() == "socket finish socket response data:x res-end close res-close");
  }
  SECTION("once only") {
    options.retryStale = true;
    auto req = http::get(net.io(), options);
    EventLog log(req);
    net.settle();
    net.end();
    net.end(1);
    CHECK(log.text() == "socket finish socket error:ECONNRESET close");
  }
  SECTION("and not on another that may be dead as well") {
    auto first = http::get(net.io(), options);
    auto second = http::get(net.io(), options);
    net.deliver(response());
    net.deliver(response(), 1);
    REQUIRE(freeCount(agent) == 2);
    options.retryStale = true;
    auto req = http::get(net.io(), options);
    net.settle();
    net.end();
    CHECK(net.count() == 3);
    CHECK(net.received(2) == keepAliveGet);
    CHECK(freeCount(agent) == 1);
  }
  SECTION("not where an answer had begun") {
    options.retryStale = true;
    auto req = http::get(net.io(), options);
    net.deliver("HTTP/1.1 2");
    net.end();
    CHECK(req.closed());
    CHECK(net.count() == 1);
  }
  SECTION("not for what may not be repeated") {
    options.retryStale = true;
    options.method = "POST";
    auto req = request(net.io(), options);
    req.end("x");
    net.settle();
    net.end();
    CHECK(req.closed());
    CHECK(net.count() == 1);
  }
  SECTION("not where it was ended from here") {
    options.retryStale = true;
    auto req = http::get(net.io(), options);
    net.settle();
    agent.destroy();
    net.settle();
    CHECK(req.closed());
    CHECK(net.count() == 1);
  }
}

TEST_CASE("a request that is aborted in the queue never reaches the server",
          "[Agent][row:11.16/aborted queued request]") {
  Requesting net;
  Agent agent(net.io(), {.maxSockets = 1});
  auto first = http::get(net.io(), net.options(agent));
  RequestOptions options = net.options(agent);
  options.path = "/second";
  auto second = http::get(net.io(), options);
  options.path = "/third";
  auto third = http::get(net.io(), options);
  EventLog log(second);
  net.received();
  second.abort();
  net.settle();
  CHECK(log.text() == "abort close");
  net.deliver(response());
  CHECK(net.received().starts_with("GET /third "));
}

TEST_CASE("a request that ends while its connection is being made takes it along", "[Agent]") {
  Requesting net;
  net.slow = true;
  Agent agent(net.io(), {.maxSockets = 1});
  auto first = http::get(net.io(), net.options(agent));
  auto second = http::get(net.io(), net.options(agent));
  net.settle();
  CHECK(net.asked() == 1);
  first.destroy();
  net.settle();
  CHECK(!net.opening(0));
  CHECK(net.asked() == 2);
  net.connect(1);
  CHECK(net.received(0).starts_with("GET "));
}

TEST_CASE("destroy() ends every connection, and the agent goes on", "[Agent][row:8/destroy]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxSockets = 2});
  exchange(net, agent, 0);
  auto running = http::get(net.io(), net.options(agent));
  auto other = http::get(net.io(), net.options(agent));
  auto waiting = http::get(net.io(), net.options(agent));
  EventLog log(running);
  std::string what;
  running.on<"error">([&](const Error& error) { what = error.what(); });
  net.settle();
  agent.destroy();
  net.settle();
  CHECK(log.text() == "socket finish error:ECONNRESET close");
  CHECK(what == "socket hang up");
  CHECK(net.closed(0));
  CHECK(net.closed(1));
  CHECK(net.received(2) == keepAliveGet);
  net.deliver(response(), 2);
  CHECK(waiting.closed());
  CHECK(freeCount(agent) == 1);
}

TEST_CASE("destroy() ends what is still being connected", "[Agent][row:8/destroy]") {
  Requesting net;
  net.slow = true;
  Agent agent(net.io());
  auto req = http::get(net.io(), net.options(agent));
  EventLog log(req);
  net.settle();
  agent.destroy();
  net.settle();
  CHECK(log.text() == "error:ECONNRESET close");
  CHECK(agent.totalSocketCount() == 0);
}

TEST_CASE("an agent that goes takes along what runs and what waits", "[Agent]") {
  Requesting net;
  auto agent = std::make_unique<Agent>(net.io(), AgentOptions{.maxSockets = 1});
  auto running = http::get(net.io(), net.options(*agent));
  auto waiting = http::get(net.io(), net.options(*agent));
  EventLog first(running);
  EventLog second(waiting);
  net.settle();
  auto tooLate = http::get(net.io(), net.options(*agent));
  EventLog third(tooLate);
  agent.reset();
  net.settle();
  CHECK(first.text() == "socket finish error:ECONNRESET close");
  CHECK(second.text() == "error:ECONNRESET close");
  CHECK(third.text() == "error:ECONNRESET close");
  CHECK(net.closed());
}

TEST_CASE("agentRemove takes a connection out of the agent and does not close it",
          "[Agent][row:8/agentRemove]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxSockets = 1});
  SECTION("one that is in use finishes its exchange, and makes room") {
    auto first = http::get(net.io(), net.options(agent));
    EventLog log(first);
    auto second = http::get(net.io(), net.options(agent));
    net.settle();
    CHECK(net.count() == 1);
    first.socket()->emit<"agentRemove">();
    CHECK(net.count() == 2);
    CHECK(agent.totalSocketCount() == 1);
    net.deliver(response("x"));
    CHECK(log.text() == "socket finish response data:x res-end res-close close");
    CHECK(net.closed(0));
    CHECK(!net.closed(1));
  }
  SECTION("in the socket event") {
    auto req = http::get(net.io(), net.options(agent));
    req.on<"socket">([](net::Socket& socket) { socket.emit<"agentRemove">(); });
    net.settle();
    CHECK(agent.totalSocketCount() == 0);
    net.deliver(response());
    CHECK(req.closed());
  }
  SECTION("one whose response nobody reads any more ends, as nothing else would end it") {
    std::optional<ClientRequest> req(http::get(net.io(), net.options(agent)));
    int closes = 0;
    req->on<"close">([&] { ++closes; });
    net.settle();
    net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    SECTION("it left the agent before") {
      req->socket()->emit<"agentRemove">();
      net.settle();
      req.reset();
    }
    SECTION("it leaves the agent after") {
      net::Socket* socket = req->socket();
      req.reset();
      net.settle();
      CHECK(!net.closed());
      socket->emit<"agentRemove">();
    }
    net.settle();
    CHECK(closes == 1);
    CHECK(net.closed());
  }
  SECTION("one whose request cannot be sent ends with its request") {
    RequestOptions options = net.options(agent);
    options.method = "POST";
    std::optional<ClientRequest> req(http::request(net.io(), options));
    int closes = 0;
    std::vector<error_code> told;
    const auto callback = [&](const error_code& ec) { told.push_back(ec); };
    req->on<"close">([&] { ++closes; });
    SECTION("whose response was read") {
      req->on<"response">([](IncomingMessage& res) { res.resume(); });
    }
    SECTION("whose response nobody asked for") {}
    net.settle();
    net.wire().room(0);
    req->write(std::string(100'000, 'a'), callback);
    req->write("b", callback);
    req->end(callback);
    net.deliver(response());
    req->socket()->emit<"agentRemove">();
    net.settle();
    CHECK(!net.closed());
    CHECK(told.empty());
    req.reset();
    net.settle();
    CHECK(closes == 1);
    CHECK(net.closed());
    CHECK(told == std::vector<error_code>(3, make_error_code(errc::ERR_STREAM_DESTROYED)));
  }
  SECTION("a free one is whose who moves it out") {
    exchange(net, agent, 0);
    net::Socket& free = *agent.freeSockets().at(std::string(localPlace)).at(0);
    free.emit<"agentRemove">();
    CHECK(agent.totalSocketCount() == 0);
    net.settle();
    CHECK(!net.closed());
    net::Socket mine = std::move(free);
    mine.write("my own");
    CHECK(net.received() == "my own");
    auto reading = start(net.io(), [](net::Socket& from) -> task<std::string> {
      const auto read = co_await from.read();
      co_return std::string(*read);
    }(mine));
    net.deliver("reply");
    CHECK(reading.result() == "reply");
    mine.destroy();
    net.settle();
    CHECK(net.closed());
  }
  SECTION("a free one that nobody takes stays open") {
    exchange(net, agent, 0);
    agent.freeSockets().at(std::string(localPlace)).at(0)->emit<"agentRemove">();
    net.settle();
    CHECK(!net.closed());
  }
}

TEST_CASE("a connection whose socket a listener has moved out serves its request and no other",
          "[Agent]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  net::Socket taken;
  auto req = http::request(net.io(), net.options(agent));
  req.on<"socket">([&](net::Socket& socket) { taken = std::move(socket); });
  req.on<"response">([](IncomingMessage& res) { res.resume(); });
  req.setNoDelay();
  req.setSocketKeepAlive();
  req.end();
  CHECK(net.received() == keepAliveGet);
  CHECK(agent.sockets().empty());
  net.deliver(response());
  CHECK(req.closed());
  CHECK(agent.freeSockets().empty());
  CHECK(net.closed());
}

TEST_CASE("destroy() ends what was asked for in the same turn, and no connection is opened for it",
          "[Agent]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxSockets = 2});
  auto first = http::get(net.io(), net.options(agent));
  auto second = http::get(net.io(), net.options(agent));
  auto waiting = http::get(net.io(), net.options(agent));
  EventLog log(first);
  agent.destroy();
  auto later = http::get(net.io(), net.options(agent));
  CHECK(second.destroyed());
  CHECK(!waiting.destroyed());
  CHECK(!later.destroyed());
  net.settle();
  CHECK(log.text() == "error:ECONNRESET close");
  CHECK(second.closed());
  CHECK(net.count() == 2);
  CHECK(net.received(0) == keepAliveGet);
  CHECK(net.received(1) == keepAliveGet);
  CHECK(usedCount(agent) == 2);
}
