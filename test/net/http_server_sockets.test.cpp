// SPDX-License-Identifier: BSL-1.0
//
// What an HTTP server asks of the kernel for the sockets that it accepts, and how it fails to
// listen.
#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#endif
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <sluice/http/server.hpp>
#include <string>
#include <support/catch.hpp>
#include <support/loopback.hpp>
#include <utility>

using namespace sluice::http;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;

#if defined(TCP_KEEPIDLE)
constexpr int firstProbe = TCP_KEEPIDLE;
#elif defined(TCP_KEEPALIVE)
constexpr int firstProbe = TCP_KEEPALIVE;
#else
constexpr int firstProbe = 0;  // mingw-w64 has no name for it, and Wine no such option
#endif

int option(int descriptor, int level, int name) {
  int value = 0;
  socklen_t size = sizeof(value);
  // Windows wants a char* here.
  CHECK(getsockopt(descriptor, level, name, reinterpret_cast<char*>(&value), &size) == 0);
  return value;
}

// This process has both ends: the one whose peer is `port` of this machine.
int descriptorOfPeer(std::uint16_t port) {
  for (int descriptor = 3; descriptor < 1024; ++descriptor) {
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) {
      return descriptor;
    }
  }
  return -1;
}

struct Accepted {
  int noDelay, keepAlive, firstProbe;
};

Accepted acceptedWith(ServerOptions options) {
  asio::io_context io;
  Server server = createServer(io, std::move(options));
  bool connected = false;
  server.on<"connection">([&](sluice::net::Socket&) { connected = true; });
  server.listen(0, "127.0.0.1");
  asio::ip::tcp::socket client(io);
  client.connect({asio::ip::address_v4::loopback(), server.address().port});
  loopback::runUntil(io, [&] { return connected; });
  const int descriptor = descriptorOfPeer(client.local_endpoint().port());
  REQUIRE(descriptor != -1);
  return {option(descriptor, IPPROTO_TCP, TCP_NODELAY),
          option(descriptor, SOL_SOCKET, SO_KEEPALIVE),
          firstProbe == 0 ? 0 : option(descriptor, IPPROTO_TCP, firstProbe)};
}

template <class F>
std::string thrownBy(F act) {
  try {
    act();
  } catch (const Error& error) {
    return std::string(error.name());
  }
  return "nothing";
}

}  // namespace

TEST_CASE("accepted sockets send at once unless they are told not to",
          "[net][row:2/noDelay]"
          "[row:13/noDelay]") {
  CHECK(acceptedWith({}).noDelay != 0);
  CHECK(acceptedWith({.noDelay = false}).noDelay == 0);
}

TEST_CASE("accepted sockets probe their peers where they are told to",
          "[net][row:2/keepAlive / keepAliveInitialDelay]") {
  CHECK(acceptedWith({}).keepAlive == 0);
  const Accepted probed = acceptedWith({.keepAlive = true, .keepAliveInitialDelay = 42s});
  CHECK(probed.keepAlive != 0);
  if (firstProbe != 0) CHECK(probed.firstProbe == 42);
}

TEST_CASE("a server that cannot listen says why",
          "[net][row:12/EADDRINUSE][row:12/ERR_SERVER_NOT_RUNNING]") {
  asio::io_context io;
  Server first = createServer(io);
  first.listen(0, "127.0.0.1");
  Server second = createServer(io);
  CHECK(thrownBy([&] { second.listen(first.address().port, "127.0.0.1"); }) == "EADDRINUSE");
  CHECK(thrownBy([&] { second.listen(65536); }) == "ERR_SOCKET_BAD_PORT");
  CHECK(thrownBy([&] { second.listen(-1); }) == "ERR_SOCKET_BAD_PORT");
  CHECK(thrownBy([&] { first.listen(0); }) == "ERR_SERVER_ALREADY_LISTEN");
  std::string closed;
  second.close([&](sluice::error_code ec) { closed = errorName(ec); });
  loopback::runUntil(io, [&] { return !closed.empty(); });
  CHECK(closed == "ERR_SERVER_NOT_RUNNING");
}
