// SPDX-License-Identifier: BSL-1.0
//
// net::connect(): names, several addresses, errors, and every way in which an attempt may end.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <sluice/net.hpp>
#include <string>
#include <vector>
#include "support/catch.hpp"
#include "support/loopback.hpp"

namespace {

namespace asio = boost::asio;
namespace http = sluice::http;
namespace net = sluice::net;
using namespace std::chrono_literals;
using sluice::error_code;
using sluice::task;
using Addresses = std::vector<asio::ip::address>;
using Words = std::vector<std::string>;

Addresses addresses(const Words& texts) {
  Addresses result;
  for (const std::string& text : texts) result.push_back(asio::ip::make_address(text));
  return result;
}

net::Lookup answering(Words texts) {
  return [texts = std::move(texts)](std::string_view, int) -> task<Addresses> {
    co_return addresses(texts);
  };
}

/// One connect() that runs beside the test.
class Attempt {
 public:
  Attempt(asio::io_context& loop, const net::ConnectionOptions& options) {
    asio::co_spawn(loop, net::connect(options),
                   asio::bind_cancellation_slot(
                       cancel_.slot(), [this](std::exception_ptr thrown, net::Socket made) {
                         thrown_ = thrown;
                         socket = std::move(made);
                         ended_ = true;
                       }));
  }

  bool ended() const { return ended_; }
  void cancel() { cancel_.emit(asio::cancellation_type::terminal); }

  http::Error error() const {
    REQUIRE(ended_);
    REQUIRE(thrown_);
    try {
      std::rethrow_exception(thrown_);
    } catch (const http::Error& error) {
      return error;
    }
  }

  net::Socket socket;

 private:
  asio::cancellation_signal cancel_;
  std::exception_ptr thrown_;
  bool ended_ = false;
};

http::Error failure(const net::ConnectionOptions& options) {
  asio::io_context loop(1);
  Attempt attempt(loop, options);
  loopback::finish(loop);
  return attempt.error();
}

}  // namespace

TEST_CASE("connect() to an address, a name and a Unix socket", "[net.connect]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    const loopback::Folder folder;
    const auto greet = [](net::Socket& socket) -> task<> { co_await socket.end("hello"); };
    auto tcp = net::createServer(loop, greet);
    tcp.listen(0);
    auto local = net::createServer(loop, greet);
    const auto port = tcp.address().port;
    std::vector<net::ConnectionOptions> ways = {
        {.host = "127.0.0.1", .port = port}, {.host = "localhost", .port = port}, {.port = port}};
    if (loopback::haveUnixSockets()) {
      local.listen(folder / "socket");
      ways.push_back({.path = folder / "socket"});
    }
    for (const net::ConnectionOptions& way : ways) {
      net::Socket socket = co_await net::connect(way);
      CHECK(!socket.connecting());
      CHECK(socket.readyState() == "open");
      CHECK(socket.remotePort() == way.port);
      const auto greeting = co_await socket.read();
      CHECK(greeting == "hello");
    }
    tcp.close();
    local.close();
  });
}

TEST_CASE("connect() errors name the call, the address and the port", "[net.connect]") {
  const auto port = [] {
    asio::io_context loop(1);
    auto server = net::createServer(loop);
    server.listen(0, "127.0.0.1");
    return server.address().port;
  }();
  const auto refused = failure({.host = "127.0.0.1", .port = port});
  CHECK(refused.name() == "ECONNREFUSED");
  CHECK(refused.what() == "connect ECONNREFUSED 127.0.0.1:" + std::to_string(port));
  CHECK(refused.syscall() == "connect");
  CHECK(refused.address() == "127.0.0.1");
  CHECK(refused.port() == port);

  if (loopback::haveUnixSockets()) {
    const auto missing = failure({.path = "/no/such/socket"});
    CHECK(std::string(missing.what()) == "connect ENOENT /no/such/socket");
    CHECK(failure({.path = std::string(200, 'x')}).name() == "ENAMETOOLONG");
  }

  const auto empty = failure({.host = "nobody", .port = 1, .lookup = answering({})});
  CHECK(std::string(empty.what()) == "getaddrinfo ENOTFOUND nobody");
  const auto unknown = failure({.host = "no.such.host.invalid", .port = 1});
  CHECK(unknown.syscall() == "getaddrinfo");
  CHECK(unknown.address() == "no.such.host.invalid");
}

