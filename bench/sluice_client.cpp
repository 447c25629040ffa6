// SPDX-License-Identifier: BSL-1.0
//
// Requests through one agent, as a program would make them: each coroutine asks, reads the body,
// and asks again.
#include <algorithm>
#include <exception>
#include <sluice/http.hpp>
#include <support/mark.hpp>
#include <support/phases.hpp>

namespace {

namespace asio = boost::asio;
namespace http = sluice::http;
using sluice::bench::ClientOptions;

class Client {
 public:
  explicit Client(const ClientOptions& options)
      : agent_(loop_, {.keepAlive = true, .maxSockets = options.connections}),
        connections_(options.connections),
        upload_(options.upload) {
    options_.agent = agent_;
    options_.host = "127.0.0.1";
    options_.port = options.port;
    // As in Node, an agent with a limit of sockets would use them again even without keepAlive.
    if (options.close) options_.headers = {{"Connection", "close"}};
  }
  Client(const Client&) = delete;
  ~Client() {
    agent_.destroy();
    loop_.restart();
    loop_.run();
  }

  void run(std::size_t requests) {
    left_ = requests;
    running_ = connections_;
    for (std::size_t i = 0; i < connections_; ++i) {
      asio::co_spawn(loop_, work(), [this](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
        if (--running_ == 0) loop_.stop();
      });
    }
    loop_.restart();
    loop_.run();
  }

 private:
  sluice::task<> work() {
    while (left_ != 0) {
      --left_;
      if (upload_ != 0) {
        co_await upload();
        continue;
      }
      http::IncomingMessage res = co_await http::get(options_);
      while (auto piece = co_await res.read()) bytes_ += piece->size();
    }
  }

  sluice::task<> upload() {
    http::RequestOptions options = options_;
    options.method = "POST";
    auto req = http::request(loop_.get_executor(), options);
    req.setHeader("Content-Length", upload_);
    for (std::size_t left = upload_; left != 0;) {
      const std::string_view piece = std::string_view(piece_).substr(0, left);
      co_await req.write(piece);
      left -= piece.size();
    }
    co_await req.end();
    http::IncomingMessage res = co_await req.response();
    while (auto piece = co_await res.read()) bytes_ += piece->size();
  }

  asio::io_context loop_{1};
  http::Agent agent_;
  http::RequestOptions options_;
  std::string piece_ = std::string(sluice::bench::pieceSize, 'x');
  std::size_t connections_;
  std::size_t upload_;
  std::size_t left_ = 0;
  std::size_t running_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

int main(int argc, char* argv[]) {
  sluice::bench::tellOnSignal(0);
  Client client(ClientOptions(argc, argv));
  sluice::bench::runPhases(argv, [&](std::size_t requests) { client.run(requests); });
}
