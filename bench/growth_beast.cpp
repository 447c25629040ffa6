// SPDX-License-Identifier: BSL-1.0
//
// The ticker on Boost.Beast, with a queue for each client as in Beast's chat example: what cannot
// be sent yet waits in a vector.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <deque>
#include <iostream>
#include <memory>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using namespace std::chrono_literals;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket&& socket)
      : stream_(std::move(socket)), timer_(stream_.get_executor()) {}

  void read() {
    http::async_read(stream_, buffer_, request_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (error) return;
                       self->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                       self->tick();
                     });
  }

 private:
  void tick() {
    static const std::string line = "400\r\n" + std::string(1023, 'x') + "\n\r\n";
    for (int i = 0; i < 25; ++i) send(line);
    timer_.expires_after(10ms);
    timer_.async_wait([self = shared_from_this()](beast::error_code error) {
      if (!error) self->tick();
    });
  }

  void send(std::string bytes) {
    queue_.push_back(std::move(bytes));
    if (queue_.size() == 1) write();
  }

  void write() {
    asio::async_write(stream_, asio::buffer(queue_.front()),
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (error) {
                          self->timer_.cancel();
                          return;
                        }
                        self->queue_.pop_front();
                        if (!self->queue_.empty()) self->write();
                      });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  asio::steady_timer timer_;
  std::deque<std::string> queue_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&](beast::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->read();
    accept(acceptor);
  });
}

}  // namespace

int main() {
  asio::io_context loop(1);
  tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  std::cout << acceptor.local_endpoint().port() << std::endl;
  accept(acceptor);
  loop.run();
}
