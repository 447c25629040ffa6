// SPDX-License-Identifier: BSL-1.0
//
// Other people's servers and clients, over the kernel's sockets and by processes and the shell of
// POSIX. A peer whose program is not on this machine is left out, and the test says so.
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sluice/http/client_request.hpp>
#include <sluice/http/server.hpp>
#include <string>
#include <thread>
#include <vector>
#include "support/catch.hpp"
#include "support/loopback.hpp"

using namespace sluice;
using namespace sluice::http;
using loopback::runUntil;

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

task<> hello(IncomingMessage& req, ServerResponse& res) {
  const std::string body = co_await req.text();
  co_await res.end(std::string(req.method()) + " " + std::string(req.url()) + " " + body);
}

struct Outcome {
  std::string output;
  bool ended = false;
};

/// Runs a command of the shell beside the loop, which it may talk to, until both are done.
std::string beside(asio::io_context& io, const std::string& command) {
  Outcome outcome;
  std::thread other([&] {
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>&1").c_str(), "r"),
                                               [](FILE* file) { return ::pclose(file); });
    std::array<char, 4096> buffer;
    while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
      outcome.output.append(buffer.data(), count);
    }
    pipe.reset();
    asio::post(io, [&] { outcome.ended = true; });
  });
  runUntil(io, [&] { return outcome.ended; });
  other.join();
  return outcome.output;
}

bool have(const char* tool) {
  const bool found =
      std::system((std::string("command -v ") + tool + " >/dev/null 2>&1").c_str()) == 0;
  if (!found) WARN("SKIPPED: there is no " << tool << " on this machine");
  return found;
}

std::string base(const Server& server) {
  return "http://127.0.0.1:" + std::to_string(server.address().port);
}

}  // namespace

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

TEST_CASE("curl is served: bodies, kept connections, Expect, HEAD, HTTP/1.0", "[net]") {
  if (!have("curl")) return;
  asio::io_context io;
  auto server = createServer(io, hello);
  server.listen(0, "127.0.0.1");
  loopback::Folder folder;
  const std::string url = base(server);
  CHECK(beside(io, "curl -s " + url + "/a " + url + "/b") == "GET /a GET /b ");
  CHECK(beside(io, "curl -s -d body " + url + "/p") == "POST /p body");
  CHECK(beside(io, "curl -s -H 'Transfer-Encoding: chunked' -d body " + url + "/c") ==
        "POST /c body");
  CHECK(beside(io, "curl -s -H 'Expect: 100-continue' -d body " + url + "/e") == "POST /e body");
  CHECK(beside(io, "curl -s -0 " + url + "/0") == "GET /0 ");
  CHECK(beside(io, "curl -s -I " + url + "/h").starts_with("HTTP/1.1 200 OK\r\n"));
  std::ofstream(folder / "large") << std::string(5000000, 'x');
  CHECK(beside(io, "curl -s -T " + (folder / "large") + " " + url + "/l").size() ==
        std::string("PUT /l ").size() + 5000000);
}

TEST_CASE("Node's client is served", "[net]") {
  if (!have("node")) return;
  asio::io_context io;
  auto server = createServer(io, hello);
  server.listen(0, "127.0.0.1");
  const std::string script =
      "const http = require('http');"
      "const agent = new http.Agent({keepAlive: true, maxSockets: 1});"
      "let left = 20;"
      "const next = () => {"
      "  if (left-- === 0) { agent.destroy(); return; }"
      "  const req = http.request('" +
      base(server) +
      "/' + left, {agent, method: 'POST'}, res => {"
      "    let body = ''; res.setEncoding('utf8');"
      "    res.on('data', d => body += d);"
      "    res.on('end', () => {"
      "      process.stdout.write(body === 'POST /' + left + ' ' + 'y'.repeat(3000 * left) ? '.' : "
      "'F');"
      "      next(); });"
      "  });"
      "  req.on('error', e => process.stdout.write(e.code));"
      "  for (let i = 0; i < left; ++i) req.write('y'.repeat(3000));"
      "  req.end(); };"
      "next();";
  CHECK(beside(io, "node -e \"" + script + "\"") == std::string(20, '.'));
  CHECK(server.getConnections() <= 1);
}
