// SPDX-License-Identifier: BSL-1.0
//
// What a server holds for a connection that waits for its next request.
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <cstddef>
#include <sluice/http/detail/message/message_pool.hpp>
#include <sluice/http/server.hpp>
#include <string_view>
#include <vector>
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/loopback.hpp"

using namespace sluice::http;
using namespace std::chrono_literals;
using loopback::runUntil;

namespace {

namespace asio = boost::asio;

constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// Connects, asks, and waits for the answer, so many at a time.
std::vector<asio::ip::tcp::socket> ask(asio::io_context& io, const Server& server,
                                       std::size_t count) {
  std::vector<asio::ip::tcp::socket> clients;
  for (std::size_t i = 0; i < count; ++i) {
    auto& client = clients.emplace_back(io);
    client.connect({asio::ip::address_v4::loopback(), server.address().port});
    asio::write(client, asio::buffer(request));
    runUntil(io, [&] { return client.available() != 0; });
  }
  return clients;
}

// The messages of so many requests wait before their memory serves again. It is the loop's, and not
// that of a connection.
void fillMessagePool(asio::io_context& io, const Server& server) {
  asio::ip::tcp::socket client(io);
  client.connect({asio::ip::address_v4::loopback(), server.address().port});
  std::array<char, 1024> answer;
  for (std::size_t i = 0; i <= detail::MessagePool::rest; ++i) {
    asio::write(client, asio::buffer(request));
    runUntil(io, [&] { return client.available() != 0; });
    client.read_some(asio::buffer(answer));
  }
}

}  // namespace

TEST_CASE("connections that wait for their next request hold less than 640 bytes each",
          "[net][resting]") {
  asio::io_context io(1);
  // No time passes.
  const loopback::Clock clock(io);
  auto server = createServer(
      io, {.keepAliveTimeout = 1h},
      [](IncomingMessage&, ServerResponse& res) -> sluice::task<> { co_await res.end("hi"); });
  server.listen(0, "127.0.0.1");
  const auto rest = [&] {
    io.restart();
    io.poll();
  };
  fillMessagePool(io, server);
  // What the first ones need stays for others, up to a limit.
  constexpr std::size_t before = 80;
  const std::vector<asio::ip::tcp::socket> first = ask(io, server, before);
  rest();
  constexpr std::size_t count = 128;
  std::vector<asio::ip::tcp::socket> clients;
  {
    // The clients' own state is Asio's, and not what is asked for.
    const sluice::test::Allocations heap;
    std::vector<asio::ip::tcp::socket> silent;
    for (std::size_t i = 0; i < count; ++i) silent.emplace_back(io, asio::ip::tcp::v4());
    const std::ptrdiff_t clientsOwn = heap.live();
    silent.clear();
    const sluice::test::Allocations all;
    clients = ask(io, server, count);
    rest();
    CHECK(server.getConnections() == count + before);
    // Asio's sockets keep what the epoll set does not need.
    constexpr std::ptrdiff_t most = SLUICE_USE_EPOLL ? 640 : 1088;
    CHECK((all.live() - clientsOwn) / static_cast<std::ptrdiff_t>(count) < most);
  }
  // They are not gone.
  asio::write(clients.front(), asio::buffer(request));
  runUntil(io, [&] { return clients.front().available() > 100; });
}
