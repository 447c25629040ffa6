// SPDX-License-Identifier: BSL-1.0
//
// What a handler can do with the connection under its request.
#include <cstddef>
#include <span>
#include <string>
#include "support/answers.hpp"
#include "support/catch.hpp"
#include "support/serve.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;
using namespace std::chrono_literals;

TEST_CASE("a handler sees its connection's addresses, counters and state",
          "[http][row:9/remoteAddress][row:9/address][row:9/bytesRead][row:9/connecting]"
          "[row:9/writableLength]"
          "[row:13/HWM]") {
  const std::string request = get();
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    net::Socket& socket = req.socket();
    CHECK(socket.address().address == "192.0.2.1");
    CHECK(socket.address().port == 80);
    CHECK(socket.address().family == "IPv4");
    CHECK(socket.bytesRead() == request.size());
    CHECK(socket.bytesWritten() == 0);
    CHECK(!socket.connecting());
    CHECK(!socket.destroyed());
    CHECK(socket.readyState() == "open");
    CHECK(socket.writableLength() == 0);
    CHECK(socket.writableHighWaterMark() == 16 * 1024);
    CHECK(socket.encrypted() == overTls());
    co_await res.end("x");
    CHECK(socket.bytesWritten() > 100);
    socket.destroy();
    CHECK(socket.destroyed());
    CHECK(socket.readyState() == "closed");
    CHECK(socket.remoteAddress().empty());
  });
  wire.send(request);
  CHECK(wire.closed());
}

TEST_CASE("options of the server and calls of a handler reach the connection",
          "[http][row:9/setNoDelay][row:9/setKeepAlive][row:9/setTimeout]") {
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    req.socket().setNoDelay(false).setKeepAlive(true, 3s).setTimeout(7s);
    CHECK(req.socket().timeout() == 7s);
    co_await res.end();
  });
  wire.send(get());
  CHECK(wire.wire().transport()->noDelay() == false);
  CHECK(wire.wire().transport()->keepAlive() == true);
  CHECK(wire.wire().transport()->keepAliveDelay() == 3s);
}

TEST_CASE("a handler may write past its response, and end, reset or close the connection",
          "[http][row:9/write][row:9/destroySoon][row:9/resetAndDestroy]") {
  int how = 0;
  auto wire = serve([&](IncomingMessage& req, ServerResponse& res) -> task<> {
    net::Socket& socket = req.socket();
    if (how == 0) {
      socket.write("raw ");
      socket.end("bytes");
    } else if (how == 1) {
      socket.write("last");
      socket.destroySoon();
    } else {
      socket.resetAndDestroy();
    }
    co_return;
    static_cast<void>(res);
  });
  SECTION("end") {
    CHECK(wire.send(get()).starts_with("raw bytes"));
    CHECK(wire.ended());
  }
  SECTION("destroySoon") {
    how = 1;
    CHECK(wire.send(get()).starts_with("last"));
    CHECK(wire.closed());
  }
  SECTION("resetAndDestroy") {
    how = 2;
    wire.send(get());
    CHECK(wire.wire().wasReset());
  }
}

TEST_CASE("a socket that was moved away throws, and can still be destroyed", "[net.Socket]") {
  asio::io_context io;
  auto [ours, theirs] = connectedPair(io);
  net::Socket taken = std::move(ours);
  const auto isOver = [](auto call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code() == make_error_code(errc::ERR_STREAM_DESTROYED);
    }
    return false;
  };
  CHECK(isOver([&] { ours.write("x"); }));
  CHECK(isOver([&] { ours.end(); }));
  CHECK(isOver([&] { ours.drain(); }));
  CHECK(isOver([&] { ours.pause(); }));
  CHECK(isOver([&] { ours.setTimeout(1s); }));
  CHECK(isOver([&] { ours.setNoDelay(); }));
  CHECK(isOver([&] { ours.on<"data">([](std::string_view) {}); }));
  CHECK(isOver([&] { static_cast<void>(ours.remoteAddress()); }));
  CHECK(isOver([&] { static_cast<void>(ours.get_executor()); }));
  CHECK(isOver([&] { static_cast<void>(ours.read()); }));
  CHECK(ours.destroyed());
  CHECK(ours.readyState() == "closed");
  ours.destroy();
  ours.destroySoon();
  ours.resetAndDestroy();
  CHECK(!taken.destroyed());
}

TEST_CASE("the last piece of a socket may be bytes, or text in another encoding", "[net.Socket]") {
  asio::io_context io;
  const auto sent = [&](auto end) {
    Wire wire(io);
    net::Socket socket = wire.socket();
    end(socket);
    settleBounded(io);
    return wire.takeReceived() + (wire.ended() ? "." : "");
  };
  CHECK(sent([](net::Socket& socket) {
          socket.end(std::as_bytes(std::span<const char>("hi", 2)));
        }) == "hi.");
  CHECK(sent([](net::Socket& socket) { socket.end("6869", Encoding::hex); }) == "hi.");
  CHECK(sent([](net::Socket& socket) { socket.end("h\u00e9", Encoding::utf8); }) == "h\u00e9.");
  CHECK(sent([](net::Socket& socket) { socket.end("h\u00e9", Encoding::latin1); }) == "h\xe9.");
}
