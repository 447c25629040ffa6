// SPDX-License-Identifier: BSL-1.0
//
// Servers, clients and agents on strands: each runs one at a time, whatever number of threads runs
// them, and nothing of a strand is left when it has gone.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <future>
#include <iterator>
#include <optional>
#include <sluice/http.hpp>
#include <string>
#include <vector>
#include "support/catch.hpp"

namespace {

namespace asio = boost::asio;
using namespace sluice;

constexpr int requests = 20;

task<> answer(http::IncomingMessage& req, http::ServerResponse& res) {
  const std::string body = co_await req.text();
  co_await res.end("hello " + body);
}

std::string urlOf(const http::Server& server) {
  return "http://127.0.0.1:" + std::to_string(server.address().port) + "/";
}

// A server and its client on one executor; how many answers were right.
task<int> askOwnServer(bool keepAlive) {
  const auto executor = co_await asio::this_coro::executor;
  auto server = http::createServer(executor, answer);
  server.listen(0, "127.0.0.1");
  const std::string url = urlOf(server);
  http::AgentOptions agentOptions;
  agentOptions.keepAlive = keepAlive;
  http::Agent agent(executor, agentOptions);
  http::RequestOptions options;
  if (keepAlive) options.agent = agent;
  int right = 0;
  for (int i = 0; i < requests; ++i) {
    auto res = co_await http::get(url, options);
    const std::string text = co_await res.text();
    if (text == "hello ") ++right;
  }
  agent.destroy();
  server.close();
  co_await server.closed();
  co_return right;
}

task<int> countRefusals(const http::RequestOptions& options) {
  int refused = 0;
  for (int i = 0; i < requests; ++i) {
    try {
      co_await http::get(options);
    } catch (const Error& error) {
      if (error.code() == http::errc::ERR_INVALID_ARG_VALUE) ++refused;
    }
  }
  co_return refused;
}

task<> askOnce(std::string url) {
  auto res = co_await http::get(url);
  static_cast<void>(co_await res.text());
}

std::size_t openDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("servers, clients and agents live on the strands of a thread pool", "[strands]") {
  asio::thread_pool pool(4);
  std::vector<std::future<int>> answers;
  for (int i = 0; i < 8; ++i) {
    const bool keepAlive = i % 2 == 0;
    answers.push_back(
        asio::co_spawn(asio::make_strand(pool), askOwnServer(keepAlive), asio::use_future));
  }
  for (auto& each : answers) CHECK(each.get() == requests);
  pool.join();
}

TEST_CASE("an agent is not touched by those whom it refuses, as they are on other strands",
          "[strands]") {
  asio::thread_pool pool(4);
  const auto home = asio::make_strand(pool);
  http::Agent agent(home);
  http::RequestOptions options;
  options.agent = agent;
  options.host = "127.0.0.1";
  options.port = 1;
  std::vector<std::future<int>> refusals;
  for (int i = 0; i < 8; ++i) {
    refusals.push_back(
        asio::co_spawn(asio::make_strand(pool), countRefusals(options), asio::use_future));
  }
  for (auto& each : refusals) CHECK(each.get() == requests);
  pool.join();
}

TEST_CASE("what lives on a strand may outlive the thread pool", "[strands]") {
  struct Kept {
    std::optional<http::Server> server;
    std::optional<http::Agent> agent;
    http::IncomingMessage response;
    std::optional<Timer> timer;
  };
  const auto use = [](Kept& kept) -> task<> {
    const auto executor = co_await asio::this_coro::executor;
    kept.server.emplace(http::createServer(executor, answer));
    kept.server->listen(0, "127.0.0.1");
    kept.agent.emplace(executor);
    kept.timer.emplace(executor);
    const std::string url = urlOf(*kept.server);
    http::RequestOptions options;
    options.agent = *kept.agent;
    kept.response = co_await http::get(url, options);
  };
  Kept kept;
  {
    asio::thread_pool pool(2);
    asio::co_spawn(asio::make_strand(pool), use(kept), asio::use_future).get();
    pool.stop();
    pool.join();
  }
  CHECK(kept.server->address().address.empty());
}

TEST_CASE("a server on the bare thread pool is refused", "[strands]") {
  asio::thread_pool pool(2);
  auto refused = asio::co_spawn(pool, askOwnServer(false), asio::use_future);
  CHECK_THROWS_AS(refused.get(), Error);
  pool.join();
}

TEST_CASE("nothing is left of strands that made a request and went", "[strands]") {
  if (!std::filesystem::exists("/proc/self/fd")) return;
  asio::io_context io(1);
  auto server = http::createServer(io, answer);
  server.listen(0, "127.0.0.1");
  const std::string url = urlOf(server);
  const auto askOnStrands = [&](int count) {
    for (int i = 0; i < count; ++i) {
      bool ended = false;
      {
        const auto strand = asio::make_strand(io);
        asio::co_spawn(strand, askOnce(url), [&](const std::exception_ptr& thrown) {
          CHECK(thrown == nullptr);
          ended = true;
        });
      }
      while (!ended && io.run_one() != 0) {
      }
    }
    io.poll();
    return openDescriptors();
  };
  const std::size_t few = askOnStrands(20);
  CHECK(askOnStrands(200) <= few + 10);
  server.close();
  io.run();
}
