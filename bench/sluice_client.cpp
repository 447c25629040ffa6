// SPDX-License-Identifier: BSL-1.0
//
// Requests through one agent with keep-alive, as a program would make them: each coroutine asks,
// reads the body, and asks again.
//   sluice_client PORT CONNECTIONS WARM-UP REQUESTS
#include <exception>
#include <sluice/http.hpp>
#include <support/mark.hpp>
#include <support/phases.hpp>

namespace {

namespace asio = boost::asio;
namespace http = sluice::http;

class Client {
 public:
  Client(std::uint16_t port, std::size_t connections)
      : agent_(loop_, {.keepAlive = true, .maxSockets = connections}), connections_(connections) {
    options_.agent = agent_;
    options_.host = "127.0.0.1";
    options_.port = port;
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
      http::IncomingMessage res = co_await http::get(options_);
      while (auto piece = co_await res.read()) bytes_ += piece->size();
    }
  }

  asio::io_context loop_{1};
  http::Agent agent_;
  http::RequestOptions options_;
  std::size_t connections_;
  std::size_t left_ = 0;
  std::size_t running_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 5) return 2;
  sluice::bench::tellOnSignal(0);
  Client client(static_cast<std::uint16_t>(std::atoi(argv[1])),
                std::strtoull(argv[2], nullptr, 10));
  sluice::bench::runPhases(argv, [&](std::size_t requests) { client.run(requests); });
}
