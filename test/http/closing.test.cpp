// SPDX-License-Identifier: BSL-1.0
//
// How a server ends: close(), shutdown(), the two that close connections, being moved, and being
// destroyed anywhere.
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/run.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

// A server whose end a test decides, and its connections.
struct Stage {
  template <class F>
  explicit Stage(F&& handler, ServerOptions options = {})
      : server(makeServer(io, std::move(options), std::forward<F>(handler))) {}

  Client& connect() {
    Client& client = clients.emplace_back(io);
    server->serve(client.socket());
    return client;
  }

  asio::io_context io;
  std::optional<Server> server;
  std::list<Client> clients;
};

}  // namespace

TEST_CASE("close() ends idle connections at once and lets busy ones finish",
          "[http][row:3.2/close][row:11.11/server.close][row:11.11/server.close]"
          "[row:3.1/close]"
          "[row:13/server.close]") {
  Gate gate;
  std::vector<std::string> log;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/busy") co_await gate.wait();
    co_await res.end();
  });
  wire.server().listen(0, "127.0.0.1");
  wire.server().on<"close">([&] { log.emplace_back("close"); });
  auto& silent = wire.connect();
  auto& idle = wire.connect();
  auto& busy = wire.connect();
  CHECK(idle.send(get()) == ok());
  busy.send(get("/busy"));
  silent.received();
  CHECK(wire.server().getConnections() == 3);
  wire.server().close(
      [&](error_code ec) { log.push_back("callback" + std::string(ec ? " failed" : "")); });
  CHECK(!wire.server().listening());
  CHECK(idle.closed());
  CHECK(silent.closed());
  CHECK(!busy.closed());
  CHECK(log.empty());
  CHECK(wire.server().getConnections() == 1);
  gate.open();
  CHECK(busy.received() == ok());
  CHECK(busy.closed());
  CHECK(log == std::vector<std::string>{"close", "callback"});
}

TEST_CASE("close() of a server that does not listen tells ERR_SERVER_NOT_RUNNING",
          "[http][row:3.2/close]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end(); });
  std::string error;
  wire.server().close([&](error_code ec) { error = errorName(ec); });
  wire.settle();
  CHECK(error == "ERR_SERVER_NOT_RUNNING");
}

TEST_CASE("a half-received request is not idle",
          "[http][row:11.11/half-received-request-at-close]"
          "[row:3.2/closeIdleConnections]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end(); });
  auto& half = wire.connect();
  auto& body = wire.connect();
  auto& line = wire.connect();
  half.send("GET / HT");
  body.send(get());
  line.send("\r\n");
  wire.server().closeIdleConnections();
  CHECK(!half.closed());
  CHECK(body.closed());
  CHECK(line.closed());
  CHECK(half.send("TP/1.1\r\nHost: a\r\n\r\n") == ok());
  wire.server().closeIdleConnections();
  CHECK(half.closed());
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("closeAllConnections() destroys them all and cancels their handlers",
          "[http][row:3.2/closeAllConnections]") {
  Gate gate;
  std::string end;
  auto wire = serve([&](IncomingMessage&, ServerResponse&) -> task<> {
    try {
      co_await gate.wait();
    } catch (const boost::system::system_error& error) {
      end = errorName(error.code());
    }
  });
  auto& busy = wire.connect();
  auto& idle = wire.connect();
  auto& half = wire.connect();
  busy.send(get());
  half.send("GET");
  wire.server().closeAllConnections();
  CHECK(busy.closed());
  CHECK(idle.closed());
  CHECK(half.closed());
  CHECK(end == "ABORT_ERR");
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("shutdown() waits for the busy as long as it is told", "[http]") {
  Gate gate;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    co_await gate.wait();
    co_await res.end("done");
  });
  wire.server().listen(0, "127.0.0.1");
  auto& busy = wire.connect();
  busy.send(get());
  auto end = test::start(wire.io(), wire.server().shutdown(10s));
  wire.settle();
  CHECK(!end.done());
  SECTION("they finish") {
    wire.advance(9s);
    gate.open();
    CHECK(busy.received() == ok("done"));
  }
  SECTION("they do not") {
    wire.advance(9999ms);
    CHECK(!busy.closed());
    wire.advance(1ms);
    CHECK(busy.received().empty());
  }
  CHECK(busy.closed());
  CHECK(end.done());
}

