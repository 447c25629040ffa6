// SPDX-License-Identifier: BSL-1.0
//
// Requests over the kernel's sockets, to a server of ours and to other people's. A peer whose
// program is not on this machine is left out, and the test says so.
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cstdio>
#include <map>
#include <optional>
#include <sluice/http/client_request.hpp>
#include <sluice/http/server.hpp>
#include <string>
#include <vector>
#include "support/catch.hpp"
#include "support/loopback.hpp"

using namespace sluice;
using namespace sluice::http;

extern char** environ;

namespace {

// A program that prints the port it listens on.
class Peer {
 public:
  explicit Peer(std::vector<std::string> command) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    std::vector<char*> arguments;
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const bool started =
        ::posix_spawnp(&process_, arguments[0], &actions, nullptr, arguments.data(), environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (!started) process_ = -1;
    std::string line;
    for (char byte = 0; started && ::read(ends[0], &byte, 1) == 1 && byte != '\n';) line += byte;
    ::close(ends[0]);
    if (!line.empty()) port_ = static_cast<std::uint16_t>(std::stoi(line));
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { stop(); }

  void stop() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }
  /// false: there is no such program.
  bool listens() const { return port_ != 0; }
  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

 private:
  pid_t process_ = -1;
  std::uint16_t port_ = 0;
};

std::vector<std::string> node(std::uint16_t port = 0) {
  return {"node", "-e", R"(
const http = require('http');
const server = http.createServer(async (req, res) => {
  if (req.url == '/slow') {
    for (const part of ['a', 'b', 'c']) { res.write(part); await new Promise(setImmediate); }
    res.end('d');
  } else if (req.url == '/early') {
    res.writeHead(200, {'Content-Length': 10});
    res.write('abc', () => res.destroy());
  } else if (req.url == '/hints') {
    res.writeProcessing();
    res.writeEarlyHints({link: '</a.css>; rel=preload'});
    res.end('hinted');
  } else if (req.url == '/trailers') {
    res.writeHead(200, {Trailer: 'digest'});
    res.write('body');
    res.addTrailers({Digest: 'xyz'});
    res.end();
  } else if (req.url == '/die') {
    req.socket.destroy();
  } else {
    let count = 0;
    for await (const piece of req) count += piece.length;
    res.end(req.method + ' ' + req.url + ' ' + count);
  }
});
server.on('upgrade', (req, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.pipe(socket);
});
server.listen(+process.argv[1], '127.0.0.1', () => console.log(server.address().port));
)",
          std::to_string(port)};
}

std::vector<std::string> python() {
  return {"python3", "-u", "-c", R"(
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *args): pass
    def do_GET(self):
        body = b'python ' + self.path.encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(len(body)).encode())
        self.close_connection = True
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port)
server.serve_forever()
)"};
}

bool missing(const Peer& peer, const char* what) {
  if (!peer.listens()) WARN("left out: there is no " << what);
  return !peer.listens();
}

// The body, or the name of the error.
task<std::string> fetch(std::string url, RequestOptions options) {
  const auto executor = co_await asio::this_coro::executor;
  std::string result;
  try {
    auto req = http::get(executor, url, std::move(options));
    auto res = co_await req.response();
    result = co_await res.text();
  } catch (const Error& error) {
    result = error.name();
  }
  co_return result;
}

}  // namespace

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

