// SPDX-License-Identifier: BSL-1.0
//
// Beast's algorithms run on a net::Socket: it is an AsyncReadStream and an AsyncWriteStream.
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <sluice/net.hpp>
#include <string>
#include "support/catch.hpp"
#include "support/loopback.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace net = sluice::net;
using sluice::error_code;
using sluice::task;

static_assert(beast::is_async_read_stream<net::Socket>::value);
static_assert(beast::is_async_write_stream<net::Socket>::value);

using WebSocket = beast::websocket::stream<net::Socket&>;

task<> echo(net::Socket& socket) {
  WebSocket stream(socket);
  co_await stream.async_accept(asio::use_awaitable);
  for (;;) {
    beast::flat_buffer message;
    error_code ec;
    co_await stream.async_read(message, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) {
      CHECK(ec == beast::websocket::error::closed);
      co_return;
    }
    stream.binary(stream.got_binary());
    co_await stream.async_write(message.data(), asio::use_awaitable);
  }
}

}  // namespace

TEST_CASE("Beast's websocket runs on a socket, to its goodbye", "[net.Socket]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    bool served = false;
    asio::co_spawn(loop, echo(pair.second), [&](std::exception_ptr thrown) {
      CHECK(!thrown);
      served = true;
    });
    WebSocket stream(pair.first);
    co_await stream.async_handshake("localhost", "/", asio::use_awaitable);
    for (const std::size_t size : {0u, 1u, 125u, 126u, 70'000u, 1'000'000u}) {
      const std::string message(size, 'm');
      co_await stream.async_write(asio::buffer(message), asio::use_awaitable);
      beast::flat_buffer answer;
      co_await stream.async_read(answer, asio::use_awaitable);
      CHECK((beast::buffers_to_string(answer.data()) == message));
    }
    co_await stream.async_close(beast::websocket::close_code::normal, asio::use_awaitable);
    while (!served) co_await asio::post(loop, asio::use_awaitable);
    while (!pair.first.destroyed()) co_await asio::post(loop, asio::use_awaitable);
    while (!pair.second.destroyed()) co_await asio::post(loop, asio::use_awaitable);
  });
}

TEST_CASE("Beast reads and writes HTTP messages on a socket", "[net.Socket]") {
  namespace http = beast::http;
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    const auto serve = [&]() -> task<> {
      beast::flat_buffer buffer;
      http::request<http::string_body> request;
      co_await http::async_read(pair.second, buffer, request, asio::use_awaitable);
      http::response<http::string_body> response(http::status::ok, 11);
      response.body() = request.body() + request.body();
      response.prepare_payload();
      co_await http::async_write(pair.second, response, asio::use_awaitable);
    };
    asio::co_spawn(loop, serve(), [](std::exception_ptr thrown) { CHECK(!thrown); });

    http::request<http::string_body> request(http::verb::post, "/", 11);
    request.body() = std::string(300'000, 'b');
    request.prepare_payload();
    co_await http::async_write(pair.first, request, asio::use_awaitable);
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    co_await http::async_read(pair.first, buffer, response, asio::use_awaitable);
    CHECK(response.body().size() == 600'000);
  });
}

TEST_CASE("Asio's composed operations fill and empty whole buffers", "[net.Socket]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto pair = loopback::pair(loop);
    const std::string head = "head";
    const std::string body(100'000, 'x');
    const std::array<asio::const_buffer, 3> pieces = {asio::buffer(head), asio::const_buffer(),
                                                      asio::buffer(body)};
    const std::size_t written = co_await asio::async_write(pair.first, pieces, asio::use_awaitable);
    CHECK(written == head.size() + body.size());
    std::string received(written, '\0');
    const std::size_t read =
        co_await asio::async_read(pair.second, asio::buffer(received), asio::use_awaitable);
    CHECK(read == written);
    CHECK((received == head + body));

    pair.first.destroy();
    error_code ec;
    auto token = asio::redirect_error(asio::use_awaitable, ec);
    co_await pair.second.async_read_some(asio::buffer(received), token);
    CHECK(ec == asio::error::eof);
    co_await asio::async_write(pair.first, asio::buffer(head), token);
    CHECK(ec == sluice::http::errc::ERR_STREAM_DESTROYED);
  });
}
