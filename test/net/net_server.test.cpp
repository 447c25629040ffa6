// SPDX-License-Identifier: BSL-1.0
//
// net::Server over loopback: listening, handlers and what becomes of their sockets, closing.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <sluice/net.hpp>
#include <stdexcept>
#include <string>
#include <vector>
#include "support/catch.hpp"
#include "support/loopback.hpp"

namespace {

namespace asio = boost::asio;
namespace http = sluice::http;
namespace net = sluice::net;
using sluice::error_code;
using sluice::task;
using Words = std::vector<std::string>;

net::ConnectionOptions to(const net::Server& server) {
  const net::Address address = server.address();
  return {.host = address.address, .port = address.port, .path = address.path};
}

task<std::string> readAll(net::Socket& socket) {
  std::string all;
  while (auto piece = co_await socket.read()) all += *piece;
  co_return all;
}

const net::ListenOptions anyPort{.port = 0, .host = "127.0.0.1"};

}  // namespace

TEST_CASE("a server runs its handler for each connection", "[net.Server]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    Words events;
    auto server = net::createServer(loop, [&](net::Socket& socket) -> task<> {
      events.push_back("handler");
      co_await sluice::pipe(socket, socket);
    });
    server.on<"connection">([&](net::Socket& socket) {
      CHECK(socket.remoteAddress() == "127.0.0.1");
      CHECK(socket.localPort() == server.address().port);
      events.push_back("connection");
    });
    server.on<"listening">([&] { events.push_back("listening"); });
    CHECK(!server.listening());
    CHECK(server.address() == net::Address{});
    server.listen(anyPort, [&] { events.push_back("callback"); });
    CHECK(server.listening());
    CHECK(server.address().port != 0);
    CHECK(events.empty());
    co_await server.once<"listening">();
    CHECK(events == Words{"listening", "callback"});

    const auto options = to(server);
    for (int i = 0; i < 3; ++i) {
      net::Socket client = co_await net::connect(options);
      co_await client.end("hello");
      const auto answer = co_await readAll(client);
      CHECK(answer == "hello");
    }
    CHECK(events.size() == 8);
    server.close();
    CHECK(!server.listening());
    co_await server.closed();
    CHECK(server.getConnections() == 0);
  });
}

TEST_CASE("what a handler wrote leaves after it has returned", "[net.Server]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    const std::string large(4 * 1024 * 1024, 'x');
    auto server = net::createServer(loop, [&](net::Socket& socket) -> task<> {
      socket.write(large);
      co_return;
    });
    server.listen(anyPort);
    const auto options = to(server);
    net::Socket client = co_await net::connect(options);
    const auto received = co_await readAll(client);
    CHECK(received.size() == large.size());
    server.close();
    co_await server.closed();
  });
}

TEST_CASE("a socket that a handler moved out lives on", "[net.Server]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    net::Socket kept;
    auto server = net::createServer(loop, [&](net::Socket& socket) -> task<> {
      kept = std::move(socket);
      co_return;
    });
    server.listen(anyPort);
    const auto options = to(server);
    net::Socket client = co_await net::connect(options);
    co_await client.end("late");
    while (!kept) co_await asio::post(loop, asio::use_awaitable);
    const auto late = co_await readAll(kept);
    CHECK(late == "late");
    CHECK(server.getConnections() == 1);

    bool closed = false;
    server.close([&](error_code) { closed = true; });
    co_await asio::post(loop, asio::use_awaitable);
    CHECK(!closed);
    kept.destroy();
    co_await server.closed();
    CHECK(server.getConnections() == 0);
  });
}

