// SPDX-License-Identifier: BSL-1.0
//
// What a client that is warm takes from the heap: nothing. And what it keeps for that goes with its
// connections.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <exception>
#include <optional>
#include <sluice/http.hpp>
#include <sluice/net.hpp>
#include <string>
#include <string_view>
#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/run.hpp>

using namespace sluice;
using namespace sluice::http;

namespace {

constexpr std::string_view answer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";

// Requests to a server that has no coroutines: those of one thread share the few blocks that Asio
// keeps.
class Exchanges {
 public:
  Exchanges() {
    server.on<"connection">([](net::Socket& socket) {
      socket.on<"data">([&socket](std::string_view piece) {
        if (piece.ends_with("\r\n\r\n") || piece.ends_with("hello")) socket.write(answer);
      });
    });
    server.listen(net::ListenOptions{.port = 0, .host = "127.0.0.1"});
    options.agent = agent;
    options.host = "127.0.0.1";
    options.port = server.address().port;
  }
  ~Exchanges() {
    closeConnections();
    server.close();
    test::settle(io);
  }

  void closeConnections() {
    agent.destroy();
    test::settle(io);
  }

  /// What `requests` take from the heap, each of them an `ask`, so many at a time, when half as
  /// many have gone before them.
  template <class Ask>
  std::size_t allocations(std::size_t requests, std::size_t parallel, Ask ask) {
    std::optional<test::Allocations> heap;
    std::size_t left = requests + requests / 2;
    std::size_t count = 0;
    const auto work = [&]() -> task<> {
      while (left != 0) {
        if (--left == requests) heap.emplace();
        if (left == 0) count = heap->count();
        co_await ask();
      }
    };
    // In one call of run(): Asio keeps its blocks for as long as that lasts.
    std::size_t running = parallel;
    for (std::size_t i = 0; i < parallel; ++i) {
      asio::co_spawn(io, work(), [&](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
        if (--running == 0) io.stop();
      });
    }
    io.restart();
    io.run();
    return count;
  }

  task<> get() { return get(options); }
  task<> get(const RequestOptions& of) {
    auto res = co_await http::get(of);
    body.clear();
    while (auto piece = co_await res.read()) body += *piece;
  }

  // Where the request is made in a coroutine, that one has the options in its frame, which Asio
  // does not keep when it is large.
  ClientRequest put() {
    RequestOptions chosen = options;
    chosen.method = "PUT";
    return request(io, std::move(chosen));
  }
  task<> upload() {
    auto req = put();
    req.setHeader("Content-Length", 5).setHeader("X-Name", longText);
    co_await req.write("hel");
    co_await req.end("lo");
    auto res = co_await req.response();
    type = res.headers()["content-type"];
    body.clear();
    while (auto piece = co_await res.read()) body += *piece;
  }

  // Longer than what a string holds without the heap.
  static constexpr std::string_view longText = "a-name-that-does-not-fit-into-a-string.example.org";

  asio::io_context io{1};
  net::Server server = net::createServer(io);
  Agent agent{io, {.keepAlive = true}};
  RequestOptions options;
  std::string body, type;
};

}  // namespace

TEST_CASE("a warm get() takes nothing from the heap", "[ClientRequest]") {
  Exchanges exchanges;
  SECTION("of a plain request") {}
  SECTION("of one with long texts") {
    exchanges.options.path = "/" + std::string(Exchanges::longText);
    exchanges.options.headers =
        Headers{{"Host", Exchanges::longText}, {"Accept", "text/plain, application/json"}};
  }
  const std::size_t parallel = GENERATE(as<std::size_t>(), 1, 2, 64);
  CAPTURE(parallel);
  // Asio's waits share a few blocks in each thread, and take what is more from the heap.
  const std::size_t most = SLUICE_USE_EPOLL ? 0 : parallel;
  CHECK(exchanges.allocations(2000, parallel, [&] { return exchanges.get(); }) <= most);
  CHECK(exchanges.body == "Hello, World!");
  CHECK(exchanges.agent.totalSocketCount() == parallel);
}

TEST_CASE("a warm request() takes nothing from the heap", "[ClientRequest]") {
  Exchanges exchanges;
  CHECK(exchanges.allocations(2000, 1, [&] { return exchanges.upload(); }) == 0);
  CHECK(exchanges.body == "Hello, World!");
  CHECK(exchanges.type == "text/plain");
}

TEST_CASE("what is kept for later requests goes with the connections", "[Agent]") {
  Exchanges exchanges;
  const auto ask = [&] { return exchanges.get(); };
  exchanges.allocations(100, 2, ask);
  exchanges.closeConnections();
  const test::Allocations heap;
  exchanges.allocations(1000, 64, ask);
  CHECK(exchanges.agent.totalSocketCount() == 64);
  const std::ptrdiff_t warm = heap.live();
  exchanges.closeConnections();
  CHECK(exchanges.agent.totalSocketCount() == 0);
  CHECK(warm > 64 * 2000);
  // What is left are tables that have grown, and what Asio keeps.
  CHECK(heap.live() < warm / 4);
}

TEST_CASE("the memory of a large request is not kept for later ones", "[Agent]") {
  Exchanges exchanges;
  const auto ask = [&] { return exchanges.get(); };
  exchanges.allocations(100, 1, ask);
  const test::Allocations heap;
  {
    RequestOptions large = exchanges.options;
    large.path += std::string(60'000, 'x');
    exchanges.allocations(4, 1, [&] { return exchanges.get(large); });
  }
  exchanges.allocations(100, 1, ask);
  // The server's read buffer grew, too.
  CHECK(heap.live() < 20'000);
}
