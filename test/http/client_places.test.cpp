// SPDX-License-Identifier: BSL-1.0
//
// Which connection a request has and when it has it, and what makes a connection unfit for the next
// request.
#include <boost/asio/strand.hpp>
#include <optional>
#include <string>
#include <utility>
#include "support/catch.hpp"
#include "support/request.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

TEST_CASE("a request has its place in the agent at once",
          "[Agent][row:8/sockets][row:8/requests]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxSockets = 1});
  auto first = http::get(net.io(), net.options(agent));
  CHECK(agent.totalSocketCount() == 1);
  REQUIRE(agent.sockets().size() == 1);
  CHECK(agent.sockets().begin()->second.at(0) != nullptr);
  CHECK(agent.requests().empty());
  auto second = http::get(net.io(), net.options(agent));
  REQUIRE(agent.requests().size() == 1);
  CHECK(agent.requests().begin()->second == std::vector<ClientRequest*>{&second});
  CHECK(net.count() == 1);
  CHECK(!first.reusedSocket());

  SECTION("which it leaves when it is destroyed before it was opened") {
    auto third = http::get(net.io(), net.options(agent));
    third.destroy();
    CHECK(agent.requests().begin()->second.size() == 1);
  }
  SECTION("also on a free connection") {
    net.deliver(response());
    net.deliver(response());
    CHECK(agent.freeSockets().size() == 1);
    auto third = http::get(net.io(), net.options(agent));
    CHECK(agent.freeSockets().empty());
    CHECK(third.reusedSocket());
    SECTION("that is free again when the request is destroyed in the same turn") {
      third.destroy();
      CHECK(agent.freeSockets().size() == 1);
      net.settle();
      CHECK(!net.closed());
    }
  }
}

TEST_CASE("a free connection that ends in the turn of its request is not missed", "[Agent]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxSockets = 1});
  auto first = http::get(net.io(), net.options(agent));
  net.deliver(response());
  net.wire().deliverEnd();
  auto second = http::get(net.io(), net.options(agent));
  CHECK(second.reusedSocket());
  EventLog log(second);
  net.settle();
  CHECK(!second.reusedSocket());
  CHECK(net.count() == 2);
  CHECK(net.received(1) == "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n");
  CHECK(log.text() == "socket finish");
}

TEST_CASE("the agent has a connection until its request has told of its end", "[Agent]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = http::get(net.io(), net.options(agent));
  std::string counts;
  req.on<"error">([&](const Error&) { counts += std::to_string(agent.sockets().size()); });
  req.on<"close">([&] { counts += std::to_string(agent.sockets().size()); });
  net.settle();
  SECTION("by an orderly end") { net.end(); }
  SECTION("by a reset") { net.reset(); }
  CHECK(counts == "10");
}

TEST_CASE("a request that has to wait takes no connection from another place", "[Agent]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxSockets = 1, .maxTotalSockets = 2});
  RequestOptions other = net.options(agent);
  other.host = "other";
  auto first = http::get(net.io(), other);
  net.deliver(response());
  CHECK(agent.freeSockets().size() == 1);
  auto second = http::get(net.io(), net.options(agent));
  net.settle();
  auto third = http::get(net.io(), net.options(agent));
  net.settle();
  CHECK(agent.requests().size() == 1);
  CHECK(agent.freeSockets().size() == 1);
  CHECK(!net.closed(0));
}

TEST_CASE("the request that gets the place of another one may end that one", "[Agent]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxSockets = 1});
  RequestOptions options = net.options(agent);
  ClientRequest first;
  std::optional<ClientRequest> second;
  EventLog log;
  const auto begin = [&](RequestOptions which) {
    first = http::get(net.io(), std::move(which));
    log.listen(first);
    net.settle();
    second.emplace(http::get(net.io(), net.options(agent)));
    second->once<"socket">([&] { first.destroy(); });
  };

  SECTION("when the socket of that one is handed over") {
    options.headers = {{"Connection", "upgrade"}, {"Upgrade", "x"}};
    begin(options);
    first.on<"upgrade">([&log](IncomingMessage&, net::Socket&) { log.add("upgrade"); });
    net.deliver("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    CHECK(log.text() == "socket finish upgrade close");
  }
  SECTION("when that one has found its connection dead, and is to be repeated") {
    auto before = http::get(net.io(), options);
    net.deliver(response());
    options.retryStale = true;
    begin(options);
    CHECK(first.reusedSocket());
    net.reset();
    CHECK(log.text() == "socket finish error:ECONNRESET close");
  }
  // Its own place is free again.
  net.settle();
  const std::size_t last = net.count() - 1;
  net.deliver(response(), last);
  auto third = http::get(net.io(), net.options(agent));
  net.settle();
  CHECK(agent.totalSocketCount() == 1);
  CHECK(agent.requests().empty());
  CHECK(third.reusedSocket());
}

TEST_CASE("a free connection tells that it was silent for too long", "[Agent]") {
  using namespace std::chrono_literals;
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .timeout = 100ms});
  auto req = http::get(net.io(), net.options(agent));
  std::string told;
  req.on<"socket">([&](net::Socket& socket) {
    socket.on<"timeout">([&] { told += "timeout "; });
    socket.on<"close">([&](bool) { told += "close "; });
  });
  net.deliver(response());
  CHECK(agent.freeSockets().size() == 1);
  net.advance(200ms);
  CHECK(told == "timeout close ");
  CHECK(agent.freeSockets().empty());
}

