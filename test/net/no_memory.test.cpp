// SPDX-License-Identifier: BSL-1.0
//
// Servers and clients on a heap that ends: at each of many sizes once. What has no memory is
// refused, nothing leaves run(), and everything works again as soon as there is memory.
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <sluice/http.hpp>
#include <sluice/websocket.hpp>
#include <string>
#include <string_view>
#include <vector>
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/loopback.hpp"

#if defined(SLUICE_TEST_HEAP_LIMIT)

using namespace sluice;
using namespace sluice::http;

namespace {

namespace asio = boost::asio;

const std::string upload =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n" + std::string(4000, 'x');
const std::string rest(5000, 'x');

task<> serve(IncomingMessage& req, ServerResponse& res) {
  std::size_t received = 0;
  while (const auto piece = co_await req.read()) received += piece->size();
  if (req.url() == "/stream") {
    for (int i = 0; i != 5; ++i) co_await res.write(std::string(5000, 'x'));
  }
  co_await res.end(std::to_string(received));
}

task<> echo(WebSocket& ws, IncomingMessage&) {
  while (const auto message = co_await ws.receive()) co_await ws.send(message->data);
}

/// A server that has answered once, so that what is made once is there.
class Served {
 public:
  Served() : server_(createServer(io_, serve)) {
    // A broken connection is no reason to write to stderr.
    server_.on<"error">([](const Error&) {});
    server_.on<"upgrade">(webSocket(echo));
    server_.listen(0);
    loopback::runUntil(io_, [this] { return server_.listening(); });
    other_ = connect();
    CHECK(answers());
  }

  asio::io_context& io() { return io_; }
  std::uint16_t port() const { return server_.address().port; }

  void settle() {
    io_.restart();
    io_.poll();
  }
  void settle(test::HeapFault& fault) {
    fault.during([this] { settle(); });
  }

  asio::ip::tcp::socket connect() {
    asio::ip::tcp::socket peer(io_);
    peer.connect({asio::ip::address_v4::loopback(), server_.address().port});
    // Thousands of them, and none waits for what may still be under way after its end.
    peer.set_option(asio::socket_base::linger(true, 0));
    return peer;
  }
  /// Sends the pieces, and lets the server see each by itself.
  void send(const std::vector<std::string_view>& pieces, test::HeapFault& fault) {
    asio::ip::tcp::socket peer = connect();
    settle(fault);
    for (const std::string_view piece : pieces) {
      error_code refused;
      asio::write(peer, asio::buffer(piece), refused);
      settle(fault);
    }
  }

  bool answers() {
    asio::ip::tcp::socket peer = connect();
    asio::write(peer, asio::buffer(std::string_view("GET / HTTP/1.1\r\nHost: a\r\n\r\n")));
    std::array<char, 12> status{};
    error_code ec;
    loopback::runUntil(io_, [&] { return peer.available(ec) >= status.size() || ended(peer); });
    asio::read(peer, asio::buffer(status), ec);
    return std::string_view(status.data(), status.size()) == "HTTP/1.1 200";
  }

  bool closes() {
    bool closed = false;
    server_.close([&closed](const auto&...) { closed = true; });
    settle();
    return closed;
  }

 private:
  static bool ended(asio::ip::tcp::socket& peer) {
    char byte = 0;
    error_code ec;
    peer.non_blocking(true);
    peer.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, ec);
    peer.non_blocking(false);
    return ec == asio::error::eof || ec == asio::error::connection_reset;
  }

  asio::io_context io_{1};
  Server server_;
  // Without any other, the next one finds the memory of the one before.
  asio::ip::tcp::socket other_{io_};
};

using Pieces = std::vector<std::string_view>;

const std::vector<Pieces> exchanges = {
    {upload, rest},
    {"GET /stream HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"GET / HTTP/1.1\r\nHost: a"},
    {"GET / HTTP/1.1\r\nHost a\r\n\r\n"},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
     "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"},
};

