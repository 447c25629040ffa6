// SPDX-License-Identifier: BSL-1.0
//
// Agents of a class of the program's own, of a context, and of one request.
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
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

TEST_CASE("a request that keepSocketAlive() makes gets the connection",
          "[Agent][row:8/keepSocketAlive]") {
  Requesting net;
  Hooked agent(net.io(), {.keepAlive = true, .maxSockets = 1});
  ClientRequest second;
  EventLog log;
  bool made = false;
  agent.onKeep = [&](net::Socket&) {
    if (std::exchange(made, true)) return;
    second = http::get(net.io(), net.options(agent));
    log.listen(second);
  };
  auto first = http::get(net.io(), net.options(agent));
  net.deliver(response());
  CHECK(second.reusedSocket());
  net.deliver(response());
  CHECK(log.text() == "socket finish response res-end close res-close");
  CHECK(freeCount(agent) == 1);
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
