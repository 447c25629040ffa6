// SPDX-License-Identifier: BSL-1.0
//
// fetch() by way of proxies: absolute targets, CONNECT, SOCKS 5, and which one the environment
// names.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdlib>
#include <memory>
#include <sluice/fetch.hpp>
#include <sluice/pipe.hpp>
#include <sluice/test.hpp>
#include <string>
#include <string_view>
#include <support/catch.hpp>
#include <vector>
#include "fetching.hpp"

using namespace sluice;
using namespace std::chrono_literals;
using http::IncomingMessage;
using http::ServerResponse;
using test::errorOf;
using test::FetchWorld;

namespace {

task<> echo(IncomingMessage& req, ServerResponse& res) {
  const std::string text = std::string(req.method()) + ' ' + std::string(req.url()) + ' ' +
                           std::string(req.headers()["proxy-authorization"]);
  co_await res.end(std::string_view(text));
}

task<> passOn(std::shared_ptr<net::Socket> from, std::shared_ptr<net::Socket> to) {
  try {
    co_await pipe(*from, *to);
  } catch (const Error&) {
    to->destroy();
  }
}

// Both ways until both have ended.
void join(net::Socket client, net::Socket server) {
  const auto first = std::make_shared<net::Socket>(std::move(client));
  const auto second = std::make_shared<net::Socket>(std::move(server));
  boost::asio::co_spawn(first->get_executor(), passOn(first, second), boost::asio::detached);
  boost::asio::co_spawn(first->get_executor(), passOn(second, first), boost::asio::detached);
}

task<net::Socket> dial(std::string host, std::uint16_t port) {
  net::ConnectionOptions options;
  options.host = host;
  options.port = port;
  net::Socket socket = co_await net::connect(options);
  co_return socket;
}

std::uint16_t portIn(std::string_view authority) {
  return static_cast<std::uint16_t>(
      std::stoi(std::string(authority.substr(authority.rfind(':') + 1))));
}

// A proxy of HTTP. What it is asked it writes down.
class HttpProxy {
 public:
  explicit HttpProxy(asio::io_context& io)
      : server_(http::createServer(io, [this](IncomingMessage& req, ServerResponse& res) -> task<> {
          asked.push_back(std::string(req.method()) + ' ' + std::string(req.url()) + ' ' +
                          std::string(req.headers()["host"]) + ' ' +
                          std::string(req.headers()["proxy-authorization"]));
          co_await res.end("from the proxy");
        })) {
    server_.on<"connect">(
        [this](IncomingMessage& req, net::Socket& socket, std::string_view) -> task<> {
          asked.push_back(std::string(req.method()) + ' ' + std::string(req.url()) + ' ' +
                          std::string(req.headers()["host"]) + ' ' +
                          std::string(req.headers()["proxy-authorization"]));
          if (!answer.empty()) {
            co_await socket.end(std::string_view(answer));
            co_return;
          }
          if (silent) {
            kept_.push_back(std::move(socket));
            co_return;
          }
          net::Socket server = co_await dial("127.0.0.1", portIn(req.url()));
          co_await socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
          join(std::move(socket), std::move(server));
        });
    server_.listen(0, "127.0.0.1");
  }

  std::string url(std::string_view user = {}) const {
    return "http://" + std::string(user) + "127.0.0.1:" + std::to_string(server_.address().port);
  }
  std::vector<std::string> asked;
  std::string answer;  // to CONNECT, in place of a tunnel
  bool silent = false;

 private:
  http::Server server_;
  std::vector<net::Socket> kept_;
};

// Reads so many bytes.
task<std::string> take(net::Socket& socket, std::size_t count) {
  std::string bytes;
  while (bytes.size() < count) {
    const auto piece = co_await socket.read();
    if (!piece) co_return bytes;
    const std::string rest(piece->substr(std::min(piece->size(), count - bytes.size())));
    bytes.append(piece->substr(0, count - bytes.size()));
    if (!rest.empty()) socket.unshift(std::string_view(rest));
  }
  co_return bytes;
}

// A proxy of SOCKS 5 that knows one user.
class SocksProxy {
 public:
  explicit SocksProxy(FetchWorld& world)
      : address_(world.serveBytes([this](net::Socket& socket) { return serve(socket); })) {}

  std::string url(std::string_view user = {}) const {
    return "socks5://" + std::string(user) + address_;
  }
  std::vector<std::string> asked;
  char failure = 0;
  std::string greeting;  // in place of the answer to the greeting
  bool wantsUser = false;
  std::string bound = std::string("\x01\0\0\0\0\0\0", 7);