TEST_CASE("of several calls of shutdown() the most urgent counts", "[http]") {
  auto wire =
      serve([](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.once<"close">(); });
  wire.server().listen(0, "127.0.0.1");
  auto& busy = wire.connect();
  busy.send(get());
  auto first = test::start(wire.io(), wire.server().shutdown(2s));
  auto second = test::start(wire.io(), wire.server().shutdown(1s));
  auto third = test::start(wire.io(), wire.server().shutdown(3s));
  wire.advance(999ms);
  CHECK(!busy.closed());
  wire.advance(1ms);
  CHECK(busy.closed());
  CHECK(first.done());
  CHECK(second.done());
  CHECK(third.done());
}

TEST_CASE("closed() resumes at close", "[http][row:3.2/asyncDispose]") {
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end(); });
  wire.server().listen(0, "127.0.0.1");
  auto end = test::start(wire.io(), wire.server().closed());
  wire.settle();
  CHECK(!end.done());
  wire.server().close();
  wire.settle();
  CHECK(end.done());
}

TEST_CASE("a server may be gone when the wait for its end begins", "[http]") {
  asio::io_context io;
  std::optional<Server> server(createServer(io));
  Wire wire(io);
  SECTION("with a connection") { server->serve(wire.socket()); }
  SECTION("without one") {}
  auto down = test::start(io, server->shutdown(10s));
  auto closed = test::start(io, server->closed());
  server.reset();
  test::settle(io);
  CHECK(down.done());
  CHECK(closed.done());
}

TEST_CASE("a server that is moved goes on, with its settings", "[http]") {
  Stage stage(
      [](IncomingMessage& req, ServerResponse& res) -> task<> { co_await res.end(req.url()); });
  Client& client = stage.connect();
  CHECK(client.send(get("/1")) == ok("/1"));
  Server other(std::move(*stage.server));
  stage.server.reset();
  other.keepAliveTimeout = 7s;
  client.take();
  CHECK(client.send(get("/2")).find("Keep-Alive: timeout=7\r\n") != std::string::npos);
  Server third = createServer(stage.io);
  third = std::move(other);
  third.keepAliveTimeout = 8s;
  client.take();
  CHECK(client.send(get("/3")).find("Keep-Alive: timeout=8\r\n") != std::string::npos);
  CHECK(third.getConnections() == 1);
}

TEST_CASE("destroying a server ends its connections and cancels its handlers, whatever the options",
          "[http]") {
  Gate gate;
  std::vector<std::string> log;
  const bool cancels = GENERATE(true, false);
  Stage stage(
      [&](IncomingMessage& req, ServerResponse&) -> task<> {
        req.on<"close">([&] { log.emplace_back("close"); });
        try {
          co_await gate.wait();
        } catch (const boost::system::system_error& error) {
          log.emplace_back(errorName(error.code()));
        }
      },
      {.cancelOnDisconnect = cancels});
  Client& busy = stage.connect();
  Client& idle = stage.connect();
  Client& half = stage.connect();
  Client& body = stage.connect();
  busy.send(get());
  half.send("GET");
  idle.received();
  SECTION("now") { stage.server.reset(); }
  SECTION("by assignment") { *stage.server = createServer(stage.io); }
  CHECK(busy.closed());
  CHECK(idle.closed());
  CHECK(half.closed());
  CHECK(body.closed());
  if (cancels) {
    CHECK(log == std::vector<std::string>{"close", "ABORT_ERR"});
  } else {
    CHECK(log.size() == 2);
  }
}

