// SPDX-License-Identifier: BSL-1.0
//
// A server on Boost.Beast the way its callback example goes about it: a session that keeps itself
// alive, a parser made anew for every request, an answer on the heap.
//   beast_callback_server PORT
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <memory>
#include <optional>
#include <support/mark.hpp>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket&& socket) : stream_(std::move(socket)) {}

  void read() {
    parser_.emplace();
    stream_.expires_after(std::chrono::seconds(600));
    http::async_read(stream_, buffer_, *parser_,
                     beast::bind_front_handler(&Session::onRead, shared_from_this()));
  }

 private:
  void onRead(beast::error_code error, std::size_t) {
    if (error) return close();
    answer(parser_->release());
  }

  void answer(http::request<http::string_body> request) {
    auto response =
        std::make_shared<http::response<http::string_body>>(http::status::ok, request.version());
    response->set(http::field::date, "Thu, 01 Jan 1970 00:00:00 GMT");
    response->keep_alive(request.keep_alive());
    response->body() = "Hello, World!";
    response->prepare_payload();
    const bool keepAlive = response->keep_alive();
    http::async_write(
        stream_, *response,
        [self = shared_from_this(), response, keepAlive](beast::error_code error, std::size_t) {
          if (error || !keepAlive) return self->close();
          self->read();
        });
  }

  void close() {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](beast::error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Session>(std::move(socket))->read();
    }
    accept(acceptor);
  });
}

}  // namespace

int main(int argc, char* argv[]) {
  asio::io_context loop(1);
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), port});
  acceptor.listen(4096);
  accept(acceptor);
  sluice::bench::tellOnSignal(acceptor.local_endpoint().port());
  loop.run();
}
