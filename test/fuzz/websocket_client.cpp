// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes the WebSocket of a client with what a server sends: whatever comes, the same messages are
// received whether it comes whole or byte by byte, none is larger than the limit, and all ends. The
// first byte picks limit and compression, and whether the handshake is among the bytes.
#include <boost/asio/co_spawn.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <sluice/websocket.hpp>
#include <string>
#include <string_view>
#include <support/serve.hpp>
#include <support/websocket_key.hpp>
#include <vector>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

[[noreturn]] void fail(std::string_view rule) {
  std::cerr << rule << std::endl;
  std::abort();
}

using Messages = std::vector<std::string>;

task<> receive(std::string_view url, WebSocketOptions options, Messages& messages) {
  WebSocket socket = co_await connectWebSocket(url, options);
  while (const auto message = co_await socket.receive()) messages.emplace_back(message->data);
}

std::string agreement(std::string_view request, bool deflate) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
         std::string(deflate ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "") +
         "Sec-WebSocket-Accept: " + test::answerToKey(request) + "\r\n\r\n";
}

Messages received(std::string_view bytes, unsigned mode, std::size_t chop) {
  asio::io_context io;
  test::Clock clock(io, [&io] { test::settleBounded(io); });
  test::Wire wire(io);
  WebSocketOptions options;
  options.maxMessage = (mode & 1) != 0 ? 64 : 4096;
  options.deflate = (mode & 2) != 0;
  options.createConnection = [&wire](const net::ConnectionOptions&) -> task<net::Socket> {
    co_return wire.socket();
  };
  Messages messages;
  bool done = false;
  asio::co_spawn(io, receive("ws://a/", options, messages),
                 [&done](const std::exception_ptr&) { done = true; });
  test::settleBounded(io);
  const std::string request = wire.takeReceived();
  if ((mode & 4) == 0) {
    wire.deliver(agreement(request, options.deflate));
    test::settleBounded(io);
  }
  wire.chop(chop).deliver(bytes).deliverEnd();
  test::settleBounded(io);
  if (!done || !wire.closed()) clock.advance(60s);
  if (!done || !wire.closed()) fail("a connection is over when its server is");
  for (const std::string& message : messages) {
    if (message.size() > options.maxMessage) fail("a message is within the limit");
  }
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned mode = data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (received(bytes, mode, 1) != received(bytes, mode, test::unlimited)) {
    fail("other messages are received if they come one by one");
  }
  return 0;
}
