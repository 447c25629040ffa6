// SPDX-License-Identifier: BSL-1.0
//
// What an agent makes of its connections: keeps, hands on, gives up.
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>
#include "support/agents.hpp"
#include "support/catch.hpp"
#include "support/request.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;
using namespace std::chrono_literals;

TEST_CASE(
    "an agent keeps connections only where it was told to",
    "[Agent][row:8/keepAlive][row:8/new "
    "Agent][row:8/totalSocketCount][row:11.16/acquire][row:11.16/release][row:11.2/Connection]"
    "[row:8/sockets][row:8/freeSockets]") {
  Requesting net;
  SECTION("kept") {
    Agent agent(net.io(), {.keepAlive = true});
    auto first = http::get(net.io(), net.options(agent));
    CHECK(net.received() == keepAliveGet);
    CHECK(usedCount(agent) == 1);
    CHECK(!first.reusedSocket());
    net.deliver(response());
    CHECK(usedCount(agent) == 0);
    CHECK(freeCount(agent) == 1);
    auto second = http::get(net.io(), net.options(agent));
    CHECK(net.received() == keepAliveGet);
    CHECK(second.reusedSocket());
    CHECK(net.count() == 1);
    CHECK(agent.totalSocketCount() == 1);
  }
  SECTION("not kept") {
    Agent agent(net.io());
    auto req = http::get(net.io(), net.options(agent));
    CHECK(net.received() == plainGet);
    net.deliver(response());
    CHECK(net.closed());
    CHECK(agent.sockets().empty());
    CHECK(agent.freeSockets().empty());
  }
}

TEST_CASE("what one request was told is not told to the next", "[Agent]") {
  const std::vector<RequestOptions> told = {
      {},
      {.auth = "user:pass", .host = "a", .method = "GET", .path = "/one", .family = 6},
      {.host = "a", .hostname = "b", .localAddress = "1.2.3.4", .port = 81, .localPort = 5},
      {.host = "b", .port = 81, .defaultPort = 81, .headers = {{"X", {"1", "2"}}}},
      {.hostname = "::1", .headers = {{"X", {"1", "2"}}}, .uniqueHeaders = {"x"}},
      {.hostname = "[::1]", .setHost = false, .highWaterMark = 5},
      {.path = "/two", .socketPath = "/s"},
      {.path = "/two", .setDefaultHeaders = false},
      {.host = "localhost"},
  };
  // What goes out and where to, of the request that was made last.
  const auto asked = [](Requesting& net) {
    const std::size_t number = net.count() - 1;
    const net::ConnectionOptions& to = net.asked(number);
    std::string all = net.received(number) + to.host + ' ' + to.path + ' ' + to.localAddress;
    for (const std::size_t figure : {std::size_t{to.port}, std::size_t{to.localPort},
                                     static_cast<std::size_t>(to.family), to.highWaterMark}) {
      all += ' ' + std::to_string(figure);
    }
    net.deliver("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", number);
    return all;
  };
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  // While the agent has a connection, it keeps what a request is made in.
  RequestOptions kept = net.options(agent);
  kept.host = "elsewhere";
  auto first = http::get(net.io(), kept);
  net.settle();
  net.deliver(response());
  REQUIRE(agent.totalSocketCount() == 1);
  const auto askedAgain = [&](const RequestOptions& each) {
    RequestOptions options = net.options(each);
    options.agent = agent;
    auto waiting = start(net.io(), http::get(options));
    std::string all = asked(net);
    waiting.result();
    net.settle();
    return all;
  };
  for (std::size_t before = 0; before != told.size(); ++before) {
    for (std::size_t each = 0; each != told.size(); ++each) {
      CAPTURE(before, each);
      askedAgain(told[before]);
      // One that is made of its options themselves, not of a copy.
      Requesting fresh;
      Agent other(fresh.io(), {.keepAlive = true});
      RequestOptions options = fresh.options(told[each]);
      options.agent = other;
      auto req = http::get(fresh.io(), std::move(options));
      CHECK(askedAgain(told[each]) == asked(fresh));
    }
  }
}

TEST_CASE("the name of a connection's place", "[Agent][row:8/getName]") {
  asio::io_context io;
  Agent agent(io);
  CHECK(agent.getName() == "localhost::");
  CHECK(agent.getName({.host = "a", .localAddress = "1.2.3.4", .port = 81}) == "a:81:1.2.3.4");
  CHECK(agent.getName({.hostname = "a", .socketPath = "/s", .family = 6}) == "a:::6:/s");
}

TEST_CASE("connections of other places are not taken", "[Agent][row:11.16/acquire]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  exchange(net, agent, 0);
  RequestOptions options = net.options(agent);
  options.port = 81;
  auto other = http::get(net.io(), options);
  CHECK(net.count() == 2);
  CHECK(!other.reusedSocket());
}

TEST_CASE("a connection is not kept where a side does not want it or something is left",
          "[Agent][row:11.16/not reusable][row:11.13/special request headers]"
          "[row:11.9/response to HEAD, 204, 304, 1xx]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  const std::string answer = GENERATE(
      as<std::string>(), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nx", "HTTP/1.1 204 No Content\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 1\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: max=3, Timeout=1\r\n\r\n");
  CAPTURE(answer);
  exchange(net, agent, 0, answer);
  CHECK(net.closed());
  CHECK(agent.totalSocketCount() == 0);
}

TEST_CASE("a request that says close is the connection's last", "[Agent][row:11.16/not reusable]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = request(net.io(), net.options(agent));
  SECTION("in a header") { req.setHeader("Connection", "close"); }
  SECTION("by shouldKeepAlive") { req.shouldKeepAlive = false; }
  req.end();
  net.deliver(response());
  CHECK(req.closed());
  CHECK(net.closed());
}