TEST_CASE("a server may be destroyed inside its own handler", "[http]") {
  std::string log;
  std::optional<Server>* own = nullptr;
  std::string when;
  Stage stage([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (when == "after end") res.end("x");
    if (when == "after write") res.write("x");
    own->reset();
    log += req.url();
    if (when == "after end") co_return;
    try {
      co_await res.end("late");
    } catch (const boost::system::system_error& error) {
      log += errorName(error.code());
    }
  });
  own = &stage.server;
  when = GENERATE("before", "after write", "after end");
  Client& client = stage.connect();
  Client& other = stage.connect();
  client.send(get("/x") + get("/y"));
  CHECK(log.starts_with("/x"));
  CHECK(client.closed());
  CHECK(other.closed());
}

TEST_CASE("a server may be destroyed inside any listener", "[http]") {
  std::optional<Server>* own = nullptr;
  bool destroyed = false;
  const auto end = [&] {
    destroyed = true;
    own->reset();
  };
  std::string where;
  Stage stage([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (where == "data") req.on<"data">([&](std::string_view) { end(); });
    if (where == "end") req.on<"end">(end);
    if (where == "req close") req.on<"close">(end);
    if (where == "prefinish") res.on<"prefinish">(end);
    if (where == "finish") res.on<"finish">(end);
    if (where == "res close") res.on<"close">(end);
    if (where == "aborted") req.on<"aborted">(end);
    if (where == "error") throw std::runtime_error("no luck");
    if (where == "data") co_await req.once<"end">();
    co_await req.text();
    co_await res.end();
  });
  own = &stage.server;
  where = GENERATE("connection", "clientError", "error", "data", "end", "req close", "prefinish",
                   "finish", "res close", "aborted", "timeout", "dropRequest");
  if (where == "connection") stage.server->on<"connection">([&](net::Socket&) { end(); });
  if (where == "clientError") stage.server->on<"clientError">([&] { end(); });
  if (where == "error") stage.server->on<"error">([&] { end(); });
  if (where == "dropRequest") {
    stage.server->maxRequestsPerSocket = 1;
    stage.server->on<"dropRequest">([&] { end(); });
  }
  test::Clock clock(stage.io);
  if (where == "timeout") stage.server->setTimeout(1s, [&](net::Socket&) { end(); });
  Client& client = stage.connect();
  Client* second = where == "connection" ? nullptr : &stage.connect();
  if (where == "clientError") {
    client.send("garbage\r\n\r\n");
  } else if (where == "aborted") {
    client.send(post(10, "12"));
    client.wire().reset();
  } else {
    client.send(post(2, "ab") + get());
  }
  client.received();
  if (where == "timeout") clock.advance(10s);
  INFO("in " << where);
  CHECK(destroyed);
  CHECK(client.closed());
  if (second != nullptr) CHECK(second->closed());
}

TEST_CASE("the loop may end before the server, with everything under way", "[http]") {
  Gate gate;
  auto io = std::make_unique<asio::io_context>();
  auto server = makeServer(*io, {}, [&](IncomingMessage& req, ServerResponse&) -> task<> {
    if (req.url() == "/body") {
      co_await req.text();
    } else if (req.url() == "/event") {
      co_await req.once<"end">();
    } else {
      co_await gate.wait();
    }
  });
  std::list<Client> clients;
  for (const std::string& bytes :
       {std::string(), std::string("GET"), get(), post(2, "a").replace(5, 1, "/body"),
        post(2, "a").replace(5, 1, "/event"), get() + get()}) {
    Client& client = clients.emplace_back(*io);
    server.serve(client.socket());
    client.send(bytes);
  }
  CHECK(server.getConnections() == 6);
  io.reset();
  CHECK(server.getConnections() == 0);
}

TEST_CASE("several servers in one loop do not meet", "[http]") {
  asio::io_context io;
  const auto handler = [](std::string name) {
    return [name](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end(name); };
  };
  auto one = makeServer(io, {}, handler("one"));
  auto two = makeServer(io, {}, handler("two"));
  Client a(io);
  Client b(io);
  one.serve(a.socket());
  two.serve(b.socket());
  a.wire().deliver(get());
  b.wire().deliver(get());
  CHECK(a.received() == ok("one"));
  CHECK(b.received() == ok("two"));
  one.closeAllConnections();
  CHECK(a.closed());
  CHECK(!b.closed());
  CHECK(two.getConnections() == 1);
}
