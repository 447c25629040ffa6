// SPDX-License-Identifier: BSL-1.0
//
// What a request sends: how it is made, its head, how its body is framed, and when bytes leave.
#include <sluice/timer.hpp>
#include <string>
#include <vector>
#include "support/catch.hpp"
#include "support/request.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

// The head that `options` send with end(), without its first line.
std::string fieldsOf(RequestOptions options) {
  Requesting net;
  auto req = request(net.io(), net.options(std::move(options)));
  req.end();
  const std::string head = net.received();
  return head.substr(head.find("\r\n") + 2);
}

std::string sent(RequestOptions options, const std::function<void(ClientRequest&)>& act) {
  Requesting net;
  auto req = request(net.io(), net.options(std::move(options)));
  act(req);
  return net.received();
}

std::string refusal(RequestOptions options) {
  asio::io_context io;
  return thrownBy([&] { static_cast<void>(request(io, std::move(options))); });
}

std::string head(std::string_view method, std::string_view fields) {
  return std::string(method) + " / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
         std::string(fields) + "\r\n";
}

// What may be done with a message by who does not know which end sends it.
void sendAnything(OutgoingMessage& message, std::string& heard) {
  using namespace std::chrono_literals;
  OutgoingMessage& same = message.setHeader("a", "b")
                              .setHeader("n", 42)
                              .setHeader("list", {"1", "2"})
                              .appendHeader("a", HeaderValue("c"))
                              .setHeaders({{"d", "e"}})
                              .setTimeout(5s, [&heard] { heard += "timeout "; })
                              .on<"prefinish">([&heard] { heard += "prefinish "; })
                              .once<"finish">([&heard] { heard += "finish "; });
  CHECK(&same == &message);
  const ListenerId id = message.addListener<"finish">([] {});
  CHECK(message.listenerCount<"finish">() == 2);
  CHECK(message.removeListener(id));
  CHECK(message.emit<"prefinish">());
  message.end();
}

}  // namespace

TEST_CASE("what a request has sent has succeeded, also for who asks after it is closed",
          "[ClientRequest][row:4/drain]") {
  Requesting net;
  auto req = request(net.io(), net.options({.method = "POST"}));
  const auto outcome = [&](WriteResult result) {
    return thrownBy([&] {
      run(net.io(), [](WriteResult kept) -> task<> { co_await kept; }(std::move(result)));
    });
  };
  const WriteResult first = req.write("a");
  const WriteResult drained = req.drain();
  SECTION("with its response") {
    const WriteResult end = req.end("b");
    net.deliver(response());
    REQUIRE(req.closed());
    REQUIRE(net.closed());
    CHECK(outcome(first).empty());
    CHECK(outcome(drained).empty());
    CHECK(outcome(end).empty());
    CHECK(outcome(req.drain()).empty());
    CHECK(outcome(req.write("c")) == "ERR_STREAM_WRITE_AFTER_END");
  }
  SECTION("by destroy() before its end") {
    net.settle();
    req.destroy();
    net.settle();
    CHECK(outcome(first).empty());
    CHECK(outcome(req.drain()) == "ERR_STREAM_DESTROYED");
  }
  SECTION("by destroy() before anything was sent") {
    req.end("b");
    req.destroy();
    net.settle();
    CHECK(outcome(first) == "ECONNRESET");
    CHECK(outcome(req.drain()) == "ERR_STREAM_DESTROYED");
  }
}

