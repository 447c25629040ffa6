// SPDX-License-Identifier: BSL-1.0
//
// In which order a request and its response tell what becomes of them, whoever ends them and when.
#include <boost/asio/cancellation_signal.hpp>
#include <string>
#include "support/catch.hpp"
#include "support/request.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

const auto refused = make_error_code(boost::system::errc::connection_refused);
const auto timedOut = make_error_code(boost::system::errc::timed_out);

// A request with a listener for everything, sent, whose response is half there.
struct Half {
  Requesting net;
  ClientRequest req{http::get(net.io(), net.options())};
  EventLog log{req};

  Half() {
    net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    CHECK(log.take() == "socket finish response data:ab");
  }
};

// What waiting for `result` throws, in words.
task<std::string> thrownText(WriteResult result) {
  std::string text = "nothing";
  try {
    co_await result;
  } catch (const Error& error) {
    text = std::string(error.name()) + ", " + error.what();
  }
  co_return text;
}

}  // namespace

TEST_CASE("a response without keep-alive closes before its request",
          "[ClientRequest][row:11.14/success, no "
          "keep-alive][row:4/'socket'][row:7.2/socket][row:7.2/finish]"
          "[row:7.2/response][row:7.2/close]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  EventLog log(req);
  CHECK(log.text().empty());
  CHECK(net.received() == plainGet);
  net.deliver(response("hi"));
  CHECK(log.text() == "socket finish response data:hi res-end res-close close");
  CHECK(net.closed());
}

TEST_CASE("a response whose connection goes back to the agent closes after its request",
          "[ClientRequest][Agent][row:11.14/success, pooled][row:8/free]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = http::get(net.io(), net.options(agent));
  EventLog log(req);
  agent.on<"free">([&](net::Socket&) { log.add("free"); });
  net.deliver(response("hi"));
  CHECK(log.text() == "socket finish response data:hi res-end close free res-close");
  CHECK(!net.closed());
}

TEST_CASE("a connection that cannot be opened is an error and no finish",
          "[ClientRequest][row:11.14/connection refused / DNS][row:7.2/error]") {
  Requesting net;
  RequestOptions options;
  options.createConnection = [](const net::ConnectionOptions&) -> task<net::Socket> {
    throw Error::connection(refused, "connect", "192.0.2.1", 80);
    co_return net::Socket();
  };
  auto req = http::get(net.io(), options);
  EventLog log(req);
  net.settle();
  // There never was a socket of Node's that could be told of.
  CHECK(log.text() == "error:ECONNREFUSED close");
  CHECK(req.destroyed());
  CHECK(thrownBy([&] { run(net.io(), req.response()); }) == "ECONNREFUSED");
}

TEST_CASE("an awaited write says in full why a request has failed", "[ClientRequest]") {
  Requesting net;
  RequestOptions options;
  options.method = "POST";
  options.createConnection = [](const net::ConnectionOptions&) -> task<net::Socket> {
    throw Error::connection(refused, "connect", "192.0.2.1", 80);
    co_return net::Socket();
  };
  auto req = http::request(net.io(), options);
  CHECK(run(net.io(), thrownText(req.end("body"))) ==
        "ECONNREFUSED, connect ECONNREFUSED 192.0.2.1:80");
  auto open = http::request(net.io(), options);
  net.settle();
  CHECK(run(net.io(), thrownText(open.write("late"))) ==
        "ERR_STREAM_DESTROYED, Cannot call write after a stream was destroyed: "
        "connect ECONNREFUSED 192.0.2.1:80");
}

TEST_CASE("an awaited write says that the server has hung up", "[ClientRequest]") {
  Requesting net;
  auto options = net.options();
  options.method = "POST";
  auto req = http::request(net.io(), options);
  CHECK(req.write("some"));
  net.settle();
  net.end();
  CHECK(run(net.io(), thrownText(req.write("more"))) ==
        "ERR_STREAM_DESTROYED, Cannot call write after a stream was destroyed: socket hang up");
}

