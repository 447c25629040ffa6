// SPDX-License-Identifier: BSL-1.0
//
// fetch(): what it sends, what it brings, redirects, retries, time-outs and cancellation.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>
#include <sluice/app.hpp>
#include <sluice/fetch.hpp>
#include <span>
#include <string>
#include <string_view>
#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <vector>
#include "fetching.hpp"

using namespace sluice;
using namespace std::chrono_literals;
using http::Headers;
using http::IncomingMessage;
using http::ServerResponse;
using test::errorOf;
using test::FetchWorld;

namespace {

// Tells what was asked: method, target, and some headers.
task<> echo(IncomingMessage& req, ServerResponse& res) {
  std::string text = std::string(req.method()) + ' ' + std::string(req.url());
  for (const char* name : {"authorization", "cookie", "content-type", "x-a", "host-x"}) {
    if (const auto value = req.headers().get(name))
      text += ' ' + std::string(name) + '=' + std::string(*value);
  }
  const std::string body = co_await req.text();
  if (!body.empty()) text += " [" + body + ']';
  co_await res.end(std::string_view(text));
}

// Redirects /STATUS/TARGET to TARGET; everything else is echoed.
task<> redirecting(IncomingMessage& req, ServerResponse& res) {
  const std::string url(req.url());
  if (url.size() > 4 && url[0] == '/' && url[1] == '3') {
    res.statusCode = std::stoi(url.substr(1, 3));
    res.setHeader("Location", std::string_view(url).substr(4));
    co_await res.end("this body is not read");
    co_return;
  }
  co_await echo(req, res);
}

}  // namespace

TEST_CASE("fetch brings status, headers, URL and text", "[fetch]") {
  FetchWorld world;
  const std::string base = world.serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    CHECK(req.headers()["accept"] == "*/*");
    CHECK(req.headers()["accept-encoding"].starts_with("gzip, deflate"));
    res.statusCode = 404;
    res.statusMessage = "Not Here";
    co_await res.setHeader("X-B", "c").end("sorry");
  });
  world.run([&]() -> task<> {
    FetchResponse res = co_await fetch(base + "/a?b#c");
    CHECK(res.status() == 404);
    CHECK(!res.ok());
    CHECK(res.statusText() == "Not Here");
    CHECK(res.headers()["x-b"] == "c");
    CHECK(res.url() == base + "/a?b#c");
    CHECK(!res.redirected());
    const auto got1 = co_await res.text();
    CHECK(got1 == "sorry");
    const auto got2 = co_await res.read();
    CHECK(!got2.has_value());
  });
}

TEST_CASE("a request is what was said, and POST with a body if nothing was", "[fetch]") {
  FetchWorld world;
  const std::string base = world.serve(echo);
  world.run([&]() -> task<> {
    const auto sent = [&](FetchRequest request) -> task<std::string> {
      FetchResponse res = co_await fetch(base + "/p?q=1", std::move(request));
      co_return co_await res.text();
    };
    const auto got3 = co_await sent(FetchRequest());
    CHECK(got3 == "GET /p?q=1");
    const auto got4 = co_await sent(FetchRequest().method("put").header("X-A", 5));
    CHECK(got4 == "PUT /p?q=1 x-a=5");
    const auto got5 = co_await sent(FetchRequest().method("patch").body("b"));
    CHECK(got5 == "PATCH /p?q=1 [b]");
    const auto got6 = co_await sent(FetchRequest().body("text", "text/plain"));
    CHECK(got6 == "POST /p?q=1 content-type=text/plain [text]");
    const std::string kept = "kept";
    for (FetchRequest& each : std::vector{
             FetchRequest().body(kept), FetchRequest().body(std::string_view(kept)),
             FetchRequest().body(std::as_bytes(std::span(kept))), FetchRequest().body("kept")}) {
      const auto got = co_await sent(each);
      CHECK(got == "POST /p?q=1 [kept]");
    }
    const std::vector<std::pair<std::string, std::string>> fields = {{"a", "1 2"}, {"b", "&="}};
    const auto got7 = co_await sent(FetchRequest().form(fields));
    CHECK(got7 == "POST /p?q=1 content-type=application/x-www-form-urlencoded [a=1+2&b=%26%3D]");
    const Headers headers{{"X-A", "1"}, {"Cookie", "c=d"}};
    const auto got8 = co_await sent(FetchRequest().headers(headers));
    CHECK(got8 == "GET /p?q=1 cookie=c=d x-a=1");
    FetchResponse withUser = co_await fetch("http://user:p%40ss@" + base.substr(7) + "/");
    const auto got9 = co_await withUser.text();
    CHECK(got9 == "GET / authorization=Basic dXNlcjpwQHNz");
  });
}