TEST_CASE("connect() refuses options that make no sense", "[net.connect]") {
  const auto call = [](const net::ConnectionOptions& options) {
    static_cast<void>(net::connect(options));
  };
  const auto name = [&](const net::ConnectionOptions& options) {
    try {
      call(options);
    } catch (const http::Error& error) {
      return std::string(error.name());
    }
    return std::string();
  };
  CHECK(name({.host = "a", .family = 5}) == "ERR_INVALID_ARG_VALUE");
  CHECK(name({.host = "a", .localAddress = "localhost"}) == "ERR_INVALID_IP_ADDRESS");
}

TEST_CASE("addresses alternate between the families, beginning with the first", "[net.connect]") {
  const auto order = [](const Words& texts) {
    Words result;
    for (const auto& address : net::detail::alternating(addresses(texts))) {
      result.push_back(address.to_string());
    }
    return result;
  };
  CHECK(order({"::1", "::2", "::3", "1.1.1.1"}) == Words{"::1", "1.1.1.1", "::2", "::3"});
  CHECK(order({"1.1.1.1", "2.2.2.2", "::1", "::2"}) == Words{"1.1.1.1", "::1", "2.2.2.2", "::2"});
  CHECK(order({"::1"}) == Words{"::1"});
}

TEST_CASE("an address that refuses is followed by the next at once", "[net.connect]") {
  asio::io_context loop(1);
  loopback::Clock clock(loop);
  auto server = net::createServer(loop);
  server.listen(0, "127.0.0.1");
  const auto port = server.address().port;
  Attempt attempt(loop,
                  {.host = "twice", .port = port, .lookup = answering({"127.0.0.2", "127.0.0.1"})});
  loopback::runUntil(loop, [&] { return attempt.ended(); });
  CHECK(attempt.socket.remoteAddress() == "127.0.0.1");
}

TEST_CASE("an address that is silent is followed by the next after 250 ms", "[net.connect]") {
  asio::io_context loop(1);
  loopback::Clock clock(loop);
  auto server = net::createServer(loop);
  server.listen(0, "127.0.0.1");
  const auto port = server.address().port;
  const loopback::Silence silence(loop, "127.0.0.2", port);
  Attempt attempt(loop,
                  {.host = "twice", .port = port, .lookup = answering({"127.0.0.2", "127.0.0.1"})});
  loop.poll();
  clock.advance(249ms);
  loop.poll();
  CHECK(!attempt.ended());
  clock.advance(1ms);
  loopback::runUntil(loop, [&] { return attempt.ended(); });
  CHECK(attempt.socket.remoteAddress() == "127.0.0.1");
  attempt.socket.destroy();
  server.close();
  // The silent attempt was closed: nothing of it keeps the loop busy.
  loopback::finish(loop);
}

TEST_CASE("an address that answers late is taken if no other does", "[net.connect]") {
  asio::io_context loop(1);
  loopback::Clock clock(loop);
  const loopback::Silence silence(loop, "127.0.0.1");
  Attempt attempt(
      loop,
      {.host = "twice", .port = silence.port(), .lookup = answering({"127.0.0.1", "127.0.0.2"})});
  loop.poll();
  clock.advance(250ms);
  // 127.0.0.2 refuses; the first address is still being waited for.
  for (int i = 0; i < 100; ++i) loop.poll();
  CHECK(!attempt.ended());
  attempt.cancel();
  loopback::finish(loop);
}

