// SPDX-License-Identifier: BSL-1.0
//
// sluice::observe: what an observer hears of servers, clients, their pools and their failures.
#include <set>
#include <sluice/observe.hpp>
#include <stdexcept>
#include <string>
#include <vector>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/request.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

const char* nameOf(observe::Side side) {
  return side == observe::Side::server ? "server" : "client";
}

// What it hears, as text. Of connections only that they come and go.
struct Recorder : observe::Observer {
  using Observer::Observer;

  void opened(const observe::Connection&) noexcept override { ++connections; }
  void closed(const observe::Connection& connection) noexcept override {
    --connections;
    read = connection.bytesRead;
    written = connection.bytesWritten;
  }
  void began(const observe::Request& request) noexcept override {
    words.push_back(std::string(nameOf(request.side)) + " began " + std::string(request.method) +
                    ' ' + std::string(request.url) + ' ' + std::string(request.host));
    running.insert(request.id);
  }
  void ended(const observe::Request& request) noexcept override {
    CHECK(running.erase(request.id) == 1);
    words.push_back(
        std::string(nameOf(request.side)) + " ended " + std::to_string(request.statusCode) + " -" +
        std::to_string(request.bytesRead) + " +" + std::to_string(request.bytesWritten) + ' ' +
        std::to_string(request.duration / 1ms) + "ms " + std::string(errorName(request.error)));
  }
  void changed(const observe::Pool& pool) noexcept override {
    pools.push_back(std::string(pool.name) + ' ' + std::to_string(pool.used) + '/' +
                    std::to_string(pool.free) + '/' + std::to_string(pool.waiting));
    agent = pool.agent;
  }
  void failed(observe::Side side, const Error& error) noexcept override {
    words.push_back(std::string(nameOf(side)) + " failed " + std::string(error.name()));
  }

  Words words;
  Words pools;
  const void* agent = nullptr;
  std::set<const void*> running;
  int connections = 0;
  std::uint64_t read = 0;
  std::uint64_t written = 0;
};

std::string lengthOf(std::string_view bytes) { return std::to_string(bytes.size()); }

}  // namespace

TEST_CASE("an observer hears of each request, with its bytes and its time", "[observe]") {
  Serving wire(
      [](IncomingMessage& req, ServerResponse& res) -> task<> {
        const std::string body = co_await req.text();
        co_await res.end(body);
      },
      {});
  Recorder recorder(wire.io());
  wire.client();
  const std::string first = post(5, "hel");
  CHECK(wire.send(first).empty());
  CHECK(recorder.words == Words{"server began POST / "});
  wire.advance(250ms);
  wire.send("lo");
  const std::string answer(wire.wire().received());
  CHECK(recorder.words.back() == "server ended 200 -" + std::to_string(first.size() + 2) + " +" +
                                     lengthOf(answer) + " 250ms ");

  // Two at once: each has its own bytes.
  recorder.words.clear();
  wire.wire().takeReceived();
  wire.send(test::get("/a") + test::get("/longer"));
  CHECK(recorder.words.size() == 4);
  CHECK(recorder.words[0] == "server began GET /a ");
  CHECK(recorder.words[1].find("server ended 200 -" + lengthOf(test::get("/a")) + " +") == 0);
  CHECK(recorder.words[2] == "server began GET /longer ");
  CHECK(recorder.words[3].find("server ended 200 -" + lengthOf(test::get("/longer")) + " +") == 0);
}

TEST_CASE("an observer hears why a request was cut", "[observe]") {
  Serving wire(
      [](IncomingMessage& req, ServerResponse& res) -> task<> {
        co_await req.text();
        co_await res.end();
      },
      {});
  Recorder recorder(wire.io());
  const std::string half = post(5, "hel");
  wire.send(half);
  wire.wire().reset();
  wire.settle();
  CHECK(recorder.words ==
        Words{"server began POST / ", "server ended 0 -" + lengthOf(half) + " +0 0ms ECONNRESET"});
}