TEST_CASE("a request can be part of a trace", "[fetch]") {
  app::Trace trace;
  CHECK(sluice::detail::FetchRequestAccess::release(FetchRequest().trace(trace)).headers.empty());
  trace.traceId = std::string(32, 'a');
  trace.spanId = std::string(16, 'b');
  const Headers sent =
      sluice::detail::FetchRequestAccess::release(FetchRequest().trace(trace)).headers;
  CHECK(sent["traceparent"] == trace.header());
  CHECK(!sent.has("tracestate"));
  trace.state = "vendor=1";
  CHECK(sluice::detail::FetchRequestAccess::release(FetchRequest().trace(trace))
            .headers["tracestate"] == "vendor=1");
}

TEST_CASE("what cannot be asked is refused at once", "[fetch]") {
  CHECK_THROWS_AS(FetchRequest().timeout(-1ms), Error);
  CHECK_THROWS_AS(FetchRequest().connectTimeout(-1ms), Error);
  CHECK_THROWS_AS(FetchRequest().retries(1, -1ms), Error);
  CHECK_THROWS_AS(FetchRequest().method("CONNECT"), Error);
  CHECK_THROWS_AS(FetchRequest().method("a b"), Error);
  CHECK_THROWS_AS(FetchRequest().header("a b", "c"), Error);
  CHECK_THROWS_AS(FetchRequest().header("a", "c\r\nd: e"), Error);
  CHECK_THROWS_AS(FetchRequest().proxy("https://h"), Error);
  CHECK_THROWS_AS(FetchRequest().proxy("nonsense"), Error);
  CHECK_THROWS_AS(fetch("nonsense"), Error);
  CHECK_THROWS_AS(fetch("ftp://h/"), Error);
}

TEST_CASE("redirects repeat or change method and body by the Fetch standard", "[fetch]") {
  FetchWorld world;
  const std::string base = world.serve(redirecting);
  world.run([&]() -> task<> {
    const std::string body = " content-type=a/b [body]";
    const struct {
      const char* status;
      const char* method;
      std::string wanted;
    } cases[] = {
        {"301", "GET", "GET /x"},
        {"301", "POST", "GET /x"},
        {"302", "POST", "GET /x"},
        {"303", "POST", "GET /x"},
        {"303", "PUT", "GET /x"},
        {"301", "PUT", "PUT /x" + body},
        {"302", "DELETE", "DELETE /x" + body},
        {"307", "POST", "POST /x" + body},
        {"308", "POST", "POST /x" + body},
        {"308", "PUT", "PUT /x" + body},
    };
    for (const auto& each : cases) {
      CAPTURE(each.status, each.method);
      FetchRequest request;
      request.method(each.method);
      if (std::string_view(each.method) != "GET") request.body("body", "a/b");
      FetchResponse res = co_await fetch(base + '/' + each.status + "/x", request);
      CHECK(res.status() == 200);
      CHECK(res.redirected());
      CHECK(res.url() == base + "/x");
      const auto got10 = co_await res.text();
      CHECK(got10 == each.wanted);
    }
    FetchResponse head = co_await fetch(base + "/303/x", FetchRequest().method("HEAD"));
    CHECK(head.status() == 200);
    CHECK(head.url() == base + "/x");
  });
}

