// SPDX-License-Identifier: BSL-1.0
//
// WebSockets against other people's, where the machine has them: npm's ws on both sides, and Node's
// own client. ws is looked for in build/npm and on NODE_PATH. And over TLS, with ourselves.
#include <unistd.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sluice/https.hpp>
#include <sluice/websocket.hpp>
#include <string>
#include <thread>
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/loopback.hpp"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

/// A script of Node beside the loop. It ends when its input does, which is when this object goes.
class Node {
 public:
  Node(asio::io_context& loop, const std::string& script, const std::string& arguments = {})
      : out_(loop) {
    std::ofstream(folder_ / "script.js") << script;
    const std::string command = "NODE_PATH=\"$NODE_PATH:build/npm/node_modules\" timeout 60 node " +
                                (folder_ / "script.js") + ' ' + arguments + " 2>&1";
    pipe_ = ::popen(command.c_str(), "r");
    out_.assign(::dup(::fileno(pipe_)));
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() {
    out_.close();
    ::pclose(pipe_);
  }
  task<std::string> line() {
    error_code ec;
    const std::size_t size = co_await asio::async_read_until(
        out_, asio::dynamic_buffer(said_), '\n', asio::redirect_error(asio::use_awaitable, ec));
    std::string first = said_.substr(0, size == 0 ? 0 : size - 1);
    said_.erase(0, size);
    co_return first;
  }
  task<std::string> rest() {
    error_code ec;
    co_await asio::async_read(out_, asio::dynamic_buffer(said_),
                              asio::redirect_error(asio::use_awaitable, ec));
    co_return said_;
  }

 private:
  loopback::Folder folder_;
  std::FILE* pipe_;
  asio::posix::stream_descriptor out_;
  std::string said_;
};

bool has(const char* what, const std::string& command) {
  if (std::system((command + " > /dev/null 2>&1").c_str()) == 0) return true;
  WARN(what << " is not there: nothing was tested against it");
  return false;
}

bool hasWs() {
  return has("npm's ws",
             "NODE_PATH=\"$NODE_PATH:build/npm/node_modules\" node -e 'require(\"ws\")'");
}

task<> echo(WebSocket& ws, http::IncomingMessage&) {
  while (auto message = co_await ws.receive()) {
    if (message->binary) {
      co_await ws.send(std::as_bytes(std::span(message->data)));
    } else {
      co_await ws.send(message->data);
    }
  }
}

// Texts and bytes of many lengths, one after another, each sent back; then a close.
constexpr const char* talk = R"(
  const sizes = [0, 1, 125, 126, 65535, 65536, 300000];
  const wanted = sizes.flatMap(size => ["x".repeat(size), "\u20ac".repeat(size / 3), Buffer.alloc(size, 7)]);
  let at = 0;
  socket.onopen = () => { for (const each of wanted) socket.send(each); };
  socket.binaryType = "arraybuffer";
  socket.onmessage = event => {
    const got = typeof event.data === "string" ? event.data : Buffer.from(event.data);
    const same = typeof got === "string" ? got === wanted[at] : got.equals(wanted[at]);
    if (!same) { console.log("wrong", at); process.exit(); }
    if (++at === wanted.length) socket.close(4000, "done");
  };
  socket.onerror = event => console.log("error", event.message);
  socket.onclose = event => { console.log(at, event.code, event.wasClean); process.exit(); };
)";

void serveScript(const std::string& makeSocket, const std::string& flags = {}) {
  loopback::run([&](asio::io_context& loop) -> task<> {
    http::Server server = http::createServer(loop);
    int code = 0;
    server.on<"upgrade">(webSocket(
        [&](WebSocket& ws, http::IncomingMessage& req) -> task<> {
          co_await echo(ws, req);
          code = ws.closeCode();
        },
        {.protocols = {"chat"}, .deflate = true}));
    server.listen(0, "127.0.0.1");
    Node node(loop, makeSocket + talk, std::to_string(server.address().port) + flags);
    const std::string said = co_await node.rest();
    CHECK(said == "21 4000 true\n");
    CHECK(code == 4000);
    co_await server.shutdown(1s);
  });
}

}  // namespace

TEST_CASE("npm's ws talks to a server of ours", "[websocket][peers]") {
  if (!hasWs()) return;
  const std::string deflate =
      GENERATE("false", "true", "{threshold: 0, serverNoContextTakeover: true}",
               "{threshold: 0, clientMaxWindowBits: 10}");
  INFO(deflate);
  serveScript(
      "const WS = require('ws'); const socket = new WS('ws://127.0.0.1:' + process.argv[2], "
      "['chat'], {perMessageDeflate: " +
      deflate + "});");
}