 private:
  task<> serve(net::Socket& socket) {
    const std::string hello = co_await take(socket, 3);
    if (!greeting.empty()) {
      co_await socket.end(std::string_view(greeting));
      co_return;
    }
    const char method = wantsUser ? '\x02' : '\x00';
    if (hello[2] != method) {
      co_await socket.end(std::string_view("\x05\xFF", 2));
      co_return;
    }
    co_await socket.write(std::string_view(std::string("\x05") + method));
    if (wantsUser) {
      std::string sizes = co_await take(socket, 2);
      const std::string user = co_await take(socket, static_cast<unsigned char>(sizes[1]));
      sizes = co_await take(socket, 1);
      const std::string password = co_await take(socket, static_cast<unsigned char>(sizes[0]));
      asked.push_back(user + ':' + password);
      const bool right = user == "user" && password == "pass";
      co_await socket.write(std::string_view(right ? "\x01\x00" : "\x01\x01", 2));
      if (!right) co_return;
    }
    const std::string request = co_await take(socket, 4);
    std::string host;
    if (request[3] == '\x03') {
      const std::string size = co_await take(socket, 1);
      host = co_await take(socket, static_cast<unsigned char>(size[0]));
    } else if (request[3] == '\x01') {
      for (const char byte : co_await take(socket, 4)) {
        host += std::to_string(static_cast<unsigned char>(byte)) + '.';
      }
    } else {
      co_await take(socket, 16);
      host = "six";
    }
    const std::string port = co_await take(socket, 2);
    asked.push_back(host);
    if (failure != 0) {
      co_await socket.end(
          std::string_view(std::string("\x05") + failure + std::string("\0\x01\0\0\0\0\0\0", 8)));
      co_return;
    }
    net::Socket server = co_await dial(
        "127.0.0.1", static_cast<std::uint16_t>(static_cast<unsigned char>(port[0]) * 256 +
                                                static_cast<unsigned char>(port[1])));
    co_await socket.write(std::string_view(std::string("\x05\0\0", 3) + bound));
    join(std::move(socket), std::move(server));
  }

  std::string address_;
};

struct Environment {
  Environment() { clear(); }
  ~Environment() { clear(); }
  void set(const char* name, const char* value) { ::setenv(name, value, 1); }

