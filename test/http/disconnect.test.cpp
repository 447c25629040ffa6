// SPDX-License-Identifier: BSL-1.0
//
// Clients that go away, handlers that throw or give up, and who is told.
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

using Log = std::vector<std::string>;

void follow(Log& log, IncomingMessage& req, ServerResponse& res) {
  req.on<"aborted">([&] { log.push_back("req aborted"); });
  req.on<"error">([&](const Error& e) {
    log.push_back("req error " + std::string(e.name()) + " " + e.what());
  });
  req.on<"end">([&] { log.push_back("req end"); });
  req.on<"close">([&] { log.push_back("req close"); });
  res.on<"finish">([&] { log.push_back("res finish"); });
  res.on<"close">([&] { log.push_back("res close"); });
}

const Log gone{"req aborted", "res close", "req error ECONNRESET aborted", "req close"};

Log then(Log log, const std::string& last) {
  log.push_back(last);
  return log;
}

}  // namespace

TEST_CASE(
    "a client that goes away cancels what the handler awaits, after aborted and close",
    "[http][row:11.15/client-disappears][row:6/aborted][row:6/'aborted'][row:6/close][row:6/error]"
    "[row:11.11/client-fin-while-a-response-is-pending]") {
  Log log;
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    follow(log, req, res);
    std::string end = "returned";
    try {
      co_await gate.wait();
    } catch (const boost::system::system_error& error) {
      end = errorName(error.code());
    }
    CHECK(req.aborted());
    CHECK(req.destroyed());
    CHECK(res.destroyed());
    CHECK(!res.writableFinished());
    CHECK(req.errored() == boost::system::errc::connection_reset);
    log.push_back(end);
  });
  int clientErrors = 0;
  int socketErrors = 0;
  wire.server().on<"clientError">([&] { ++clientErrors; });
  wire.server().on<"connection">(
      [&](net::Socket& socket) { socket.on<"error">([&] { ++socketErrors; }); });
  wire.send(get());
  REQUIRE(gate.waiting());
  SECTION("by ending its half") {
    wire.end();
    CHECK(clientErrors == 0);
    CHECK(socketErrors == 0);
  }
  SECTION("by a reset, which clientError tells as well") {
    wire.wire().reset();
    wire.settle();
    CHECK(clientErrors == 1);
    CHECK(socketErrors == 1);
  }
  CHECK(log == then(gone, "ABORT_ERR"));
  CHECK(wire.closed());
  CHECK(wire.received().empty());
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("a client that goes away behind the beginning of another request is noticed there",
          "[http]") {
  Gate gate;
  Log log;
  const bool ends = GENERATE(true, false);
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    follow(log, req, res);
    co_await gate.wait();
    if (ends) co_await res.end();
  });
  wire.send(get());
  wire.send("GET /next");
  wire.end();
  REQUIRE(gate.waiting());
  gate.open();
  CHECK(wire.received() == ok() + std::string(badRequest));
  CHECK(log == Log{"res finish", "res close", "req end", "req close"});
  CHECK(wire.closed());
}

TEST_CASE("with httpAllowHalfOpen a client that has ended its half gets its answer",
          "[http][row:3.2/httpAllowHalfOpen]") {
  Log log;
  Gate gate;
  auto wire = serve(
      [&](IncomingMessage& req, ServerResponse& res) -> task<> {
        follow(log, req, res);
        co_await gate.wait();
        co_await res.end("late");
      },
      {.httpAllowHalfOpen = true});
  wire.send(get());
  wire.end();
  CHECK(log.empty());
  CHECK(!wire.closed());
  gate.open();
  CHECK(wire.received() == okAndClose("late"));
  CHECK(log == Log{"res finish", "res close", "req end", "req close"});
  CHECK(wire.closed());
}

TEST_CASE("a client that sends its request and ends its half at once gets an immediate answer",
          "[http]") {
  auto wire =
      serve([](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end("hi"); });
  wire.wire().deliver(get() + get()).deliverEnd();
  CHECK(wire.received() == ok("hi") + ok("hi"));
  CHECK(wire.closed());
}

