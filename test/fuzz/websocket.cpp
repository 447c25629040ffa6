// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes a WebSocket of a server with the frames of a client: whatever comes, it is answered with
// the same bytes whether it comes whole or byte by byte, and the connection ends. The first byte
// picks limit and compression.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <sluice/websocket.hpp>
#include <string>
#include <string_view>
#include <support/serve.hpp>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

task<> echo(WebSocket& ws, http::IncomingMessage&) {
  while (auto message = co_await ws.receive()) co_await ws.send(message->data);
}

std::string answer(std::string_view bytes, unsigned mode, std::size_t chop) {
  asio::io_context io;
  test::Clock clock(io, [&io] { test::settleBounded(io); });
  test::Wire wire(io);
  http::Server server = http::createServer(io);
  WebSocketOptions options;
  options.maxMessage = (mode & 1) != 0 ? 64 : 4096;
  options.deflate = (mode & 2) != 0;
  server.on<"upgrade">(webSocket(&echo, options));
  server.serve(wire.socket());
  wire.deliver(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Extensions: permessage-deflate\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
  test::settleBounded(io);
  if (!wire.takeReceived().starts_with("HTTP/1.1 101 ")) std::abort();
  wire.chop(chop).deliver(bytes).deliverEnd();
  test::settleBounded(io);
  if (!wire.closed()) clock.advance(60s);
  if (!wire.closed() || server.getConnections() != 0) std::abort();
  return std::string(wire.received());
}

/// Data that is wrong in several ways is refused for the one that is seen first, and not at all if
/// the end of the connection is seen before: that depends on the pieces in which it comes.
std::string withoutFault(std::string bytes) {
  for (const std::string_view code : {"\x03\xea", "\x03\xef", "\x03\xf1"}) {
    if (bytes.ends_with("\x88\x02" + std::string(code))) bytes.resize(bytes.size() - 4);
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned mode = data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = withoutFault(answer(bytes, mode, test::unlimited));
  if (withoutFault(answer(bytes, mode, 1)) != whole) {
    std::cerr << "other bytes are sent if they come one by one\n";
    std::abort();
  }
  return 0;
}