TEST_CASE("what a handler throws goes to \"error\" and ends its connection only", "[net.Server]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    int calls = 0;
    auto server = net::createServer(loop, [&](net::Socket& socket) -> task<> {
      if (++calls == 1) throw std::runtime_error("no reason");
      if (calls == 2) throw http::Error(make_error_code(http::errc::ERR_INVALID_STATE));
      co_await socket.end("fine");
    });
    Words errors;
    server.on<"error">([&](const http::Error& error) {
      errors.push_back(std::string(error.name()) + ": " + error.what());
    });
    server.listen(anyPort);
    const auto options = to(server);
    Words answers;
    for (int i = 0; i < 3; ++i) {
      net::Socket client = co_await net::connect(options);
      answers.push_back(co_await readAll(client));
    }
    CHECK(answers == Words{"", "", "fine"});
    CHECK(errors == Words{"ERR_UNHANDLED_ERROR: no reason",
                          "ERR_INVALID_STATE: The object is in a state that does not allow this "
                          "call"});
    server.close();
    co_await server.closed();
  });
}

TEST_CASE("a listener of \"connection\" that throws leaves the connection to its handler",
          "[net.Server]") {
  asio::io_context loop(1);
  auto server =
      net::createServer(loop, [](net::Socket& socket) -> task<> { co_await socket.end("fine"); });
  server.on<"connection">([](net::Socket&) { throw std::runtime_error("of a listener"); });
  server.listen(anyPort);
  const auto options = to(server);
  std::string answer;
  const auto ask = [&]() -> task<> {
    net::Socket client = co_await net::connect(options);
    answer = co_await readAll(client);
    server.close();
  };
  asio::co_spawn(loop, ask(), asio::detached);
  int thrown = 0;
  for (bool ended = false; !ended;) {
    try {
      loopback::finish(loop);
      ended = true;
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  CHECK(thrown == 1);
  CHECK(answer == "fine");
}

TEST_CASE("a server listens once at a time", "[net.Server]") {
  asio::io_context loop(1);
  auto server = net::createServer(loop);
  server.listen(0, "127.0.0.1");
  const auto again = [&] { server.listen(0, "127.0.0.1"); };
  try {
    again();
    FAIL("it listens twice");
  } catch (const http::Error& error) {
    CHECK(error.name() == "ERR_SERVER_ALREADY_LISTEN");
  }
  server.close();
  CHECK_NOTHROW(again());
  server.close();
  loopback::finish(loop);
}

TEST_CASE("listen() has four forms", "[net.Server]") {
  if (!loopback::haveUnixSockets()) return;
  asio::io_context loop(1);
  const loopback::Folder folder;
  Words heard;
  auto first = net::createServer(loop);
  first.listen(0, "127.0.0.1", 16, [&] { heard.push_back("port and host"); });
  auto second = net::createServer(loop);
  second.listen(0, [&] { heard.push_back("port"); });
  auto third = net::createServer(loop);
  third.listen(folder / "socket", [&] { heard.push_back("path"); });
  auto fourth = net::createServer(loop);
  fourth.listen({.port = 0, .host = "127.0.0.1"}, [&] {
    heard.push_back("options");
    for (auto* server : {&first, &second, &third, &fourth}) server->close();
  });
  CHECK(first.address().address == "127.0.0.1");
  CHECK(second.address().port != 0);
  CHECK(third.address().path == folder / "socket");
  CHECK(third.address().port == 0);
  loopback::finish(loop);
  CHECK(heard == Words{"port and host", "port", "path", "options"});
}

TEST_CASE("a failing listen() throws, or tells those who listen for \"error\"", "[net.Server]") {
  asio::io_context loop(1);
  auto taken = net::createServer(loop);
  taken.listen(0, "127.0.0.1");
  const auto port = taken.address().port;

  auto server = net::createServer(loop);
  CHECK_THROWS_AS(server.listen(port, "127.0.0.1"), http::Error);
  CHECK(!server.listening());

  Words heard;
  server.on<"listening">([&] { heard.push_back("listening"); });
  server.on<"error">([&](const http::Error& error) {
    heard.push_back(std::string(error.name()));
    server.listen(0, "127.0.0.1", 511, [&] { heard.push_back("second"); });
  });
  CHECK_NOTHROW(server.listen(port, "127.0.0.1", 511, [&] { heard.push_back("first"); }));
  CHECK(heard.empty());
  CHECK_THROWS_AS(server.listen(net::ListenOptions{}), http::Error);
  loopback::runUntil(loop, [&] { return heard.size() == 3; });
  CHECK(heard == Words{"EADDRINUSE", "listening", "second"});
  taken.close();
  server.close();
  loopback::finish(loop);
}

TEST_CASE("a server that is closed before the loop runs never says that it listens",
          "[net.Server]") {
  asio::io_context loop(1);
  Words heard;
  auto server = net::createServer(loop);
  server.on<"close">([&] { heard.push_back("close"); });
  server.listen(0, [&] { heard.push_back("listening"); });
  server.close();
  loopback::finish(loop);
  CHECK(heard == Words{"close"});
}

TEST_CASE("close() tells its callback after 'close', and who was not running", "[net.Server]") {
  asio::io_context loop(1);
  Words heard;
  const auto note = [&](const char* who) {
    return [&heard, who](error_code ec) {
      heard.push_back(who + (ec ? " " + std::string(http::errorName(ec)) : ""));
    };
  };
  auto server = net::createServer(loop);
  server.on<"close">([&] { heard.push_back("close"); });
  server.listen(0);
  server.close(note("first"));
  server.close(note("second"));
  CHECK(heard.empty());
  loopback::finish(loop);
  CHECK(heard == Words{"close", "first", "second ERR_SERVER_NOT_RUNNING"});

  heard.clear();
  server.close(note("third"));
  loopback::finish(loop);
  CHECK(heard == Words{"close", "third ERR_SERVER_NOT_RUNNING"});
}

TEST_CASE("a server that listens again in the turn of its close() tells of both", "[net.Server]") {
  asio::io_context loop(1);
  Words heard;
  auto server = net::createServer(loop);
  server.on<"close">([&] { heard.push_back("close"); });
  server.on<"listening">([&] { heard.push_back("listening"); });
  server.listen(0);
  loop.poll();
  server.close([&](const error_code& ec) { heard.push_back(ec ? "not running" : "closed"); });
  server.listen(0);
  loop.poll();
  CHECK(server.listening());
  CHECK(heard == Words{"listening", "close", "listening", "closed"});
  server.close();
  loopback::finish(loop);
  CHECK(heard.back() == "close");
}

TEST_CASE("closed() waits for 'close', can be cancelled, and ends with the server",
          "[net.Server]") {
  asio::io_context loop(1);
  auto server = std::make_unique<net::Server>(net::createServer(loop));
  Words heard;
  const auto wait = [&](const char* who) {
    return [&heard, who](std::exception_ptr thrown) {
      heard.push_back(std::string(who) + (thrown ? " aborted" : " closed"));
    };
  };
  asio::co_spawn(loop, server->closed(), wait("idle"));
  loopback::finish(loop);

  server->listen(0);
  asio::cancellation_signal cancel;
  asio::co_spawn(loop, server->closed(), asio::bind_cancellation_slot(cancel.slot(), wait("one")));
  asio::co_spawn(loop, server->closed(), wait("two"));
  loop.restart();
  loop.poll();
  cancel.emit(asio::cancellation_type::terminal);
  loop.poll();
  CHECK(heard == Words{"idle closed", "one aborted"});
  server->close();
  loopback::finish(loop);
  CHECK(heard.back() == "two closed");

  server->listen(0);
  asio::co_spawn(loop, server->closed(), wait("three"));
  loop.restart();
  loop.poll();
  server.reset();
  loopback::finish(loop);
  CHECK(heard.back() == "three aborted");
}

TEST_CASE("past maxConnections a connection is closed at once and \"drop\" tells", "[net.Server]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto server = net::createServer(
        loop, [](net::Socket& socket) -> task<> { co_await sluice::pipe(socket, socket); });
    server.maxConnections = 1;
    std::optional<net::DropInfo> dropped;
    server.on<"drop">([&](const net::DropInfo& info) { dropped = info; });
    server.listen(anyPort);
    const auto options = to(server);
    net::Socket first = co_await net::connect(options);
    co_await first.write("a");
    const auto answer = co_await first.read();
    CHECK(answer == "a");
    CHECK(server.getConnections() == 1);

    net::Socket second = co_await net::connect(options);
    const auto nothing = co_await second.read();
    CHECK(nothing == std::nullopt);
    REQUIRE(dropped);
    CHECK(dropped->localAddress == "127.0.0.1");
    CHECK(dropped->localPort == options.port);
    CHECK(dropped->localFamily == "IPv4");
    CHECK(dropped->remotePort == second.localPort());
    CHECK(server.getConnections() == 1);

    server.maxConnections = 0;
    net::Socket third = co_await net::connect(options);
    co_await third.write("b");
    const auto another = co_await third.read();
    CHECK(another == "b");
    first.destroy();
    third.destroy();
    server.close();
    co_await server.closed();
  });
}

