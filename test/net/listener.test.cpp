// SPDX-License-Identifier: BSL-1.0
//
// The listening socket: where it binds, and what it reports.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>
#include "support/catch.hpp"
#include "support/listening.hpp"
#include "support/loopback.hpp"

namespace {

namespace asio = boost::asio;
namespace http = sluice::http;
using listening::failure;
using listening::listenOn;
using listening::Recorder;
using sluice::error_code;
using Tcp = asio::ip::tcp;

bool exists(const std::string& path) {
  return std::filesystem::exists(std::filesystem::symlink_status(path));
}

}  // namespace

TEST_CASE("a listener hands over all connections that wait", "[Listener]") {
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
  if (!loopback::haveUnixSockets()) return;
  CHECK(failure(loop, {.path = "/no/such/folder/socket"}).name() == "ENOENT");
  CHECK(failure(loop, {.path = std::string(200, 'x')}).name() == "ENAMETOOLONG");
}

TEST_CASE("reusePort lets two listeners share a port", "[Listener]") {
  asio::io_context loop(1);
#if defined(_WIN32)
  // It has nothing of the kind, and says so.
  CHECK(failure(loop, {.port = 0, .host = "127.0.0.1", .reusePort = true}).name() == "ENOTSUP");
  return;
#endif
  const auto first = listenOn(loop, {.port = 0, .host = "127.0.0.1", .reusePort = true});
  const auto port = first->address().port;
  const auto second = listenOn(loop, {.port = port, .host = "127.0.0.1", .reusePort = true});
  CHECK(second->address().port == port);
}

TEST_CASE("a Unix socket's file goes when the listener closes", "[Listener]") {
  if (!loopback::haveUnixSockets()) return;
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
  listener->close();
  CHECK(!exists(path));
}

TEST_CASE("a Unix socket's file stays where it is somebody else's by now", "[Listener]") {
  if (!loopback::haveUnixSockets()) return;
  asio::io_context loop(1);
  const loopback::Folder folder;
  const std::string path = folder / "socket";
  const auto old = listenOn(loop, {.path = path});
  // What a deployment does that starts the new process before it ends the old one.
  std::filesystem::rename(path, path + ".old");
  const auto fresh = listenOn(loop, {.path = path});
  old->close();
  CHECK(exists(path));
}

TEST_CASE("a Unix socket's file that a dead process left is taken over", "[Listener]") {
  if (!loopback::haveUnixSockets()) return;
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
  if (!loopback::haveUnixSockets()) return;
  asio::io_context loop(1);
  const loopback::Folder folder;
  const std::string path = folder / "file";
  std::ofstream(path) << "kept";
  const auto error = failure(loop, {.path = path});
  CHECK(error.name() == "EADDRINUSE");
  CHECK(error.address() == path);
  CHECK(exists(path));
}

// Linux only.
#if defined(__linux__)
TEST_CASE("a name without a file is a Unix socket too", "[Listener]") {
  asio::io_context loop(1);
  const std::string path =
      std::string(1, '\0') + "sluice-test-" + std::to_string(std::random_device()());
  const auto listener = listenOn(loop, {.path = path});
  CHECK(listener->address().path == path);
  CHECK(failure(loop, {.path = path}).name() == "EADDRINUSE");
}
#endif