TEST_CASE("Node's own client talks to a server of ours", "[websocket][peers]") {
  const char* check =
      "node --experimental-websocket -e 'if (!globalThis.WebSocket) process.exit(1)'";
  if (!has("Node's WebSocket", check)) return;
  // The flag is no longer needed, and still allowed, from Node 22 on.
  serveScript(
      "if (!globalThis.WebSocket) {"
      "  const {spawnSync} = require('node:child_process');"
      "  spawnSync(process.execPath, ['--experimental-websocket', ...process.argv.slice(1)],"
      "            {stdio: 'inherit'});"
      "  process.exit();"
      "}"
      "const socket = new WebSocket('ws://127.0.0.1:' + process.argv[2], ['chat']);");
}

TEST_CASE("connectWebSocket() talks to npm's ws", "[websocket][peers]") {
  if (!hasWs()) return;
  const bool deflate = GENERATE(false, true);
  loopback::run([&](asio::io_context& loop) -> task<> {
    Node node(loop, R"(
      const {WebSocketServer} = require("ws");
      const server = new WebSocketServer({port: 0, host: "127.0.0.1", perMessageDeflate: {threshold: 0}},
        () => console.log(server.address().port));
      server.on("connection", socket => {
        socket.on("message", (data, binary) => socket.send(data, {binary}));
        socket.on("close", (code, reason) => { console.log(code, String(reason)); server.close(); });
      });
    )");
    const std::string port = co_await node.line();
    WebSocketOptions options;
    options.deflate = deflate;
    WebSocket ws = co_await connectWebSocket("ws://127.0.0.1:" + port + "/", options);
    for (const std::size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U, 300'000U}) {
      const std::string text(size, 't');
      co_await ws.send(text);
      auto answer = co_await ws.receive();
      CHECK((answer && answer->data == text && !answer->binary));
      co_await ws.send(std::as_bytes(std::span(text)));
      answer = co_await ws.receive();
      CHECK((answer && answer->data == text && answer->binary));
    }
    co_await ws.close(4001, "enough");
    CHECK(ws.closeCode() == 4001);
    const std::string said = co_await node.rest();
    CHECK(said == "4001 enough\n");
  });
}

TEST_CASE("connectWebSocket(): the handshake of TLS is within handshakeTimeout", "[websocket]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    std::vector<net::Socket> silent;
    auto server = net::createServer(loop, [&](net::Socket& socket) -> task<> {
      silent.push_back(std::move(socket));
      co_return;
    });
    server.listen(0, "127.0.0.1");
    const std::string url = "wss://127.0.0.1:" + std::to_string(server.address().port) + "/";
    const WebSocketOptions options{.handshakeTimeout = 50ms};
    std::string failure;
    try {
      co_await connectWebSocket(url, options);
    } catch (const http::Error& error) {
      failure = error.name();
    }
    CHECK(failure == "ETIMEDOUT");
    silent.clear();
    server.close();
  });
}

TEST_CASE("WebSocket over TLS, and shutdown() with it", "[websocket]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    https::Server server = https::createServer(
        loop, {.key = test::localhost().key(), .cert = test::localhost().cert()});
    server.on<"upgrade">(webSocket(&echo));
    server.listen(0, "127.0.0.1");
    const std::string url = "wss://localhost:" + std::to_string(server.address().port) + "/";
    std::string failure;
    try {
      co_await connectWebSocket(url);
    } catch (const http::Error& error) {
      failure = error.name();
    }
    CHECK(failure == "UNABLE_TO_VERIFY_LEAF_SIGNATURE");

    WebSocketOptions options;
    options.secureContext = https::createSecureContext({.ca = test::authority().cert()});
    WebSocket ws = co_await connectWebSocket(url, options);
    CHECK(ws.socket().authorized());
    const std::string large(300'000, 'l');
    co_await ws.send(large);
    const auto answer = co_await ws.receive();
    CHECK((answer && answer->data == large));
    asio::co_spawn(loop, server.shutdown(5s), asio::detached);
    const auto end = co_await ws.receive();
    CHECK(!end);
    CHECK(ws.closeCode() == 1001);
    co_await server.closed();
  });
}

TEST_CASE("WebSocket: a server on a strand of a pool", "[websocket]") {
  asio::io_context loop(2);
  const auto strand = asio::make_strand(loop);
  std::string got;
  const auto work = [&]() -> task<> {
    http::Server server = http::createServer(strand);
    server.on<"upgrade">(webSocket(&echo, {.deflate = true}));
    server.listen(0, "127.0.0.1");
    WebSocketOptions options;
    options.deflate = true;
    const std::string url = "ws://127.0.0.1:" + std::to_string(server.address().port) + "/";
    WebSocket ws = co_await connectWebSocket(url, options);
    for (int i = 0; i < 50; ++i) {
      co_await ws.send(std::string(10'000, 's'));
      const auto answer = co_await ws.receive();
      got += answer && answer->data.size() == 10'000 ? '.' : '!';
    }
    co_await ws.close();
    co_await server.shutdown(5s);
  };
  asio::co_spawn(strand, work(), asio::detached);
  std::thread other([&] { loop.run_for(30s); });
  loop.run_for(30s);
  other.join();
  CHECK(got == std::string(50, '.'));
}