TEST_CASE("destroying a server closes its connections and cancels its handlers", "[net.Server]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    Words heard;
    auto server =
        std::make_unique<net::Server>(net::createServer(loop, [&](net::Socket& socket) -> task<> {
          const std::shared_ptr<void> leaving(nullptr, [&](void*) { heard.push_back("left"); });
          auto piece = co_await socket.read();
          heard.emplace_back(*piece);
          if (*piece == "timer") {
            asio::steady_timer never(co_await asio::this_coro::executor, std::chrono::hours(1));
            co_await never.async_wait(asio::use_awaitable);
          } else {
            co_await socket.read();
          }
        }));
    server->on<"error">([&](const http::Error&) { heard.push_back("error"); });
    server->listen(anyPort);
    const auto options = to(*server);
    net::Socket first = co_await net::connect(options);
    net::Socket second = co_await net::connect(options);
    first.write("timer");
    while (heard.size() < 1) co_await asio::post(loop, asio::use_awaitable);
    second.write("read");
    while (heard.size() < 2) co_await asio::post(loop, asio::use_awaitable);
    server.reset();
    const auto atFirst = co_await readAll(first);
    CHECK(atFirst == "");
    const auto atSecond = co_await readAll(second);
    CHECK(atSecond == "");
    while (heard.size() < 4) co_await asio::post(loop, asio::use_awaitable);
    CHECK(heard == Words{"timer", "read", "left", "left"});
  });
}