TEST_CASE("a server that closes without a response hangs up",
          "[ClientRequest][row:11.14/server closes before a response][row:12/ECONNRESET]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  EventLog log(req);
  std::string what;
  std::string syscall;
  req.on<"error">([&](const Error& error) {
    what = error.what();
    syscall = error.syscall();
  });
  SECTION("in good order") {
    net.end();
    CHECK(what == "socket hang up");
  }
  SECTION("in the middle of the head") {
    net.deliver("HTTP/1.1 200 OK\r\nContent-");
    net.end();
    CHECK(what == "socket hang up");
  }
  SECTION("after a 1xx") {
    net.deliver("HTTP/1.1 103 Early Hints\r\n\r\n");
    net.end();
    CHECK(what == "socket hang up");
  }
  SECTION("with a reset") {
    net.reset();
    CHECK(what == "read ECONNRESET");
    CHECK(syscall == "read");
  }
  CHECK(log.text() == "socket finish error:ECONNRESET close");
  CHECK(req.writableEnded());
  CHECK(req.writableFinished());
  // What is asked of it later is told that it has ended, and not how.
  error_code written, ended;
  CHECK(!req.write("late", [&](error_code ec) { written = ec; }));
  req.end([&](error_code ec) { ended = ec; });
  net.settle();
  CHECK(written == errc::ERR_STREAM_WRITE_AFTER_END);
  CHECK(ended == errc::ERR_STREAM_ALREADY_FINISHED);
}

TEST_CASE("a response that is cut short says so, and its request does not",
          "[ClientRequest][row:11.14/server closes mid-response][row:6/aborted][row:6/complete]"
          "[row:13/abort on responses]") {
  Half half;
  half.net.end();
  CHECK(half.log.text() == "res-aborted close res-error:ECONNRESET res-close");
}

TEST_CASE("destroy() without a socket brings an error and close",
          "[ClientRequest][row:11.14/destroy][row:7.3/destroy]") {
  Requesting net;
  SECTION("at once") {
    auto req = http::get(net.io(), net.options());
    EventLog log(req);
    req.destroy();
    CHECK(req.destroyed());
    CHECK(log.text().empty());
    net.settle();
    CHECK(log.text() == "error:ECONNRESET close");
    CHECK(net.asked() == 0);
  }
  SECTION("with an error") {
    auto req = http::get(net.io(), net.options());
    EventLog log(req);
    req.destroy(timedOut);
    net.settle();
    CHECK(log.text() == "error:ETIMEDOUT close");
    CHECK(req.errored() == timedOut);
  }
  SECTION("while the connection is being made, which ends as well") {
    net.slow = true;
    auto req = http::get(net.io(), net.options());
    EventLog log(req);
    net.settle();
    CHECK(net.opening());
    req.destroy();
    net.settle();
    CHECK(log.text() == "error:ECONNRESET close");
    CHECK(!net.opening());
    CHECK(net.count() == 0);
  }
  SECTION("in the queue of an agent") {
    Agent agent(net.io(), {.maxSockets = 1});
    auto first = http::get(net.io(), net.options(agent));
    auto second = http::get(net.io(), net.options(agent));
    EventLog log(second);
    net.settle();
    CHECK(agent.requests().size() == 1);
    second.destroy();
    CHECK(agent.requests().empty());
    net.settle();
    CHECK(log.text() == "error:ECONNRESET close");
  }
}

TEST_CASE("a head that cannot be sent is an error of its request alone", "[ClientRequest][Agent]") {
  Requesting net;
  Agent agent(net.io(), {.maxSockets = 1});
  RequestOptions options = net.options(agent);
  // The head leaves at the end of the turn, before anybody calls end().
  options.headers = {{"Expect", "100-continue"}, {"Transfer-Encoding", "gzip"}};
  options.method = "POST";
  auto req = http::request(net.io(), options);
  EventLog log(req);
  auto waiting = start(net.io(), req.response());
  auto next = http::get(net.io(), net.options(agent));
  net.settle();
  CHECK(log.text() == "error:ERR_HTTP_INVALID_HEADER_VALUE close");
  CHECK(thrownBy([&] { waiting.result(); }) == "ERR_HTTP_INVALID_HEADER_VALUE");
  CHECK(req.destroyed());
  CHECK(!net.received().empty());
  net.deliver(response());
  CHECK(next.closed());
}

