// SPDX-License-Identifier: BSL-1.0
//
// fetch() and a server of ours, joined in memory, on a clock that the test moves.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <sluice/fetch.hpp>
#include <sluice/test.hpp>
#include <sluice/timer.hpp>
#include <string>
#include <support/catch.hpp>
#include <support/serve.hpp>
#include <utility>

namespace sluice::test {

/// An agent whose connections lead to a server in memory; those to the host "silent" are never
/// made.
class MemoryAgent final : public http::Agent {
 public:
  MemoryAgent(asio::io_context& io, http::Server& server) : Agent(io), server_(&server) {}

  task<net::Socket> createConnection(const net::ConnectionOptions& options) override {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    if (options.host == "silent") co_await sleepFor(std::chrono::hours(24));
    SocketPair pair = connectedPair(executor);
    server_->serve(std::move(pair.second));
    co_return std::move(pair.first);
  }

 private:
  http::Server* server_;
};

class FetchInMemory {
 public:
  template <class F>
  explicit FetchInMemory(F handler) : server_(http::createServer(io, std::move(handler))) {}

  FetchRequest request() { return FetchRequest().agent(agent_); }

  /// Starts a fetch and reads all of its response. outcome() says how that ended: "200 text", or
  /// the name of what was thrown; nothing as long as it goes on.
  void start(std::string url, FetchRequest request) {
    outcome_.clear();
    asio::co_spawn(io, tell(std::move(url), std::move(request)), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
    settle();
  }
  const std::string& outcome() const { return outcome_; }

  void settle() { settleBounded(io); }
  void advance(std::chrono::milliseconds time) { clock_.advance(time); }

  asio::io_context io{1};

 private:
  task<> tell(std::string url, FetchRequest request) {
    try {
      FetchResponse res = co_await fetch(url, std::move(request));
      std::string text = co_await res.text();
      outcome_ = std::to_string(res.status()) + ' ' + text;
    } catch (const Error& error) {
      outcome_ = error.name();
    }
  }

  Clock clock_{io, [this] { settle(); }};
  http::Server server_;
  MemoryAgent agent_{io, server_};
  std::string outcome_;
};

}  // namespace sluice::test
