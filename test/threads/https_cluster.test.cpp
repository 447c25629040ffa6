// SPDX-License-Identifier: BSL-1.0
//
// TLS in the workers of a cluster: each has its servers and its agent, and asks all the others.
#include <unistd.h>
#include <atomic>
#include <barrier>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <exception>
#include <mutex>
#include <set>
#include <sluice/cluster.hpp>
#include <string>
#include "https_home.hpp"

using namespace homes;

namespace {

constexpr unsigned workers = 3;

void rethrow(std::exception_ptr failure) {
  if (failure) std::rethrow_exception(failure);
}

// What the workers know of each other.
class Town {
 public:
  struct Place {
    asio::io_context* loop = nullptr;
    Home* home = nullptr;
    std::string url;
    std::uint16_t port = 0;
  };

  /// Each worker calls it once, before its loop runs, and returns when all have.
  void enter(unsigned worker, asio::io_context& loop, Home& home) {
    {
      const std::lock_guard lock(mutex_);
      // The servers resume each other's sessions.
      if (ticketKeys_.empty()) ticketKeys_ = home.server.getTicketKeys();
      home.server.setTicketKeys(ticketKeys_);
      places_[worker] = {&loop, &home, home.url, home.server.address().port};
    }
    entered_.arrive_and_wait();
  }
  /// A port that the workers share.
  void listenTogether(https::Server& server) {
    const std::lock_guard lock(mutex_);
    if (ticketKeys_.empty()) ticketKeys_ = server.getTicketKeys();
    server.setTicketKeys(ticketKeys_);
    server.listen({.port = port_, .host = "127.0.0.1"});
    port_ = server.address().port;
  }
  /// The last worker that has asked enough ends the cluster, and so the servers.
  void leave() {
    if (--working_ == 0) ::kill(::getpid(), SIGTERM);
  }

  const Place& operator[](unsigned worker) const { return places_[worker % workers]; }
  std::uint16_t port() const { return port_; }

