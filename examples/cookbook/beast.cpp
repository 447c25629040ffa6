// SPDX-License-Identifier: BSL-1.0
//
// The same server and client with Boost.Beast alone, for docs/migrate_beast.md. It uses nothing of
// sluice, and takes several seconds to compile.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <string>
#include "check.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
template <class T = void>
using task = asio::awaitable<T>;

// [server]
namespace beast = boost::beast;
namespace http = beast::http;

http::message_generator answer(http::request<http::string_body> request) {
  const bool found = request.target() == "/";
  http::response<http::string_body> response(found ? http::status::ok : http::status::not_found,
                                             request.version());
  response.set(http::field::content_type, "text/plain");
  response.keep_alive(request.keep_alive());
  response.body() = found ? "Hello, World!\n" : "not found\n";
  response.prepare_payload();
  return response;
}

task<> session(beast::tcp_stream stream) {
  beast::flat_buffer buffer;
  bool keepAlive = true;
  while (keepAlive) {
    stream.expires_after(std::chrono::seconds(30));
    http::request_parser<http::string_body> parser;
    parser.body_limit(1024 * 1024);
    auto [ec, bytes] =
        co_await http::async_read(stream, buffer, parser, asio::as_tuple(asio::use_awaitable));
    if (ec == http::error::end_of_stream) break;
    if (ec) co_return;
    http::message_generator message = answer(parser.release());
    keepAlive = message.keep_alive();
    co_await beast::async_write(stream, std::move(message), asio::use_awaitable);
  }
  beast::error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

task<> listen(tcp::acceptor& acceptor) {
  while (true) {
    tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    asio::co_spawn(acceptor.get_executor(), session(beast::tcp_stream(std::move(socket))),
                   [](std::exception_ptr) {});
  }
}
// [/server]

// [client]
task<std::string> download(std::string host, std::string port, std::string target) {
  auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  beast::tcp_stream stream(executor);
  stream.expires_after(std::chrono::seconds(30));
  const auto addresses = co_await resolver.async_resolve(host, port, asio::use_awaitable);
  co_await stream.async_connect(addresses, asio::use_awaitable);
  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.set(http::field::host, host + ":" + port);
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  co_await http::async_read(stream, buffer, response, asio::use_awaitable);
  beast::error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
  co_return response.body();
}
// [/client]

int main() {
  asio::io_context loop(1);
  tcp::acceptor acceptor(loop, {asio::ip::make_address("127.0.0.1"), 0});
  asio::co_spawn(loop, listen(acceptor), [](std::exception_ptr) {});
  std::string body;
  asio::co_spawn(loop, download("127.0.0.1", std::to_string(acceptor.local_endpoint().port()), "/"),
                 [&](std::exception_ptr failure, std::string text) {
                   if (failure) std::rethrow_exception(failure);
                   body = std::move(text);
                   acceptor.close();
                 });
  loop.run();
  check(body == "Hello, World!\n", "Beast answers");
}
