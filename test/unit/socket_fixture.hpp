// SPDX-License-Identifier: BSL-1.0
//
// What the tests of a socket over memory share: a socket whose events are noted, and those who read
// from it.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <sluice/error.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/test/clock.hpp>
#include <sluice/test/wire.hpp>
#include <string>
#include <string_view>
#include <support/run.hpp>
#include <vector>

namespace sluice::test {

using net::Socket;
using net::detail::Loop;
using net::detail::SocketAccess;
using net::detail::SocketCore;

inline const error_code aborted = asio::error::operation_aborted;
inline const error_code reset = asio::error::connection_reset;
inline const error_code broken = asio::error::broken_pipe;

using Log = std::vector<std::string>;

inline void listen(Socket& socket, Log& log) {
  socket.on<"connect">([&log] { log.push_back("connect"); })
      .on<"end">([&log] { log.push_back("end"); })
      .on<"drain">([&log] { log.push_back("drain"); })
      .on<"timeout">([&log] { log.push_back("timeout"); })
      .on<"error">(
          [&log](const http::Error& error) { log.push_back("error " + std::string(error.name())); })
      .on<"close">([&log](bool hadError) { log.push_back(hadError ? "close!" : "close"); });
}

inline void listenToData(Socket& socket, Log& log) {
  socket.on<"data">(
      [&log](std::string_view bytes) { log.push_back("data " + std::string(bytes)); });
}

struct Fixture {
  asio::io_context io;
  Clock clock{io};
  Wire wire{io};
  Socket socket = wire.socket(100);
  Log log;

  Fixture() { listen(socket, log); }
  void settle() { test::settle(io); }
  SocketCore& core() { return *SocketAccess::core(socket); }
};

/// Everything that read() brings, piece by piece.
inline task<std::string> readAll(Socket& socket) {
  std::string all;
  while (const auto piece = co_await socket.read()) all += std::string(*piece) + '|';
  co_return all;
}

inline task<error_code> readFailure(Socket& socket) {
  error_code result;
  try {
    co_await socket.read();
  } catch (const http::Error& error) {
    result = error.code();
  }
  co_return result;
}

/// One async_read_some() with a callback.
struct SomeRead {
  SomeRead(Socket& socket, std::size_t size) : bytes(size, '\0') {
    socket.async_read_some(asio::buffer(bytes), [this](error_code ec, std::size_t count) {
      bytes.resize(count);
      result = ec;
    });
  }

  std::string bytes;
  std::optional<error_code> result;
};

/// Reads as HTTP does, and notes what it is told.
class User final : public net::detail::SocketUser {
 public:
  explicit User(SocketCore& core) : core_(core) { core.setUser(this); }

  void read() { core_.startRead(asio::buffer(buffer_)); }
  void onInput(const error_code& ec, std::size_t count) override {
    log.push_back(ec ? "input! " + std::string(http::errorName(ec))
                     : "input " + std::string(buffer_.data(), count));
  }
  void onSent() override { log.push_back("sent"); }
  void onDrained() override { log.push_back("drained"); }
  void onTurn() override { log.push_back("turn"); }
  bool onIdle() override {
    log.push_back("idle");
    return handlesIdle;
  }
  void onDestroyed(const error_code& ec) override {
    log.push_back("destroyed " + std::string(http::errorName(ec)));
  }

  Log log;
  bool handlesIdle = true;

 private:
  SocketCore& core_;
  std::array<char, 16> buffer_{};
};

}  // namespace sluice::test
