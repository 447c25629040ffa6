// SPDX-License-Identifier: BSL-1.0
//
// Several loops in one process: they share a port, answer, and end together.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <mutex>
#include <set>
#include <sluice/cluster.hpp>
#include <sluice/http.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include "support/allocations.hpp"
#include "support/catch.hpp"

namespace asio = boost::asio;
using namespace sluice;

namespace {

// The first worker takes any port; the others, which wait for it, take the same.
class SharedPort {
 public:
  void listen(http::Server& server) {
    const std::lock_guard lock(mutex_);
    server.listen({.port = port_, .host = "127.0.0.1"});
    port_ = server.address().port;
    ++listening_;
  }
  std::uint16_t port() const {
    const std::lock_guard lock(mutex_);
    return port_;
  }
  unsigned listening() const {
    const std::lock_guard lock(mutex_);
    return listening_;
  }

 private:
  mutable std::mutex mutex_;
  std::uint16_t port_ = 0;
  unsigned listening_ = 0;
};

std::string exchange(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) {
    const std::string request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
      char buffer[1024];
      for (ssize_t n; (n = ::recv(fd, buffer, sizeof buffer, 0)) > 0;) {
        answer.append(buffer, static_cast<std::size_t>(n));
      }
    }
  }
  ::close(fd);
  return answer;
}

task<> serve(asio::io_context& loop, SharedPort& shared, unsigned worker) {
  auto server = http::createServer(
      loop, [worker](http::IncomingMessage&, http::ServerResponse& res) -> task<> {
        co_await res.end(std::to_string(worker));
      });
  shared.listen(server);
  co_await server.closed();
}

}  // namespace

TEST_CASE("the workers of a cluster share a port, and SIGTERM ends them all", "[cluster]") {
  SharedPort shared;
  constexpr unsigned workers = 3;
  std::set<char> answering;
  int answers = 0;
  std::thread client([&] {
    while (shared.listening() != workers) std::this_thread::yield();
    for (int i = 0; i < 200; ++i) {
      const std::string answer = exchange(shared.port());
      if (answer.empty()) continue;
      ++answers;
      answering.insert(answer.back());
    }
    ::kill(::getpid(), SIGTERM);
  });
  cluster(workers, [&](asio::io_context& loop, unsigned worker) {
    asio::co_spawn(loop, serve(loop, shared, worker), asio::detached);
  });
  client.join();
  CHECK(answers == 200);
  // The kernel hashes: with 200 connections that one of three gets none is no matter of luck.
  CHECK(answering == std::set<char>{'0', '1', '2'});
}

TEST_CASE("a cluster whose loops have nothing to do returns", "[cluster]") {
  std::atomic<unsigned> started = 0;
  cluster(4, [&](asio::io_context&, unsigned) { ++started; });
  CHECK(started == 4);
}

TEST_CASE("what one worker throws ends the others and comes out of cluster()", "[cluster]") {
  SharedPort shared;
  const auto start = [&](asio::io_context& loop, unsigned worker) {
    if (worker == 1) {
      while (shared.listening() != 1) std::this_thread::yield();
      throw std::runtime_error("no");
    }
    asio::co_spawn(loop, serve(loop, shared, worker), asio::detached);
  };
  CHECK_THROWS_AS(cluster(2, start), std::runtime_error);
}

TEST_CASE("a worker keeps nothing of the servers that it had", "[cluster]") {
  std::ptrdiff_t kept = -1;
  const auto work = [&](asio::io_context& loop) -> task<> {
    http::Server again = http::createServer(loop);
    const auto listenOften = [&]() -> task<> {
      for (int i = 0; i < 40; ++i) {
        http::Server server = http::createServer(loop);
        for (http::Server* each : {&server, &again}) {
          each->listen(0, "127.0.0.1");
          each->close();
          co_await each->closed();
        }
      }
    };
    co_await listenOften();
    const test::Allocations heap;
    co_await listenOften();
    kept = heap.live();
  };
  cluster(1, [&](asio::io_context& loop, unsigned) {
    asio::co_spawn(loop, work(loop), asio::detached);
  });
  CHECK(kept <= 0);
}

TEST_CASE("a second SIGINT ends a cluster whose grace is not over", "[cluster]") {
  std::atomic<bool> listens = false;
  std::atomic<bool> drains = false;
  std::thread impatient([&] {
    while (!listens) std::this_thread::yield();
    ::kill(::getpid(), SIGINT);
    while (!drains) std::this_thread::yield();
    ::kill(::getpid(), SIGINT);
  });
  const auto work = [&](asio::io_context& loop) -> task<> {
    auto server = http::createServer(
        loop, [](http::IncomingMessage&, http::ServerResponse&) -> task<> { co_return; });
    server.listen(0, "127.0.0.1");
    listens = true;
    asio::steady_timer timer(loop);
    while (server.listening()) {
      timer.expires_after(std::chrono::milliseconds(1));
      co_await timer.async_wait(asio::use_awaitable);
    }
    drains = true;
    // What is no server's business.
    timer.expires_after(std::chrono::hours(1));
    co_await timer.async_wait(asio::use_awaitable);
  };
  const auto begin = std::chrono::steady_clock::now();
  cluster(
      1,
      [&](asio::io_context& loop, unsigned) { asio::co_spawn(loop, work(loop), asio::detached); },
      {.grace = std::chrono::minutes(2)});
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::minutes(1));
  impatient.join();
}

#if defined(__GLIBC__)
TEST_CASE("a cluster that gets no thread for a worker says so", "[cluster]") {
  pthread_attr_t before;
  REQUIRE(::pthread_getattr_default_np(&before) == 0);
  pthread_attr_t huge;
  REQUIRE(::pthread_attr_init(&huge) == 0);
  REQUIRE(::pthread_attr_setstacksize(&huge, std::size_t{1} << 47) == 0);
  REQUIRE(::pthread_setattr_default_np(&huge) == 0);
  CHECK_THROWS_AS(cluster(2, [](asio::io_context&, unsigned) {}), std::system_error);
  REQUIRE(::pthread_setattr_default_np(&before) == 0);
  ::pthread_attr_destroy(&huge);
  ::pthread_attr_destroy(&before);
}
#endif