TEST_CASE("a client that goes away while its answer is written loses the rest of it", "[http]") {
  Log log;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    follow(log, req, res);
    try {
      while (true) co_await res.write(std::string(10000, 'x'));
    } catch (const boost::system::system_error& error) {
      log.emplace_back(errorName(error.code()));
    }
  });
  wire.wire().room(30000);
  wire.send(get());
  CHECK(log.empty());
  wire.wire().reset();
  wire.settle();
  REQUIRE(log.size() == 5);
  CHECK(Log(log.begin(), log.begin() + 4) == gone);
  CHECK(log[4] == "ECONNRESET");
  CHECK(wire.closed());
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("a client that goes away in its body breaks the read", "[http][row:6/complete]") {
  std::string error;
  bool complete = true;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    try {
      co_await req.text();
    } catch (const Error& caught) {
      error = caught.name();
      complete = req.complete();
      throw;
    }
    co_await res.end();
  });
  SECTION("with an error of the parser where it ended") {
    wire.send(post(10, "12345"));
    CHECK(wire.end() == badRequest);
    CHECK(error == "ECONNRESET");
  }
  SECTION("with its reset where there was one") {
    wire.send(post(10, "12345"));
    wire.wire().reset();
    wire.settle();
    CHECK(error == "ECONNRESET");
  }
  SECTION("in chunks") {
    wire.send(chunked("5\r\nhello\r\n"));
    CHECK(wire.end() == badRequest);
    CHECK(error == "ECONNRESET");
  }
  CHECK(!complete);
  CHECK(wire.closed());
}

TEST_CASE("without cancelOnDisconnect a handler runs to its end", "[http]") {
  Log log;
  Gate gate;
  auto wire = serve(
      [&](IncomingMessage& req, ServerResponse& res) -> task<> {
        follow(log, req, res);
        co_await gate.wait();
        CHECK(!res.write("nobody"));
        CHECK(!res.end("is there"));
        CHECK(req.url() == "/some/where");
        log.push_back("went on");
      },
      {.cancelOnDisconnect = false});
  wire.send(get("/some/where"));
  wire.wire().reset();
  wire.settle();
  CHECK(log == gone);
  REQUIRE(gate.waiting());
  gate.open();
  wire.settle();
  CHECK(log == then(gone, "went on"));
  CHECK(wire.server().getConnections() == 0);
}

TEST_CASE("a wait for an event of a request whose client is gone ends at once", "[http]") {
  Gate gate;
  Log log;
  auto wire = serve(
      [&](IncomingMessage& req, ServerResponse&) -> task<> {
        co_await gate.wait();
        try {
          co_await req.once<"end">();
        } catch (const boost::system::system_error& error) {
          log.push_back("end " + std::string(errorName(error.code())));
        }
        co_await req.once<"close">();
        log.push_back("close");
      },
      {.cancelOnDisconnect = false});
  wire.send(test::get());
  wire.wire().reset();
  wire.settle();
  gate.open();
  wire.settle();
  CHECK(log == Log{"end ABORT_ERR", "close"});
}

TEST_CASE("a request that is refused in its body leaves the handler's views alone", "[http]") {
  Gate gate;
  std::string seen;
  auto wire = serve(
      [&](IncomingMessage& req, ServerResponse&) -> task<> {
        const auto first = co_await req.read();
        const std::string_view url = req.url();
        try {
          co_await req.read();
        } catch (const Error& error) {
          seen = error.name();
        }
        co_await gate.wait();
        seen += " " + std::string(url) + " " + std::string(*first);
      },
      {.cancelOnDisconnect = false});
  wire.server().on<"clientError">([](const Error&, net::Socket&) {});
  wire.send(
      "POST /some/where HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  wire.send("x\r\n");
  wire.send(std::string(8000, 'z'));
  wire.send(std::string(8000, 'z'));
  REQUIRE(gate.waiting());
  gate.open();
  wire.settle();
  CHECK(seen == "HPE_INVALID_CHUNK_SIZE /some/where hello");
}

TEST_CASE("a handler that throws before the head is sent: 500, and the connection lives",
          "[http][row:3.2/events.captureRejections]") {
  Log errors;
  bool throwing = true;
  auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    res.setHeader("X-Lost", "yes");
    res.statusCode = 201;
    res.statusMessage = "Lost";
    if (throwing) throw std::runtime_error("no luck");
    co_await res.end("fine");
  });
  wire.server().on<"error">([&](const Error& error) {
    errors.push_back(std::string(error.name()) + " " + error.what());
  });
  CHECK(wire.send(get()) == internalServerError);
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].starts_with("ERR_UNHANDLED_ERROR"));
  CHECK(errors[0].find("no luck") != std::string::npos);
  throwing = false;
  wire.take();
  CHECK(wire.send(get()).starts_with("HTTP/1.1 201 Lost\r\nX-Lost: yes\r\n"));
  CHECK(!wire.closed());
}

