// SPDX-License-Identifier: BSL-1.0
//
// fetch() on several loops and strands at once: each has its jar and its agents, and all ask the
// servers of all.
#include <algorithm>
#include <atomic>
#include <barrier>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <memory>
#include <sluice/cluster.hpp>
#include <sluice/fetch.hpp>
#include <string>
#include <string_view>
#include "https_home.hpp"

using namespace homes;

namespace {

constexpr unsigned workers = 3;

std::string placeOf(const http::Server& server) {
  return "://127.0.0.1:" + std::to_string(server.address().port);
}

// Tells a client what cookies it has sent, and gives it one of its own.
https::Server greeter(const asio::any_io_executor& executor, const https::ServerOptions& options,
                      unsigned number) {
  auto server = https::createServer(
      executor, options, [number](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
        const std::string client(req.headers()["x-client"]);
        res.setHeader("Set-Cookie", "from-" + std::to_string(number) + '=' + client);
        co_await res.end(req.headers()["cookie"]);
      });
  server.listen(0, "127.0.0.1");
  return server;
}

// Sends everybody on to where the target says, on another port and with TLS.
http::Server doorkeeper(const asio::any_io_executor& executor) {
  auto server = http::createServer(
      executor, [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
        res.statusCode = 302;
        res.setHeader("Location", "https://127.0.0.1:" + std::string(req.url()).substr(1));
        co_await res.end();
      });
  server.listen(0, "127.0.0.1");
  return server;
}

// Whether all that a client has sent was meant for it.
bool areAllOf(std::string_view cookies, const std::string& client) {
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find("; "), cookies.size());
    if (!cookies.substr(0, end).ends_with('=' + client)) return false;
    cookies.remove_prefix(std::min(end + 2, cookies.size()));
  }
  return true;
}

https::ClientOptions clientOptions() {
  https::ClientOptions options;
  options.ca = test::authority().cert();
  return options;
}

}  // namespace

TEST_CASE("fetch() on several loops: redirects, TLS, and a jar for each", "[cluster]") {
  constexpr unsigned requests = 30;
  https::ServerOptions serverOptions;
  serverOptions.secureContext = contextOf(test::localhost());
  const https::ClientOptions tls = clientOptions();
  std::vector<std::string> doors(workers), ports(workers);
  std::barrier<> listening(workers);
  std::atomic<unsigned> working = workers;
  std::vector<unsigned> right(workers);
  std::vector<std::size_t> cookies(workers);
  struct Servers {
    http::Server* door;
    https::Server* greeter;
    asio::io_context* loop;
  };
  std::vector<Servers> servers(workers);
  const auto work = [&](http::Server door, https::Server greets, unsigned own) -> task<> {
    servers[own].door = &door;
    servers[own].greeter = &greets;
    CookieJar jar;
    const std::string client = "client-" + std::to_string(own);
    std::size_t sent = 0;
    for (unsigned i = 0; i < requests; ++i) {
      const unsigned to = (own + i) % workers;
      FetchRequest request;
      request.cookies(jar).tls(tls).header("x-client", client);
      FetchResponse res = co_await fetch(doors[(to + 1) % workers] + '/' + ports[to], request);
      const std::string text = co_await res.text();
      if (res.ok() && res.redirected() && areAllOf(text, client) && text.size() >= sent) {
        ++right[own];
      }
      sent = text.size();
    }
    cookies[own] = jar.size();
    if (--working == 0) {
      for (const Servers& each : servers) {
        asio::post(*each.loop, [each] {
          each.door->close();
          each.greeter->close();
        });
      }
    }
    co_await door.closed();
    co_await greets.closed();
  };
  cluster(workers, [&](asio::io_context& loop, unsigned worker) {
    auto door = doorkeeper(loop.get_executor());
    auto greets = greeter(loop.get_executor(), serverOptions, worker);
    doors[worker] = "http" + placeOf(door);
    ports[worker] = std::to_string(greets.address().port);
    servers[worker].loop = &loop;
    listening.arrive_and_wait();
    asio::co_spawn(loop, work(std::move(door), std::move(greets), worker),
                   [](std::exception_ptr failure) {
                     if (failure) std::rethrow_exception(failure);
                   });
  });
  CHECK(right == std::vector(workers, requests));
  CHECK(cookies == std::vector<std::size_t>(workers, workers));
}

TEST_CASE("fetch() on more strands than it keeps agents for", "[strands]") {
  constexpr std::size_t count = 70;
  https::ServerOptions serverOptions;
  serverOptions.secureContext = contextOf(test::localhost());
  const https::ClientOptions tls = clientOptions();
  Strands home(1);
  std::unique_ptr<https::Server> server;
  home.all([&](std::size_t) -> task<> {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    server = std::make_unique<https::Server>(greeter(executor, serverOptions, 0));
  });
  const std::string url = "https" + placeOf(*server);
  {
    Strands strands(count);
    const auto right = strands.all([&](std::size_t own) -> task<std::size_t> {
      CookieJar jar;
      const std::string client = std::to_string(own);
      std::size_t same = 0;
      for (int i = 0; i < 3; ++i) {
        FetchRequest request;
        request.cookies(jar).tls(tls).header("x-client", client);
        FetchResponse res = co_await fetch(url, request);
        const std::string text = co_await res.text();
        if (text == (i == 0 ? "" : "from-0=" + client)) ++same;
      }
      co_return same;
    });
    CHECK(right == std::vector<std::size_t>(count, 3));
    // Connections that are kept would keep the strands.
    home.all([&](std::size_t) -> task<> {
      server->close();
      co_await server->closed();
      server.reset();
    });
  }
}