 private:
  std::mutex mutex_;
  std::string ticketKeys_;
  std::uint16_t port_ = 0;
  std::vector<Place> places_{workers};
  std::barrier<> entered_{workers};
  std::atomic<unsigned> working_ = workers;
};

// A connection by hand, which knows its session.
struct Visit {
  std::string text;
  std::string session;
  bool resumed = false;
};

task<Visit> visit(std::uint16_t port, https::SecureContext context, std::string session) {
  Visit result;
  try {
    https::ConnectionOptions options;
    options.host = "127.0.0.1";
    options.port = port;
    options.secureContext = context;
    options.session = session;
    net::Socket socket = co_await https::connect(options);
    result.resumed = socket.isSessionReused();
    socket.write("GET /visit HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    while (const auto chunk = co_await socket.read()) result.text += *chunk;
    result.session = socket.getSession();
  } catch (const Error& error) {
    result.text = '!' + std::string(error.name());
  }
  co_return result;
}

task<> renew(Home& home, https::SecureContext context) {
  home.server.setSecureContext(std::move(context));
  co_return;
}

}  // namespace

TEST_CASE("the workers of a cluster ask each other over TLS, and resume each other's sessions",
          "[cluster]") {
  constexpr std::size_t requests = 30;
  https::ServerOptions serverOptions;
  serverOptions.secureContext = contextOf(test::localhost());
  https::AgentOptions agentOptions;
  agentOptions.secureContext = trust();
  Town town;
  std::vector<std::size_t> right(workers), resumed(workers);
  std::vector<std::set<std::string>> answering(workers);
  // Half of what a worker asks goes to the port of all, the rest to those of each.
  const auto work = [&](std::unique_ptr<Home> home, https::Server together,
                        unsigned own) -> task<> {
    const std::string url = "https://127.0.0.1:" + std::to_string(town.port());
    const auto options = home->options();
    for (unsigned i = 0; i < requests; ++i) {
      const Answer common = co_await ask(url, options);
      answering[own].insert(common.text);
      const Answer single = co_await ask(town[i].url + "/x", options);
      if (common.peer == "localhost" && single.peer == "localhost" && single.text == "hello /x") {
        ++right[own];
      }
    }
    town.leave();
    co_await together.closed();
    co_await home->server.closed();
    resumed[own] += home->resumed;
  };
  cluster(workers, [&](asio::io_context& loop, unsigned worker) {
    auto home = std::make_unique<Home>(loop.get_executor(), serverOptions, agentOptions);
    auto together = https::createServer(
        loop, serverOptions, [worker](http::IncomingMessage&, http::ServerResponse& res) -> task<> {
          co_await res.end(std::to_string(worker));
        });
    together.on<"secureConnection">([&count = resumed[worker]](net::Socket& socket) {
      if (socket.isSessionReused()) ++count;
    });
    town.listenTogether(together);
    town.enter(worker, loop, *home);
    asio::co_spawn(loop, work(std::move(home), std::move(together), worker), rethrow);
  });
  CHECK(right == std::vector(workers, requests));
  std::set<std::string> all;
  for (const auto& each : answering) all.insert(each.begin(), each.end());
  // The kernel hashes: with 90 connections that one of three gets none is no matter of luck.
  CHECK(all == std::set<std::string>{"0", "1", "2"});
  // Of an agent the first connection to the port of all is new, and that to each of the others.
  // Whose ticket it is does not matter then.
  std::size_t sum = 0;
  for (const std::size_t each : resumed) sum += each;
  CHECK(sum == workers * (2 * requests - 1 - workers));
}

TEST_CASE("a session goes from worker to worker, and is resumed by all of them", "[cluster]") {
  constexpr unsigned rounds = 2 * workers * workers;
  const std::string version = GENERATE(as<std::string>(), "TLSv1.2", "TLSv1.3");
  https::ServerOptions serverOptions;
  serverOptions.secureContext = contextOf(test::localhost(), version);
  const https::SecureContext context = trust();
  Town town;
  std::vector<unsigned> right(workers);
  const auto work = [&](std::unique_ptr<Home> home, unsigned own) -> task<> {
    const Visit first = co_await visit(town[own].port, context, std::string());
    std::string session = first.session;
    for (unsigned i = 0; i < rounds; ++i) {
      // Each worker is the client of each server twice.
      auto visiting = visit(town[i / workers].port, context, session);
      const Visit next =
          co_await asio::co_spawn(*town[own + i].loop, std::move(visiting), asio::use_awaitable);
      if (next.resumed && next.text.ends_with("hello /visit")) ++right[own];
      // Over TLS 1.3 a connection that is resumed leaves no other one.
      if (!next.session.empty()) session = next.session;
    }
    town.leave();
    co_await home->server.closed();
  };
  cluster(workers, [&](asio::io_context& loop, unsigned worker) {
    auto home = std::make_unique<Home>(loop.get_executor(), serverOptions, https::AgentOptions());
    town.enter(worker, loop, *home);
    asio::co_spawn(loop, work(std::move(home), worker), rethrow);
  });
  CHECK(right == std::vector(workers, rounds));
}

TEST_CASE("a certificate is renewed in all workers of a cluster while they are asked",
          "[cluster]") {
  constexpr unsigned requests = 40;
  const test::Identity first = test::issued("first", "IP:127.0.0.1");
  const test::Identity renewed = test::issued("renewed", "IP:127.0.0.1");
  https::ServerOptions serverOptions;
  serverOptions.secureContext = contextOf(first);
  https::AgentOptions agentOptions;
  agentOptions.secureContext = trust();
  // A session brings the old certificate along.
  agentOptions.maxCachedSessions = 0;
  Town town;
  std::vector<unsigned> right(workers);
  const auto work = [&](std::unique_ptr<Home> home, unsigned own) -> task<> {
    const auto options = home->options();
    bool isRenewed = false;
    for (unsigned i = 0; i < requests; ++i) {
      if (i % 10 == 5) {
        const https::SecureContext context = contextOf(renewed);
        for (unsigned j = 0; j < workers; ++j) {
          co_await asio::co_spawn(*town[j].loop, renew(*town[j].home, context),
                                  asio::use_awaitable);
        }
        isRenewed = true;
      }
      const Answer answer = co_await ask(town[own + i].url + "/x", options);
      const bool known = answer.peer == "renewed" || (!isRenewed && answer.peer == "first");
      if (known && answer.text == "hello /x") ++right[own];
    }
    town.leave();
    co_await home->server.closed();
  };
  cluster(workers, [&](asio::io_context& loop, unsigned worker) {
    auto home = std::make_unique<Home>(loop.get_executor(), serverOptions, agentOptions);
    town.enter(worker, loop, *home);
    asio::co_spawn(loop, work(std::move(home), worker), rethrow);
  });
  CHECK(right == std::vector(workers, requests));
}