TEST_CASE("what stands in the way of the end that a handler left to the server is its failure",
          "[http]") {
  std::string told;
  const auto refuses = [&](void (*prepare)(ServerResponse&), std::string_view request) {
    auto wire = serve(sluice::test::acting(prepare), {.rejectNonStandardBodyWrites = true});
    wire.server().on<"error">([&](const Error& error) { told = error.name(); });
    return wire.send(request);
  };
  CHECK(refuses([](ServerResponse& res) { res.statusCode = 1000; }, get()) == internalServerError);
  CHECK(told == "ERR_HTTP_INVALID_STATUS_CODE");
  CHECK(refuses([](ServerResponse& res) { res.statusMessage = "a\nb"; }, get()) ==
        internalServerError);
  CHECK(told == "ERR_INVALID_CHAR");
  CHECK(refuses([](ServerResponse& res) { res.statusCode = 1000; },
                "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            .starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
  CHECK(told == "ERR_HTTP_INVALID_STATUS_CODE");
}

TEST_CASE("a handler that throws something else than an exception gets the same", "[http]") {
  Log errors;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/int") throw 42;
    if (req.url() == "/http") throw Error(make_error_code(errc::ERR_BODY_TOO_LARGE));
    if (req.url() == "/system") throw boost::system::system_error(asio::error::timed_out);
    co_await res.end();
  });
  wire.server().on<"error">([&](const Error& error) { errors.emplace_back(error.name()); });
  CHECK(wire.send(get("/int") + get("/http") + get("/system") + get()) ==
        std::string(internalServerError) + std::string(internalServerError) +
            std::string(internalServerError) + ok());
  CHECK(errors == Log{"ERR_UNHANDLED_ERROR", "ERR_BODY_TOO_LARGE", "ETIMEDOUT"});
}

TEST_CASE("a handler that throws after the head was sent loses the connection",
          "[http][row:3.2/events.captureRejections]") {
  int errors = 0;
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> {
    co_await res.write("some");
    throw std::runtime_error("no luck");
  });
  wire.server().on<"error">([&] { ++errors; });
  CHECK(wire.send(get()) == std::string(okChunked) + "4\r\nsome\r\n");
  CHECK(errors == 1);
  CHECK(wire.closed());
}

TEST_CASE("a handler that throws after end() is reported, and the answer is whole", "[http]") {
  int errors = 0;
  auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> {
    res.end("all");
    throw std::runtime_error("no luck");
    co_return;
  });
  wire.server().on<"error">([&] { ++errors; });
  CHECK(wire.send(get()) == ok("all"));
  CHECK(errors == 1);
  CHECK(!wire.closed());
}

TEST_CASE("an exception with nobody to hear it ends nothing but its answer", "[http]") {
  auto wire = serve([](IncomingMessage&, ServerResponse&) -> task<> {
    throw std::runtime_error("no luck");
    co_return;
  });
  CHECK(wire.send(get()) == internalServerError);
}

TEST_CASE("a handler that returns without end() is ended", "[http]") {
  auto wire = serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/written") res.write("some");
    co_return;
  });
  CHECK(wire.send(get()) == ok());
  wire.take();
  CHECK(wire.send(get("/written")) == std::string(okChunked) + "4\r\nsome\r\n0\r\n\r\n");
}

TEST_CASE("a handler that never ends holds its connection and no other", "[http]") {
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/never") co_await gate.wait();
    co_await res.end("other");
  });
  CHECK(wire.send(get("/never")).empty());
  CHECK(wire.connect().send(get()) == ok("other"));
  CHECK(!wire.closed());
}