TEST_CASE("an empty listener is none", "[ClientRequest]") {
  Requesting net;
  auto req = http::get(net.io(), net.options(), ResponseListener());
  CHECK(req.listenerCount<"response">() == 0);
  net.settle();
  net.deliver(response("hi"));
  CHECK(run(net.io(), req.response()).statusCode() == 200);
}

TEST_CASE("destroy() in the socket event keeps the request from being sent",
          "[ClientRequest][row:11.14/destroy]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  EventLog log(req);
  req.on<"socket">([&](net::Socket&) { req.destroy(); });
  CHECK(net.received().empty());
  CHECK(log.text() == "socket error:ECONNRESET close");
  CHECK(net.closed());
}

TEST_CASE("destroying the socket in the socket event gives its error to the request",
          "[ClientRequest][row:11.14/destroy]") {
  Requesting net;
  const bool withReason = GENERATE(true, false);
  const error_code reason = withReason ? timedOut : error_code();
  EventLog log;
  const auto listen = [&](ClientRequest& req) {
    log.listen(req);
    req.on<"socket">([&](net::Socket& socket) { socket.destroy(reason); });
  };
  SECTION("of a connection that is there") {
    auto req = http::get(net.io(), net.options());
    listen(req);
    CHECK(net.received().empty());
    CHECK(net.closed());
  }
  SECTION("of one that is taken again") {
    Agent agent(net.io(), {.keepAlive = true});
    auto first = http::get(net.io(), net.options(agent));
    net.deliver(response());
    auto req = http::get(net.io(), net.options(agent));
    listen(req);
    net.settle();
    CHECK(net.closed());
  }
  SECTION("of one that is still to be connected") {
    auto req = http::get(net.io(), {.host = "127.0.0.1", .port = 1});
    listen(req);
    net.settle();
  }
  CHECK(log.text() ==
        (withReason ? "socket error:ETIMEDOUT close" : "socket error:ECONNRESET close"));
}

TEST_CASE("destroy() after the request was sent", "[ClientRequest][row:11.14/destroy]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  EventLog log(req);
  net.settle();
  req.destroy();
  CHECK(net.closed());
  CHECK(log.text() == "socket finish error:ECONNRESET close");
}

TEST_CASE("destroy() after the response has begun cuts the response",
          "[ClientRequest][row:11.14/destroy]") {
  Half half;
  SECTION("without a reason") {
    half.req.destroy();
    half.net.settle();
    CHECK(half.log.text() == "res-aborted close res-error:ECONNRESET res-close");
  }
  SECTION("with one") {
    half.req.destroy(timedOut);
    half.net.settle();
    CHECK(half.log.text() == "error:ETIMEDOUT res-aborted close res-error:ECONNRESET res-close");
  }
  CHECK(half.net.closed());
}

TEST_CASE("destroy() after the response was read leaves the connection to its agent",
          "[ClientRequest][Agent][row:7.3/destroy]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = http::get(net.io(), net.options(agent));
  EventLog log(req);
  SECTION("in a listener of its end") {
    error_code reason;
    SECTION("without an error") {}
    SECTION("with one") { reason = timedOut; }
    req.on<"response">([&](IncomingMessage& res) { res.on<"end">([&] { req.destroy(reason); }); });
    net.deliver(response("hi"));
    CHECK(log.text() == "socket finish response data:hi res-end close res-close");
  }
  SECTION("in the coroutine that has read it") {
    auto other = http::get(net.io(), net.options(agent));
    net.settle();
    const auto read = [](ClientRequest& request) -> task<> {
      auto res = co_await request.response();
      co_await res.text();
      request.destroy(timedOut);
    };
    asio::co_spawn(net.io(), read(other), asio::detached);
    net.deliver(response("hi"), 1);
    CHECK(!net.closed(1));
    CHECK(other.closed());
    CHECK(!other.errored());
    net.deliver(response("hi"));
  }
  CHECK(!req.errored());
  CHECK(!net.closed());
}

