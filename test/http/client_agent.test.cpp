// SPDX-License-Identifier: BSL-1.0
//
// What an agent makes of its connections: keeps, hands on, limits, gives up.
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>
#include "support/catch.hpp"
#include "support/request.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view name = "localhost:80:";
constexpr std::string_view keepAliveGet =
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n";

// One request from beginning to end on connection `number`.
void exchange(Requesting& net, Agent& agent, std::size_t number,
              std::string_view answer = response()) {
  auto req = http::get(net.io(), net.options(agent));
  net.settle();
  REQUIRE(!net.received(number).empty());
  net.deliver(answer, number);
  REQUIRE(req.closed());
}

std::size_t freeCount(const Agent& agent) {
  const auto all = agent.freeSockets();
  const auto found = all.find(std::string(name));
  return found == all.end() ? 0 : found->second.size();
}
std::size_t usedCount(const Agent& agent) {
  const auto all = agent.sockets();
  const auto found = all.find(std::string(name));
  return found == all.end() ? 0 : found->second.size();
}
std::size_t queued(const Agent& agent) {
  const auto all = agent.requests();
  const auto found = all.find(std::string(name));
  return found == all.end() ? 0 : found->second.size();
}

}  // namespace

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
  CHECK(agent.requests().at(std::string(name))[0] == all[2].get());
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

namespace {

class Derived : public Agent {
 public:
  Derived(Requesting& net, AgentOptions options) : Agent(net.io(), options), net_(net) {}

  task<net::Socket> createConnection(const net::ConnectionOptions& options) override {
    log.push_back("create " + options.host);
    return net_.open(options);
  }
  bool keepSocketAlive(net::Socket& socket) override {
    log.push_back("keep");
    return keeps && Agent::keepSocketAlive(socket);
  }
  void reuseSocket(net::Socket&, ClientRequest& req) override {
    log.push_back("reuse " + std::string(req.path()));
  }
  std::string getName(const RequestOptions&) const override { return "one"; }

  std::vector<std::string> log;
  bool keeps = true;

 private:
  Requesting& net_;
};

}  // namespace

TEST_CASE("a derived agent has its say in everything",
          "[Agent][row:8/createConnection][row:8/keepAliveMsecs][row:8/keepSocketAlive][row:8/"
          "reuseSocket]"
          "[row:8/getName]") {
  Requesting net;
  Derived agent(net, {.keepAlive = true, .keepAliveMsecs = 7s});
  auto first = http::get(net.io(), "http://a/", {.agent = agent});
  net.deliver(response());
  CHECK(net.wire().transport()->keepAliveDelay() == 7s);
  CHECK(agent.freeSockets().contains("one"));
  auto second = http::get(net.io(), "http://b/2", {.agent = agent});
  net.deliver(response());
  CHECK(agent.log == std::vector<std::string>{"create a", "keep", "reuse /2", "keep"});
  agent.keeps = false;
  auto third = http::get(net.io(), "http://c/3", {.agent = agent});
  net.deliver(response());
  CHECK(net.closed());
}

namespace {

/// One whose hooks do what a test says.
class Hooked : public Agent {
 public:
  using Agent::Agent;

  bool keepSocketAlive(net::Socket& socket) override {
    if (onKeep) onKeep(socket);
    return true;
  }
  void reuseSocket(net::Socket& socket, ClientRequest& req) override {
    if (onReuse) onReuse(socket, req);
  }

  std::function<void(net::Socket&)> onKeep;
  std::function<void(net::Socket&, ClientRequest&)> onReuse;
};

const auto timedOut = make_error_code(boost::system::errc::timed_out);

}  // namespace

TEST_CASE("reuseSocket() may end the socket or the request, and throw",
          "[Agent][row:8/reuseSocket]") {
  Requesting net;
  Hooked agent(net.io(), {.keepAlive = true, .maxSockets = 1});
  exchange(net, agent, 0);
  net.received();
  std::string events = "error:ETIMEDOUT close";
  bool kept = false;
  bool sent = false;
  SECTION("the socket") {
    agent.onReuse = [](net::Socket& socket, ClientRequest&) { socket.destroy(); };
    events = "error:ECONNRESET close";
  }
  SECTION("the socket, with an error") {
    agent.onReuse = [](net::Socket& socket, ClientRequest&) { socket.destroy(timedOut); };
  }
  SECTION("all connections") {
    agent.onReuse = [&](net::Socket&, ClientRequest&) { agent.destroy(); };
    events = "error:ECONNRESET close";
  }
  SECTION("the request, whose connection can serve another one") {
    agent.onReuse = [](net::Socket&, ClientRequest& req) { req.destroy(timedOut); };
    kept = true;
  }
  SECTION("what it throws is the request's") {
    agent.onReuse = [](net::Socket&, ClientRequest&) { throw Error(timedOut); };
  }
  SECTION("also where the socket is gone") {
    agent.onReuse = [](net::Socket& socket, ClientRequest&) {
      socket.destroy(timedOut);
      throw std::runtime_error("too late");
    };
  }
  SECTION("a connection that leaves the agent serves this request") {
    agent.onReuse = [](net::Socket& socket, ClientRequest&) { socket.emit<"agentRemove">(); };
    events = "socket finish response res-end res-close close";
    sent = true;
  }
  auto req = http::get(net.io(), net.options(agent));
  EventLog log(req);
  CHECK(net.received() == (sent ? keepAliveGet : ""));
  if (sent) net.deliver(response());
  CHECK(log.text() == events);
  CHECK(net.closed() == !kept);
  CHECK(agent.totalSocketCount() == (kept ? 1 : 0));
  CHECK(freeCount(agent) == agent.totalSocketCount());
  agent.onReuse = nullptr;
  exchange(net, agent, kept ? 0 : 1);
}