TEST_CASE("if every address fails, the error is the first that says something of the peer",
          "[net.connect]") {
  const auto first =
      failure({.host = "two", .port = 1, .lookup = answering({"127.0.0.2", "127.0.0.3"})});
  CHECK(first.name() == "ECONNREFUSED");
  CHECK(first.address() == "127.0.0.2");
  // No route to the first one: that says nothing about the peer.
  const auto second =
      failure({.host = "two", .port = 1, .lookup = answering({"ff02::1", "127.0.0.3"})});
  CHECK(second.name() == "ECONNREFUSED");
  CHECK(second.address() == "127.0.0.3");
}

TEST_CASE("timeout ends the attempt with ETIMEDOUT", "[net.connect]") {
  asio::io_context loop(1);
  loopback::Clock clock(loop);
  const loopback::Silence silence(loop, "127.0.0.1");
  Attempt attempt(loop, {.host = "127.0.0.1", .port = silence.port(), .timeout = 1000ms});
  loop.poll();
  clock.advance(999ms);
  loop.poll();
  CHECK(!attempt.ended());
  clock.advance(1ms);
  loopback::finish(loop);
  CHECK(std::string(attempt.error().what()) ==
        "connect ETIMEDOUT 127.0.0.1:" + std::to_string(silence.port()));
}

TEST_CASE("timeout ends a lookup as well", "[net.connect]") {
  asio::io_context loop(1);
  loopback::Clock clock(loop);
  bool cancelled = false;
  const net::Lookup never = [&](std::string_view, int) -> task<Addresses> {
    const std::shared_ptr<void> leaving(nullptr, [&](void*) { cancelled = true; });
    asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
    co_await timer.async_wait(asio::use_awaitable);
    co_return Addresses();
  };
  Attempt attempt(loop, {.host = "slow", .port = 7, .timeout = 1000ms, .lookup = never});
  loop.poll();
  clock.advance(1000ms);
  loopback::finish(loop);
  CHECK(std::string(attempt.error().what()) == "connect ETIMEDOUT slow:7");
  CHECK(cancelled);
}

TEST_CASE("cancelling connect() closes everything", "[net.connect]") {
  asio::io_context loop(1);
  loopback::Clock clock(loop);
  const loopback::Silence silence(loop, "127.0.0.1");
  Attempt attempt(loop, {.host = "127.0.0.1", .port = silence.port()});
  loop.poll();
  CHECK(!attempt.ended());
  attempt.cancel();
  loopback::finish(loop);
  CHECK(attempt.error().code() == asio::error::operation_aborted);
}

TEST_CASE("lookup gets the name and the family, and what it throws comes out", "[net.connect]") {
  std::string asked;
  const auto error = failure({.host = "name",
                              .port = 1,
                              .family = 6,
                              .lookup = [&](std::string_view host, int family) -> task<Addresses> {
                                asked = std::string(host) + " " + std::to_string(family);
                                throw http::Error(asio::error::host_not_found_try_again);
                                co_return Addresses();
                              }});
  CHECK(asked == "name 6");
  CHECK(error.name() == "EAI_AGAIN");
}

TEST_CASE("localAddress and localPort bind the socket", "[net.connect]") {
  asio::io_context loop(1);
  auto server = net::createServer(loop);
  server.listen(0, "127.0.0.1");
  const auto port = server.address().port;
  Attempt bound(loop, {.host = "127.0.0.1", .port = port, .localAddress = "127.0.0.9"});
  loopback::runUntil(loop, [&] { return bound.ended(); });
  CHECK(bound.socket.localAddress() == "127.0.0.9");

  const auto taken = server.address().port;
  const auto inUse =
      failure({.host = "127.0.0.1", .port = port, .localAddress = "127.0.0.1", .localPort = taken});
  CHECK(std::string(inUse.what()) == "bind EADDRINUSE 127.0.0.1:" + std::to_string(taken));
  const auto family = failure({.host = "127.0.0.1", .port = port, .localAddress = "::1"});
  CHECK(std::string(family.what()) == "bind EAFNOSUPPORT ::1");

  // Of a name's addresses those of the other family are left out.
  Attempt mixed(loop, {.host = "both",
                       .port = port,
                       .localAddress = "127.0.0.1",
                       .lookup = answering({"::1", "127.0.0.1"})});
  loopback::runUntil(loop, [&] { return mixed.ended(); });
  CHECK(mixed.socket.remoteAddress() == "127.0.0.1");
}