TEST_CASE("what follows a response that is complete is an error, unless it is a response",
          "[ClientRequest]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = http::get(net.io(), net.options(agent));
  EventLog log(req);
  SECTION("bytes") {
    net.deliver(response("hi") + "XYZ");
    CHECK(log.text() ==
          "socket finish response data:hi error:HPE_INVALID_CONSTANT res-end res-close close");
  }
  SECTION("a line's end and bytes") {
    net.deliver(response("hi") + "\r\nX");
    CHECK(log.text() ==
          "socket finish response data:hi error:HPE_INVALID_CONSTANT res-end res-close close");
  }
  SECTION("another response") {
    net.deliver(response("hi") + response("again"));
    CHECK(log.text() == "socket finish response data:hi res-end res-close close");
  }
  CHECK(net.closed());
}

TEST_CASE("a reset inside the body is told by the request as well", "[ClientRequest]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  EventLog log(req);
  std::string what;
  req.on<"error">([&](const Error& error) { what = error.what(); });
  net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
  net.reset();
  CHECK(log.text() ==
        "socket finish response data:ab error:ECONNRESET res-aborted close res-error:ECONNRESET "
        "res-close");
  CHECK(what == "read ECONNRESET");
}

TEST_CASE("a piece that read() gave stays while the caller awaits something else",
          "[ClientRequest][IncomingMessage]") {
  Requesting net;
  Gate gate;
  std::optional<IncomingMessage> res;
  std::string piece, failure;
  const auto reader = [&]() -> task<> {
    try {
      const auto given = co_await res->read();
      co_await gate.wait();
      piece = *given;
      while (co_await res->read()) continue;
    } catch (const Error& error) {
      failure = error.name();
    }
  };
  auto req = http::get(net.io(), net.options());
  req.once<"response">([&](IncomingMessage& response) { res = std::move(response); });
  net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(900, 'x'));
  auto running = start(net.io(), reader());
  net.settle();
  SECTION("and the server resets") { net.reset(); }
  SECTION("and the server ends too early") { net.end(); }
  SECTION("and more comes, and the server resets") {
    net.deliver(std::string(20'000, 'y'));
    net.reset();
  }
  SECTION("and the request is destroyed") { req.destroy(); }
  net.settle();
  gate.open();
  net.settle();
  CHECK(running.done());
  CHECK(piece == std::string(900, 'x'));
  CHECK(!failure.empty());
}

TEST_CASE("a request of another length than it said is its connection's last", "[Agent]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  const bool shorter = GENERATE(true, false);
  RequestOptions options = net.options(agent);
  options.method = "PUT";
  options.headers.set("Content-Length", shorter ? 10 : 3);
  auto req = request(net.io(), options);
  req.end("hello");
  net.deliver(response());
  net.settle();
  CHECK(net.closed());
  CHECK(agent.freeSockets().empty());
}

TEST_CASE("the response says whether the connection is kept",
          "[ClientRequest][row:4/shouldKeepAlive]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = http::get(net.io(), net.options(agent));
  CHECK(req.shouldKeepAlive);
  const bool kept = GENERATE(true, false);
  net.deliver(response({}, kept ? "" : "Connection: close\r\n"));
  CHECK(req.shouldKeepAlive == kept);
}

TEST_CASE("a request with a body is not repeated", "[ClientRequest]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto first = http::get(net.io(), net.options(agent));
  net.deliver(response());
  RequestOptions options = net.options(agent);
  options.method = "PUT";
  options.retryStale = true;
  auto req = request(net.io(), options);
  EventLog log(req);
  const bool body = GENERATE(true, false);
  if (body) req.write(std::string(5000, 'x'));
  req.end();
  net.settle();
  net.reset();
  CHECK(net.count() == (body ? 1U : 2U));
  CHECK(log.text() == (body ? "socket finish error:ECONNRESET close" : "socket finish socket"));
}

TEST_CASE("what a CONNECT writes goes to the server as it is", "[ClientRequest]") {
  Requesting net;
  auto req = request(net.io(), net.options({.method = "CONNECT", .path = "example.org:80"}));
  req.write("abc");
  req.end("def");
  const std::string sent = net.received();
  CHECK(sent.ends_with("\r\n\r\nabcdef"));
  CHECK(sent.find("Transfer-Encoding") == std::string::npos);
  CHECK(sent.find("Content-Length") == std::string::npos);
}

TEST_CASE("an agent is for one executor", "[Agent]") {
  Requesting net;
  Agent agent(net.io());
  const auto strand = asio::make_strand(net.io());
  RequestOptions options = net.options(agent);
  CHECK(thrownBy([&] { static_cast<void>(request(strand, options)); }) == "ERR_INVALID_ARG_VALUE");
  std::string thrown;
  const auto ask = [&]() -> task<> {
    try {
      co_await http::get(options);
    } catch (const Error& error) {
      thrown = error.name();
    }
  };
  asio::co_spawn(strand, ask(), asio::detached);
  net.settle();
  CHECK(thrown == "ERR_INVALID_ARG_VALUE");
  CHECK(net.asked() == 0);
}
