// SPDX-License-Identifier: BSL-1.0
//
// Requests over the kernel's sockets, to a server of ours.
#include <algorithm>
#include <optional>
#include <sluice/http/client_request.hpp>
#include <sluice/http/server.hpp>
#include <string>
#include <vector>
#include "support/catch.hpp"
#include "support/loopback.hpp"

using namespace sluice;
using namespace sluice::http;

TEST_CASE("get() over the kernel's sockets, to a server of ours", "[ClientRequest]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto server = createServer(loop, [](IncomingMessage& req, ServerResponse& res) -> task<> {
      co_await res.end(req.url());
    });
    server.listen(0, "127.0.0.1");
    const std::string base = "http://localhost:" + std::to_string(server.address().port);
    auto res = co_await http::get(base + "/path");
    CHECK(res.statusCode() == 200);
    const std::string body = co_await res.text();
    CHECK(body == "/path");
    server.close();
  });
}

TEST_CASE("a response and its socket may outlive the loop", "[IncomingMessage]") {
  std::optional<IncomingMessage> res;
  loopback::run([&](asio::io_context& loop) -> task<> {
    auto server = createServer(loop, [](IncomingMessage&, ServerResponse& answer) -> task<> {
      co_await answer.end("hello");
    });
    server.listen(0, "127.0.0.1");
    res = co_await http::get("http://localhost:" + std::to_string(server.address().port));
    const std::string body = co_await res->text();
    CHECK(body == "hello");
    server.close();
  });
  CHECK(res->socket().destroyed());
  CHECK(res->socket().remoteAddress().empty());
  CHECK(res->headers()["content-length"] == "5");
}

TEST_CASE("get() over a Unix socket", "[ClientRequest][row:7.1/socketPath]") {
  if (!loopback::haveUnixSockets()) return;
  const loopback::Folder folder;
  loopback::run([&](asio::io_context& loop) -> task<> {
    auto server = createServer(loop, [](IncomingMessage& req, ServerResponse& res) -> task<> {
      co_await res.end(req.headers()["host"]);
    });
    const std::string path = folder / "socket";
    server.listen(path);
    RequestOptions options;
    options.socketPath = path;
    auto res = co_await http::get(options);
    const std::string body = co_await res.text();
    CHECK(body == "localhost");
    server.close();
  });
}

TEST_CASE("what keeps a connection from being made is the request's error",
          "[ClientRequest][row:11.14/connection refused / DNS]"
          "[row:12/ECONNREFUSED, ENOTFOUND, ETIMEDOUT, EPIPE, EADDRINUSE, EACCES]") {
  asio::io_context loop(1);
  RequestOptions options;
  std::string expected;
  SECTION("nobody listens") {
    options.hostname = "127.0.0.1";
    options.port = 1;
    expected = "socket error:ECONNREFUSED 127.0.0.1 close ";
  }
  SECTION("the name is not known") {
    options.hostname = "h.example";
    options.lookup = [](std::string_view, int) -> task<std::vector<asio::ip::address>> {
      co_return std::vector<asio::ip::address>();
    };
    expected = "socket error:ENOTFOUND h.example close ";
  }
  SECTION("the socket is destroyed meanwhile") {
    const loopback::Silence silence(loop, "127.0.0.1");
    options.hostname = "127.0.0.1";
    options.port = silence.port();
    std::string log;
    auto req = http::get(loop, options);
    req.on<"socket">([&](net::Socket& socket) { socket.destroy(); });
    req.on<"error">([&](const Error& error) { log = error.what(); });
    loopback::finish(loop);
    CHECK(log == "socket hang up");
    return;
  }
  std::string log;
  auto req = http::get(loop, options);
  std::string told;
  req.on<"socket">([&](net::Socket& socket) {
    CHECK(socket.connecting());
    log += "socket ";
    socket.on<"error">([&](const Error& error) { told = error.what(); });
  });
  std::string what;
  req.on<"error">([&](const Error& error) {
    log += "error:" + std::string(error.name()) + ' ' + std::string(error.address()) + ' ';
    what = error.what();
  });
  req.on<"close">([&] { log += "close "; });
  loopback::finish(loop);
  CHECK(log == expected);
  CHECK(told == what);
}