TEST_CASE("an observer hears of a handler that throws and of what is no request", "[observe]") {
  Serving wire(
      [](IncomingMessage&, ServerResponse&) -> task<> {
        throw std::runtime_error("no reason");
        co_return;
      },
      {});
  wire.server().on<"error">([](const Error&) {});
  Recorder recorder(wire.io());
  wire.send(test::get("/x"));
  wire.connect().send("GET / HTTP/9.9\r\n\r\n");
  REQUIRE(recorder.words.size() == 4);
  CHECK(recorder.words[0] == "server began GET /x ");
  CHECK(recorder.words[1] == "server failed ERR_UNHANDLED_ERROR");
  CHECK(recorder.words[2].find("server ended 500 ") == 0);
  CHECK(recorder.words[3] == "server failed HPE_INVALID_VERSION");
}

TEST_CASE("an observer hears of a client's requests and its agent's pool", "[observe]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxSockets = 1});
  Recorder recorder(net.io());
  auto first = http::get(net.io(), net.options(agent));
  auto second = http::get(net.io(), net.options(agent));
  net.settle();
  const std::string sent(net.received());
  CHECK(recorder.words == Words{"client began GET / localhost", "client began GET / localhost"});
  CHECK(recorder.pools.back() == "localhost:80: 1/0/1");
  CHECK(recorder.agent == &agent);
  recorder.words.clear();
  const std::string answer = response("hello");
  recorder.pools.clear();
  net.deliver(answer);
  net.settle();
  REQUIRE(recorder.words.size() == 1);
  CHECK(recorder.words[0].find("client ended 200 -" + lengthOf(answer) + " +" + lengthOf(sent)) ==
        0);
  CHECK(recorder.pools.back() == "localhost:80: 1/0/0");
  net.deliver(answer);
  net.settle();
  CHECK(recorder.pools.back() == "localhost:80: 0/1/0");
  CHECK(recorder.words.size() == 2);
  agent.destroy();
  net.settle();
  CHECK(recorder.pools.back() == "localhost:80: 0/0/0");
}

TEST_CASE("an observer hears why a client's request failed", "[observe]") {
  Requesting net;
  Agent agent(net.io());
  Recorder recorder(net.io());
  auto req = http::get(net.io(), net.options(agent));
  req.on<"error">([](const Error&) {});
  net.settle();
  net.wire().reset();
  net.settle();
  REQUIRE(recorder.words.size() == 3);
  CHECK(recorder.words[1].find("client ended 0 -0 +") == 0);
  CHECK(recorder.words[1].find("ECONNRESET") != std::string::npos);
  CHECK(recorder.words[2] == "client failed ECONNRESET");
}

TEST_CASE("observers come and go, and each hears everything", "[observe]") {
  Serving wire(okHandler, {});
  Recorder first(wire.io());
  auto second = std::make_unique<Recorder>(wire.io());
  Recorder third(wire.io());
  wire.send(test::get());
  second.reset();
  wire.send(test::get());
  CHECK(first.words.size() == 4);
  CHECK(third.words == first.words);
}

TEST_CASE("an observer hears of connections and what they carried", "[observe][plain]") {
  asio::io_context io;
  Recorder recorder(io);
  auto [ours, theirs] = connectedPair(io);
  CHECK(recorder.connections == 2);
  ours.write("hello");
  settleBounded(io);
  ours.destroy();
  CHECK(recorder.connections == 1);
  CHECK(recorder.written == 5);
  theirs.destroy();
  CHECK(recorder.connections == 0);
}

TEST_CASE("an observer may outlive the loop", "[observe]") {
  auto io = std::make_unique<asio::io_context>();
  Recorder recorder(*io);
  auto [ours, theirs] = connectedPair(*io);
  io.reset();
  CHECK(recorder.connections == 0);
}