namespace {

struct Hook : net::detail::ConnectHook {
  explicit Hook(asio::io_context& loop)
      : core(new net::detail::SocketCore(net::detail::Loop::of(loop.get_executor()), 16 * 1024)) {}

  boost::intrusive_ptr<net::detail::SocketCore> onConnecting() override {
    net::Socket socket = net::detail::SocketAccess::make(core);
    socket.on<"connect">([this] { events.push_back("connect"); });
    socket.on<"error">([this](const http::Error& error) {
      events.push_back("error " + std::string(error.name()));
    });
    socket.on<"close">([this] { events.push_back("close"); });
    if (then) then(socket);
    return net::detail::SocketAccess::release(socket);
  }

  boost::intrusive_ptr<net::detail::SocketCore> core;
  std::function<void(net::Socket&)> then;
  Words events;
};

}  // namespace

TEST_CASE("a hook's socket tells of \"connect\" and sends what was written before",
          "[net.connect]"
          "[row:9/'connect']") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto server = net::createServer(
        loop, [](net::Socket& socket) -> task<> { co_await sluice::pipe(socket, socket); });
    server.listen(0, "127.0.0.1");
    Hook hook(loop);
    hook.then = [](net::Socket& socket) {
      CHECK(socket.connecting());
      CHECK(socket.readyState() == "opening");
      socket.write("early");
      socket.end();
    };
    const net::ConnectionOptions options{
        .host = "127.0.0.1", .port = server.address().port, .hook = &hook};
    net::Socket socket = co_await net::connect(options);
    CHECK(hook.events == Words{"connect"});
    const auto echo = co_await socket.read();
    CHECK(echo == "early");
    server.close();
    socket.destroy();
    while (hook.events.size() < 2) co_await asio::post(loop, asio::use_awaitable);
    CHECK(hook.events == Words{"connect", "close"});
  });
}

TEST_CASE("destroying a socket that is being connected ends the attempt with its reason",
          "[net.connect]") {
  asio::io_context loop(1);
  const loopback::Silence silence(loop, "127.0.0.1");
  Hook hook(loop);
  const auto before = GENERATE(true, false);
  if (before) hook.then = [](net::Socket& socket) { socket.destroy(asio::error::fault); };
  Attempt attempt(loop, {.host = "127.0.0.1", .port = silence.port(), .hook = &hook});
  loop.poll();
  if (!before) {
    CHECK(!attempt.ended());
    hook.core->destroy(asio::error::fault);
  }
  loopback::finish(loop);
  CHECK(attempt.error().name() == (before ? "ABORT_ERR" : "EFAULT"));
  CHECK(hook.events == Words{"error EFAULT", "close"});
}

TEST_CASE("a failed attempt destroys the hook's socket", "[net.connect]") {
  asio::io_context loop(1);
  Hook hook(loop);
  Attempt attempt(loop, {.host = "127.0.0.1", .port = 1, .hook = &hook});
  loopback::finish(loop);
  CHECK(attempt.error().name() == "ECONNREFUSED");
  CHECK(hook.events == Words{"error ECONNREFUSED", "close"});
}

TEST_CASE("a context that ends lets go of an attempt and of whoever waits for it",
          "[net.connect]") {
  bool left = false;
  const auto wait = [&](const net::ConnectionOptions& options) -> task<> {
    const std::shared_ptr<void> leaving(nullptr, [&](void*) { left = true; });
    co_await net::connect(options);
  };
  {
    asio::io_context loop(1);
    const loopback::Silence silence(loop, "127.0.0.1");
    const net::ConnectionOptions options{.host = "127.0.0.1", .port = silence.port()};
    asio::co_spawn(loop, wait(options), asio::detached);
    loop.poll();
    CHECK(!left);
  }
  CHECK(left);
}
