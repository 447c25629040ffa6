// SPDX-License-Identifier: BSL-1.0
//
// What the calls on a socket promise to somebody who uses them in an unusual order.
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <sluice/net.hpp>
#include <sluice/test.hpp>
#include <string>
#include <utility>
#include "support/catch.hpp"

namespace {

namespace asio = boost::asio;
using namespace sluice;

task<> readInto(net::Socket& socket, std::string& failure) {
  try {
    static_cast<void>(co_await socket.read());
  } catch (const Error& error) {
    failure = error.what();
  }
}

}  // namespace

TEST_CASE("async_write_some writes when it is started, and not before", "[Socket]") {
  asio::io_context io;
  test::Wire wire(io);
  net::Socket socket = wire.socket();
  auto operation = socket.async_write_some(asio::buffer("hello", 5), asio::deferred);
  io.poll();
  CHECK(wire.received().empty());
  std::optional<std::size_t> sent;
  std::move(operation)([&](const error_code& ec, std::size_t count) {
    CHECK_FALSE(ec);
    sent = count;
  });
  io.restart();
  io.poll();
  CHECK(wire.received() == "hello");
  CHECK(sent == 5U);
}

TEST_CASE("an operation that is started after its socket has gone fails", "[Socket]") {
  asio::io_context io;
  test::Wire wire(io);
  std::optional<net::Socket> socket(wire.socket());
  char byte = 0;
  auto write = socket->async_write_some(asio::buffer("hello", 5), asio::deferred);
  auto read = socket->async_read_some(asio::buffer(&byte, 1), asio::deferred);
  socket.reset();
  error_code ofWrite;
  error_code ofRead;
  std::move(write)([&](const error_code& ec, std::size_t) { ofWrite = ec; });
  std::move(read)([&](const error_code& ec, std::size_t) { ofRead = ec; });
  io.poll();
  CHECK(ofWrite == errc::ERR_STREAM_DESTROYED);
  CHECK(ofRead == errc::ERR_STREAM_DESTROYED);
  CHECK(wire.received().empty());
}

TEST_CASE("read() says what was called, and why it cannot be", "[Socket]") {
  asio::io_context io;
  test::Wire wire(io);
  net::Socket socket = wire.socket();
  std::string first;
  std::string second;
  asio::co_spawn(io, readInto(socket, first), asio::detached);
  asio::co_spawn(io, readInto(socket, second), asio::detached);
  io.poll();
  CHECK(first.empty());
  CHECK(second == "Invalid state: read() while another read is under way");
  wire.deliver("x");
  io.restart();
  io.poll();
  CHECK(first.empty());
  socket.destroy();
  asio::co_spawn(io, readInto(socket, first), asio::detached);
  io.restart();
  io.poll();
  CHECK(first == "Cannot call read after a stream was destroyed");
}

TEST_CASE("destroy() takes an error with a text of its own", "[Socket]") {
  asio::io_context io;
  test::Wire wire(io);
  net::Socket socket = wire.socket();
  std::string told;
  std::optional<bool> hadError;
  socket.on<"error">([&](const Error& error) { told = error.what(); });
  socket.on<"close">([&](bool had) { hadError = had; });
  socket.destroy(Error(make_error_code(errc::ERR_INVALID_STATE), "enough of this"));
  io.poll();
  CHECK(told == "enough of this");
  CHECK(hadError == true);
}
