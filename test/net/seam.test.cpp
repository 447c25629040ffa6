// SPDX-License-Identifier: BSL-1.0
//
// Servers and clients over the seam to the system, where the system refuses something.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <sluice/net.hpp>
#include <sluice/net/detail/listening.hpp>
#include <string>
#include "support/catch.hpp"
#include "support/loopback.hpp"

namespace {

namespace asio = boost::asio;
using namespace sluice;

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

errc codeOf(std::string_view text) {
  try {
    static_cast<void>(net::detail::pathOrPortToListenOn(text));
  } catch (const Error& error) {
    return static_cast<errc>(error.code().value());
  }
  return {};
}

}  // namespace

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

TEST_CASE("listen() takes a port in digits and refuses what is none", "[net.Server]") {
  CHECK(net::detail::pathOrPortToListenOn("8080").port == 8080);
  CHECK(net::detail::pathOrPortToListenOn("/run/8080").path == "/run/8080");
  CHECK(net::detail::pathOrPortToListenOn("8080.sock").path == "8080.sock");
  CHECK(codeOf("65536") == errc::ERR_SOCKET_BAD_PORT);
  CHECK(codeOf("99999999999999999999") == errc::ERR_SOCKET_BAD_PORT);

  asio::io_context io(1);
  auto server = net::createServer(io);
  for (const int port : {70000, -1}) {
    try {
      server.listen(port);
      FAIL("listens on " << server.address().port);
    } catch (const Error& error) {
      CHECK(error.code() == errc::ERR_SOCKET_BAD_PORT);
    }
  }
  server.listen("0");
  CHECK(server.address().port != 0);
  server.close();
  loopback::finish(io);
}