TEST_CASE("a Location may be relative, and a fragment is inherited", "[fetch]") {
  FetchWorld world;
  std::string location;
  const std::string base = world.serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/a/b") {
      res.statusCode = 302;
      res.setHeader("Location", std::string_view(location));
    }
    co_await res.end();
  });
  world.run([&]() -> task<> {
    const std::string host = base.substr(5);
    const std::pair<std::string, std::string> cases[] = {
        {"c", base + "/a/c#f"},       {"../c?d", base + "/c?d#f"},
        {"/c#g", base + "/c#g"},      {"?q", base + "/a/b?q#f"},
        {host + "/z", base + "/z#f"}, {base + "/c", base + "/c#f"},
        {"c d", base + "/a/c%20d#f"}, {"\xC3\xA4", base + "/a/%C3%A4#f"},
    };
    for (const auto& [given, wanted] : cases) {
      location = given;
      FetchResponse res = co_await fetch(base + "/a/b#f");
      CHECK(res.url() == wanted);
    }
    location = "ftp://h/";
    const auto got11 = co_await errorOf(fetch(base + "/a/b"));
    CHECK(got11 == "ERR_INVALID_PROTOCOL");
    location = "http://[";
    const auto got12 = co_await errorOf(fetch(base + "/a/b"));
    CHECK(got12 == "ERR_INVALID_URL");
  });
}

TEST_CASE("redirects that do not end are an error, and others are what was asked for", "[fetch]") {
  FetchWorld world;
  int requests = 0;
  const std::string base = world.serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    ++requests;
    res.statusCode = 302;
    co_await res.setHeader("Location", "/").end();
  });
  world.run([&]() -> task<> {
    const auto got13 = co_await errorOf(fetch(base));
    CHECK(got13 == "ERR_TOO_MANY_REDIRECTS");
    CHECK(requests == 21);
    requests = 0;
    const auto got14 = co_await errorOf(fetch(base, FetchRequest().maxRedirects(0)));
    CHECK(got14 == "ERR_TOO_MANY_REDIRECTS");
    CHECK(requests == 1);
    const auto got15 = co_await errorOf(fetch(base, FetchRequest().redirect(Redirect::error)));
    CHECK(got15 == "ERR_UNEXPECTED_REDIRECT");
    FetchResponse res = co_await fetch(base, FetchRequest().redirect(Redirect::manual));
    CHECK(res.status() == 302);
    CHECK(res.headers()["location"] == "/");
    CHECK(!res.redirected());
  });
}

TEST_CASE("a redirect without a Location, and 300 and 304, are responses", "[fetch]") {
  FetchWorld world;
  int status = 302;
  const std::string base = world.serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    res.statusCode = status;
    if (status != 302) res.setHeader("Location", "/x");
    co_await res.end();
  });
  world.run([&]() -> task<> {
    for (status = 300; status <= 306; ++status) {
      if (status == 301 || status == 303) continue;
      FetchResponse res = co_await fetch(base);
      CHECK(res.status() == status);
    }
  });
}

TEST_CASE("secrets stay with their origin", "[fetch]") {
  FetchWorld world;
  const std::string other = world.serve(redirecting);
  const std::string base = world.serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/away") {
      res.statusCode = 307;
      res.setHeader("Location", std::string_view(other + "/x"));
      co_await res.end();
      co_return;
    }
    co_await redirecting(req, res);
  });
  world.run([&]() -> task<> {
    FetchRequest request;
    request.header("Authorization", "secret").header("Cookie", "c=1").header("X-A", "1");
    request.header("Proxy-Authorization", "p").header("Host", "example.org");
    FetchResponse same = co_await fetch(base + "/307/x", request);
    const auto got16 = co_await same.text();
    CHECK(got16 == "GET /x authorization=secret cookie=c=1 x-a=1");
    FetchResponse away = co_await fetch(base + "/away", request);
    const auto got17 = co_await away.text();
    CHECK(got17 == "GET /x x-a=1");
    FetchResponse withUser = co_await fetch("http://u:p@" + base.substr(7) + "/away");
    const auto got18 = co_await withUser.text();
    CHECK(got18 == "GET /x");
  });
}