TEST_CASE("a response without a body tells of its end, whoever destroys what and when",
          "[ClientRequest][IncomingMessage]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = http::get(net.io(), net.options(agent));
  EventLog log;
  const error_code reason = GENERATE(error_code(), timedOut);
  const std::string error = reason ? " error:ETIMEDOUT" : "";
  SECTION("the response, in its listener") {
    log.listen(req);
    req.on<"response">([&](IncomingMessage& res) { res.destroy(reason); });
    net.deliver("HTTP/1.1 204 No Content\r\n\r\n");
    const std::string told = reason ? error + " res-error:ETIMEDOUT" : "";
    CHECK(log.text() == "socket finish response res-aborted" + told + " res-close close");
  }
  SECTION("the request, in its listener") {
    log.listen(req);
    req.on<"response">([&](IncomingMessage&) { req.destroy(reason); });
    net.deliver("HTTP/1.1 204 No Content\r\n\r\n");
    CHECK(log.text() == "socket finish response" + error + " res-end res-close close");
  }
  SECTION("in a coroutine") {
    auto waiting = start(net.io(), req.response());
    net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    IncomingMessage res = waiting.result();
    res.on<"close">([&] { log.add("res-close"); });
    SECTION("the response, after the connection has gone on") {
      res.destroy(reason);
      CHECK(res.destroyed());
    }
    SECTION("nothing, and it is read") { run(net.io(), res.text()); }
    net.settle();
    CHECK(log.text() == "res-close");
    CHECK(res.closed());
  }
}

TEST_CASE("destroy() of the response closes it before its request",
          "[ClientRequest][row:11.14/res.destroy][row:6/destroy]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  EventLog log;
  auto waiting = start(net.io(), req.response());
  net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
  IncomingMessage res = waiting.result();
  log.listen(req);
  log.listen(res);
  net.settle();
  CHECK(log.take() == "data:ab");
  SECTION("without a reason, which is no error") {
    res.destroy();
    net.settle();
    CHECK(log.text() == "res-aborted res-close close");
    CHECK(thrownBy([&] { run(net.io(), res.read()); }) == "ERR_STREAM_DESTROYED");
  }
  SECTION("with one") {
    res.destroy(timedOut);
    net.settle();
    CHECK(log.text() == "res-aborted error:ETIMEDOUT res-error:ETIMEDOUT res-close close");
    CHECK(thrownBy([&] { run(net.io(), res.read()); }) == "ETIMEDOUT");
  }
  CHECK(net.closed());
  CHECK(res.destroyed());
  CHECK(!res.complete());
}

TEST_CASE("abort() before a socket is no error",
          "[ClientRequest][row:11.14/abort][row:7.3/abort][row:7.3/aborted][row:7.2/abort]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  EventLog log(req);
  CHECK(!req.aborted());
  req.abort();
  req.abort();
  CHECK(req.aborted());
  net.settle();
  CHECK(log.text() == "abort close");
  CHECK(net.asked() == 0);
}

TEST_CASE("who awaits a response that fails is told after who listens", "[ClientRequest]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  std::string told;
  req.on<"error">([&](const Error& error) { told = error.name(); });
  const auto ask = [&]() -> task<> {
    CHECK_THROWS_AS(co_await req.response(), Error);
    CHECK(told == "ECONNRESET");
  };
  Started<> asking(net.io(), ask());
  net.settle();
  net.end();
  asking.result();
}

TEST_CASE("abort() after the end is remembered, and nothing else happens",
          "[ClientRequest][row:7.3/aborted]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  EventLog log(req);
  net.settle();
  net.deliver(response());
  log.take();
  req.abort();
  net.settle();
  CHECK(req.aborted());
  CHECK(log.take().empty());
}

TEST_CASE("abort() in the socket event", "[ClientRequest][row:11.14/abort]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  EventLog log(req);
  req.on<"socket">([&](net::Socket&) { req.abort(); });
  net.settle();
  CHECK(log.text() == "socket abort error:ECONNRESET close");
}

TEST_CASE("abort() after the response has begun",
          "[ClientRequest][row:11.14/abort]"
          "[row:13/abort()]") {
  Half half;
  half.req.abort();
  half.net.settle();
  CHECK(half.log.text() == "abort res-aborted close res-error:ECONNRESET res-close");
}

