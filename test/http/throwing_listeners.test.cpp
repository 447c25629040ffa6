// SPDX-License-Identifier: BSL-1.0
//
// What a listener or a callback throws leaves run(), or is the server's "error". What comes after
// it comes all the same: other callbacks, 'close', the next request, and a connection that an agent
// keeps.
#include <functional>
#include <optional>
#include <sluice/timer.hpp>
#include <stdexcept>
#include <string>
#include <vector>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/request.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

[[noreturn]] void fail() { throw std::runtime_error("of a listener"); }

// Runs all that is ready, and says how many exceptions have left.
int settleThrowing(asio::io_context& io) {
  int thrown = 0;
  for (int rest = 100'000; rest != 0; --rest) {
    io.restart();
    try {
      if (io.poll_one() == 0) return thrown;
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  throw std::logic_error("it does not come to rest");
}

struct Case {
  const char* what;
  std::function<void(ClientRequest&)> prepare;
  std::string answer = response("ok");
};

void hear(ClientRequest& req) {
  req.on<"response">([](IncomingMessage& res) { res.resume(); });
}

const std::vector<Case> cases = {
    {"socket", [](ClientRequest& req) { req.on<"socket">([](net::Socket&) { fail(); }); }},
    {"response", [](ClientRequest& req) { req.on<"response">([](IncomingMessage&) { fail(); }); }},
    {"finish", [](ClientRequest& req) { req.on<"finish">([] { fail(); }); }},
    {"prefinish", [](ClientRequest& req) { req.on<"prefinish">([] { fail(); }); }},
    {"data",
     [](ClientRequest& req) {
       req.on<"response">(
           [](IncomingMessage& res) { res.on<"data">([](std::string_view) { fail(); }); });
     }},
    {"end of the response",
     [](ClientRequest& req) {
       req.on<"response">([](IncomingMessage& res) {
         res.on<"end">([] { fail(); });
         res.resume();
       });
     }},
    {"close of the response",
     [](ClientRequest& req) {
       req.on<"response">([](IncomingMessage& res) {
         res.on<"close">([] { fail(); });
         res.resume();
       });
     }},
    {"information",
     [](ClientRequest& req) { req.on<"information">([](const Information&) { fail(); }); },
     "HTTP/1.1 103 Early Hints\r\n\r\n" + response("ok")},
    {"continue", [](ClientRequest& req) { req.on<"continue">([] { fail(); }); },
     "HTTP/1.1 100 Continue\r\n\r\n" + response("ok")},
    {"error of what is no HTTP",
     [](ClientRequest& req) { req.on<"error">([](const Error&) { fail(); }); }, "NONSENSE\r\n\r\n"},
    {"error of a body that is none",
     [](ClientRequest& req) { req.on<"error">([](const Error&) { fail(); }); },
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"},
    {"aborted",
     [](ClientRequest& req) {
       req.on<"response">([](IncomingMessage& res) {
         res.on<"aborted">([] { fail(); });
         res.on<"error">([](const Error&) { fail(); });
         res.resume();
       });
     },
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"},
};

}  // namespace

TEST_CASE("what a listener of a client throws does not keep its connection from the agent",
          "[ClientRequest][Agent]") {
  for (const Case& each : cases) {
    CAPTURE(each.what);
    Requesting net;
    Agent agent(net.io(), {.keepAlive = true, .maxSockets = 1});
    int closes = 0;
    auto req = http::request(net.io(), net.options(agent));
    each.prepare(req);
    hear(req);
    req.on<"close">([&] { ++closes; });
    req.end();
    int thrown = settleThrowing(net.io());
    net.wire(0).deliver(each.answer);
    thrown += settleThrowing(net.io());
    CHECK(thrown >= 1);
    CHECK(closes == 1);
    auto next = http::request(net.io(), net.options(agent));
    bool heard = false;
    next.on<"response">([&](IncomingMessage& res) {
      heard = true;
      res.resume();
    });
    next.end();
    net.settle();
    net.wire(net.count() - 1).deliver(response("ok"));
    net.settle();
    CHECK(heard);
    CHECK(next.closed());
  }
}

TEST_CASE("what a listener of \"free\", or of 'close', throws does not keep the connection",
          "[ClientRequest][Agent]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true, .maxSockets = 1});
  auto req = http::request(net.io(), net.options(agent));
  SECTION("free") {
    agent.on<"free">([](net::Socket&) { fail(); });
  }
  SECTION("close") {
    req.on<"close">([] { fail(); });
  }
  hear(req);
  req.end();
  net.settle();
  net.wire(0).deliver(response("ok"));
  CHECK(settleThrowing(net.io()) == 1);
  CHECK(agent.freeSockets().size() == 1);
  CHECK(agent.sockets().empty());
}

TEST_CASE("a coroutine has its response, whatever a listener throws", "[ClientRequest]") {
  Requesting net;
  auto req = http::request(net.io(), net.options());
  req.on<"response">([](IncomingMessage&) { fail(); });
  req.end();
  std::string text;
  const auto read = [&]() -> task<> {
    IncomingMessage res = co_await req.response();
    text = co_await res.text();
  };
  auto reading = start(net.io(), read());
  net.settle();
  net.wire(0).deliver(response("ok"));
  CHECK(settleThrowing(net.io()) == 1);
  REQUIRE(reading.done());
  CHECK(text == "ok");
}

TEST_CASE("what 'close' of a dropped response throws leaves run()", "[ClientRequest]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = http::request(net.io(), net.options(agent));
  req.end();
  const auto drop = [&]() -> task<> {
    IncomingMessage res = co_await req.response();
    res.on<"close">([] { fail(); });
  };
  auto dropping = start(net.io(), drop());
  net.settle();
  net.wire(0).deliver(response("ok"));
  CHECK(settleThrowing(net.io()) == 1);
  CHECK(dropping.done());
  CHECK(agent.freeSockets().size() == 1);
}

TEST_CASE("a listener of data that throws gets the pieces that follow", "[ClientRequest]") {
  Requesting net;
  auto req = http::request(net.io(), net.options());
  std::string text;
  bool ended = false;
  req.on<"response">([&](IncomingMessage& res) {
    res.on<"data">([&](std::string_view piece) {
      text += piece;
      fail();
    });
    res.on<"end">([&] { ended = true; });
  });
  req.end();
  net.settle();
  net.wire(0).deliver(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n");
  CHECK(settleThrowing(net.io()) == 2);
  net.wire(0).deliver("2\r\nef\r\n0\r\n\r\n");
  CHECK(settleThrowing(net.io()) == 1);
  CHECK(text == "abcdef");
  CHECK(ended);
}

TEST_CASE("what a listener of a response throws ends nothing but its connection", "[http]") {
  std::function<void(ServerResponse&)> prepare;
  int called = 0;
  int errors = 0;
  Serving wire(
      [&](IncomingMessage& req, ServerResponse& res) -> task<> {
        if (req.url() == "/throwing") prepare(res);
        co_await res.end("body");
      },
      {});
  wire.server().on<"error">([&] { ++errors; });
  SECTION("prefinish") {
    prepare = [&](ServerResponse& res) {
      res.on<"prefinish">([&] {
        ++called;
        fail();
      });
    };
  }
  SECTION("one of the callbacks of end()") {
    prepare = [&](ServerResponse& res) {
      res.end([&](error_code) { fail(); });
      res.end([&](error_code ec) { called += ec ? 2 : 1; });
    };
  }
  wire.wire().deliver(test::get("/throwing"));
  const int thrown = settleThrowing(wire.io());
  CHECK(called == 1);
  CHECK(thrown + errors >= 1);
  CHECK(wire.connect().send(test::get()) == ok("body"));
}

TEST_CASE("what a listener of \"error\" throws leaves run(), and the connection lives on",
          "[http]") {
  Serving wire(
      [](IncomingMessage& req, ServerResponse& res) -> task<> {
        if (req.url() == "/throwing") fail();
        co_await res.end("body");
      },
      {});
  int errors = 0;
  wire.server().on<"error">([&] {
    ++errors;
    fail();
  });
  wire.wire().deliver(test::get("/throwing"));
  CHECK(settleThrowing(wire.io()) == 1);
  CHECK(errors == 1);
  CHECK(wire.take() == internalServerError);
  CHECK(wire.send(test::get()) == ok("body"));
}

TEST_CASE("every callback of close() is called, whatever the others throw", "[http]") {
  auto wire = serve(okHandler);
  int called = 0;
  wire.server().on<"close">([] { fail(); });
  wire.server().close([&](error_code) {
    ++called;
    fail();
  });
  wire.server().close([&](error_code) { ++called; });
  CHECK(settleThrowing(wire.io()) == 2);
  CHECK(called == 2);
}

TEST_CASE("a socket goes on, whatever its listeners throw", "[net.Socket]") {
  asio::io_context io;
  auto [ours, theirs] = connectedPair(io);
  std::string text;
  int closes = 0;
  ours.on<"data">([&](std::string_view bytes) {
    text += bytes;
    fail();
  });
  ours.on<"end">([] { fail(); });
  ours.on<"error">([](const Error&) { fail(); });
  ours.on<"close">([&](bool) {
    ++closes;
    fail();
  });
  ours.unshift("held,");
  CHECK(settleThrowing(io) == 1);
  theirs.write("one,");
  CHECK(settleThrowing(io) == 1);
  theirs.write("two");
  CHECK(settleThrowing(io) == 1);
  CHECK(text == "held,one,two");
  SECTION("an end") {
    theirs.end();
    CHECK(settleThrowing(io) == 2);
  }
  SECTION("an error") {
    ours.destroy(make_error_code(errc::ERR_INVALID_STATE));
    CHECK(settleThrowing(io) == 2);
  }
  CHECK(ours.destroyed());
  CHECK(closes == 1);
}

TEST_CASE("what a coroutine that listens throws is the request's error, also after the response",
          "[ClientRequest]") {
  Requesting net;
  std::vector<std::string> log;
  const auto req = [&] {
    auto made = http::get(net.io(), net.options(), [&](IncomingMessage& res) -> task<> {
      co_await res.text();
      co_await sleepFor(1s);
      throw std::runtime_error("not what was expected");
    });
    made.on<"error">([&](const Error& error) { log.push_back(error.what()); }).on<"close">([&] {
      log.push_back("close");
    });
    return made;
  }();
  net.settle();
  net.deliver(response("ok"));
  CHECK(log == std::vector<std::string>{"close"});
  net.advance(1s);
  CHECK(log == std::vector<std::string>{"close", "not what was expected"});
}

TEST_CASE("an error that ends the exchange is told once, also if a coroutine that listens meets it",
          "[ClientRequest]") {
  Requesting net;
  std::size_t errors = 0;
  auto req = http::get(net.io(), net.options(),
                       [](IncomingMessage& res) -> task<> { co_await res.text(); });
  req.on<"error">([&](const Error&) { ++errors; });
  net.settle();
  net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
  net.end();
  CHECK(req.closed());
  CHECK(errors == 1);
}

TEST_CASE("a connection that breaks ends in order, whatever its listeners throw", "[http]") {
  int called = 0;
  const auto failing = [&] {
    ++called;
    fail();
  };
  const std::string where = GENERATE("aborted", "error of the request", "close of the request",
                                     "close", "callbacks", "clientError");
  const std::string handlerWaits = GENERATE("for what never comes", "for close", "for the body");
  const bool handlerDestroys = GENERATE(false, true);
  const bool cancels = handlerWaits == "for what never comes" || GENERATE(false, true);
  CAPTURE(where, handlerWaits, handlerDestroys, cancels);
  Gate gate;
  bool ended = false;
  ServerOptions options;
  options.cancelOnDisconnect = cancels;
  Serving wire(
      [&](IncomingMessage& req, ServerResponse& res) -> task<> {
        if (where == "aborted") req.on<"aborted">(failing);
        if (where == "error of the request") req.on<"error">([&](const Error&) { failing(); });
        if (where == "close of the request") req.on<"close">(failing);
        if (where == "close") res.on<"close">(failing);
        if (where == "callbacks") {
          res.end([&](error_code) { failing(); });
          res.end([&](error_code) { failing(); });
        }
        if (handlerDestroys) res.destroy();
        try {
          if (handlerWaits == "for the body") {
            co_await req.text();
          } else if (handlerWaits == "for close") {
            co_await res.once<"close">();
          } else {
            co_await gate.wait();
          }
        } catch (const boost::system::system_error&) {
        }
        ended = true;
      },
      std::move(options));
  if (where == "clientError") {
    wire.server().on<"clientError">([&](const Error&, net::Socket&) { failing(); });
  }
  int errors = 0;
  wire.server().on<"error">([&] { ++errors; });
  wire.wire().deliver(test::post(10, "12"));
  int thrown = settleThrowing(wire.io());
  wire.wire().reset();
  thrown += settleThrowing(wire.io());
  CHECK(ended);
  CHECK(thrown + errors == called);
  CHECK(wire.server().getConnections() == 0);
  auto shut = start(wire.io(), wire.server().shutdown(0ms));
  settleThrowing(wire.io());
  CHECK(shut.done());
}

TEST_CASE("a connection that never served ends in order, whatever \"clientError\" throws",
          "[http]") {
  Serving wire(okHandler, {.connectionsCheckingInterval = 1s});
  int errors = 0;
  wire.server().on<"clientError">([](const Error&, net::Socket&) { fail(); }).on<"error">([&] {
    ++errors;
  });
  wire.client();
  wire.settle();
  wire.wire().reset();
  wire.settle();
  CHECK(errors == 1);
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("every late request is told of, whatever \"clientError\" throws", "[http]") {
  Gate gate;
  Serving wire([&](IncomingMessage&, ServerResponse&) -> task<> { co_await gate.wait(); },
               {.requestTimeout = 10s, .connectionsCheckingInterval = 1s});
  int told = 0;
  int errors = 0;
  wire.server()
      .on<"clientError">([&](const Error&, net::Socket&) {
        ++told;
        fail();
      })
      .on<"error">([&](const Error& error) {
        if (error.what() == std::string_view("of a listener")) ++errors;
      });
  for (int count = 0; count < 3; ++count) wire.connect().send("GET");
  wire.connect().send(post(10, "12"));
  CHECK(gate.waiting());
  wire.advance(15s);
  CHECK(told == 4);
  CHECK(errors == 4);
  CHECK(!gate.waiting());
  CHECK(wire.server().getConnections() == 0);
  wire.connect().send("GET");
  wire.advance(15s);
  CHECK(told == 5);
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("every \"timeout\" is told, whatever the others throw", "[http]") {
  Gate gate;
  int told = 0;
  Serving wire(
      [&](IncomingMessage& req, ServerResponse& res) -> task<> {
        req.on<"timeout">([&] {
          ++told;
          fail();
        });
        res.setTimeout(1s, [&] {
          ++told;
          fail();
        });
        co_await gate.wait();
      },
      {});
  wire.server().on<"timeout">([&](net::Socket& socket) {
    ++told;
    socket.destroy();
    fail();
  });
  wire.send(post(10, "12"));
  int thrown = 0;
  try {
    wire.advance(1s);
  } catch (const std::runtime_error&) {
    ++thrown;
  }
  thrown += settleThrowing(wire.io());
  CHECK(told == 3);
  CHECK(thrown == 3);
  CHECK(wire.closed());
  CHECK(wire.server().getConnections() == 0);
}
