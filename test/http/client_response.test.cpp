// SPDX-License-Identifier: BSL-1.0
//
// What a request makes of the bytes that come back: heads, bodies of every framing, what is broken,
// what comes before the response, and connections that become something else.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include "support/catch.hpp"
#include "support/request.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

// Status and body, or the error: what a coroutine makes of it.
task<std::string> outcome(ClientRequest& req) {
  std::string result;
  try {
    auto res = co_await req.response();
    result = std::to_string(res.statusCode()) + ' ' + std::string(res.statusMessage()) + '|';
    result += co_await res.text();
    for (const RawHeader& line : res.rawTrailers()) {
      result += '|' + std::string(line.name) + '=' + std::string(line.value);
    }
  } catch (const Error& error) {
    result += std::string(error.name());
  }
  co_return result;
}

std::string answered(const std::vector<std::string>& pieces, bool end,
                     std::string_view method = "GET", RequestOptions options = {}) {
  Requesting net;
  options.method = method;
  auto req = request(net.io(), net.options(std::move(options)));
  req.end();
  auto waiting = start(net.io(), outcome(req));
  net.settle();
  for (const std::string& piece : pieces) net.wire().deliver(piece);
  if (end) net.wire().deliverEnd();
  const std::string result = waiting.result();
  net.settle();
  return result;
}

const std::string chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace

TEST_CASE("a response ends where its framing says, however it is cut",
          "[IncomingMessage][row:11.9/response without CL/TE][row:6/trailers]"
          "[row:11.13/receiving][row:11.9/response status line]"
          "[row:11.9/response to HEAD, 204, 304, 1xx]") {
  struct Case {
    std::string bytes;
    bool end;
    std::string expected;
    std::string method = "GET";
  };
  const auto one = GENERATE(values<Case>({
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, "200 OK|hello"},
      {"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", false, "404 |"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n"
       "Digest: z\r\n\r\n",
       false, "200 OK|abcde|Digest=z"},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", true, "200 OK|until the end"},
      {"HTTP/1.0 200 OK\r\n\r\nold", true, "200 OK|old"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nzip", true, "200 OK|zip"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
       false, "200 OK|x"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, "200 OK|", "HEAD"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, "200 OK|", "HEAD"},
      {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, "204 No Content|"},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, "304 Not Modified|"},
  }));
  CAPTURE(one.bytes, one.method);
  for (std::size_t at = 0; at < one.bytes.size(); ++at) {
    INFO("cut at " << at);
    REQUIRE(answered({one.bytes.substr(0, at), one.bytes.substr(at)}, one.end, one.method) ==
            one.expected);
  }
  std::vector<std::string> bytewise;
  for (const char byte : one.bytes) bytewise.emplace_back(1, byte);
  CHECK(answered(bytewise, one.end, one.method) == one.expected);
}

TEST_CASE("framing that fills the buffer to its end does not stop a body", "[IncomingMessage]") {
  std::vector<std::string> pieces{chunkedHead};
  std::string body;
  for (int i = 0; i < 5; ++i) {
    pieces.push_back("1;" + std::string(3000, 'x') + "\r\n");
    pieces.emplace_back("y\r\n");
    body += 'y';
  }
  pieces.emplace_back("0\r\n\r\n");
  CHECK(answered(pieces, false) == "200 OK|" + body);
}