TEST_CASE("https is spoken, and does not fall back to http unless that is allowed", "[fetch]") {
  FetchWorld world;
  const std::string plain = world.serve(echo);
  const std::string base = world.serveTls([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/down") {
      res.statusCode = 301;
      res.setHeader("Location", std::string_view(plain + "/x"));
      co_await res.end();
      co_return;
    }
    co_await echo(req, res);
  });
  world.run([&]() -> task<> {
    FetchRequest request;
    request.tls(world.trust());
    FetchResponse res = co_await fetch(base + "/a", request);
    const auto got19 = co_await res.text();
    CHECK(got19 == "GET /a");
    const auto got20 = co_await errorOf(fetch(base + "/a"));
    CHECK(got20 == "DEPTH_ZERO_SELF_SIGNED_CERT");
    const auto got21 = co_await errorOf(fetch(base + "/down", request));
    CHECK(got21 == "ERR_INSECURE_REDIRECT");
    request.allowDowngrade(true);
    FetchResponse down = co_await fetch(base + "/down", request);
    const auto got22 = co_await down.text();
    CHECK(got22 == "GET /x");
  });
}

TEST_CASE("a body that is not as long as its Content-Length says does not leave", "[fetch]") {
  FetchWorld world;
  std::vector<std::string> served;
  const std::string base = world.serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    served.push_back(std::string(req.url()));
    co_await res.end();
  });
  world.run([&]() -> task<> {
    const std::string second = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n";
    const auto write = [&](http::ClientRequest& req) -> task<> { co_await req.write(second); };
    for (const int length : {0, 3, 1000}) {
      FetchRequest request;
      request.header("Content-Length", length);
      const auto whole = co_await errorOf(fetch(base + "/first", request.body(second)));
      CHECK(whole == "ERR_HTTP_CONTENT_LENGTH_MISMATCH");
      const auto written = co_await errorOf(fetch(base + "/first", request.body(write)));
      CHECK(written == "ERR_HTTP_CONTENT_LENGTH_MISMATCH");
    }
    FetchRequest right;
    right.header("Content-Length", second.size());
    FetchResponse res = co_await fetch(base + "/right", right.body(second));
    CHECK(res.status() == 200);
    CHECK(std::count(served.begin(), served.end(), "/second") == 0);
    CHECK(std::count(served.begin(), served.end(), "/right") == 1);
  });
}

TEST_CASE("a body that is written cannot be repeated", "[fetch]") {
  FetchWorld world;
  const std::string base = world.serve(redirecting);
  world.run([&]() -> task<> {
    const auto write = [](http::ClientRequest& req) -> task<> {
      for (int i = 0; i < 3; ++i) co_await req.write("piece ");
    };
    FetchRequest request;
    request.method("PUT").body(write);
    FetchResponse res = co_await fetch(base + "/x", request);
    const auto got23 = co_await res.text();
    CHECK(got23 == "PUT /x [piece piece piece ]");
    const auto got24 = co_await errorOf(fetch(base + "/307/x", request));
    CHECK(got24 == "ERR_BODY_NOT_REPEATABLE");
    for (const char* status : {"/301", "/302", "/308"}) {
      const auto got25 = co_await errorOf(fetch(base + status + "/x", request));
      CHECK(got25 == "ERR_BODY_NOT_REPEATABLE");
    }
    FetchResponse after = co_await fetch(base + "/303/x", request);
    const auto got26 = co_await after.text();
    CHECK(got26 == "GET /x");
    // A GET has no body that would be needed again.
    for (const char* status : {"/301", "/302", "/303"}) {
      FetchResponse got = co_await fetch(base + status + "/x", request.method("POST"));
      const auto text = co_await got.text();
      CHECK(text == "GET /x");
    }
    for (const char* status : {"/307", "/308"}) {
      const auto name = co_await errorOf(fetch(base + status + "/x", request));
      CHECK(name == "ERR_BODY_NOT_REPEATABLE");
    }
  });
}