TEST_CASE("a signal destroys the request with ABORT_ERR at every stage",
          "[ClientRequest][row:11.14/abort signal][row:7.1/signal][row:12/ABORT_ERR]") {
  asio::cancellation_signal signal;
  Requesting net;
  RequestOptions options = net.options();
  options.signal = signal.slot();
  SECTION("before anything happened") {
    auto req = http::get(net.io(), options);
    EventLog log(req);
    signal.emit(asio::cancellation_type::terminal);
    net.settle();
    CHECK(log.text() == "error:ABORT_ERR close");
    CHECK(net.asked() == 0);
    CHECK(!req.aborted());
  }
  SECTION("while the connection is being made") {
    net.slow = true;
    auto req = http::get(net.io(), options);
    EventLog log(req);
    net.settle();
    signal.emit(asio::cancellation_type::terminal);
    net.settle();
    CHECK(log.text() == "error:ABORT_ERR close");
    CHECK(!net.opening());
  }
  SECTION("while the response is waited for") {
    auto req = http::get(net.io(), options);
    auto waiting = start(net.io(), req.response());
    net.settle();
    signal.emit(asio::cancellation_type::terminal);
    CHECK(thrownBy([&] { waiting.result(); }) == "ABORT_ERR");
    CHECK(net.closed());
  }
  SECTION("while the body is read") {
    auto req = http::get(net.io(), options);
    auto waiting = start(net.io(), req.response());
    net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    IncomingMessage res = waiting.result();
    auto text = start(net.io(), res.text());
    net.settle();
    signal.emit(asio::cancellation_type::terminal);
    CHECK(thrownBy([&] { text.result(); }) == "ABORT_ERR");
  }
  SECTION("and does nothing once the request is over") {
    {
      auto req = http::get(net.io(), options);
      net.deliver(response());
    }
    net.settle();
    signal.emit(asio::cancellation_type::terminal);
    CHECK(net.closed());
  }
}

TEST_CASE("a head that is no HTTP is an error of the request",
          "[ClientRequest][row:11.14/parse error in the head / body][row:12/HPE_*]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  EventLog log(req);
  std::string raw;
  req.on<"error">([&](const Error& error) { raw = error.rawPacket(); });
  net.deliver("SSH-2.0-OpenSSH\r\n");
  CHECK(log.text() == "socket finish error:HPE_INVALID_CONSTANT close");
  CHECK(raw == "SSH-2.0-OpenSSH\r\n");
  CHECK(net.closed());
}

TEST_CASE("a body that is no HTTP is an error of both",
          "[ClientRequest][row:11.14/parse error in the head / body]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  EventLog log(req);
  net.deliver("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nxyz\r\n");
  CHECK(log.text() ==
        "socket finish response data:ab error:HPE_INVALID_CHUNK_SIZE res-aborted close "
        "res-error:HPE_INVALID_CHUNK_SIZE res-close");
}

TEST_CASE("a second response closes the connection and spares the first",
          "[ClientRequest][Agent][row:11.14/second response on one request]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = http::get(net.io(), net.options(agent));
  EventLog log(req);
  net.deliver(response("one") + response("two"));
  CHECK(log.text() == "socket finish response data:one res-end res-close close");
  CHECK(net.closed());
  CHECK(agent.totalSocketCount() == 0);
}

TEST_CASE("a connection that is silent for too long is told, and nothing else happens",
          "[ClientRequest][row:7.2/timeout][row:7.1/timeout][row:7.3/setTimeout]"
          "[row:11.10/client timeout]") {
  using namespace std::chrono_literals;
  Requesting net;
  RequestOptions options = net.options();
  options.timeout = 100ms;
  auto req = http::request(net.io(), options);
  EventLog log(req);
  SECTION("by the option") {
    req.end();
    net.settle();
    net.advance(99ms);
    CHECK(log.take() == "socket finish");
    net.advance(1ms);
    CHECK(log.take() == "timeout");
    net.advance(10s);
    CHECK(log.take().empty());
    net.deliver(response());
    CHECK(log.take() == "response res-end res-close close");
  }
  SECTION("by setTimeout(), which wins") {
    int heard = 0;
    req.setTimeout(5s, [&] { ++heard; });
    req.end();
    net.settle();
    net.advance(4999ms);
    CHECK(heard == 0);
    net.advance(1ms);
    CHECK(heard == 1);
    net.deliver("HTTP/1.1 100 Continue\r\n\r\n");
    net.advance(5s);
    CHECK(log.take() == "socket finish timeout timeout");
    CHECK(heard == 1);
  }
  SECTION("while the response comes, where the response hears it too") {
    req.end();
    net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    log.take();
    net.advance(100ms);
    CHECK(log.take() == "timeout res-timeout");
    req.setTimeout(0ms);
    net.deliver("c");
    net.advance(10s);
    CHECK(log.take() == "data:c");
  }
}