TEST_CASE("an agent may try one address after the other", "[Agent][row:8/createConnection]") {
  struct Second : Agent {
    using Agent::Agent;
    task<net::Socket> createConnection(const net::ConnectionOptions& options) override {
      net::ConnectionOptions first = options;
      first.port = 1;
      std::optional<net::Socket> socket;
      try {
        socket = co_await net::connect(first);
      } catch (const Error&) {
      }
      if (!socket) socket = co_await net::connect(options);
      co_return std::move(*socket);
    }
  };
  asio::io_context loop(1);
  auto server = createServer(loop, [](IncomingMessage& req, ServerResponse& res) -> task<> {
    const std::string body = co_await req.text();
    co_await res.end(body);
  });
  server.listen(0, "127.0.0.1");
  Second agent(loop);
  RequestOptions options;
  options.agent = agent;
  options.hostname = "127.0.0.1";
  options.port = server.address().port;
  options.method = "POST";
  std::string body;
  auto req = request(loop, options, [&](IncomingMessage& res) -> task<> {
    body = co_await res.text();
    server.close();
  });
  req.end("the same bytes");
  loopback::finish(loop);
  CHECK(body == "the same bytes");
}

TEST_CASE("createConnection may talk over the socket of connect() before it returns it",
          "[ClientRequest]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto server = createServer(loop);
    server.on<"connect">([](IncomingMessage&, net::Socket& socket, std::string_view) -> task<> {
      co_await socket.write("HTTP/1.1 200 OK\r\n\r\n");
      std::string request;
      while (!request.ends_with("\r\n\r\n")) {
        const auto piece = co_await socket.read();
        if (!piece) co_return;
        request += *piece;
      }
      co_await socket.end("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ntunnel");
    });
    server.listen(0, "127.0.0.1");
    std::string answer;
    RequestOptions options;
    options.createConnection = [&](const net::ConnectionOptions& asked) -> task<net::Socket> {
      net::Socket socket = co_await net::connect(asked);
      co_await socket.write("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n");
      const auto piece = co_await socket.read();
      answer = piece.value_or("end");
      co_return socket;
    };
    options.hostname = "127.0.0.1";
    options.port = server.address().port;
    auto res = co_await http::get(options);
    const std::string body = co_await res.text();
    CHECK(body == "tunnel");
    CHECK(answer == "HTTP/1.1 200 OK\r\n\r\n");
    server.close();
  });
}

TEST_CASE("what is said to a proxy is said to nobody else if the global proxies change",
          "[Agent]") {
  asio::io_context loop(1);
  std::vector<std::string> log;
  const auto telling = [&](std::string name) {
    auto server =
        createServer(loop, [&log, name](IncomingMessage& req, ServerResponse& res) -> task<> {
          log.push_back(name + ' ' + std::string(req.url()) + ' ' +
                        std::string(req.headers()["proxy-authorization"]));
          co_await res.end();
        });
    server.listen(0, "127.0.0.1");
    return server;
  };
  auto origin = telling("origin");
  auto proxy = telling("proxy");
  const auto urlOf = [](const Server& server, const std::string& user = {}) {
    return "http://" + user + "127.0.0.1:" + std::to_string(server.address().port);
  };
  const ProxyEnv variables{{"HTTP_PROXY", urlOf(proxy, "u:p@")}};
  const std::string direct = "origin /a ";
  const std::string proxied = "proxy " + urlOf(origin) + "/a Basic dTpw";
  const auto ask = [&] { return http::get(loop, urlOf(origin) + "/a"); };
  const auto answered = [&](std::size_t count) {
    loopback::runUntil(loop, [&] { return log.size() == count; });
    loop.poll();
  };
  SECTION("before its connection is opened") {
    const auto undo = setGlobalProxyFromEnv(loop, variables);
    const auto first = ask();
    undo();
    answered(1);
    const auto second = ask();
    answered(2);
    CHECK(log == std::vector{proxied, direct});
  }
  SECTION("after it was made") {
    const auto first = ask();
    setGlobalProxyFromEnv(loop, variables);
    answered(1);
    CHECK(log == std::vector{direct});
  }
  SECTION("while another one waits for its connection") {
    globalAgent(loop).maxSockets = 1;
    const auto first = ask();
    setGlobalProxyFromEnv(loop, variables);
    const auto second = ask();
    answered(2);
    std::sort(log.begin(), log.end());
    CHECK(log == std::vector{direct, proxied});
  }
}
