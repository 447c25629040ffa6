// SPDX-License-Identifier: BSL-1.0
//
// The listening socket: where it binds, what it reports, and what it does without descriptors.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <cstring>
#include <functional>
#include <optional>
#include <sluice/net/detail/backend.hpp>
#include <sluice/net/detail/listening.hpp>
#include <vector>
#include "support/catch.hpp"
#include "support/loopback.hpp"

namespace {

namespace asio = boost::asio;
namespace http = sluice::http;
using sluice::error_code;
using sluice::net::ListenOptions;
using sluice::net::detail::Listener;
using sluice::net::detail::Loop;
using sluice::net::detail::Transport;
using Accepted = boost::intrusive_ptr<Transport>;
using Tcp = asio::ip::tcp;

struct Recorder : Listener::User {
  void onAccept(Accepted socket) override {
    sockets.push_back(std::move(socket));
    if (then) then();
  }
  void onAcceptError(const http::Error& error) override { errors.emplace_back(error.what()); }

  std::vector<Accepted> sockets;
  std::vector<std::string> errors;
  std::function<void()> then;
};

boost::intrusive_ptr<Listener> listenOn(asio::io_context& loop, const ListenOptions& options) {
  const auto own = Loop::of(loop.get_executor());
  const auto listener = sluice::net::detail::makeListener(own);
  sluice::net::detail::openListener(*listener, *own, options);
  return listener;
}

http::Error failure(asio::io_context& loop, const ListenOptions& options) {
  try {
    listenOn(loop, options);
  } catch (const http::Error& error) {
    return error;
  }
  return http::Error(error_code(), "listen did not fail");
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
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

TEST_CASE("a listener hands over connections that do not block and close on exec", "[Listener]") {
  asio::io_context loop(1);
  Recorder user;
  const auto listener = listenOn(loop, {.port = 0, .host = "127.0.0.1"});
  CHECK(listener->isOpen());
  CHECK(listener->address().address == "127.0.0.1");
  CHECK(listener->address().family == "IPv4");
  CHECK(listener->address().port != 0);

  const Tcp::endpoint endpoint(asio::ip::address_v4::loopback(), listener->address().port);
  std::vector<Tcp::socket> clients;
  for (int i = 0; i < 100; ++i) clients.emplace_back(loop).connect(endpoint);
  listener->start(user);
  loopback::runUntil(loop, [&] { return user.sockets.size() == 100; });
  CHECK(safeConnections(listener->address().port) == 100);
  CHECK(user.errors.empty());

  listener->close();
  CHECK(!listener->isOpen());
  CHECK(listener->address() == sluice::net::Address{});
  loopback::finish(loop);
}

TEST_CASE("a listener may be closed and released while it accepts", "[Listener]") {
  asio::io_context loop(1);
  Recorder user;
  auto listener = listenOn(loop, {.port = 0, .host = "127.0.0.1"});
  const Tcp::endpoint endpoint(asio::ip::address_v4::loopback(), listener->address().port);
  std::vector<Tcp::socket> clients;
  for (int i = 0; i < 5; ++i) clients.emplace_back(loop).connect(endpoint);
  user.then = [&] {
    if (user.sockets.size() == 2) {
      listener->close();
      listener.reset();
    }
  };
  listener->start(user);
  loopback::finish(loop);
  CHECK(user.sockets.size() == 2);
}

TEST_CASE("an exception out of onAccept does not end the accept loop", "[Listener]") {
  asio::io_context loop(1);
  Recorder user;
  const auto listener = listenOn(loop, {.port = 0, .host = "127.0.0.1"});
  const Tcp::endpoint endpoint(asio::ip::address_v4::loopback(), listener->address().port);
  std::vector<Tcp::socket> clients;
  for (int i = 0; i < 2; ++i) clients.emplace_back(loop).connect(endpoint);
  user.then = [&] {
    if (user.sockets.size() == 1) throw std::runtime_error("from a listener");
  };
  listener->start(user);
  CHECK_THROWS_AS(loopback::finish(loop), std::runtime_error);
  loopback::runUntil(loop, [&] { return user.sockets.size() == 2; });
  listener->close();
  loopback::finish(loop);
}

TEST_CASE("without a host a listener takes IPv6 and IPv4", "[Listener]") {
  asio::io_context loop(1);
  Recorder user;
  const auto listener = listenOn(loop, {.port = 0});
  const auto port = listener->address().port;
  std::vector<Tcp::socket> clients;
  clients.emplace_back(loop).connect({asio::ip::address_v4::loopback(), port});
  std::size_t expected = 1;
  if (listener->address().family == "IPv6") {
    CHECK(listener->address().address == "::");
    clients.emplace_back(loop).connect({asio::ip::address_v6::loopback(), port});
    expected = 2;
  } else {
    CHECK(listener->address().address == "0.0.0.0");
  }
  listener->start(user);
  loopback::runUntil(loop, [&] { return user.sockets.size() == expected; });
  listener->close();
}

TEST_CASE("ipv6Only keeps IPv4 connections out", "[Listener]") {
  asio::io_context loop(1);
  if (failure(loop, {.port = 0, .host = "::1"}).code()) {
    WARN("this machine has no IPv6");
    return;
  }
  const auto listener = listenOn(loop, {.port = 0, .host = "::", .ipv6Only = true});
  Tcp::socket client(loop);
  error_code ec;
  client.connect({asio::ip::address_v4::loopback(), listener->address().port}, ec);
  CHECK(ec == asio::error::connection_refused);
}

TEST_CASE("a host may be a name", "[Listener]") {
  asio::io_context loop(1);
  const auto listener = listenOn(loop, {.port = 0, .host = "localhost"});
  const auto address = listener->address().address;
  CHECK((address == "127.0.0.1" || address == "::1"));

  const auto error = failure(loop, {.port = 0, .host = "no.such.host.invalid"});
  CHECK(error.syscall() == "getaddrinfo");
  CHECK(error.address() == "no.such.host.invalid");
}

TEST_CASE("listen errors name the call, the address and the port", "[Listener]") {
  asio::io_context loop(1);
  const auto first = listenOn(loop, {.port = 0, .host = "127.0.0.1"});
  const auto port = first->address().port;

  const auto inUse = failure(loop, {.port = port, .host = "127.0.0.1"});
  CHECK(inUse.name() == "EADDRINUSE");
  CHECK(std::string(inUse.what()) ==
        "listen EADDRINUSE: address already in use 127.0.0.1:" + std::to_string(port));
  CHECK(inUse.syscall() == "listen");
  CHECK(inUse.address() == "127.0.0.1");
  CHECK(inUse.port() == port);

  CHECK(failure(loop, {.port = 0, .host = "192.0.2.1"}).name() == "EADDRNOTAVAIL");
  CHECK(failure(loop, {}).name() == "ERR_INVALID_ARG_VALUE");
  CHECK(failure(loop, {.path = "/no/such/folder/socket"}).name() == "ENOENT");
  CHECK(failure(loop, {.path = std::string(200, 'x')}).name() == "ENAMETOOLONG");
}

TEST_CASE("reusePort lets two listeners share a port", "[Listener]") {
  asio::io_context loop(1);
  const auto first = listenOn(loop, {.port = 0, .host = "127.0.0.1", .reusePort = true});
  const auto port = first->address().port;
  const auto second = listenOn(loop, {.port = port, .host = "127.0.0.1", .reusePort = true});
  CHECK(second->address().port == port);
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

TEST_CASE("a Unix socket's file goes when the listener closes", "[Listener]") {
  asio::io_context loop(1);
  const loopback::Folder folder;
  const std::string path = folder / "socket";
  const auto listener = listenOn(loop, {.path = path});
  CHECK(listener->address().path == path);
  CHECK(listener->address().family.empty());
  CHECK(exists(path));

  Recorder user;
  asio::local::stream_protocol::socket client(loop);
  client.connect(path);
  listener->start(user);
  loopback::runUntil(loop, [&] { return user.sockets.size() == 1; });
  CHECK(safeConnections(path) == 1);
  listener->close();
  CHECK(!exists(path));
}

TEST_CASE("a Unix socket's file stays where it is somebody else's by now", "[Listener]") {
  asio::io_context loop(1);
  const loopback::Folder folder;
  const std::string path = folder / "socket";
  const auto old = listenOn(loop, {.path = path});
  // What a deployment does that starts the new process before it ends the old one.
  REQUIRE(::rename(path.c_str(), (path + ".old").c_str()) == 0);
  const auto fresh = listenOn(loop, {.path = path});
  old->close();
  CHECK(exists(path));
}

TEST_CASE("a Unix socket's file that a dead process left is taken over", "[Listener]") {
  asio::io_context loop(1);
  const loopback::Folder folder;
  const std::string path = folder / "socket";
  { asio::local::stream_protocol::acceptor dead(loop, path); }
  REQUIRE(exists(path));
  const auto listener = listenOn(loop, {.path = path});
  CHECK(listener->isOpen());
  CHECK(failure(loop, {.path = path}).name() == "EADDRINUSE");
  CHECK(exists(path));
}

TEST_CASE("a file that is no socket is never removed", "[Listener]") {
  asio::io_context loop(1);
  const loopback::Folder folder;
  const std::string path = folder / "file";
  ::close(::open(path.c_str(), O_CREAT | O_WRONLY, 0600));
  const auto error = failure(loop, {.path = path});
  CHECK(error.name() == "EADDRINUSE");
  CHECK(error.address() == path);
  CHECK(exists(path));
}

TEST_CASE("a name without a file is a Unix socket too", "[Listener]") {
  asio::io_context loop(1);
  const std::string path = std::string(1, '\0') + "sluice-test-" + std::to_string(::getpid());
  const auto listener = listenOn(loop, {.path = path});
  CHECK(listener->address().path == path);
  CHECK(failure(loop, {.path = path}).name() == "EADDRINUSE");
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

  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int next = ::open("/dev/null", O_RDONLY);
  ::close(next);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);

  error_code seen;
  char byte = 0;
  listener->start(user);
  asio::async_read(refused, asio::buffer(&byte, 1),
                   [&](const error_code& ec, std::size_t) { seen = ec; });
  loopback::runUntil(loop, [&] { return seen.failed(); });
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK((seen == asio::error::eof || seen == asio::error::connection_reset));
  CHECK(user.errors == std::vector<std::string>{"accept EMFILE"});
  CHECK(user.sockets.empty());

  later.connect(endpoint);
  loopback::runUntil(loop, [&] { return user.sockets.size() == 1; });
  CHECK(user.errors.size() == 1);
  listener->close();
  loopback::finish(loop);
}