TEST_CASE("what writes a body may throw, or be told that nobody wants it", "[fetch]") {
  FetchWorld world;
  const std::string base = world.serve([](IncomingMessage&, ServerResponse& res) -> task<> {
    res.statusCode = 413;
    co_await res.setHeader("Connection", "close").end("too much");
  });
  const std::string waiting = world.serve([](IncomingMessage& req, ServerResponse& res) -> task<> {
    co_await req.text();
    co_await res.end();
  });
  bool ended = false;
  world.run([&]() -> task<> {
    const auto failing = [](http::ClientRequest& req) -> task<> {
      co_await req.write("a");
      throw std::runtime_error("the source is broken");
    };
    std::string what;
    try {
      co_await fetch(waiting, FetchRequest().body(failing));
    } catch (const std::exception& error) {
      what = error.what();
    }
    CHECK(what == "the source is broken");

    const auto endless = [&ended](http::ClientRequest& req) -> task<> {
      const std::string piece(10'000, 'x');
      try {
        while (true) co_await req.write(std::string_view(piece));
      } catch (const Error&) {
        ended = true;
      }
    };
    {
      FetchResponse res = co_await fetch(base, FetchRequest().body(endless));
      CHECK(res.status() == 413);
    }
  });
  loopback::runUntil(world.io, [&] { return ended; });
}

TEST_CASE("an answer is brought though its server has not read what is written", "[fetch]") {
  FetchWorld world;
  net::Socket* peer = nullptr;
  const std::string base = "http://" + world.serveBytes([&](net::Socket& socket) -> task<> {
    co_await socket.read();
    peer = &socket;
    co_await socket.once<"close">();
  });
  const auto write = [&peer](http::ClientRequest& req) -> task<> {
    const std::string piece(100'000, 'x');
    co_await req.write("first");
    while (peer == nullptr) co_await asio::post(asio::use_awaitable);
    static_cast<void>(req.write(std::string_view(piece)));
    // What it has not read makes a reset of its close.
    peer->write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    peer->destroy();
    // Meets the reset before the answer was looked for.
    co_await req.write(std::string_view(piece));
    FAIL("the write has not failed");
  };
  world.run([&]() -> task<> {
    FetchResponse res = co_await fetch(base, FetchRequest().body(write));
    CHECK(res.status() == 413);
    const auto text = co_await res.text();
    CHECK(text == "no");
  });
}

TEST_CASE("a request is repeated if its connection was lost or not made", "[fetch]") {
  FetchWorld world;
  int connections = 0;
  const std::string base = "http://" + world.serveBytes([&](net::Socket& socket) -> task<> {
    co_await socket.read();
    if (++connections < 3) {
      socket.destroy();
      co_return;
    }
    co_await socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  });
  world.run([&]() -> task<> {
    const auto got35 = co_await errorOf(fetch(base, FetchRequest().retries(1, 0ms)));
    CHECK(got35 == "ECONNRESET");
    CHECK(connections == 2);
    connections = 0;
    FetchResponse res = co_await fetch(base, FetchRequest().retries(5, 0ms));
    const auto got36 = co_await res.text();
    CHECK(got36 == "hi");
    CHECK(connections == 3);
    const auto got37 =
        co_await errorOf(fetch("http://127.0.0.1:1/", FetchRequest().retries(2, 0ms)));
    CHECK(got37 == "ECONNREFUSED");
    connections = 0;
    const auto got38 = co_await errorOf(fetch(base, FetchRequest().body("b").retries(5, 0ms)));
    CHECK(got38 == "ECONNRESET");
    CHECK(connections == 1);
  });
}

TEST_CASE("a body is decoded, and a bomb is not", "[fetch]") {
  FetchWorld world;
  const std::string text(50'000, 'a');
  const std::string base = world.serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    std::string body = text;
    if (req.url() == "/bomb") body.assign(10'000'000, '\0');
    if (req.url() == "/unknown") {
      res.setHeader("Content-Encoding", "new");
    } else {
      body = compress::encode(compress::Coding::gzip, body);
      res.setHeader("Content-Encoding", "gzip");
    }
    if (req.url() == "/cut") body.resize(body.size() - 5);
    co_await res.end(std::string_view(body));
  });
  world.run([&]() -> task<> {
    FetchResponse res = co_await fetch(base);
    CHECK(res.headers()["content-encoding"] == "gzip");
    const auto got43 = co_await res.text();
    CHECK(got43 == text);
    FetchResponse limited = co_await fetch(base);
    const auto got44 = co_await errorOf(limited.text(49'999));
    CHECK(got44 == "ERR_BODY_TOO_LARGE");
    FetchResponse raw = co_await fetch(base, FetchRequest().decompress(false));
    const auto got45 = co_await raw.text();
    CHECK(compress::decode(compress::Coding::gzip, got45, 50'000) == text);
    FetchResponse bomb = co_await fetch(base + "/bomb");
    const auto got46 = co_await errorOf(bomb.text());
    CHECK(got46 == "ERR_BODY_TOO_LARGE");
    FetchResponse cut = co_await fetch(base + "/cut");
    const auto got47 = co_await errorOf(cut.text());
    CHECK(got47 == "ERR_INVALID_CONTENT_ENCODING");
    FetchResponse unknown = co_await fetch(base + "/unknown");
    const auto got48 = co_await errorOf(unknown.text());
    CHECK(got48 == "ERR_UNSUPPORTED_ENCODING");
    FetchResponse head = co_await fetch(base, FetchRequest().method("HEAD"));
    const auto got49 = co_await head.text();
    CHECK(got49.empty());
  });
}

TEST_CASE("a response without a body needs no decoder", "[fetch]") {
  FetchWorld world;
  const std::string base = world.serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    res.setHeader("Content-Encoding", "new");
    if (req.url() != "/") res.statusCode = std::stoi(std::string(req.url().substr(1)));
    co_await res.end();
  });
  world.run([&]() -> task<> {
    FetchResponse head = co_await fetch(base, FetchRequest().method("HEAD"));
    const auto first = co_await head.text();
    CHECK(first.empty());
    for (const char* path : {"/204", "/304", "/200"}) {
      CAPTURE(path);
      FetchResponse empty = co_await fetch(base + path);
      const auto text = co_await empty.text();
      CHECK(text.empty());
      const auto rest = co_await empty.read();
      CHECK(!rest.has_value());
    }
  });
}

TEST_CASE("Accept-Encoding is not sent with Range, and not against the user", "[fetch]") {
  FetchWorld world;
  const std::string base = world.serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    co_await res.end(std::string_view(std::string(req.headers()["accept-encoding"])));
  });
  world.run([&]() -> task<> {
    const auto sent = [&](FetchRequest request) -> task<std::string> {
      FetchResponse res = co_await fetch(base, std::move(request));
      co_return co_await res.text();
    };
    const auto got50 = co_await sent(FetchRequest().header("Range", "bytes=5-"));
    CHECK(got50.empty());
    const auto got51 = co_await sent(FetchRequest().decompress(false));
    CHECK(got51.empty());
    const auto got52 = co_await sent(FetchRequest().header("Accept-Encoding", "br"));
    CHECK(got52 == "br");
  });
}

TEST_CASE("a connection serves one fetch after the other", "[fetch]") {
  FetchWorld world;
  std::vector<std::uint16_t> ports;
  const std::string base = world.serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    ports.push_back(req.socket().remotePort());
    if (req.url() == "/redirect") {
      res.statusCode = 302;
      res.setHeader("Location", "/x");
    }
    co_await res.end("body");
  });
  world.run([&]() -> task<> {
    for (const char* path : {"/", "/redirect", "/"}) {
      FetchResponse res = co_await fetch(base + path);
      co_await res.text();
    }
    CHECK(ports.size() == 4);
    CHECK(std::vector<std::uint16_t>(ports.size(), ports[0]) == ports);
  });
}