TEST_CASE("a request tells of the socket, the one it has", "[ClientRequest][row:7.3/socket]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  CHECK(req.socket() == nullptr);
  net::Socket* seen = nullptr;
  req.on<"socket">([&](net::Socket& socket) {
    seen = &socket;
    CHECK(req.socket() == &socket);
  });
  net.settle();
  CHECK(seen != nullptr);
}

TEST_CASE("an error of a coroutine that listens is the request's", "[ClientRequest]") {
  Requesting net;
  auto req = http::get(net.io(), net.options(), [](IncomingMessage& res) -> task<> {
    co_await res.text();
    throw std::runtime_error("no");
  });
  EventLog log;
  req.on<"error">([&](const Error& error) { log.add(error.what()); });
  req.on<"close">([&] { log.add("close"); });
  net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd");
  CHECK(log.text() == "no close");
}

TEST_CASE("a request that has left tells of it before what the server has made of it",
          "[ClientRequest]") {
  Requesting net;
  net.onOpen = [](Wire& wire) { wire.room(10); };
  auto req = http::request(net.io(), net.options());
  EventLog log(req);
  std::string callback;
  req.end([&](error_code ec) { callback = ec ? ec.message() : "sent"; });
  Wire& wire = net.wire();
  CHECK(log.take() == "socket");
  SECTION("no HTTP") {
    wire.room(1000).deliver("NONSENSE\r\n\r\n");
    net.settle();
    CHECK(log.text() == "finish error:HPE_INVALID_CONSTANT close");
  }
  SECTION("a reset") {
    wire.room(1000).failRead(asio::error::connection_reset);
    net.settle();
    CHECK(log.text() == "finish error:ECONNRESET close");
  }
  SECTION("nothing, because it is given up here") {
    wire.room(1000);
    req.destroy();
    net.settle();
    CHECK(log.text() == "error:ECONNRESET close");
    return;
  }
  CHECK(callback == "sent");
}

TEST_CASE("a coroutine that awaits the response has it, also if a listener has read it already",
          "[ClientRequest]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = http::request(net.io(), net.options(agent));
  std::string heard;
  int status = 0;
  bool isRead = false;
  req.on<"response">([&](IncomingMessage& res) -> task<> { heard = co_await res.text(); });
  req.end();
  const auto wait = [&]() -> task<> {
    IncomingMessage res = co_await req.response();
    status = res.statusCode();
    const std::string rest = co_await res.text();
    isRead = rest.empty();
  };
  auto waiting = start(net.io(), wait());
  net.settle();
  net.deliver(response("body"));
  REQUIRE(waiting.done());
  waiting.result();
  CHECK(status == 200);
  CHECK(isRead);
  CHECK(heard == "body");
  CHECK(req.closed());
  CHECK(agent.freeSockets().size() == 1);
}

TEST_CASE("a listener of prefinish that destroys the connection is not told again",
          "[ClientRequest]") {
  Requesting net;
  net.onOpen = [](Wire& wire) { wire.room(10); };
  auto req = http::request(net.io(), net.options({.method = "POST"}));
  EventLog log(req);
  req.on<"prefinish">([&] {
    log.add("prefinish");
    if (auto* socket = req.socket()) socket->destroy();
  });
  req.end("body");
  net.settle();
  std::string expected = "socket prefinish error:ECONNRESET close";
  SECTION("before its response") {}
  SECTION("after its response") {
    net.wire(0).deliver(response("ok"));
    net.settle();
    expected = "socket response data:ok res-end res-close prefinish finish close";
  }
  net.wire(0).room(1000);
  net.settle();
  CHECK(log.text() == expected);
  CHECK(req.closed());
}