TEST_CASE("req.destroy() and res.destroy() close the connection; who called them is not cancelled",
          "[http][row:6/destroy][row:11.15/req.destroy]") {
  const bool body = GENERATE(false, true);
  Log log;
  const auto timedOut = make_error_code(boost::system::errc::timed_out);
  std::string clientError;
  std::function<void(IncomingMessage&, ServerResponse&)> destroy;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    follow(log, req, res);
    destroy(req, res);
    co_await asio::post(asio::use_awaitable);
    log.push_back("went on");
  });
  wire.server().on<"clientError">(
      [&](const Error& error, net::Socket&) { clientError = error.name(); });
  Log expected = gone;
  std::string reason;
  SECTION("the request, which is no error") {
    destroy = [](IncomingMessage& req, ServerResponse&) { req.destroy(); };
    expected = {"req aborted", "req close", "res close"};
  }
  SECTION("the request with an error, which is its own") {
    destroy = [&](IncomingMessage& req, ServerResponse&) { req.destroy(timedOut); };
    expected = {"req aborted", "req error ETIMEDOUT " + std::string(Error(timedOut).what()),
                "req close", "res close"};
    reason = "ETIMEDOUT";
  }
  SECTION("the response, which cuts the request short") {
    destroy = [](IncomingMessage&, ServerResponse& res) { res.destroy(); };
  }
  SECTION("the response with an error, which is not the request's") {
    destroy = [&](IncomingMessage&, ServerResponse& res) { res.destroy(timedOut); };
    reason = "ETIMEDOUT";
  }
  wire.send(body ? post(2, "o") : get());
  CHECK(log == then(expected, "went on"));
  CHECK(clientError == reason);
  CHECK(wire.closed());
  CHECK(wire.received().empty());
}

TEST_CASE("what read() throws after a request was destroyed", "[http][row:6/destroy]") {
  Log log;
  error_code reason;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    follow(log, req, res);
    asio::post(req.get_executor(), [&] { req.destroy(reason); });
    try {
      co_await req.text();
    } catch (const Error& error) {
      log.emplace_back(error.name());
    }
  });
  SECTION("is that it is") {
    wire.send(post(2, "o"));
    CHECK(log == Log{"req aborted", "req close", "res close", "ERR_STREAM_DESTROYED"});
  }
  SECTION("is what it was destroyed with") {
    reason = make_error_code(errc::ERR_BODY_TOO_LARGE);
    wire.send(post(2, "o"));
    CHECK(log.back() == "ERR_BODY_TOO_LARGE");
  }
  CHECK(wire.closed());
}

TEST_CASE("a request that is destroyed behind the end of its answer has its error all the same",
          "[http][row:6/destroy]") {
  Log log;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    follow(log, req, res);
    res.end("ok");
    req.destroy(make_error_code(errc::ERR_BODY_TOO_LARGE));
    co_return;
  });
  CHECK(wire.send(get()) == ok("ok"));
  CHECK(wire.closed());
  REQUIRE(log.size() == 5);
  CHECK(Log(log.begin(), log.begin() + 3) == Log{"req aborted", "res finish", "res close"});
  CHECK(log[3].starts_with("req error ERR_BODY_TOO_LARGE"));
  CHECK(log[4] == "req close");
}

TEST_CASE("destroying a request that was read to its end leaves its answer alone",
          "[http][row:6/destroy]") {
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    const std::string body = co_await req.text();
    req.destroy();
    co_await res.end(body);
  });
  CHECK(wire.send(post(2, "ok")) == ok("ok"));
  CHECK(!wire.closed());
}

TEST_CASE("a handler may destroy the connection's socket, and is cancelled then",
          "[http][row:9/destroy]") {
  Log log;
  Gate gate;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    follow(log, req, res);
    req.socket().destroy();
    try {
      co_await gate.wait();
    } catch (const boost::system::system_error& error) {
      log.emplace_back(errorName(error.code()));
    }
  });
  wire.send(get());
  CHECK(wire.closed());
  CHECK(log ==
        Log{"ABORT_ERR", "req aborted", "res close", "req error ECONNRESET aborted", "req close"});
}

TEST_CASE("a request that was moved out of its handler can be asked after the connection is gone",
          "[http]") {
  std::unique_ptr<IncomingMessage> kept;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    kept = std::make_unique<IncomingMessage>(std::move(req));
    co_await res.end();
  });
  SECTION("and after the next request") {
    CHECK(wire.send(get("/kept", "X-A: b\r\n")) == ok());
    wire.send(get("/other", "X-A: c\r\n"));
    wire.end();
  }
  SECTION("by an error of the client") {
    wire.send(post(10, "12", "X-A: b\r\n").replace(5, 1, "/kept"));
    wire.wire().reset();
    wire.settle();
  }
  SECTION("by the server") {
    wire.send(post(10, "12", "X-A: b\r\n").replace(5, 1, "/kept"));
    wire.server().closeAllConnections();
    wire.settle();
  }
  REQUIRE(kept);
  // The one that the handler was lent is empty now, the one that took its place is whole.
  CHECK(kept->headers()["x-a"] == (kept->url() == "/kept" ? "b" : "c"));
  CHECK(wire.server().getConnections() == 0);
}
