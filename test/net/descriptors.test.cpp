// SPDX-License-Identifier: BSL-1.0
//
// Descriptors of POSIX: how those of connections are, how one that the program opened is listened
// on, and what happens if none is left.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <cstring>
#include <optional>
#include <sluice/http/client_request.hpp>
#include <sluice/http/server.hpp>
#include <sluice/net.hpp>
#include <string>
#include <utility>
#include <vector>
#include "support/catch.hpp"
#include "support/listening.hpp"
#include "support/loopback.hpp"

namespace {

namespace asio = boost::asio;
using namespace sluice;
using listening::failure;
using listening::listenOn;
using listening::Recorder;
using Tcp = asio::ip::tcp;

/// While it lives the process gets no further descriptor.
class NoDescriptors {
 public:
  NoDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const int next = ::open("/dev/null", O_RDONLY);
    ::close(next);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(next);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

task<> connectTo(std::string& failure) {
  net::ConnectionOptions options;
  options.host = "127.0.0.1";
  options.port = 1;
  try {
    static_cast<void>(co_await net::connect(options));
  } catch (const Error& error) {
    failure = error.name();
  }
}

// How many connections of this process have this local name, and whether all of them close on exec
// and do not block.
template <class Matches>
std::size_t safeConnections(Matches matches) {
  std::size_t count = 0;
  for (int fd = 3; fd < 4096; ++fd) {
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    sockaddr_storage peer{};
    socklen_t peerSize = sizeof peer;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) continue;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peerSize) != 0) continue;
    if (!matches(name)) continue;
    const bool safe =
        (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 && (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
    if (!safe) return 0;
    ++count;
  }
  return count;
}

std::size_t safeConnections(std::uint16_t port) {
  return safeConnections([port](const sockaddr_storage& name) {
    sockaddr_in in{};
    std::memcpy(&in, &name, sizeof in);
    return in.sin_family == AF_INET && ntohs(in.sin_port) == port;
  });
}

std::size_t safeConnections(const std::string& path) {
  return safeConnections([&path](const sockaddr_storage& name) {
    sockaddr_un un{};
    std::memcpy(&un, &name, sizeof un);
    return un.sun_family == AF_UNIX && un.sun_path == path;
  });
}

}  // namespace

TEST_CASE("connections do not block and close on exec", "[Listener]") {
  asio::io_context loop(1);
  Recorder user;
  const auto listener = listenOn(loop, {.port = 0, .host = "127.0.0.1"});
  const Tcp::endpoint endpoint(asio::ip::address_v4::loopback(), listener->address().port);
  std::vector<Tcp::socket> clients;
  for (int i = 0; i < 100; ++i) clients.emplace_back(loop).connect(endpoint);
  listener->start(user);
  loopback::runUntil(loop, [&] { return user.sockets.size() == 100; });
  CHECK(safeConnections(listener->address().port) == 100);
  listener->close();
  loopback::finish(loop);
}

TEST_CASE("connections of a Unix socket do not block and close on exec", "[Listener]") {
  asio::io_context loop(1);
  const loopback::Folder folder;
  const std::string path = folder / "socket";
  Recorder user;
  const auto listener = listenOn(loop, {.path = path});
  asio::local::stream_protocol::socket client(loop);
  client.connect(path);
  listener->start(user);
  loopback::runUntil(loop, [&] { return user.sockets.size() == 1; });
  CHECK(safeConnections(path) == 1);
  listener->close();
  loopback::finish(loop);
}

TEST_CASE("a listener takes a bound descriptor over", "[Listener]") {
  asio::io_context loop(1);
  Tcp::acceptor bound(loop, Tcp::v4());
  bound.bind({asio::ip::address_v4::loopback(), 0});
  const auto port = bound.local_endpoint().port();
  const int fd = bound.release();
  const auto listener = listenOn(loop, {.fd = fd});
  CHECK(listener->address().port == port);
  Recorder user;
  Tcp::socket client(loop);
  client.connect({asio::ip::address_v4::loopback(), port});
  listener->start(user);
  loopback::runUntil(loop, [&] { return user.sockets.size() == 1; });
  listener->close();
  CHECK(::fcntl(fd, F_GETFD) == -1);

  CHECK(failure(loop, {.fd = fd}).name() == "EBADF");
}

TEST_CASE("an HTTP server answers on a descriptor that the program bound",
          "[net][row:3.2/listen]") {
  asio::io_context io;
  auto server = http::createServer(
      io,
      [](http::IncomingMessage&, http::ServerResponse& res) -> task<> { co_await res.end("hi"); });
  net::ListenOptions options;
  {
    Tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    options.fd = ::dup(acceptor.native_handle());
  }
  server.listen(options);
  const std::string url = "http://127.0.0.1:" + std::to_string(server.address().port);
  std::string body;
  auto req = http::get(io, url, {}, [&](http::IncomingMessage& res) -> task<> {
    body = co_await res.text();
    server.close();
  });
  loopback::finish(io);
  CHECK(body == "hi");
}

TEST_CASE("an \"error\" listener may destroy a server that starts", "[net.Server]") {
  asio::io_context io(1);
  asio::ip::tcp::acceptor bound(io, asio::ip::tcp::v4());
  bound.bind({asio::ip::address_v4::loopback(), 0});
  const int fd = bound.release();
  auto first = net::createServer(io);
  first.listen({.fd = fd});
  // The loop cannot watch one descriptor twice.
  std::optional<net::Server> second(net::createServer(io));
  bool told = false;
  second->on<"error">([&](const Error&) {
    told = true;
    second.reset();
  });
  second->listen({.fd = fd});
  loopback::runUntil(io, [&] { return told; });
  first.close();
  io.restart();
  io.run_for(std::chrono::milliseconds(1));
  CHECK_FALSE(second.has_value());
}

TEST_CASE("without a descriptor left, waiting clients see an end and the loop goes on",
          "[Listener]") {
  asio::io_context loop(1);
  Recorder user;
  const auto listener = listenOn(loop, {.port = 0, .host = "127.0.0.1"});
  const Tcp::endpoint endpoint(asio::ip::address_v4::loopback(), listener->address().port);
  Tcp::socket refused(loop);
  Tcp::socket later(loop);
  refused.connect(endpoint);
  later.open(Tcp::v4());

  std::optional<NoDescriptors> none(std::in_place);
  error_code seen;
  char byte = 0;
  listener->start(user);
  asio::async_read(refused, asio::buffer(&byte, 1),
                   [&](const error_code& ec, std::size_t) { seen = ec; });
  loopback::runUntil(loop, [&] { return seen.failed(); });
  none.reset();
  CHECK((seen == asio::error::eof || seen == asio::error::connection_reset));
  CHECK(user.errors == std::vector<std::string>{"accept EMFILE"});
  CHECK(user.sockets.empty());

  later.connect(endpoint);
  loopback::runUntil(loop, [&] { return user.sockets.size() == 1; });
  CHECK(user.errors.size() == 1);
  listener->close();
  loopback::finish(loop);
}
TEST_CASE("a loop's first connect() without a descriptor left fails with EMFILE", "[net.connect]") {
  asio::io_context io(1);
  // What Asio itself needs is there.
  asio::steady_timer timer(io, std::chrono::milliseconds(1));
  timer.async_wait([](const error_code&) {});
  loopback::finish(io);
  std::string failure;
  {
    const NoDescriptors none;
    asio::co_spawn(io, connectTo(failure), asio::detached);
    loopback::finish(io);
  }
  CHECK(failure == "EMFILE");
}
