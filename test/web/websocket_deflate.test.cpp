// SPDX-License-Identifier: BSL-1.0
//
// permessage-deflate with messages of all sizes: between our two ends, and from zlib.
#include <zlib.h>
#include <algorithm>
#include <cstddef>
#include <sluice/websocket.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/serve.hpp"
#include "websocket_frames.hpp"

using namespace sluice;
using namespace sluice::test;

namespace {

/// Text that becomes much smaller, so that the inflater has much output for little input.
std::string repetitive(std::size_t size) {
  std::string text = "{\"grid\":[";
  while (text.size() < size) text += "{\"x\":0,\"y\":0,\"v\":null},";
  return text + "{}]}";
}

/// Text that becomes somewhat smaller.
std::string varied(std::size_t size) {
  std::string text;
  for (unsigned seed = static_cast<unsigned>(size); text.size() < size;) {
    seed = seed * 1664525U + 1013904223U;
    text += std::string(1 + (seed >> 29), static_cast<char>('a' + (seed >> 24) % 26));
  }
  return text;
}

/// Sends each message back as the kind that it was, and says what was wrong.
auto echoing(std::string& error) {
  return [&error](WebSocket& ws, http::IncomingMessage&) -> task<> {
    try {
      while (auto message = co_await ws.receive()) {
        if (message->binary) {
          co_await ws.send(std::as_bytes(std::span(message->data)));
        } else {
          co_await ws.send(message->data);
        }
      }
    } catch (const http::Error& thrown) {
      error = thrown.name();
    }
  };
}

/// What a peer with zlib makes of one message after the other, each without the 00 00 ff ff that
/// RFC 7692 7.2.1 has it remove.
class Deflater {
 public:
  explicit Deflater(int level) {
    REQUIRE(deflateInit2(&stream_, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() { deflateEnd(&stream_); }

  std::string operator()(std::string message) {
    std::string out(message.size() + 1000, '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(message.data());
    stream_.avail_in = static_cast<uInt>(message.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream_, Z_SYNC_FLUSH) == Z_OK);
    out.resize(out.size() - stream_.avail_out);
    REQUIRE(out.ends_with(std::string_view("\x00\x00\xff\xff", 4)));
    out.resize(out.size() - 4);
    return out;
  }

 private:
  z_stream stream_{};
};

/// The words of one compressed message in fragments of `size` bytes at most.
std::string words(std::string_view payload, bool binary, std::size_t size, bool pings) {
  std::string all;
  const std::string_view opcode = binary ? "r4b:" : "r4t:";
  for (bool first = true; first || !payload.empty(); first = false) {
    const std::string_view piece = payload.substr(0, size);
    payload.remove_prefix(piece.size());
    if (!payload.empty()) all += '-';
    all.append(first ? opcode : "c:").append('<' + toText(piece, Encoding::hex) + '>');
    if (!payload.empty()) all += pings ? " p:in " : " ";
  }
  return all;
}

/// A server that keeps the messages which the test sends.
class Peer {
 public:
  Peer() : server_(http::createServer(io_)) {
    server_.on<"upgrade">(webSocket(
        [this](WebSocket& ws, http::IncomingMessage&) -> task<> {
          try {
            while (auto message = co_await ws.receive()) received.emplace_back(message->data);
            ended = "end";
          } catch (const http::Error& error) {
            ended = error.name();
          }
        },
        {.deflate = true}));
    server_.serve(wire_.socket());
  }

  static std::string request() {
    return "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
           "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
  }
  void send(std::string_view bytes, std::size_t chop = test::unlimited) {
    wire_.chop(chop).deliver(bytes);
    settleBounded(io_);
  }

  std::vector<std::string> received;
  std::string ended;

 private:
  asio::io_context io_;
  test::Clock clock_{io_, [this] { settleBounded(io_); }};
  Wire wire_{io_};
  http::Server server_;
};

}  // namespace

TEST_CASE("WebSocket: compressed messages of all sizes, both ways", "[websocket]") {
  const bool binary = GENERATE(false, true);
  asio::io_context io;
  test::Clock clock(io, [&] { settleBounded(io); });
  http::Server server = http::createServer(io);
  std::string error;
  server.on<"upgrade">(webSocket(echoing(error), {.deflate = true}));
  WebSocketOptions options;
  options.deflate = true;
  options.createConnection = [&](const net::ConnectionOptions&) -> task<net::Socket> {
    SocketPair pair = connectedPair(io);
    server.serve(std::move(pair.second));
    co_return std::move(pair.first);
  };
  WebSocket ws = run(io, connectWebSocket("ws://a/", options));
  const auto returns = [&](const std::string& message) -> task<bool> {
    if (binary) {
      co_await ws.send(std::as_bytes(std::span(message)));
    } else {
      co_await ws.send(message);
    }
    const auto answer = co_await ws.receive();
    co_return answer && answer->data == message && answer->binary == binary;
  };
  for (std::size_t size = 100; size <= 100'000; size += size < 10'000 ? 100 : 2'900) {
    INFO(size << " bytes");
    REQUIRE(run(io, returns(repetitive(size))));
    REQUIRE(run(io, returns(varied(size))));
    REQUIRE(error.empty());
  }
}

TEST_CASE("WebSocket: messages that zlib has compressed, one after the other", "[websocket]") {
  const int level = GENERATE(0, 1, 6, 9);
  const std::size_t chop = GENERATE(std::size_t{test::unlimited}, std::size_t{1000});
  const bool binary = GENERATE(false, true);
  Peer peer;
  Deflater deflater(level);
  peer.send(Peer::request());
  std::size_t count = 0;
  for (std::size_t size = 100; size <= 100'000; size += size < 6'000 ? 100 : 4'900) {
    for (const std::string& message : {repetitive(size), varied(size)}) {
      INFO(message.size() << " bytes");
      const std::string payload = deflater(message);
      const std::size_t piece =
          count % 3 == 0 ? payload.size() : 1 + payload.size() / (count % 5 + 2);
      peer.send(frames(words(payload, binary, piece, count % 2 == 0), true), chop);
      REQUIRE(peer.ended.empty());
      REQUIRE(peer.received.size() == ++count);
      REQUIRE((peer.received.back() == message));
    }
  }
}

TEST_CASE("WebSocket: compressed messages that come with the handshake", "[websocket]") {
  Deflater deflater(9);
  const std::string message(3'073, 'a');
  // One after the other: the second refers to the first.
  const std::string first = words(deflater(message), false, 100'000, false);
  const std::string second = words(deflater(message), false, 100'000, false);
  const std::string bytes = Peer::request() + frames(first + ' ' + second + " x:1000", true);
  for (const std::size_t chop : {std::size_t{test::unlimited}, std::size_t{1}, std::size_t{7}}) {
    Peer peer;
    peer.send(bytes, chop);
    REQUIRE(peer.received.size() == 2);
    CHECK((peer.received[0] == message));
    CHECK((peer.received[1] == message));
    CHECK(peer.ended == "end");
  }
}