TEST_CASE("keepSocketAlive() may end the socket or let it go, and throw",
          "[Agent][row:8/keepSocketAlive]") {
  Requesting net;
  Hooked agent(net.io(), {.keepAlive = true, .maxSockets = 1});
  std::string error, told;
  bool open = false;
  SECTION("the socket") {
    agent.onKeep = [](net::Socket& socket) { socket.destroy(); };
  }
  SECTION("all connections") {
    agent.onKeep = [&](net::Socket&) { agent.destroy(); };
  }
  SECTION("one that leaves the agent stays open, and nobody gets it") {
    agent.onKeep = [](net::Socket& socket) { socket.emit<"agentRemove">(); };
    open = true;
  }
  SECTION("what it throws is the socket's") {
    agent.onKeep = [&](net::Socket& socket) {
      socket.on<"error">([&](const Error& thrown) { error = thrown.what(); });
      throw std::runtime_error("no");
    };
    told = "no";
  }
  auto req = http::get(net.io(), net.options(agent));
  EventLog log(req);
  net.deliver(response());
  CHECK(log.text() == "socket finish response res-end close res-close");
  CHECK(error == told);
  CHECK(net.closed() == !open);
  CHECK(agent.totalSocketCount() == 0);
  agent.onKeep = nullptr;
  exchange(net, agent, 1);
}

TEST_CASE("a connection that leaves its agent as it becomes free is not used again",
          "[Agent][row:8/free]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxSockets = 1});
  const bool waiting = GENERATE(true, false);
  auto first = http::get(net.io(), net.options(agent));
  SECTION("in the event that it is free") {
    agent.once<"free">([](net::Socket& socket) { socket.emit<"agentRemove">(); });
  }
  SECTION("before, when its request closes") {
    first.on<"socket">(
        [&](net::Socket& socket) { first.on<"close">([&] { socket.emit<"agentRemove">(); }); });
  }
  std::optional<ClientRequest> second;
  if (waiting) second = http::get(net.io(), net.options(agent));
  net.deliver(response());
  CHECK(first.closed());
  CHECK(!net.closed());
  if (!second) second = http::get(net.io(), net.options(agent));
  CHECK(net.received(1) == keepAliveGet);
  net.deliver(response(), 1);
  CHECK(second->closed());
  CHECK(agent.totalSocketCount() == 1);
}

TEST_CASE("an agent says which protocol, port and delay its connections have",
          "[Agent][row:8/noDelay][row:8/defaultPort / protocol]") {
  Requesting net;
  Agent agent(net.io(), {.noDelay = false});
  auto first = http::get(net.io(), net.options(agent));
  net.settle();
  CHECK(!net.asked(0).noDelay);
  CHECK(net.asked(0).port == 80);
  agent.protocol = "made-up:";
  agent.defaultPort = 1234;
  RequestOptions options = net.options(agent);
  CHECK(thrownBy([&] { static_cast<void>(request(net.io(), options)); }) == "ERR_INVALID_PROTOCOL");
  options.protocol = "made-up:";
  auto second = http::get(net.io(), options);
  CHECK(net.received(1) == plainGet);
  CHECK(net.asked(1).port == 1234);
}

TEST_CASE("agent false is an agent of its own, and each context has its global one",
          "[Agent][row:7.1/agent][row:1/globalAgent][row:13/globalAgent]") {
  asio::io_context io;
  asio::io_context other;
  CHECK(&globalAgent(io) == &globalAgent(io));
  CHECK(&globalAgent(io) != &globalAgent(other));
  CHECK(!globalAgent(io).options().keepAlive);
  Requesting net;
  globalAgent(net.io()).maxSockets = 1;
  RequestOptions options = net.options();
  options.agent = false;
  auto first = http::get(net.io(), options);
  auto second = http::get(net.io(), options);
  CHECK(net.count() == 2);
  CHECK(net.received() == plainGet);
  CHECK(globalAgent(net.io()).totalSocketCount() == 0);
}

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
    net::Socket& free = *agent.freeSockets().at(std::string(name)).at(0);
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
    agent.freeSockets().at(std::string(name)).at(0)->emit<"agentRemove">();
    net.settle();
    CHECK(!net.closed());
  }
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
