// SPDX-License-Identifier: BSL-1.0
//
// For tests of TLS on several threads: a server and an agent that live on one executor, strands for
// them, and one exchange. Nothing here checks: only the main thread may.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <sluice/https.hpp>
#include <string>
#include <type_traits>
#include <vector>
#include "support/catch.hpp"
#include "support/certificates.hpp"

namespace homes {

namespace asio = boost::asio;
using namespace sluice;

/// maxVersion  empty: the newest
inline https::SecureContext contextOf(const test::Identity& identity,
                                      const std::string& maxVersion = {}) {
  return https::createSecureContext(
      {.key = identity.key(), .cert = identity.cert(), .maxVersion = maxVersion});
}
inline https::SecureContext trust() {
  return https::createSecureContext({.ca = test::authority().cert()});
}

/// A server that answers with what it was asked for, and an agent.
struct Home {
  Home(const asio::any_io_executor& executor, const https::ServerOptions& serverOptions,
       const https::AgentOptions& agentOptions)
      : server(https::createServer(
            executor, serverOptions,
            [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
              co_await res.end("hello " + std::string(req.url()));
            })),
        agent(executor, agentOptions) {
    server.on<"secureConnection">([this](net::Socket& socket) {
      ++connections;
      if (socket.isSessionReused()) ++resumed;
    });
    server.listen(0, "127.0.0.1");
    url = "https://127.0.0.1:" + std::to_string(server.address().port);
  }

  /// Options of a request through the agent.
  https::RequestOptions options() {
    https::RequestOptions made;
    made.agent = agent;
    return made;
  }

  https::Server server;
  https::Agent agent;
  std::string url;
  std::size_t connections = 0;
  std::size_t resumed = 0;
};
using Homes = std::vector<std::unique_ptr<Home>>;

inline std::vector<std::string> urlsOf(const Homes& all) {
  std::vector<std::string> urls;
  for (const auto& each : all) urls.push_back(each->url);
  return urls;
}

/// A home on the awaiting coroutine's executor.
inline task<> open(std::unique_ptr<Home>& home, const https::ServerOptions& serverOptions,
                   const https::AgentOptions& agentOptions) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  home = std::make_unique<Home>(executor, serverOptions, agentOptions);
}

struct Counts {
  std::size_t connections = 0;
  std::size_t resumed = 0;
};

/// Ends a home. It has to run on the executor of that home.
inline task<Counts> close(std::unique_ptr<Home>& home) {
  home->agent.destroy();
  home->server.close();
  co_await home->server.closed();
  const Counts counts{home->connections, home->resumed};
  home.reset();
  co_return counts;
}

inline Counts sum(const std::vector<Counts>& all) {
  Counts result;
  for (const Counts& each : all) {
    result.connections += each.connections;
    result.resumed += each.resumed;
  }
  return result;
}

/// What a client has seen of one exchange.
struct Answer {
  std::string text;  ///< "!" and the name of the error if it failed
  std::string peer;  ///< whom the server's certificate names
  bool resumed = false;
};

inline task<Answer> ask(std::string url, const https::RequestOptions& options) {
  Answer answer;
  try {
    auto res = co_await https::get(url, options);
    answer.peer = res.socket().getPeerCertificate().subject["CN"];
    answer.resumed = res.socket().isSessionReused();
    answer.text = co_await res.text();
  } catch (const Error& error) {
    answer.text = '!' + std::string(error.name());
  }
  co_return answer;
}

/// Strands of one thread pool.
class Strands {
 public:
  explicit Strands(std::size_t count) : pool_(4) {
    for (std::size_t i = 0; i < count; ++i) strands_.push_back(asio::make_strand(pool_));
  }
  Strands(const Strands&) = delete;
  Strands& operator=(const Strands&) = delete;
  ~Strands() { pool_.join(); }

  using Strand = asio::strand<asio::thread_pool::executor_type>;
  const Strand& operator[](std::size_t i) const { return strands_[i]; }

  /// Runs the coroutines that `work(i)` returns, each on its strand and all at once. What they
  /// return, in order.
  template <class Work>
  auto all(Work work) {
    using Value = typename std::invoke_result_t<Work, std::size_t>::value_type;
    std::vector<std::future<Value>> ends;
    for (std::size_t i = 0; i < strands_.size(); ++i) {
      ends.push_back(asio::co_spawn(strands_[i], work(i), asio::use_future));
    }
    for (auto& end : ends) {
      if (end.wait_for(std::chrono::seconds(120)) == std::future_status::ready) continue;
      pool_.stop();
      FAIL("after 120 s a coroutine on a strand has not ended");
    }
    if constexpr (std::is_void_v<Value>) {
      for (auto& end : ends) end.get();
    } else {
      std::vector<Value> values;
      for (auto& end : ends) values.push_back(end.get());
      return values;
    }
  }

 private:
  asio::thread_pool pool_;
  std::vector<Strand> strands_;
};

}  // namespace homes