TEST_CASE("the socket of a response can be asked after its end", "[IncomingMessage]") {
  Requesting net;
  auto req = request(net.io(), net.options());
  req.end();
  auto waiting = start(net.io(), req.response());
  net.deliver("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
  auto res = waiting.result();
  net.settle();
  CHECK(net.closed());
  CHECK(res.socket().destroyed());
  CHECK(res.socket().bytesRead() != 0);
}

TEST_CASE("a body that is cut short is an error and never a short success",
          "[IncomingMessage][row:6/complete][row:12/ECONNRESET]") {
  const std::string bytes =
      GENERATE(as<std::string>(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    INFO("ends after " << at);
    const std::string result = answered({bytes.substr(0, at)}, true);
    const bool inHead = at < bytes.find("\r\n\r\n") + 4;
    REQUIRE(result == (inHead ? "ECONNRESET" : "200 OK|ECONNRESET"));
  }
}

TEST_CASE("a connection that breaks does not end a body that runs to its end",
          "[IncomingMessage]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  auto waiting = start(net.io(), outcome(req));
  net.deliver("HTTP/1.1 200 OK\r\n\r\nsome");
  net.reset();
  CHECK(waiting.result() == "200 OK|ECONNRESET");
}

TEST_CASE("a whole response is there although the connection broke behind it",
          "[IncomingMessage]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  auto waiting = start(net.io(), req.response());
  net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  IncomingMessage res = waiting.result();
  net.reset();
  CHECK(run(net.io(), res.text()) == "hello");
}

TEST_CASE("what is no HTTP is named", "[IncomingMessage][row:12/HPE_*]") {
  CHECK(answered({"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"}, false) ==
        "HPE_INVALID_CONTENT_LENGTH");
  CHECK(answered({"HTTP/1.1 2 OK\r\n\r\n"}, false) == "HPE_INVALID_STATUS");
  CHECK(answered({chunkedHead, "3\r\nabcX"}, false) == "200 OK|HPE_STRICT");
  CHECK(answered({"HTTP/1.1 101 Switching Protocols\r\n\r\n"}, false) == "HPE_INVALID_STATUS");
}

TEST_CASE("the head of a response has a limit",
          "[IncomingMessage][row:7.1/maxHeaderSize][row:1/maxHeaderSize]") {
  const auto withHead = [](std::size_t size) {
    const std::string begin = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
    return begin + std::string(size - begin.size() - 4, 'x') + "\r\n\r\n";
  };
  CHECK(answered({withHead(8192)}, false) == "200 OK|");
  CHECK(answered({withHead(8193)}, false) == "HPE_HEADER_OVERFLOW");
  CHECK(answered({withHead(100)}, false, "GET", {.maxHeaderSize = 100}) == "200 OK|");
  CHECK(answered({withHead(101)}, false, "GET", {.maxHeaderSize = 100}) == "HPE_HEADER_OVERFLOW");
  CHECK(answered({withHead(60'000)}, false, "GET", {.maxHeaderSize = 60'000}) == "200 OK|");
}

TEST_CASE("header lines beyond maxHeadersCount are dropped",
          "[ClientRequest][row:7.3/maxHeadersCount]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  req.maxHeadersCount = 2;
  auto waiting = start(net.io(), req.response());
  net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n");
  CHECK(waiting.result().rawHeaders().size() == 2);
}

TEST_CASE("headers of a response are joined by Node's rules",
          "[IncomingMessage][row:6/headers][row:6/rawHeaders][row:7.1/joinDuplicateHeaders]") {
  const std::string bytes =
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: a\r\nserver: b\r\nSet-Cookie: x=1\r\n"
      "Set-Cookie: y=2\r\nX: 1\r\nx: 2\r\n\r\n";
  const bool join = GENERATE(false, true);
  Requesting net;
  auto req = http::get(net.io(), net.options({.joinDuplicateHeaders = join}));
  auto waiting = start(net.io(), req.response());
  net.deliver(bytes);
  IncomingMessage res = waiting.result();
  CHECK(res.headers()["server"] == (join ? "a, b" : "a"));
  CHECK(res.headers()["x"] == "1, 2");
  CHECK(res.headers().getSetCookie() == std::vector<std::string_view>{"x=1", "y=2"});
  CHECK(res.rawHeaders().size() == 7);
  CHECK(res.httpVersion() == "1.1");
  CHECK(res.method().empty());
}

TEST_CASE("insecureHTTPParser takes a response that is otherwise refused",
          "[ClientRequest][row:7.1/insecureHTTPParser / httpValidation]") {
  const std::string bytes = "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n";
  CHECK(answered({bytes}, false).starts_with("HPE_"));
  CHECK(answered({bytes}, false, "GET", {.insecureHTTPParser = true}) == "200 OK|");
}

TEST_CASE("1xx answers are told one by one, and too many are an error",
          "[ClientRequest][row:7.2/information][row:7.2/continue]"
          "[row:11.5/client sees 1xx]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  EventLog log(req);
  req.on<"continue">([&] { log.add("continue"); });
  req.on<"information">([&](const Information& info) {
    log.add(std::to_string(info.statusCode) + info.statusMessage + info.httpVersion +
            std::string(info.headers["link"]) + std::to_string(info.rawHeaders.size()));
  });
  SECTION("some") {
    net.deliver("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: <a>\r\nX: y\r\n\r\n" +
                response());
    CHECK(log.text() ==
          "socket finish continue 100Continue1.10 103Hints1.1<a>2 response res-end res-close "
          "close");
  }
  SECTION("too many") {
    for (int i = 0; i < 32; ++i) net.deliver("HTTP/1.1 102 P\r\n\r\n");
    CHECK(!req.closed());
    net.deliver("HTTP/1.1 102 P\r\n\r\n");
    CHECK(req.closed());
    CHECK(log.text().ends_with("error:HPE_INVALID_STATUS close"));
  }
  SECTION("a listener that ends the request") {
    req.on<"information">([&](const Information&) { req.destroy(); });
    net.deliver("HTTP/1.1 103 Hints\r\n\r\n" + response());
    CHECK(log.text() == "socket finish 103Hints1.10 error:ECONNRESET close");
  }
}

TEST_CASE("an upgraded connection is whose who moves it out",
          "[ClientRequest][row:7.2/upgrade][row:7.2/connect]"
          "[row:11.5/101 on the client]") {
  const bool upgrade = GENERATE(true, false);
  Requesting net;
  auto req = request(
      net.io(), upgrade ? net.options({.headers = {{"Connection", "Upgrade"}, {"Upgrade", "echo"}}})
                        : net.options({.method = "CONNECT", .path = "h:443"}));
  const std::string bytes = upgrade ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                                      "Upgrade: echo\r\n\r\nearly"
                                    : "HTTP/1.1 200 Established\r\n\r\nearly";
  EventLog log(req);
  net::Socket mine;
  std::string head;
  const auto take = [&](IncomingMessage& res, net::Socket& socket, std::string_view first) {
    log.add(std::to_string(res.statusCode()));
    CHECK(res.upgrade());
    CHECK(&res.socket() == &socket);
    mine = std::move(socket);
    head = first;
  };
  SECTION("by a listener") {
    if (upgrade) {
      req.on<"upgrade">(take);
    } else {
      req.on<"connect">(take);
    }
    req.end();
    net.deliver(bytes);
    CHECK(log.text() == (upgrade ? "socket finish 101 close" : "socket finish 200 close"));
    CHECK(head == "early");
  }
  SECTION("by a coroutine that waits for the event") {
    auto waiting = start(net.io(), [](ClientRequest& from, bool isUpgrade) -> task<net::Socket> {
      if (isUpgrade) {
        auto [res, socket, first] = co_await from.once<"upgrade">();
        CHECK(first == "early");
        co_return std::move(socket.get());
      }
      auto [res, socket, first] = co_await from.once<"connect">();
      CHECK(first == "early");
      co_return std::move(socket.get());
    }(req, upgrade));
    req.end();
    net.deliver(bytes);
    mine = waiting.result();
  }
  net.settle();
  REQUIRE(mine);
  CHECK(!net.closed());
  net.received();
  mine.write("ping");
  CHECK(net.received() == "ping");
  auto reading = start(net.io(), [](net::Socket& from) -> task<std::string> {
    const auto read = co_await from.read();
    co_return std::string(*read);
  }(mine));
  net.deliver("pong");
  CHECK(reading.result() == "pong");
  mine.emit<"agentRemove">();
  mine.destroy();
  net.settle();
  CHECK(net.closed());
}

TEST_CASE("response() brings the head of an upgrade that a listener has taken", "[ClientRequest]") {
  Requesting net;
  auto req = request(net.io(), net.options({.method = "CONNECT", .path = "h:443"}));
  req.on<"connect">([](IncomingMessage&, net::Socket&, std::string_view) {});
  req.end();
  std::string head;
  asio::co_spawn(
      net.io(),
      [&]() -> task<> {
        const IncomingMessage res = co_await req.response();
        head = std::string(res.statusMessage()) + ' ' + std::string(res.rawHeaders()[0].name) +
               ' ' + std::string(res.rawHeaders()[0].value);
      },
      asio::detached);
  net.deliver("HTTP/1.1 200 Established\r\nVia: proxy\r\n\r\n");
  CHECK(head == "Established Via proxy");
}

TEST_CASE("an upgraded connection has left its agent when the event comes",
          "[ClientRequest][Agent][row:11.6/agent side]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  RequestOptions options = net.options(agent);
  options.headers = {{"Connection", "Upgrade"}, {"Upgrade", "echo"}};
  auto req = request(net.io(), options);
  EventLog log(req);
  net::Socket mine;
  req.on<"upgrade">([&](IncomingMessage&, net::Socket& socket, std::string_view) {
    log.add("sockets:" + std::to_string(agent.totalSocketCount()));
    mine = std::move(socket);
  });
  req.end();
  net.settle();
  CHECK(agent.totalSocketCount() == 1);
  net.deliver("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
  CHECK(log.text() == "socket finish sockets:0 close");
  CHECK(!net.closed());
  mine.destroy();
  net.settle();
}

TEST_CASE("an upgrade that nobody listens for closes the connection and says nothing",
          "[ClientRequest][row:7.2/upgrade][row:7.2/connect]"
          "[row:11.5/101 on the client]") {
  const bool upgrade = GENERATE(true, false);
  Requesting net;
  auto req = request(
      net.io(), upgrade ? net.options({.headers = {{"Connection", "Upgrade"}, {"Upgrade", "echo"}}})
                        : net.options({.method = "CONNECT", .path = "h:443"}));
  EventLog log(req);
  req.end();
  net.deliver(upgrade ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                        "Upgrade: echo\r\n\r\n"
                      : "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  CHECK(log.text() == "socket finish close");
  CHECK(net.closed());
}

TEST_CASE("a response that advertises an upgrade is an ordinary one",
          "[ClientRequest][row:7.2/upgrade]") {
  CHECK(answered({"HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
                  "Content-Length: 2\r\n\r\nhi"},
                 false) == "200 OK|hi");
}

TEST_CASE("a response that comes while the body is being sent",
          "[ClientRequest][row:7.3/response ends before the request is sent]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  RequestOptions options = net.options(agent);
  options.method = "POST";
  auto req = request(net.io(), options);
  EventLog log(req);
  req.write("abc");
  net.settle();
  SECTION("the connection goes back when both are over") {
    net.deliver(response("x"));
    CHECK(log.take() == "socket response data:x res-end res-close");
    CHECK(!req.closed());
    CHECK(agent.freeSockets().empty());
    req.end();
    net.settle();
    CHECK(log.text() == "finish close");
    CHECK(agent.freeSockets().size() == 1);
  }
  SECTION("a coroutine may wait for its close before it goes on with the request") {
    const auto readThenEnd = [](ClientRequest& request) -> task<> {
      auto res = co_await request.response();
      const std::string body = co_await res.text();
      CHECK(body == "x");
      co_await res.once<"close">();
      CHECK(res.closed());
      co_await request.end();
    };
    auto other = request(net.io(), options);
    other.write("abc");
    EventLog events(other);
    asio::co_spawn(net.io(), readThenEnd(other), asio::detached);
    net.settle();
    net.deliver(response("x"), 1);
    CHECK(events.text() == "socket response res-end res-close finish close");
    req.destroy();
  }
  SECTION("its listener of close may give the request up") {
    req.on<"response">([&](IncomingMessage& res) { res.on<"close">([&] { req.destroy(); }); });
    net.deliver(response("x"));
    CHECK(log.text() == "socket response data:x res-end res-close close");
    CHECK(net.closed());
  }
  SECTION("a server that closes wants no more of it") {
    net.deliver("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
    CHECK(log.text() == "socket response data:x res-end res-close close");
    CHECK(net.closed());
    CHECK(!req.write("more"));
  }
  SECTION("and tells the callbacks of what was not sent") {
    net.wire().room(0);
    std::vector<error_code> told;
    const auto callback = [&](const error_code& ec) { told.push_back(ec); };
    req.write("more", callback);
    req.end(callback);
    net.deliver("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    CHECK(log.text() == "socket response res-end res-close close");
    CHECK(told == std::vector<error_code>(2, make_error_code(errc::ERR_STREAM_DESTROYED)));
  }
}

TEST_CASE("a connection that is handed over before the request has left calls its callbacks",
          "[ClientRequest][row:7.2/connect]") {
  Requesting net;
  RequestOptions options = net.options();
  options.method = "CONNECT";
  auto req = request(net.io(), options);
  EventLog log(req);
  std::vector<error_code> told;
  const auto callback = [&](const error_code& ec) { told.push_back(ec); };
  net.settle();
  net.wire().room(0);
  req.write("for the other end", callback);
  req.end(callback);
  net.deliver("HTTP/1.1 200 Established\r\n\r\n");
  CHECK(told == std::vector<error_code>(2, make_error_code(errc::ERR_STREAM_DESTROYED)));
  CHECK(req.closed());
}

TEST_CASE("a response that nobody has asked for yet is kept up to the high-water mark",
          "[IncomingMessage][row:6/no response listener]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  SECTION("a small one lets the connection go") {
    auto req = http::get(net.io(), net.options(agent));
    net.deliver(response("small"));
    CHECK(agent.freeSockets().size() == 1);
    IncomingMessage res = run(net.io(), req.response());
    CHECK(run(net.io(), res.text()) == "small");
    CHECK(res.complete());
  }
  SECTION("a large one waits") {
    auto req = http::get(net.io(), net.options(agent));
    net.settle();
    const std::string body(200'000, 'x');
    net.deliver(response(body));
    CHECK(!net.wire().unread().empty());
    CHECK(agent.freeSockets().empty());
    IncomingMessage res = run(net.io(), req.response());
    CHECK(run(net.io(), res.text()) == body);
    net.settle();
    CHECK(agent.freeSockets().size() == 1);
  }
  SECTION("one whose request is dropped is thrown away") {
    {
      auto req = http::get(net.io(), net.options(agent));
      net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + std::string(18000, 'x'));
    }
    net.deliver(std::string(2000, 'x'));
    CHECK(agent.freeSockets().size() == 1);
  }
}

TEST_CASE("a response is dropped before its end", "[IncomingMessage][row:11.16/not reusable]") {
  Requesting net;
  Agent agent(net.io(), {.keepAlive = true});
  auto req = http::get(net.io(), net.options(agent));
  auto waiting = start(net.io(), req.response());
  net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nab");
  { IncomingMessage dropped = waiting.result(); }
  SECTION("a little more is read and thrown away") {
    net.deliver(std::string(1000, 'x'));
    CHECK(!net.closed());
  }
  SECTION("nor does it have more than five seconds") {
    net.advance(4s);
    net.deliver("drip");
    net.advance(999ms);
    CHECK(!net.closed());
    net.advance(1ms);
    CHECK(net.closed());
    CHECK(req.closed());
    CHECK(agent.totalSocketCount() == 0);
  }
  SECTION("much more is not") {
    for (int i = 0; i < 10; ++i) net.wire().deliver(std::string(10'000, 'x'));
    net.settle();
    CHECK(net.closed());
    CHECK(req.closed());
    CHECK(agent.totalSocketCount() == 0);
  }
}

TEST_CASE("a reader that does not read is felt by the server",
          "[IncomingMessage][row:11.12/incoming]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  auto waiting = start(net.io(), req.response());
  net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
  IncomingMessage res = waiting.result();
  for (int i = 0; i < 300; ++i) net.wire().deliver(std::string(1000, 'x'));
  net.settle();
  CHECK(net.wire().unread().size() > 300'000 - 64 * 1024);
  CHECK(run(net.io(), res.text()).size() == 300'000);
  net.settle();
  CHECK(req.closed());
}

TEST_CASE("a response can be paused and resumed", "[IncomingMessage][row:6/read]") {
  Requesting net;
  std::string got;
  IncomingMessage* message = nullptr;
  auto req = http::get(net.io(), net.options(), [&](IncomingMessage& res) {
    message = &res;
    res.on<"data">([&](std::string_view data) {
      got += data;
      res.pause();
    });
    res.on<"end">([&] { got += '.'; });
  });
  net.deliver("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
  net.deliver("ab");
  net.deliver("cd");
  CHECK(got == "ab");
  REQUIRE(message != nullptr);
  message->resume();
  net.settle();
  CHECK(got == "abcd");
  message->resume();
  net.settle();
  CHECK(got == "abcd.");
  CHECK(req.closed());
}

TEST_CASE("text() has a limit", "[IncomingMessage]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  auto waiting = start(net.io(), req.response());
  const bool known = GENERATE(true, false);
  net.deliver(known ? "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
                    : "HTTP/1.1 200 OK\r\n\r\n0123456789");
  IncomingMessage res = waiting.result();
  CHECK(thrownBy([&] { run(net.io(), res.text(9)); }) == "ERR_BODY_TOO_LARGE");
}

TEST_CASE("waiting for a response can be cancelled, and the request goes on", "[ClientRequest]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  asio::cancellation_signal stop;
  std::string how;
  asio::co_spawn(
      net.io(), req.response(),
      asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr error, IncomingMessage) {
        how = thrownBy([&] {
          if (error) std::rethrow_exception(error);
        });
      }));
  auto other = start(net.io(), req.response());
  net.settle();
  stop.emit(asio::cancellation_type::terminal);
  net.settle();
  CHECK(how == "cancelled");
  CHECK(!other.done());
  net.deliver(response("x"));
  IncomingMessage res = other.result();
  CHECK(run(net.io(), res.text()) == "x");
}

TEST_CASE("cancelling co_await get() aborts the request", "[ClientRequest]") {
  Requesting net;
  const RequestOptions options = net.options();
  asio::cancellation_signal stop;
  std::string how;
  asio::co_spawn(
      net.io(), http::get(options),
      asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr error, IncomingMessage) {
        how = thrownBy([&] {
          if (error) std::rethrow_exception(error);
        });
      }));
  net.settle();
  CHECK(!net.closed());
  stop.emit(asio::cancellation_type::terminal);
  net.settle();
  CHECK(how == "cancelled");
  CHECK(net.closed());
}

TEST_CASE("co_await get() ends with ETIMEDOUT where the timeout passes",
          "[ClientRequest][row:7.1/timeout]") {
  Requesting net;
  RequestOptions options = net.options();
  options.timeout = 1s;
  auto waiting = start(net.io(), http::get(options));
  net.settle();
  net.advance(1s);
  CHECK(thrownBy([&] { waiting.result(); }) == "ETIMEDOUT");
  CHECK(net.closed());
}

TEST_CASE("a response can be taken once", "[ClientRequest]") {
  Requesting net;
  auto req = http::get(net.io(), net.options());
  net.deliver(response());
  IncomingMessage res = run(net.io(), req.response());
  CHECK(thrownBy([&] { run(net.io(), req.response()); }) == "ERR_INVALID_STATE");
}

namespace {

// The body is being sent when the server has answered and gone: the next write fails, and only then
// is anything read.
struct Refused {
  Requesting net;
  ClientRequest req = request(net.io(), net.options({.method = "PUT"}));
  Wire* wire = nullptr;

  Refused() {
    req.write("first");
    wire = &net.wire();
    wire->takeReceived();
  }
  void brokenAfter(std::string_view answer) {
    wire->failWrite(asio::error::broken_pipe);
    // More than is gathered fails at once.
    req.write(std::string(100'000, 'x'));
    wire->deliver(answer).failRead(asio::error::connection_reset);
  }
};

}  // namespace

TEST_CASE_METHOD(Refused, "an answer that came before the connection broke is brought",
                 "[ClientRequest][plain]") {
  const auto one = GENERATE(values<std::pair<std::string, std::string>>({
      {"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
       "413 Too Large|no"},
      {"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno", "413 Too Large|no"},
      {"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", "413 Too Large|"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\n\r\n"
       "2\r\nno\r\n0\r\n\r\n",
       "413 Too Large|no"},
      {"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno", "413 Too Large|ECONNRESET"},
      {"HTTP/1.1 413 Too Large\r\n\r\nno", "413 Too Large|ECONNRESET"},
      {"HTTP/1.1 413 Too", "EPIPE"},
      {"", "EPIPE"},
  }));
  std::vector<std::string> errors;
  req.on<"error">([&](const Error& error) { errors.emplace_back(error.name()); });
  auto waiting = start(net.io(), outcome(req));
  net.settle();
  CAPTURE(one.first);
  brokenAfter(one.first);
  CHECK(waiting.result() == one.second);
  net.settle();
  const bool complete = one.second.ends_with("|no") || one.second.ends_with('|');
  CHECK(errors.empty() == complete);
  CHECK(net.closed());
}

TEST_CASE_METHOD(Refused, "an answer of any length is read after the connection broke",
                 "[ClientRequest][plain]") {
  const std::string page(300'000, 'x');
  auto waiting = start(net.io(), outcome(req));
  net.settle();
  brokenAfter("HTTP/1.1 413 Too Large\r\nContent-Length: 300000\r\n\r\n" + page);
  CHECK(waiting.result() == "413 Too Large|" + page);
  net.settle();
  CHECK(net.closed());
}

TEST_CASE_METHOD(Refused, "a write that fails throws though the answer has come",
                 "[ClientRequest][plain]") {
  wire->room(0);
  auto writing = start(net.io(), [](ClientRequest& writer) -> task<std::string> {
    std::string failure = "none";
    try {
      co_await writer.write(std::string(100'000, 'x'));
    } catch (const Error& error) {
      failure = error.name();
    }
    co_return failure + ' ' + co_await outcome(writer);
  }(req));
  net.settle();
  brokenAfter("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  CHECK(writing.result() == "EPIPE 413 Too Large|no");
}
