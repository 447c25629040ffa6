// SPDX-License-Identifier: BSL-1.0
//
// A client on Boost.Beast the way its coroutine example goes about it: a tcp_stream with a deadline
// for every operation, a message written and a message read.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <support/mark.hpp>
#include <support/phases.hpp>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using sluice::bench::ClientOptions;

class Client {
 public:
  explicit Client(const ClientOptions& options)
      : options_(options), streams_(options.connections) {}

  void run(std::size_t requests) {
    left_ = requests;
    for (auto& stream : streams_) {
      asio::co_spawn(loop_, work(stream), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
      });
    }
    loop_.restart();
    loop_.run();
  }

 private:
  asio::awaitable<void> work(std::optional<beast::tcp_stream>& stream) {
    beast::flat_buffer buffer;
    while (left_ != 0) {
      --left_;
      if (!stream) {
        stream.emplace(loop_);
        stream->expires_after(std::chrono::seconds(30));
        co_await stream->async_connect(
            tcp::endpoint(asio::ip::address_v4::loopback(), options_.port), asio::use_awaitable);
        stream->socket().set_option(tcp::no_delay(true));
      }
      stream->expires_after(std::chrono::seconds(30));
      http::request<http::string_body> request(http::verb::get, "/", 11);
      request.set(http::field::host, "127.0.0.1");
      request.keep_alive(!options_.close);
      co_await http::async_write(*stream, request, asio::use_awaitable);
      http::response<http::string_body> response;
      co_await http::async_read(*stream, buffer, response, asio::use_awaitable);
      if (options_.close) stream.reset();
    }
    if (stream) stream->expires_never();
  }

  asio::io_context loop_{1};
  ClientOptions options_;
  std::vector<std::optional<beast::tcp_stream>> streams_;
  std::size_t left_ = 0;
};

}  // namespace

int main(int argc, char* argv[]) {
  sluice::bench::tellOnSignal(0);
  Client client(ClientOptions(argc, argv));
  sluice::bench::runPhases(argv, [&](std::size_t requests) { client.run(requests); });
}