TEST_CASE("what Node's server sends is understood", "[ClientRequest]") {
  const Peer peer(node());
  if (missing(peer, "node")) return;
  loopback::run([&](asio::io_context& loop) -> task<> {
    Agent agent(loop, {.keepAlive = true});
    RequestOptions options;
    options.agent = agent;
    for (int round = 0; round < 3; ++round) {
      const std::string slow = co_await fetch(peer.url("/slow"), options);
      CHECK(slow == "abcd");
      const std::string early = co_await fetch(peer.url("/early"), options);
      CHECK(early == "ECONNRESET");
      const std::string dead = co_await fetch(peer.url("/die"), options);
      CHECK(dead == "ECONNRESET");
    }
    std::vector<int> hints;
    auto hinted = http::get(loop, peer.url("/hints"), options);
    hinted.on<"information">([&](const Information& info) { hints.push_back(info.statusCode); });
    auto res = co_await hinted.response();
    std::string body = co_await res.text();
    CHECK(body == "hinted");
    CHECK(hints == std::vector<int>{102, 103});

    auto trailing = http::get(loop, peer.url("/trailers"), options);
    auto withTrailers = co_await trailing.response();
    body = co_await withTrailers.text();
    CHECK(body == "body");
    CHECK(withTrailers.trailers()["digest"] == "xyz");

    RequestOptions uploading = options;
    uploading.method = "PUT";
    auto upload = request(loop, peer.url("/up"), uploading);
    for (int i = 0; i < 100; ++i) co_await upload.write(std::string(10'000, 'x'));
    co_await upload.end();
    auto counted = co_await upload.response();
    body = co_await counted.text();
    CHECK(body == "PUT /up 1000000");
    agent.destroy();
  });
}

TEST_CASE("a connection that Node's server has upgraded carries bytes both ways",
          "[ClientRequest][row:7.2/upgrade]") {
  const Peer peer(node());
  if (missing(peer, "node")) return;
  loopback::run([&](asio::io_context& loop) -> task<> {
    RequestOptions options;
    options.headers = Headers{{"Connection", "Upgrade"}, {"Upgrade", "echo"}};
    auto req = http::get(loop, peer.url(), options);
    auto [res, socket, head] = co_await req.once<"upgrade">();
    net::Socket mine = std::move(socket.get());
    mine.write("ping");
    const auto echoed = co_await mine.read();
    CHECK(std::string(*echoed) == "ping");
    mine.destroy();
  });
}

TEST_CASE("what Python's server sends is understood", "[ClientRequest]") {
  const Peer peer(python());
  if (missing(peer, "python3")) return;
  loopback::run([&](asio::io_context& loop) -> task<> {
    Agent agent(loop, {.keepAlive = true});
    RequestOptions options;
    options.agent = agent;
    for (int i = 0; i < 20; ++i) {
      const std::string path = "/" + std::to_string(i);
      const std::string body = co_await fetch(peer.url(path), options);
      CHECK(body == "python " + path);
    }
    CHECK(agent.totalSocketCount() == 1);
    RequestOptions posting = options;
    posting.method = "POST";
    auto req = request(loop, peer.url(), posting);
    co_await req.end(std::string(100'000, 'x'));
    auto res = co_await req.response();
    const std::string body = co_await res.text();
    CHECK(body == "100000");
    agent.destroy();
  });
}

TEST_CASE("a server that is killed and comes back: every request ends in success or an error",
          "[ClientRequest][Agent]") {
  std::optional<Peer> peer(node());
  if (missing(*peer, "node")) return;
  const std::uint16_t port = peer->port();
  asio::io_context loop(1);
  Agent agent(loop, {.keepAlive = true, .maxSockets = 8});
  RequestOptions options;
  options.agent = agent;
  std::map<std::string, int> results;
  constexpr int count = 3000;
  int ended = 0;
  const auto worker = [&](std::string url) -> task<> {
    for (int i = 0; i < count / 30; ++i) {
      const std::string result = co_await fetch(url, options);
      ++results[result];
      ++ended;
    }
  };
  for (int i = 0; i < 30; ++i)
    asio::co_spawn(loop, worker(peer->url("/x")), [](std::exception_ptr) {});
  for (const int stop : {300, 900, 1500}) {
    loopback::runUntil(loop, [&] { return ended >= stop; });
    peer->stop();
    loopback::runUntil(loop, [&] { return ended >= stop + 100; });
    peer.emplace(node(port));
    REQUIRE(peer->port() == port);
  }
  loopback::runUntil(loop, [&] { return ended == count; });
  agent.destroy();
  loopback::finish(loop);
  int named = 0;
  for (const auto& [result, times] : results) {
    const bool known = result == "GET /x 0" || result == "ECONNRESET" || result == "ECONNREFUSED" ||
                       result == "EPIPE";
    INFO(result << " " << times << " times");
    CHECK(known);
    named += times;
  }
  CHECK(named == count);
  CHECK(results["GET /x 0"] > 1000);
  CHECK(results["ECONNREFUSED"] > 0);
}