TEST_CASE("a server may be destroyed outside the loop whatever its handler has come to",
          "[net.Server]") {
  for (int steps = 0; steps < 8; ++steps) {
    asio::io_context loop(1);
    bool started = false;
    bool left = false;
    std::optional<net::Server> server;
    server.emplace(loop, [&](net::Socket&) -> task<> {
      const std::shared_ptr<void> leaving(nullptr, [&](void*) { left = true; });
      started = true;
      for (int i = 0; i < 4; ++i) co_await asio::post(asio::use_awaitable);
    });
    server->listen(anyPort);
    asio::ip::tcp::socket client(loop);
    client.connect({asio::ip::make_address("127.0.0.1"), server->address().port});
    while (!started) loop.run_one();
    for (int i = 0; i < steps; ++i) loop.poll_one();
    server.reset();
    while (loop.poll_one() != 0) {
    }
    CHECK(left);
  }
}

TEST_CASE("a handler and a listener may destroy the server", "[net.Server]") {
  const bool inHandler = GENERATE(true, false);
  loopback::run([inHandler](asio::io_context& loop) -> task<> {
    std::unique_ptr<net::Server> server;
    server = std::make_unique<net::Server>(net::createServer(loop, [&](net::Socket&) -> task<> {
      server.reset();
      co_return;
    }));
    if (!inHandler) server->on<"connection">([&](net::Socket&) { server.reset(); });
    server->listen(anyPort);
    const auto options = to(*server);
    net::Socket client = co_await net::connect(options);
    const auto answer = co_await readAll(client);
    CHECK(answer == "");
    CHECK(!server);
  });
}