TEST_CASE("the user's agent is used for its protocol", "[fetch]") {
  FetchWorld world;
  const std::string base = world.serve(echo);
  const std::string secure = world.serveTls(echo);
  http::Agent agent(world.io, {.keepAlive = true});
  world.run([&]() -> task<> {
    FetchRequest request;
    request.agent(agent).tls(world.trust());
    FetchResponse res = co_await fetch(base, request);
    co_await res.text();
    CHECK(agent.totalSocketCount() == 1);
    FetchResponse other = co_await fetch(secure, request);
    const auto got53 = co_await other.text();
    CHECK(got53 == "GET /");
    CHECK(agent.totalSocketCount() == 1);
  });
}

TEST_CASE("cookies are kept on the way and sent where they belong", "[fetch]") {
  FetchWorld world;
  const std::string base = world.serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    if (req.url() == "/login") {
      res.statusCode = 303;
      res.setHeader("Set-Cookie", {"session=1; Path=/", "deep=2; Path=/deep", "gone=3; Max-Age=0"});
      co_await res.setHeader("Location", "/deep/x").end();
      co_return;
    }
    co_await echo(req, res);
  });
  world.run([&]() -> task<> {
    CookieJar jar;
    FetchRequest request;
    request.cookies(jar);
    FetchResponse res = co_await fetch(base + "/login", request);
    const auto got54 = co_await res.text();
    CHECK(got54 == "GET /deep/x cookie=deep=2; session=1");
    request.header("Cookie", "own=0");
    FetchResponse other = co_await fetch(base + "/", request);
    const auto got55 = co_await other.text();
    CHECK(got55 == "GET / cookie=own=0; session=1");
    FetchResponse without = co_await fetch(base + "/");
    const auto got56 = co_await without.text();
    CHECK(got56 == "GET /");
  });
}

