// SPDX-License-Identifier: BSL-1.0
//
// For tests that meet the kernel: a loop that ends by itself or fails the test, two ends of one
// connection, a folder for Unix sockets.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <random>
#include <sluice/net/detail/backend.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/socket.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>
#include "catch.hpp"
#if SLUICE_USE_EPOLL
#include <sluice/net/detail/epoll/transport.hpp>
#else
#include <sluice/net/detail/asio/transport.hpp>
#endif

namespace loopback {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// Runs until nothing is left to do. What a test forgot to end makes it fail, not hang.
inline void finish(asio::io_context& loop) {
  loop.restart();
  loop.run_for(120s);
  if (!loop.stopped()) FAIL("after 120 s something still keeps the loop from ending");
}

/// Runs until `done` holds; other work may go on.
template <class Condition>
void runUntil(asio::io_context& loop, Condition done) {
  const auto patience = std::chrono::steady_clock::now() + 120s;
  loop.restart();
  while (!done()) {
    if (loop.run_one_until(patience) == 0) FAIL("what the test waits for did not happen");
  }
}

/// Runs the coroutine that `start(loop)` returns, and all that it leaves behind, to the end.
template <class F>
void run(F start) {
  asio::io_context loop(1);
  std::exception_ptr error;
  bool ended = false;
  asio::co_spawn(loop, start(loop), [&](std::exception_ptr thrown) {
    error = thrown;
    ended = true;
  });
  finish(loop);
  if (error) std::rethrow_exception(error);
  CHECK(ended);
}

struct Pair {
  sluice::net::Socket first, second;
};

/// Whatever the library would put over such a socket.
inline boost::intrusive_ptr<sluice::net::detail::Transport> transportOver(
    sluice::net::detail::Loop& loop, asio::ip::tcp::socket socket) {
  namespace detail = sluice::net::detail;
#if SLUICE_USE_EPOLL
  socket.native_non_blocking(true);
  sluice::error_code ec;
  detail::Poller* const poller = detail::Poller::of(loop, ec);
  REQUIRE(poller != nullptr);
  return new detail::EpollTransport(*poller, detail::SystemSocket(socket.release()));
#else
  return new detail::AsioTransport(loop, std::move(socket));
#endif
}

inline sluice::net::Socket wrap(asio::io_context& loop, asio::ip::tcp::socket socket,
                                std::size_t highWaterMark = 16 * 1024) {
  namespace detail = sluice::net::detail;
  boost::intrusive_ptr<detail::SocketCore> core(
      new detail::SocketCore(detail::Loop::of(loop.get_executor()), highWaterMark));
  core->open(transportOver(core->loop(), std::move(socket)));
  return sluice::net::detail::SocketAccess::make(core);
}

/// Two ends of one TCP connection.
inline Pair pair(asio::io_context& loop, std::size_t highWaterMark = 16 * 1024) {
  using Tcp = asio::ip::tcp;
  Tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  Tcp::socket first(loop);
  first.connect(acceptor.local_endpoint());
  Tcp::socket second = acceptor.accept();
  return {wrap(loop, std::move(first), highWaterMark),
          wrap(loop, std::move(second), highWaterMark)};
}

/// A clock for the timeouts of one loop that stands still until the test moves it.
class Clock {
 public:
  explicit Clock(asio::io_context& loop)
      : loop_(sluice::net::detail::Loop::of(loop.get_executor())), face_(std::make_shared<Face>()) {
    loop_->useClock(face_);
  }

  void advance(std::chrono::milliseconds time) {
    face_->time += time;
    loop_->fireTimers();
  }

 private:
  struct Face : sluice::net::detail::Clock {
    sluice::net::detail::TimePoint now() const override { return time; }
    bool runsByItself() const override { return false; }
    sluice::net::detail::TimePoint time{std::chrono::hours(1)};
  };

  std::shared_ptr<sluice::net::detail::Loop> loop_;
  std::shared_ptr<Face> face_;
};

/// A folder that is gone after the test.
class Folder {
 public:
  Folder() {
    std::random_device random;
    path_ = std::filesystem::temp_directory_path() / ("sluice-" + std::to_string(random()));
    if (!std::filesystem::create_directory(path_)) throw std::runtime_error(path_.string());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// Whether this system has Unix sockets, which Wine and Windows before 10 lack.
inline bool haveUnixSockets() {
#if defined(BOOST_ASIO_HAS_LOCAL_SOCKETS)
  asio::io_context loop;
  asio::local::stream_protocol::socket socket(loop);
  sluice::error_code ec;
  socket.open(asio::local::stream_protocol(), ec);
  if (!ec) return true;
#endif
  WARN("SKIPPED: this system has no Unix sockets");
  return false;
}

/// An address of this machine where nobody answers: who connects waits for ever.
class Silence {
 public:
  Silence(asio::io_context& loop, const char* address, std::uint16_t port = 0)
      : acceptor_(loop, asio::ip::tcp::v4()) {
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    acceptor_.bind({asio::ip::make_address(address), port});
    acceptor_.listen(0);
    // The kernel drops further attempts once nobody accepts these.
    for (int i = 0; i < 4; ++i) {
      clients_.emplace_back(loop, asio::ip::tcp::v4()).non_blocking(true);
      // Not Asio's connect(), which waits for the answer.
      const auto endpoint = acceptor_.local_endpoint();
      ::connect(clients_.back().native_handle(), endpoint.data(),
                static_cast<socklen_t>(endpoint.size()));
    }
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  asio::ip::tcp::acceptor acceptor_;
  std::vector<asio::ip::tcp::socket> clients_;
};

}  // namespace loopback