TEST_CASE("what sends a request or a response needs to know only that it is an outgoing message",
          "[ClientRequest][ServerResponse][row:1/OutgoingMessage][row:7.3/setTimeout]") {
  using namespace std::chrono_literals;
  const std::string fields = "a: b\r\na: c\r\nn: 42\r\nlist: 1\r\nlist: 2\r\nd: e\r\n";
  std::string heard;
  SECTION("a response") {
    auto wire = serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
      sendAnything(res, heard);
      co_return;
    });
    CHECK(wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") ==
          "HTTP/1.1 200 OK\r\n" + fields +
              "Date: <D>\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
              "Content-Length: 0\r\n\r\n");
    CHECK(heard == "prefinish prefinish finish ");
  }
  SECTION("a request, whose time-out is told once") {
    Requesting net;
    auto req = request(net.io(), net.options());
    sendAnything(req, heard);
    CHECK(net.received() ==
          "GET / HTTP/1.1\r\nHost: localhost\r\n" + fields + "Connection: close\r\n\r\n");
    CHECK(heard == "prefinish prefinish finish ");
    net.advance(5s);
    net.deliver("HTTP/1.1 100 Continue\r\n\r\n");
    net.advance(5s);
    CHECK(heard == "prefinish prefinish finish timeout ");
  }
}