/// true: memory was refused.
bool serveWith(test::HeapFault (*make)(std::size_t), std::size_t parameter, const Pieces& pieces) {
  Served server;
  test::HeapFault fault = make(parameter);
  server.send(pieces, fault);
  CAPTURE(parameter);
  REQUIRE(server.answers());
  REQUIRE(server.closes());
  return fault.happened();
}

}  // namespace

TEST_CASE("a server without memory refuses a connection in any state, and serves on afterwards",
          "[net][memory]") {
  const Pieces pieces = GENERATE(from_range(exchanges));
  int happened = 0;
  for (std::size_t bytes = 0; bytes < 160000; bytes += 400) {
    happened += serveWith(&test::HeapFault::beyond, bytes, pieces) ? 1 : 0;
  }
  CHECK(happened > 40);
}

TEST_CASE("memory that is refused once, at whatever place, costs a server one connection at most",
          "[net][memory]") {
  const Pieces pieces = GENERATE(from_range(exchanges));
  std::size_t count = 1;
  while (serveWith(&test::HeapFault::once, count, pieces)) ++count;
  CHECK(count > 10);
}

TEST_CASE("a server without memory for all its connections keeps those that it has memory for",
          "[net][memory]") {
  constexpr std::size_t count = 40;
  std::size_t reached = 0;
  for (std::size_t more = 0; more < 4000000; more += 80000) {
    Served server;
    {
      test::HeapFault fault = test::HeapFault::beyond(more);
      std::vector<asio::ip::tcp::socket> peers;
      for (std::size_t i = 0; i != count; ++i) {
        peers.push_back(server.connect());
        server.settle(fault);
        error_code refused;
        asio::write(peers.back(), asio::buffer(upload), refused);
        server.settle(fault);
      }
      if (fault.happened()) ++reached;
    }
    CAPTURE(more);
    REQUIRE(server.answers());
    REQUIRE(server.closes());
  }
  CHECK(reached > 10);
}

namespace {

enum class Outcome { notRefused, answered, failed };

/// One request with such a heap, and then one more.
Outcome askWith(test::HeapFault (*make)(std::size_t), std::size_t parameter) {
  Served server;
  Agent agent(server.io(), {});
  bool ended = false;
  bool failed = false;
  test::HeapFault fault = make(parameter);
  const auto ask = [&]() -> task<> {
    RequestOptions options;
    options.agent = agent;
    options.hostname = "127.0.0.1";
    options.port = server.port();
    options.method = "POST";
    try {
      ClientRequest req = request(server.io(), options);
      co_await req.end(std::string(3000, 'y'));
      IncomingMessage res = co_await req.response();
      while (co_await res.read()) {
      }
    } catch (const std::exception&) {
      failed = true;
    }
    ended = true;
    // Asio takes memory to end a coroutine of the test's own.
    fault.end();
  };
  const auto start = [&] {
    ended = failed = false;
    asio::co_spawn(server.io(), ask(), asio::detached);
  };
  // Nor can it begin one without memory; this one goes on with such a heap.
  start();
  for (int i = 0; i != 3; ++i) server.settle(fault);
  server.settle();
  CAPTURE(parameter);
  REQUIRE(ended);
  const bool first = failed;
  start();
  loopback::runUntil(server.io(), [&ended] { return ended; });
  REQUIRE_FALSE(failed);
  REQUIRE(server.answers());
  if (!fault.happened()) return Outcome::notRefused;
  return first ? Outcome::failed : Outcome::answered;
}

}  // namespace

TEST_CASE("a request without memory fails, and the next one is answered", "[net][memory]") {
  int failed = 0;
  for (std::size_t bytes = 0; bytes < 160000; bytes += 400) {
    failed += askWith(&test::HeapFault::beyond, bytes) == Outcome::failed ? 1 : 0;
  }
  CHECK(failed > 10);
}

TEST_CASE("memory that is refused once, at whatever place, costs a client one request at most",
          "[net][memory]") {
  int failed = 0;
  std::size_t count = 1;
  for (Outcome outcome{}; (outcome = askWith(&test::HeapFault::once, count)) != Outcome::notRefused;
       ++count) {
    failed += outcome == Outcome::failed ? 1 : 0;
  }
  CHECK(count > 50);
  CHECK(failed > 10);
}

#endif