TEST_CASE("without a handler the listeners of \"connection\" use the socket", "[net.Server]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    Words heard;
    auto server = net::createServer(loop);
    server.on<"connection">([&](net::Socket& socket) {
      socket.on<"data">([&](std::string_view bytes) {
        heard.push_back("data " + std::string(bytes));
        socket.write(bytes);
      });
      socket.on<"end">([&] { heard.push_back("end"); });
      // The reference is good until here.
      socket.on<"close">([&](bool hadError) {
        heard.push_back(std::string("close ") + (hadError ? "error" : "fine") + " " +
                        std::to_string(socket.bytesRead()));
      });
    });
    server.listen(anyPort);
    const auto options = to(server);
    net::Socket client = co_await net::connect(options);
    co_await client.end("hello");
    const auto answer = co_await readAll(client);
    CHECK(answer == "hello");
    server.close();
    co_await server.closed();
    CHECK(heard == Words{"data hello", "end", "close fine 5"});
  });
}

TEST_CASE("a server can be moved while it listens", "[net.Server]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto first = net::createServer(
        loop, [](net::Socket& socket) -> task<> { co_await socket.end("moved"); });
    first.maxConnections = 7;
    first.listen(anyPort);
    net::Server second = std::move(first);
    CHECK(second.maxConnections == 7);
    net::Server third = net::createServer(loop);
    third.listen(anyPort);
    third = std::move(second);
    const auto options = to(third);
    net::Socket client = co_await net::connect(options);
    const auto answer = co_await readAll(client);
    CHECK(answer == "moved");
    third.close();
    co_await third.closed();
  });
}

TEST_CASE("a server on a Unix socket", "[net.Server]") {
  if (!loopback::haveUnixSockets()) return;
  loopback::run([](asio::io_context& loop) -> task<> {
    const loopback::Folder folder;
    auto server = net::createServer(loop, [](net::Socket& socket) -> task<> {
      CHECK(socket.remoteAddress().empty());
      co_await sluice::pipe(socket, socket);
    });
    server.listen(folder / "socket");
    const auto options = to(server);
    CHECK(options.path == folder / "socket");
    net::Socket client = co_await net::connect(options);
    co_await client.end("hello");
    const auto answer = co_await readAll(client);
    CHECK(answer == "hello");
    server.close();
    co_await server.closed();
  });
}

TEST_CASE("a listener of a server may be a coroutine, whose exception goes to \"error\"",
          "[net.Server]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto server = net::createServer(loop);
    std::string error;
    server.on<"error">([&](const http::Error& thrown) { error = thrown.what(); });
    server.on<"listening">([&]() -> task<> {
      co_await asio::post(loop, asio::use_awaitable);
      throw std::runtime_error("from a coroutine");
    });
    server.listen(anyPort);
    while (error.empty()) co_await asio::post(loop, asio::use_awaitable);
    CHECK(error == "from a coroutine");
    server.close();
    co_await server.closed();
  });
}

TEST_CASE("a context that ends lets go of a server, its handlers and whoever waits for it",
          "[net.Server]") {
  Words left;
  bool reading = false;
  const auto note = [&](const char* who) {
    return std::shared_ptr<void>(nullptr, [&left, who](void*) { left.emplace_back(who); });
  };
  const auto serve = [&](asio::io_context& loop) -> task<> {
    const auto leaving = note("main");
    auto server = net::createServer(loop, [&](net::Socket& socket) -> task<> {
      const auto handlerLeaving = note("handler");
      reading = true;
      co_await socket.read();
    });
    server.on<"close">([leaving] {});
    server.listen(anyPort);
    const auto options = to(server);
    net::Socket client = co_await net::connect(options);
    asio::co_spawn(loop, server.closed(), asio::detached);
    co_await server.once<"close">();
  };
  {
    asio::io_context loop(1);
    asio::co_spawn(loop, serve(loop), asio::detached);
    loopback::runUntil(loop, [&] { return reading; });
    loop.poll();
    CHECK(left.empty());
  }
  CHECK(left.size() == 2);
}