TEST_CASE("idle times below 0 are refused, in Node's words, and nobody is told of them",
          "[ClientRequest][row:7.1/timeout][row:7.3/setTimeout][row:6/setTimeout]"
          "[row:9/setTimeout][row:11.13/setTimeout range][row:12/ERR_INVALID_ARG_TYPE]") {
  using namespace std::chrono_literals;
  const auto words = [](const std::string& name) {
    return "The value of \"" + name +
           "\" is out of range. It must be a non-negative finite number. Received -1";
  };
  const auto heard = [] { FAIL("a listener of a time that was refused"); };
  CHECK(refusal({.timeout = -1ms}) == "ERR_OUT_OF_RANGE");
  Requesting net;
  CHECK(wordsOf([&] { static_cast<void>(request(net.io(), net.options({.timeout = -1ms}))); }) ==
        words("timeout"));
  Agent agent(net.io(), {.timeout = -1ms});
  CHECK(wordsOf([&] { static_cast<void>(request(net.io(), net.options(agent))); }) ==
        words("msecs"));
  auto req = request(net.io(), net.options());
  CHECK(thrownBy([&] { req.setTimeout(-1ms, heard); }) == "ERR_OUT_OF_RANGE");
  CHECK(wordsOf([&] { req.setTimeout(-1ms, heard); }) == words("msecs"));
  CHECK(req.listenerCount<"timeout">() == 0);
  auto wire = serve([&](IncomingMessage& received, ServerResponse& res) -> task<> {
    CHECK(wordsOf([&] { received.setTimeout(-1ms, heard); }) == words("msecs"));
    CHECK(wordsOf([&] { res.setTimeout(-1ms, heard); }) == words("msecs"));
    CHECK(wordsOf([&] { received.socket().setTimeout(-1ms, heard); }) == words("msecs"));
    CHECK(received.listenerCount<"timeout">() == 0);
    CHECK(res.listenerCount<"timeout">() == 0);
    CHECK(received.socket().listenerCount<"timeout">() == 0);
    co_await res.end();
  });
  CHECK(wire.send("GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
  const net::ConnectionOptions options{.timeout = -1ms};
  CHECK(wordsOf([&] { static_cast<void>(net::connect(options)); }) == words("msecs"));
}

TEST_CASE("request() takes a text, a URL or options, and the options win",
          "[ClientRequest][row:1/request][row:7.3/path, method, host, protocol][row:7.1/host / "
          "hostname][row:7.1/port][row:7.1/path]"
          "[row:11.2/URL credentials]") {
  Requesting net;
  SECTION("a text") {
    auto req = request(net.io(), "http://u%20s:p%40@example.org:8080/a?b#c", net.options());
    req.end();
    CHECK(net.received() ==
          "GET /a?b HTTP/1.1\r\nHost: example.org:8080\r\nAuthorization: Basic dSBzOnBA\r\n"
          "Connection: close\r\n\r\n");
    CHECK(net.asked(0).host == "example.org");
    CHECK(net.asked(0).port == 8080);
    CHECK(req.host() == "example.org");
    CHECK(req.path() == "/a?b");
    CHECK(req.method() == "GET");
    CHECK(req.protocol() == "http:");
  }
  SECTION("a URL and options") {
    const URL url("http://example.org/a");
    RequestOptions options = net.options();
    options.hostname = "other.example";
    options.port = 81;
    options.path = "/b";
    options.auth = "me:it";
    options.method = "put";
    auto req = request(net.io(), url, options);
    req.end("x");
    CHECK(net.received() ==
          "PUT /b HTTP/1.1\r\nHost: other.example:81\r\nAuthorization: Basic bWU6aXQ=\r\n"
          "Connection: close\r\nContent-Length: 1\r\n\r\nx");
  }
  SECTION("options alone, where host stands in for hostname") {
    RequestOptions options = net.options();
    options.host = "example.org";
    auto req = request(net.io(), options);
    req.end();
    net.settle();
    CHECK(net.asked(0).host == "example.org");
    CHECK(net.asked(0).port == 80);
  }
  SECTION("a text that is no URL") {
    CHECK(thrownBy([&] { static_cast<void>(request(net.io(), "nothing")); }) == "ERR_INVALID_URL");
  }
}

TEST_CASE("a listener for the response is a function or a coroutine",
          "[ClientRequest][row:1/request][row:1/get]") {
  Requesting net;
  std::string body;
  const URL url("http://a/");
  const auto onResponse = [&](IncomingMessage& res) {
    res.on<"data">([&](std::string_view data) { body += data; });
  };
  const auto readAll = [&](IncomingMessage& res) -> task<> { body = co_await res.text(); };
  ClientRequest req;
  SECTION("get(options, function)") { req = http::get(net.io(), net.options(), onResponse); }
  SECTION("get(text, options, coroutine)") {
    req = http::get(net.io(), "http://a/", net.options(), readAll);
  }
  SECTION("get(URL, options, coroutine)") {
    req = http::get(net.io(), url, net.options(), readAll);
  }
  SECTION("request(options, coroutine)") {
    req = request(net.io(), net.options(), readAll);
    req.end();
  }
  SECTION("request(text, options, function)") {
    req = request(net.io(), "http://a/", net.options(), onResponse);
    req.end();
  }
  SECTION("request(URL, options, function)") {
    req = request(net.io(), url, net.options(), onResponse);
    req.end();
  }
  CHECK(req.listenerCount<"response">() == 1);
  net.deliver(response("hello"));
  CHECK(body == "hello");
}

TEST_CASE("get() is GET whatever the options say",
          "[ClientRequest][row:1/get]"
          "[row:13/http.get method]") {
  Requesting net;
  RequestOptions options = net.options();
  options.method = "POST";
  auto one = http::get(net.io(), options);
  auto two = http::get(net.io(), options, [](IncomingMessage&) {});
  auto three = http::get(net.io(), "http://localhost/", options, [](IncomingMessage&) {});
  CHECK(net.received(0) == plainGet);
  CHECK(net.received(1) == plainGet);
  CHECK(net.received(2) == plainGet);
}

TEST_CASE("co_await get() brings the response", "[ClientRequest][row:1/get]") {
  Requesting net;
  const RequestOptions options = net.options();
  auto waiting = start(net.io(), http::get(options));
  CHECK(net.received() == plainGet);
  net.deliver(response("hi"));
  IncomingMessage res = waiting.result();
  CHECK(res.statusCode() == 200);
  CHECK(run(net.io(), res.text()) == "hi");
  CHECK(net.closed());
}

TEST_CASE("Host names the server as the URL would",
          "[ClientRequest][row:11.2/Host][row:7.1/defaultPort][row:7.1/setHost]"
          "[row:7.1/socketPath]"
          "[row:13/CONNECT Host]") {
  const std::string close = "Connection: close\r\n\r\n";
  CHECK(fieldsOf({}) == "Host: localhost\r\n" + close);
  CHECK(fieldsOf({.hostname = "example.org", .port = 80}) == "Host: example.org\r\n" + close);
  CHECK(fieldsOf({.hostname = "example.org", .port = 81}) == "Host: example.org:81\r\n" + close);
  CHECK(fieldsOf({.port = 81, .defaultPort = 81}) == "Host: localhost\r\n" + close);
  CHECK(fieldsOf({.hostname = "::1"}) == "Host: [::1]\r\n" + close);
  CHECK(fieldsOf({.hostname = "[::1]", .port = 8080}) == "Host: [::1]:8080\r\n" + close);
  CHECK(fieldsOf({.socketPath = "/tmp/s", .port = 8080}) == "Host: localhost\r\n" + close);
  CHECK(fieldsOf({.headers = {{"host", "mine"}}}) == "host: mine\r\n" + close);
  CHECK(fieldsOf({.headers = {{"a", "b"}, {"host", ""}, {"c", "d"}}}) ==
        "a: b\r\nHost: localhost\r\nc: d\r\n" + close);
  CHECK(fieldsOf({.headers = {{"Host", ""}}, .setHost = false}) == "Host: \r\n" + close);
  CHECK(fieldsOf({.setHost = false}) == close);
  CHECK(fieldsOf({.hostname = "proxy", .method = "CONNECT", .path = "example.org:443"}) ==
        "Host: example.org:443\r\n" + close);
}

TEST_CASE("Authorization comes from auth, unless it is there",
          "[ClientRequest][row:7.1/auth][row:11.13/special request headers]") {
  CHECK(fieldsOf({.auth = "user:pass"}) ==
        "Host: localhost\r\nAuthorization: Basic dXNlcjpwYXNz\r\nConnection: close\r\n\r\n");
  CHECK(fieldsOf({.auth = "user:pass", .headers = {{"Authorization", "mine"}}}) ==
        "Authorization: mine\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  CHECK(fieldsOf({.auth = "user:pass", .headers = {{"authorization", ""}}}) ==
        "Authorization: Basic dXNlcjpwYXNz\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

TEST_CASE("headers go out in the order they were given, the automatic ones last",
          "[ClientRequest][row:11.2/order][row:7.1/headers][row:7.1/uniqueHeaders]"
          "[row:11.2/Cookie array][row:7.3/header methods]") {
  CHECK(fieldsOf({.headers = {{"X-B", "1"}, {"x-a", 2}}}) ==
        "X-B: 1\r\nx-a: 2\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  CHECK(fieldsOf({.headers = {{"Cookie", {"a=1", "b=2"}}, {"X", {"1", "2"}}}}) ==
        "Cookie: a=1; b=2\r\nX: 1\r\nX: 2\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  CHECK(fieldsOf({.headers = {{"X", {"1", "2"}}}, .uniqueHeaders = {"x"}}) ==
        "X: 1; 2\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  CHECK(sent({}, [](ClientRequest& req) {
          CHECK(req.getHeader("host") == "localhost");
          CHECK(!req.hasHeader("connection"));
          req.setHeader("X", "1");
          req.removeHeader("HOST");
          req.end();
          CHECK(req.headersSent());
          CHECK(thrownBy([&] { req.setHeader("Y", "1"); }) == "ERR_HTTP_HEADERS_SENT");
        }) == "GET / HTTP/1.1\r\nX: 1\r\nConnection: close\r\n\r\n");
}

TEST_CASE("an error about the method quotes it as it was given", "[ClientRequest]") {
  asio::io_context io;
  CHECK(wordsOf([&] { static_cast<void>(request(io, {.method = "a b"})); }) ==
        "Method must be a valid HTTP token [\"a b\"]");
}

TEST_CASE("setDefaultHeaders leaves the automatic headers out",
          "[ClientRequest][row:7.1/setDefaultHeaders]") {
  CHECK(fieldsOf({.setDefaultHeaders = false}) == "\r\n");
  CHECK(fieldsOf({.setHost = true, .setDefaultHeaders = false}) == "Host: localhost\r\n\r\n");
}

TEST_CASE("what must not be in a request line is refused",
          "[ClientRequest][row:7.1/path][row:7.1/method][row:7.1/protocol][row:11.3/request path]"
          "[row:12/ERR_UNESCAPED_CHARACTERS][row:12/ERR_INVALID_PROTOCOL]") {
  CHECK(refusal({.path = "/a b"}) == "ERR_UNESCAPED_CHARACTERS");
  CHECK(refusal({.path = "/a\r\nHost: b"}) == "ERR_UNESCAPED_CHARACTERS");
  CHECK(refusal({.path = std::string("/\0", 2)}) == "ERR_UNESCAPED_CHARACTERS");
  CHECK(refusal({.method = "GET /"}) == "ERR_INVALID_HTTP_TOKEN");
  CHECK(refusal({.method = "G\xC3\x84T"}) == "ERR_INVALID_HTTP_TOKEN");
  CHECK(refusal({.protocol = "https:"}) == "ERR_INVALID_PROTOCOL");
  CHECK(refusal({.headers = {{"X", "a\r\nb"}}}) == "ERR_INVALID_CHAR");
  CHECK(refusal({.hostname = "a\r\nX: y"}) == "ERR_INVALID_CHAR");
  CHECK(sent({.method = "", .path = "/\xC3\xA4"}, [](ClientRequest& req) { req.end(); }) ==
        "GET /\xC3\xA4 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

TEST_CASE("a body is framed whatever the method",
          "[ClientRequest][row:11.2/GET HEAD DELETE OPTIONS TRACE CONNECT]"
          "[row:11.2/other methods][row:7.3/write, end, flushHeaders, addTrailers, cork, uncork]") {
  const std::string method = GENERATE("GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "POST", "PUT",
                                      "PATCH", "QUERY", "MADE-UP");
  CAPTURE(method);
  const bool expected = method[0] == 'P' || method == "QUERY" || method == "MADE-UP";
  const RequestOptions options{.method = method};
  CHECK(sent(options, [](ClientRequest& req) { req.end(); }) ==
        head(method, expected ? "Content-Length: 0\r\n" : ""));
  CHECK(sent(options, [](ClientRequest& req) { req.end("abc"); }) ==
        head(method, "Content-Length: 3\r\n") + "abc");
  CHECK(sent(options, [](ClientRequest& req) {
          req.write("abc");
          req.end("de");
        }) == head(method, "Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  CHECK(sent(options,
             [](ClientRequest& req) {
               req.setHeader("Content-Length", 5);
               req.write("abc");
               req.end("de");
             }) == method +
                       " / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
                       "Connection: close\r\n\r\nabcde");
  CHECK(sent(options,
             [](ClientRequest& req) {
               req.setHeader("Transfer-Encoding", "chunked");
               req.end("abc");
             }) == method +
                       " / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                       "Connection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
}

TEST_CASE("flushHeaders() sends the head alone", "[ClientRequest][row:4/flushHeaders]") {
  Requesting net;
  auto post = request(net.io(), net.options({.method = "POST"}));
  post.flushHeaders();
  CHECK(net.received() == head("POST", "Transfer-Encoding: chunked\r\n"));
  post.end("x");
  CHECK(net.received() == "1\r\nx\r\n0\r\n\r\n");
  auto get = request(net.io(), net.options());
  get.flushHeaders();
  CHECK(net.received(1) == plainGet);
  // The head said that there is no body.
  CHECK(thrownBy([&] { get.write("x"); }) == "ERR_HTTP_BODY_NOT_ALLOWED");
  get.end();
  CHECK(net.received(1).empty());
}

TEST_CASE("a request that was corked before it was connected gathers until it is uncorked",
          "[ClientRequest][row:4/cork]") {
  Requesting net;
  auto req = request(net.io(), net.options({.method = "POST"}));
  req.cork();
  req.write("a");
  net.settle();
  CHECK(net.count() == 1);
  req.write("b");
  net.settle();
  CHECK(net.received().empty());
  req.uncork();
  CHECK(net.received() == head("POST", "Transfer-Encoding: chunked\r\n") + "2\r\nab\r\n");
}

TEST_CASE("trailers follow a chunked body", "[ClientRequest][row:4/addTrailers]") {
  CHECK(sent({.method = "POST"}, [](ClientRequest& req) {
          req.write("x");
          req.addTrailers({{"Digest", "y"}});
          req.end();
        }) == head("POST", "Transfer-Encoding: chunked\r\n") + "1\r\nx\r\n0\r\nDigest: y\r\n\r\n");
}

TEST_CASE("Expect sends the head at once, and the body when the server says so",
          "[ClientRequest][row:11.2/Expect][row:7.2/continue]") {
  Requesting net;
  auto req = request(net.io(),
                     net.options({.method = "PUT",
                                  .headers = {{"Expect", "100-continue"}, {"Content-Length", 4}}}));
  req.on<"continue">([&] { req.end("body"); });
  CHECK(net.received() ==
        "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\nHost: localhost\r\n"
        "Connection: close\r\n\r\n");
  net.deliver("HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(net.received() == "body");
  auto waiting = start(net.io(), req.response());
  net.deliver(response("done"));
  IncomingMessage res = waiting.result();
  CHECK(run(net.io(), res.text()) == "done");
}

TEST_CASE("what is written before there is a connection waits for it",
          "[ClientRequest][row:7.3/early buffering][row:7.1/highWaterMark][row:7.2/drain, "
          "prefinish, pipe, unpipe]") {
  Requesting net;
  net.slow = true;
  RequestOptions options = net.options({.method = "POST"});
  options.highWaterMark = 100;
  auto req = request(net.io(), options);
  int drains = 0;
  req.on<"drain">([&] { ++drains; });
  CHECK(req.write("a"));
  const bool more = static_cast<bool>(req.write(std::string(200, 'b')));
  CHECK(!more);
  CHECK(req.writableNeedDrain());
  CHECK(req.writableLength() > 200);
  auto room = start(net.io(), [](ClientRequest& at) -> task<> { co_await at.write("c"); }(req));
  net.settle();
  CHECK(drains == 0);
  CHECK(!room.done());
  net.connect();
  CHECK(room.done());
  CHECK(drains == 1);
  CHECK(req.writableLength() == 0);
  CHECK(net.received() == head("POST", "Transfer-Encoding: chunked\r\n") + "1\r\na\r\nc8\r\n" +
                              std::string(200, 'b') + "\r\n1\r\nc\r\n");
}

TEST_CASE("an upload waits for a server that does not read",
          "[ClientRequest][row:7.2/drain, prefinish, pipe, unpipe][row:4/drain]") {
  Requesting net;
  net.onOpen = [](Wire& wire) { wire.room(1000); };
  auto req = request(net.io(), net.options({.method = "POST"}));
  std::size_t sentBytes = 0;
  auto upload = start(net.io(), [](ClientRequest& to, std::size_t& count) -> task<> {
    const std::string chunk(1024, 'x');
    for (int i = 0; i < 200; ++i) {
      co_await to.write(chunk);
      count += chunk.size();
    }
    co_await to.end();
  }(req, sentBytes));
  net.settle();
  CHECK(!upload.done());
  CHECK(sentBytes < 20 * 1024);
  CHECK(req.writableLength() < 18 * 1024);
  std::string all = net.received();
  for (int i = 0; i < 500 && !upload.done(); ++i) {
    net.wire().room(5000);
    all += net.received();
  }
  CHECK(upload.done());
  upload.result();
  all += net.received();
  CHECK(all.ends_with("\r\n0\r\n\r\n"));
  CHECK(req.writableFinished());
}

TEST_CASE(
    "options of the connection reach who opens it",
    "[ClientRequest][row:7.1/createConnection][row:7.1/family][row:7.1/localAddress / localPort]"
    "[row:7.1/lookup][row:7.1/other net.connect / tls.connect options]") {
  Requesting net;
  RequestOptions options = net.options();
  options.hostname = "h";
  options.port = 81;
  options.family = 6;
  options.localAddress = "::1";
  options.localPort = 5;
  options.socketPath = "/s";
  options.highWaterMark = 7;
  options.lookup = [](std::string_view, int) -> task<std::vector<asio::ip::address>> {
    co_return std::vector<asio::ip::address>();
  };
  auto req = http::get(net.io(), options);
  net.settle();
  const net::ConnectionOptions& asked = net.asked(0);
  CHECK(asked.host == "h");
  CHECK(asked.port == 81);
  CHECK(asked.family == 6);
  CHECK(asked.localAddress == "::1");
  CHECK(asked.localPort == 5);
  CHECK(asked.path == "/s");
  CHECK(asked.highWaterMark == 7);
  CHECK(static_cast<bool>(asked.lookup));
}

TEST_CASE("who opens connections may fail, bring nothing, or bring what is dead already",
          "[ClientRequest][row:7.1/createConnection]") {
  Requesting net;
  RequestOptions options;
  std::string name;
  SECTION("an exception of another kind") {
    options.createConnection = [](const net::ConnectionOptions&) -> task<net::Socket> {
      throw std::runtime_error("no way");
      co_return net::Socket();
    };
    name = "ERR_UNHANDLED_ERROR";
  }
  SECTION("nothing") {
    options.createConnection = [](const net::ConnectionOptions&) -> task<net::Socket> {
      co_return net::Socket();
    };
    name = "ERR_SOCKET_CLOSED";
  }
  SECTION("a dead socket") {
    options.createConnection = [&](const net::ConnectionOptions& asked) -> task<net::Socket> {
      net::Socket socket = co_await net.open(asked);
      socket.destroy();
      co_return socket;
    };
    name = "ECONNRESET";
  }
  auto req = http::get(net.io(), options);
  auto waiting = start(net.io(), req.response());
  CHECK(thrownBy([&] { waiting.result(); }) == name);
}

TEST_CASE("setNoDelay() and setSocketKeepAlive() are applied once there is a connection",
          "[ClientRequest][row:7.3/setNoDelay]") {
  using namespace std::chrono_literals;
  Requesting net;
  net.slow = true;
  auto req = http::get(net.io(), net.options());
  req.setNoDelay(false);
  req.setSocketKeepAlive(true, 3s);
  net.settle();
  net.connect();
  CHECK(net.wire().transport()->noDelay() == false);
  CHECK(net.wire().transport()->keepAlive() == true);
  CHECK(net.wire().transport()->keepAliveDelay() == 3s);
  req.setNoDelay();
  CHECK(net.wire().transport()->noDelay() == true);
  CHECK(req.socket()->encrypted() == overTls());
}

TEST_CASE("write() after end() and after destroy()",
          "[ClientRequest][row:4/write after end][row:4/write after destroy][row:4/end twice]") {
  Requesting net;
  auto req = request(net.io(), net.options({.method = "POST"}));
  std::string errors;
  req.on<"error">([&](const Error& error) { errors += error.name(); });
  req.end("x");
  req.end();
  error_code flushed;
  CHECK(!req.write("y", [&](error_code ec) { flushed = ec; }));
  net.settle();
  CHECK(errors == "ERR_STREAM_WRITE_AFTER_END");
  CHECK(errorName(flushed) == "ERR_STREAM_WRITE_AFTER_END");
  auto other = request(net.io(), net.options({.method = "POST"}));
  other.destroy();
  CHECK(!other.write("y", [&](error_code ec) { flushed = ec; }));
  net.settle();
  CHECK(errorName(flushed) == "ERR_STREAM_DESTROYED");
}

TEST_CASE("a length of the user's own goes out as it is given, but not beside a coding",
          "[ClientRequest][row:11.2/no check]"
          "[row:11.2/Content-Length vs Transfer-Encoding both set by user]") {
  CHECK(sent({.method = "POST", .headers = {{"Content-Length", 2}}},
             [](ClientRequest& req) { req.end("abc"); }) ==
        "POST / HTTP/1.1\r\nContent-Length: 2\r\nHost: localhost\r\n"
        "Connection: close\r\n\r\nabc");
  const Headers both{{"Content-Length", 3}, {"Transfer-Encoding", "chunked"}};
  CHECK(sent({.method = "POST", .headers = both}, [](ClientRequest& req) { req.end("abc"); }) ==
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
        "Host: localhost\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  const Headers twice{{"Content-Length", 5}, {"Content-Length", 6}};
  CHECK_THROWS_AS(sent({.method = "POST", .headers = twice}, [](ClientRequest& req) { req.end(); }),
                  Error);
  const Headers gzip{{"Transfer-Encoding", "gzip"}};
  CHECK_THROWS_AS(sent({.method = "POST", .headers = gzip}, [](ClientRequest& req) { req.end(); }),
                  Error);
}

TEST_CASE("a request says how far it has come",
          "[ClientRequest][row:7.3/destroyed, closed, finished, writableEnded]") {
  Requesting net;
  auto req = request(net.io(), net.options({.method = "POST"}));
  CHECK(!req.writableEnded());
  CHECK(!req.headersSent());
  req.end("x");
  CHECK(req.headersSent());
  CHECK(req.writableEnded());
  CHECK(req.finished());
  CHECK(!req.writableFinished());
  net.settle();
  CHECK(req.writableFinished());
  CHECK(!req.destroyed());
  CHECK(!req.closed());
  net.deliver(response());
  CHECK(req.destroyed());
  CHECK(req.closed());
  CHECK(!req.errored());
  CHECK(req.socket() == nullptr);
}

TEST_CASE("a moved request goes on", "[ClientRequest]") {
  Requesting net;
  auto first = request(net.io(), net.options());
  std::string got;
  first.on<"response">([&](IncomingMessage& res) { got = std::to_string(res.statusCode()); });
  ClientRequest second = std::move(first);
  second.end();
  ClientRequest third;
  third = std::move(second);
  net.deliver(response());
  CHECK(got == "200");
  CHECK(third.closed());
}

TEST_CASE("a request without an end is not ended", "[ClientRequest][row:7.3/write, end]") {
  Requesting net;
  {
    auto req = request(net.io(), net.options({.method = "POST"}));
    req.write("abc");
    net.settle();
  }
  net.settle();
  CHECK(net.closed());
  CHECK(!net.received().ends_with("0\r\n\r\n"));
}

TEST_CASE("bytes that wait in the socket of createConnection are the first of the response",
          "[ClientRequest]") {
  Requesting net;
  std::string data;
  bool listens = false;
  RequestOptions options;
  options.createConnection = [&](const net::ConnectionOptions& asked) -> task<net::Socket> {
    net::Socket socket = co_await net.open(asked);
    if (listens) {
      socket.on<"data">([&](std::string_view bytes) { data += bytes; });
      socket.write("hello");
      co_await sleepFor(1s);
      socket.pause();
    } else {
      co_await socket.write("CONNECT a:1 HTTP/1.1\r\n\r\n");
      const auto piece = co_await socket.read();
      data = std::string(piece.value_or("end"));
      const std::size_t end = data.find("\r\n\r\n") + 4;
      socket.unshift(std::string_view(data).substr(end));
      data.resize(end);
    }
    co_return socket;
  };
  SECTION("put back") {
    auto req = http::get(net.io(), options);
    CHECK(net.received() == "CONNECT a:1 HTTP/1.1\r\n\r\n");
    auto waiting = start(net.io(), req.response());
    net.deliver("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 ");
    CHECK(net.received() == plainGet);
    net.deliver("201 Created\r\nContent-Length: 0\r\n\r\n");
    CHECK(waiting.result().statusCode() == 201);
    CHECK(data == "HTTP/1.1 200 OK\r\n\r\n");
  }
  SECTION("read for a listener of \"data\"") {
    listens = true;
    auto req = http::get(net.io(), options);
    CHECK(net.received() == "hello");
    auto waiting = start(net.io(), req.response());
    net.deliver("ready");
    net.advance(1s);
    CHECK(net.received() == plainGet);
    net.deliver(response());
    CHECK(waiting.result().statusCode() == 200);
    CHECK(data == "ready");
  }
}