 private:
  static void clear() {
    for (const char* name :
         {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"}) {
      ::unsetenv(name);
    }
  }
};

}  // namespace

TEST_CASE("an http proxy is told the whole URL, and its user", "[fetch]") {
  FetchWorld world;
  HttpProxy proxy(world.io);
  world.run([&]() -> task<> {
    FetchRequest request;
    request.proxy(proxy.url("u:p%20@"));
    FetchResponse res = co_await fetch("http://example.test/a?b#c", request);
    const auto got1 = co_await res.text();
    CHECK(got1 == "from the proxy");
    FetchResponse port =
        co_await fetch("http://example.test:81", FetchRequest().proxy(proxy.url()));
    const auto got2 = co_await port.text();
    CHECK(got2 == "from the proxy");
    CHECK(proxy.asked ==
          std::vector<std::string>{"GET http://example.test/a?b example.test Basic dTpwIA==",
                                   "GET http://example.test:81/ example.test:81 "});
  });
}

TEST_CASE("the proxy of the user's agent is told the whole URL, however long it may take",
          "[fetch]") {
  FetchWorld world;
  const std::string proxy = world.serve(echo);
  http::Agent agent(world.io, {.proxyEnv = {{"HTTP_PROXY", "http://u:p@" + proxy.substr(7)}}});
  world.run([&]() -> task<> {
    FetchRequest request;
    request.agent(agent).connectTimeout(1h);
    FetchResponse res = co_await fetch("http://example.test/x", request);
    const auto got = co_await res.text();
    CHECK(got == "GET http://example.test/x Basic dTpw");
  });
}

TEST_CASE("https goes through a tunnel, which serves again", "[fetch]") {
  FetchWorld world;
  HttpProxy proxy(world.io);
  const std::string base = world.serveTls(echo);
  world.run([&]() -> task<> {
    FetchRequest request;
    request.proxy(proxy.url("u:p@")).tls(world.trust());
    for (int i = 0; i < 2; ++i) {
      FetchResponse res = co_await fetch(base + "/x", request);
      const auto got3 = co_await res.text();
      CHECK(got3 == "GET /x ");
    }
    const std::string authority = base.substr(8);
    CHECK(proxy.asked ==
          std::vector<std::string>{"CONNECT " + authority + ' ' + authority + " Basic dTpw"});
    // The certificate is checked through the tunnel too.
    const auto got4 = co_await errorOf(fetch(base, FetchRequest().proxy(proxy.url())));
    CHECK(got4 == "DEPTH_ZERO_SELF_SIGNED_CERT");
  });
}

TEST_CASE("a proxy that makes no tunnel is an error", "[fetch]") {
  FetchWorld world;
  HttpProxy proxy(world.io);
  world.run([&]() -> task<> {
    const FetchRequest request = FetchRequest().proxy(proxy.url());
    proxy.answer = "HTTP/1.1 407 Who Are You\r\nContent-Length: 3\r\n\r\nno!";
    std::string what;
    try {
      co_await fetch("https://example.test/", request);
    } catch (const Error& error) {
      CHECK(error.name() == "ERR_PROXY_CONNECTION_FAILED");
      what = error.what();
    }
    CHECK(what == "The proxy answered CONNECT with 407 Who Are You");
    proxy.answer = "nonsense\r\n\r\n";
    const auto got5 = co_await errorOf(fetch("https://example.test/", request));
    CHECK(got5.starts_with("HPE_"));
    const auto got6 = co_await errorOf(
        fetch("https://example.test/", FetchRequest().proxy("http://127.0.0.1:1")));
    CHECK(got6 == "ECONNREFUSED");
    // No answer to CONNECT needs that much.
    proxy.answer = "HTTP/1.1 200 OK\r\nName: " + std::string(20'000, 'x') + "\r\n\r\n";
    const auto got7 = co_await errorOf(fetch("https://example.test/", request));
    CHECK(got7 == "HPE_HEADER_OVERFLOW");
  });
}

TEST_CASE("the time for connecting counts for a silent proxy, and so does the whole time",
          "[fetch]") {
  FetchWorld world;
  HttpProxy proxy(world.io);
  proxy.silent = true;
  test::Clock clock(world.io);
  for (const bool whole : {false, true}) {
    FetchRequest request;
    request.proxy(proxy.url());
    if (whole) {
      request.timeout(50ms);
    } else {
      request.connectTimeout(50ms);
    }
    const std::size_t before = proxy.asked.size();
    std::string outcome;
    boost::asio::co_spawn(world.io, errorOf(fetch("https://example.test/", request)),
                          [&](std::exception_ptr, std::string name) { outcome = name; });
    loopback::runUntil(world.io, [&] { return proxy.asked.size() > before; });
    clock.advance(49ms);
    CHECK(outcome.empty());
    clock.advance(1ms);
    loopback::runUntil(world.io, [&] { return !outcome.empty(); });
    CHECK(outcome == "ETIMEDOUT");
  }
}

TEST_CASE("SOCKS 5 connects for http and https, by name and address", "[fetch]") {
  FetchWorld world;
  SocksProxy proxy(world);
  const std::string plain = world.serve(echo);
  const std::string secure = world.serveTls(echo);
  world.run([&]() -> task<> {
    FetchRequest request;
    request.proxy(proxy.url()).tls(world.trust());
    FetchResponse first = co_await fetch(plain + "/a", request);
    const auto got9 = co_await first.text();
    CHECK(got9 == "GET /a ");
    FetchResponse again = co_await fetch(plain + "/b", request);
    const auto got10 = co_await again.text();
    CHECK(got10 == "GET /b ");
    proxy.bound = std::string("\x03\x02xy\0\0", 6);
    FetchResponse named =
        co_await fetch("http://name.test" + plain.substr(plain.rfind(':')), request);
    const auto got11 = co_await named.text();
    CHECK(got11 == "GET / ");
    proxy.bound = "\x04" + std::string(18, '\0');
    FetchResponse encrypted = co_await fetch(secure + "/c", request);
    const auto got12 = co_await encrypted.text();
    CHECK(got12 == "GET /c ");
    CHECK(proxy.asked == std::vector<std::string>{"127.0.0.1.", "name.test", "127.0.0.1."});
  });
}

TEST_CASE("SOCKS 5 takes a user, and says why it does not connect", "[fetch]") {
  FetchWorld world;
  SocksProxy proxy(world);
  const std::string base = world.serve(echo);
  world.run([&]() -> task<> {
    const auto outcome = [&](std::string_view user) -> task<std::string> {
      std::string what = "fine";
      try {
        FetchResponse res = co_await fetch(base, FetchRequest().proxy(proxy.url(user)));
        co_await res.text();
      } catch (const Error& error) {
        CHECK(error.name() == "ERR_PROXY_CONNECTION_FAILED");
        what = error.what();
      }
      co_return what;
    };
    const auto got13 = co_await outcome("u:p@");
    CHECK(got13 == "The SOCKS proxy refuses this way to log in");
    proxy.wantsUser = true;
    const auto got14 = co_await outcome("user:pass@");
    CHECK(got14 == "fine");
    const auto got15 = co_await outcome("user:wrong@");
    CHECK(got15 == "The SOCKS proxy refuses user or password");
    const auto got16 = co_await outcome("");
    CHECK(got16 == "The SOCKS proxy refuses this way to log in");
    proxy.wantsUser = false;
    proxy.failure = 5;
    const auto got17 = co_await outcome("");
    CHECK(got17 == "The SOCKS proxy did not connect: the connection was refused");
    proxy.failure = 99;
    const auto got18 = co_await outcome("");
    CHECK(got18 == "The SOCKS proxy did not connect: unknown reason");
    proxy.failure = 0;
    for (const char* nonsense : {"\x04\x01", "HTTP/1.1 400 Bad Request\r\n\r\n"}) {
      proxy.greeting = nonsense;
      const auto got19 = co_await outcome("");
      CHECK(got19 == "The proxy does not speak SOCKS 5");
    }
    proxy.greeting = "\x05";
    const auto got20 = co_await outcome("");
    CHECK(got20 == "The proxy ended the connection");
  });
}

TEST_CASE("a request through a proxy does not use a connection that leads elsewhere", "[fetch]") {
  FetchWorld world;
  SocksProxy proxy(world);
  const std::string base = world.serve(echo);
  world.run([&]() -> task<> {
    for (int i = 0; i < 2; ++i) {
      FetchResponse direct = co_await fetch(base);
      co_await direct.text();
      FetchResponse res = co_await fetch(base, FetchRequest().proxy(proxy.url()));
      co_await res.text();
    }
    CHECK(proxy.asked.size() == 1);
  });
}

TEST_CASE("the environment names proxies, and exempts hosts from them", "[fetch]") {
  Environment environment;
  const http::URL plain("http://example.org/");
  const http::URL secure("https://example.org/");
  CHECK(proxyFromEnvironment(plain).empty());
  environment.set("HTTP_PROXY", "http://p:1");
  CHECK(proxyFromEnvironment(plain) == "http://p:1");
  CHECK(proxyFromEnvironment(secure).empty());
  environment.set("http_proxy", "http://lower:1");
  CHECK(proxyFromEnvironment(plain) == "http://lower:1");
  environment.set("HTTPS_PROXY", "https://s:2");
  CHECK(proxyFromEnvironment(secure) == "https://s:2");
  environment.set("https_proxy", "p:1");
  CHECK(proxyFromEnvironment(secure).empty());
  CHECK(proxyFromEnvironment(http::URL("ftp://example.org/")).empty());
  environment.set("https_proxy", "http://s:2");

  const auto exempt = [&](const char* list, std::string_view url) {
    environment.set("NO_PROXY", list);
    return proxyFromEnvironment(http::URL(url)).empty();
  };
  CHECK(exempt("*", "http://example.org/"));
  CHECK(exempt("example.org", "http://example.org/"));
  CHECK(exempt(" a.b , EXAMPLE.org ", "https://Example.ORG/"));
  CHECK(!exempt("example.org", "http://a.example.org/"));
  CHECK(!exempt("example.org", "http://badexample.org/"));
  CHECK(exempt("example.org:80", "http://example.org/"));
  CHECK(!exempt("example.org:80", "http://example.org:81/"));
  CHECK(exempt("example.org:443", "https://example.org/"));
  for (const char* list : {".example.org", "*.example.org"}) {
    CHECK(exempt(list, "http://a.example.org/"));
    CHECK(exempt(list, "http://a.b.example.org/"));
    CHECK(!exempt(list, "http://badexample.org/"));
  }
  CHECK(exempt("10.0.0.1-10.0.0.9", "http://10.0.0.5/"));
  CHECK(!exempt("10.0.0.1-10.0.0.9", "http://10.0.0.10/"));
  CHECK(!exempt("10.0.0.1-10.0.0.9", "http://example.org/"));
  CHECK(exempt("127.0.0.1", "http://127.0.0.1:8080/"));
  CHECK(exempt("::1", "http://[::1]/"));
  CHECK(exempt("[::1]", "http://[::1]/"));
  CHECK(!exempt("", "http://example.org/"));
  CHECK(!exempt(",,", "http://example.org/"));
}