TEST_CASE("strands that come and go leave a bounded number of connections", "[fetch]") {
  FetchWorld world;
  asio::io_context& io = world.io;
  http::Server server = http::createServer(
      io, [](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end("x"); });
  server.listen(0, "127.0.0.1");
  const std::string url = "http://127.0.0.1:" + std::to_string(server.address().port);
  for (int i = 0; i < 100; ++i) {
    std::string text;
    const auto ask = [&]() -> task<> {
      FetchResponse res = co_await fetch(url);
      text = co_await res.text();
    };
    asio::co_spawn(asio::make_strand(io), ask(), asio::detached);
    loopback::runUntil(io, [&] { return !text.empty(); });
  }
  for (int turn = 0; turn < 1000; ++turn) io.poll();
  CHECK(server.getConnections() <= 64);
}

TEST_CASE("a response may outlive the context of the strand that it came to", "[fetch]") {
  std::optional<FetchResponse> kept;
  {
    asio::io_context loop;
    http::Server server = http::createServer(
        loop, [](IncomingMessage&, ServerResponse& res) -> task<> { co_await res.end("x"); });
    server.listen(0, "127.0.0.1");
    const std::string url = "http://127.0.0.1:" + std::to_string(server.address().port);
    const auto get = [&]() -> task<> { kept = co_await fetch(url); };
    asio::co_spawn(asio::make_strand(loop), get(), asio::detached);
    while (!kept) loop.run_one();
  }
  CHECK(kept->status() == 200);
}

TEST_CASE("a response may be dropped while it is read", "[fetch]") {
  FetchWorld world;
  const std::string base = world.serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    co_await res.write("first");
    co_await sleepFor(20ms);
    co_await res.end("second");
  });
  world.run([&]() -> task<> {
    task<std::optional<std::string_view>> early = (co_await fetch(base)).read();
    const auto first = co_await std::move(early);
    CHECK(first == "first");
    task<std::string> whole = (co_await fetch(base)).text();
    const std::string text = co_await std::move(whole);
    CHECK(text == "firstsecond");

    FetchResponse res = co_await fetch(base);
    const auto begin = co_await res.read();
    CHECK(begin == "first");
    std::string second;
    bool ended = false;
    const auto readOn = [&]() -> task<> {
      const auto piece = co_await res.read();
      second = piece.value_or("");
      ended = true;
    };
    asio::co_spawn(world.io, readOn(), asio::detached);
    co_await sleepFor(0ms);
    res = FetchResponse();
    while (!ended) co_await sleepFor(1ms);
    CHECK(second == "second");
  });
}

TEST_CASE("a response may be dropped before its end, and its exchange destroyed with its loop",
          "[fetch]") {
  FetchWorld world;
  const std::string base = world.serve([&](IncomingMessage&, ServerResponse& res) -> task<> {
    const std::string piece(100'000, 'x');
    for (int i = 0; i < 100; ++i) co_await res.write(std::string_view(piece));
    co_await res.end();
  });
  FetchResponse kept;
  world.run([&]() -> task<> {
    {
      FetchResponse res = co_await fetch(base);
      const auto got57 = co_await res.read();
      CHECK(got57.has_value());
    }
    kept = co_await fetch(base, FetchRequest().timeout(1h));
    const auto got58 = co_await kept.read();
    CHECK(got58.has_value());
  });
}