TEST_CASE("a response of HTTP/1.0 that wants it keeps the connection",
          "[Agent][row:11.16/not reusable]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  exchange(net, agent, 0, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
  CHECK(freeCount(agent) == 1);
}

TEST_CASE("more free connections than maxFreeSockets are closed",
          "[Agent][row:8/maxFreeSockets][row:8/maxSockets, maxFreeSockets, maxTotalSockets]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxFreeSockets = 1});
  auto first = http::get(net.io(), net.options(agent));
  auto second = http::get(net.io(), net.options(agent));
  net.settle();
  net.deliver(response(), 0);
  net.deliver(response(), 1);
  CHECK(!net.closed(0));
  CHECK(net.closed(1));
  CHECK(freeCount(agent) == 1);
}

TEST_CASE("of free connections the oldest or the newest is taken",
          "[Agent][row:8/scheduling]"
          "[row:13/Agent.scheduling]") {
  const bool newest = GENERATE(false, true);
  Requesting net;
  Agent agent(net.io(),
              {.keepAlive = true, .scheduling = newest ? Scheduling::lifo : Scheduling::fifo});
  auto first = http::get(net.io(), net.options(agent));
  auto second = http::get(net.io(), net.options(agent));
  net.settle();
  net.deliver(response(), 0);
  net.deliver(response(), 1);
  net.received(0);
  net.received(1);
  auto third = http::get(net.io(), net.options(agent));
  CHECK(net.received(newest ? 1 : 0) == keepAliveGet);
}

TEST_CASE("a free connection ends after the agent's timeout, or before the server's",
          "[Agent][row:8/timeout][row:11.10/agent free-socket timeout]"
          "[row:8/agentKeepAliveTimeoutBuffer]") {
  Requesting net;
  SECTION("the agent's") {
    Agent agent(net.io(), {.keepAlive = true, .timeout = 10s});
    exchange(net, agent, 0);
    net.advance(9999ms);
    CHECK(!net.closed());
    net.advance(1ms);
    CHECK(net.closed());
    CHECK(agent.freeSockets().empty());
  }
  SECTION("the server's, a second early") {
    Agent agent(net.io(), {.keepAlive = true, .timeout = 10s});
    exchange(net, agent, 0, response("", "Keep-Alive: timeout=5\r\n"));
    net.advance(3999ms);
    CHECK(!net.closed());
    net.advance(1ms);
    CHECK(net.closed());
  }
  SECTION("without a timeout of the agent there is no timer") {
    Agent agent(net.io(), {.keepAlive = true});
    exchange(net, agent, 0, response("", "Keep-Alive: timeout=5\r\n"));
    net.advance(1h);
    CHECK(!net.closed());
  }
  SECTION("and is told to the request that runs") {
    Agent agent(net.io(), {.keepAlive = true, .timeout = 10s});
    auto req = http::get(net.io(), net.options(agent));
    EventLog log(req);
    net.settle();
    net.advance(10s);
    CHECK(log.text() == "socket finish timeout");
  }
}

TEST_CASE("the timeout of one request does not go on for the next", "[Agent][row:7.1/timeout]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  RequestOptions options = net.options(agent);
  options.timeout = 1s;
  auto first = http::get(net.io(), options);
  net.deliver(response());
  net.advance(1h);
  CHECK(!net.closed());
  auto second = http::get(net.io(), net.options(agent));
  EventLog log(second);
  net.settle();
  net.advance(1h);
  CHECK(log.text() == "socket finish");
}

TEST_CASE("a connection is free as soon as a coroutine has read its response", "[Agent]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxFreeSockets = 1});
  const RequestOptions options = net.options(agent);
  std::string seen;
  const auto look = [&] {
    seen +=
        std::to_string(usedCount(agent)) + " used " + std::to_string(freeCount(agent)) + " free, ";
  };
  const auto text = [](IncomingMessage& res) -> task<> { co_await res.text(); };
  const auto pieces = [](IncomingMessage& res) -> task<> {
    while (co_await res.read()) {
    }
  };
  const auto reading = [&](auto how) {
    return [&, how]() -> task<> {
      IncomingMessage res = co_await http::get(options);
      look();
      co_await how(res);
      look();
    };
  };
  SECTION("text()") {
    const auto read = reading(text);
    auto running = start(net.io(), read());
    net.deliver(response("ok"));
    running.result();
    CHECK(seen == "1 used 0 free, 0 used 1 free, ");
  }
  SECTION("read()") {
    const auto read = reading(pieces);
    auto running = start(net.io(), read());
    net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
    net.deliver("k");
    running.result();
    CHECK(seen == "1 used 0 free, 0 used 1 free, ");
  }
  SECTION("but not one that will be closed") {
    const auto read = reading(text);
    auto running = start(net.io(), read());
    net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    running.result();
    CHECK(seen == "1 used 0 free, 1 used 0 free, ");
  }
}

TEST_CASE("no more connections are shown as free than are kept", "[Agent]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxFreeSockets = 1});
  const RequestOptions options = net.options(agent);
  std::string seen;
  const auto read = [&]() -> task<> {
    IncomingMessage res = co_await http::get(options);
    co_await res.text();
    seen +=
        std::to_string(usedCount(agent)) + " used " + std::to_string(freeCount(agent)) + " free, ";
  };
  auto first = start(net.io(), read());
  auto second = start(net.io(), read());
  net.settle();
  Wire& one = net.wire(0);
  Wire& other = net.wire(1);
  one.deliver(response("ok"));
  other.deliver(response("ok"));
  net.settle();
  CHECK(seen == "1 used 1 free, 1 used 1 free, ");
  CHECK(freeCount(agent) == 1);
}
