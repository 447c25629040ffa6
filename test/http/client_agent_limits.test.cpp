// SPDX-License-Identifier: BSL-1.0
//
// How many connections an agent opens, and which requests wait for one.
#include <boost/asio/io_context.hpp>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>
#include "support/agents.hpp"
#include "support/catch.hpp"
#include "support/request.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

TEST_CASE("maxSockets of 0 is no limit, as in Node", "[Agent][row:8/maxSockets]") {
  Requesting net;
  Agent agent(net.io(), {.maxSockets = 0});
  CHECK(agent.maxSockets == http::unlimited);
  SECTION("also if it is set later") {
    agent.maxSockets = 0;
    agent.maxTotalSockets = 0;
  }
  auto first = http::get(net.io(), net.options(agent));
  auto second = http::get(net.io(), net.options(agent));
  CHECK(net.count() == 2);
  CHECK(net.received().find("Connection: close") != std::string::npos);
}

TEST_CASE("requests beyond maxSockets wait and go out in order",
          "[Agent][row:8/maxSockets][row:8/requests][row:8/non-keepAlive agent reuse]") {
  Requesting net;
  Agent agent(net.io(), {.maxSockets = 2});
  std::vector<std::unique_ptr<ClientRequest>> all;
  for (int i = 0; i < 5; ++i) {
    RequestOptions options = net.options(agent);
    options.path = "/" + std::to_string(i);
    all.push_back(std::make_unique<ClientRequest>(http::get(net.io(), options)));
  }
  CHECK(net.count() == 2);
  CHECK(queued(agent) == 3);
  CHECK(agent.requests().at(std::string(localPlace))[0] == all[2].get());
  CHECK(
      net.received(0).starts_with("GET /0 HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive"));
  CHECK(net.received(1).starts_with("GET /1 "));
  net.deliver(response(), 1);
  CHECK(net.received(1).starts_with("GET /2 "));
  CHECK(!all[2]->reusedSocket());
  net.deliver(response(), 0);
  CHECK(net.received(0).starts_with("GET /3 "));
  // A connection that ends makes room for a new one.
  net.deliver("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 0);
  CHECK(net.count() == 3);
  CHECK(net.received(2).starts_with("GET /4 "));
  net.deliver(response(), 2);
  net.deliver(response(), 1);
  CHECK(net.closed(1));
  CHECK(net.closed(2));
  for (const auto& req : all) CHECK(req->closed());
}

TEST_CASE("a connection carries one request at a time", "[Agent][row:11.7/client]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxSockets = 1});
  const auto discard = [](IncomingMessage& res) { res.resume(); };
  RequestOptions options = net.options(agent);
  auto first = http::get(net.io(), options);
  first.on<"response">(discard);
  options.path = "/next";
  auto second = http::get(net.io(), options);
  second.on<"response">(discard);
  net.settle();
  CHECK(net.count() == 1);
  CHECK(net.received(0).find("/next") == std::string::npos);
  net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx", 0);
  CHECK(net.received(0).empty());
  net.deliver("y", 0);
  CHECK(net.received(0).starts_with("GET /next "));
  net.deliver(response(), 0);
  CHECK(second.closed());
}

TEST_CASE("maxTotalSockets counts all places, and free connections make room",
          "[Agent][row:8/maxTotalSockets][row:11.16/socket closed while requests queue]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxTotalSockets = 1});
  auto options = net.options(agent);
  options.port = 81;
  SECTION("another place waits for the one in use") {
    auto first = http::get(net.io(), net.options(agent));
    auto second = http::get(net.io(), options);
    CHECK(net.count() == 1);
    net.deliver("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    CHECK(net.count() == 2);
    CHECK(net.received(1).starts_with("GET / HTTP/1.1\r\nHost: localhost:81"));
  }
  SECTION("a free one is given up") {
    exchange(net, agent, 0);
    auto second = http::get(net.io(), options);
    CHECK(net.count() == 2);
    CHECK(net.closed(0));
  }
  SECTION("a request that waits gets the place of one that is freed for nobody") {
    auto first = http::get(net.io(), net.options(agent));
    auto second = http::get(net.io(), options);
    net.settle();
    net.deliver(response());
    CHECK(net.count() == 2);
    net.deliver(response(), 1);
    CHECK(second.closed());
  }
  const auto makeNone = [&] { Agent none(net.io(), {.maxTotalSockets = 0}); };
  CHECK(thrownBy(makeNone) == "ERR_OUT_OF_RANGE");
  CHECK(wordsOf(makeNone) ==
        "The value of \"maxTotalSockets\" is out of range. It must be >= 1. Received 0");
}

TEST_CASE("ten thousand requests over eight connections end in the order they came",
          "[Agent][row:8/maxSockets]") {
  asio::io_context io;
  Clock clock(io);
  auto server = makeServer(io, {}, [](IncomingMessage& req, ServerResponse& res) -> task<> {
    co_await res.end(req.url());
  });
  Agent agent(io, {.keepAlive = true, .maxSockets = 8});
  RequestOptions options;
  options.agent = agent;
  std::size_t opened = 0;
  options.createConnection = [&](const net::ConnectionOptions&) -> task<net::Socket> {
    ++opened;
    SocketPair pair = connectedPair(io);
    server.serve(std::move(pair.second));
    co_return co_await clientEnd(std::move(pair.first));
  };
  constexpr int count = 10'000;
  std::deque<ClientRequest> all;
  std::vector<int> order;
  order.reserve(count);
  for (int i = 0; i < count; ++i) {
    options.path = "/" + std::to_string(i);
    all.push_back(http::get(io, options, [&order, i](IncomingMessage& res) {
      if (res.statusCode() == 200) order.push_back(i);
      res.resume();
    }));
  }
  settleBounded(io);
  CHECK(opened == 8);
  REQUIRE(order.size() == count);
  bool inOrder = true;
  for (int i = 0; i < count; ++i) inOrder = inOrder && order[static_cast<std::size_t>(i)] == i;
  CHECK(inOrder);
}
