// SPDX-License-Identifier: BSL-1.0
//
// For tests that meet the kernel: a loop that ends by itself or fails the test, two ends of one
// connection, a folder for Unix sockets.
#pragma once

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <exception>
#include <filesystem>
#include <sluice/net/detail/stream_transport.hpp>
#include <sluice/net/socket.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include "catch.hpp"

namespace loopback {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// Runs until nothing is left to do. What a test forgot to end makes it fail, not hang.
inline void finish(asio::io_context& loop) {
  loop.restart();
  loop.run_for(30s);
  if (!loop.stopped()) FAIL("after 30 s something still keeps the loop from ending");
}

/// Runs until `done` holds; other work may go on.
template <class Condition>
void runUntil(asio::io_context& loop, Condition done) {
  const auto patience = std::chrono::steady_clock::now() + 30s;
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

inline sluice::net::Socket wrap(asio::io_context& loop,
                                asio::generic::stream_protocol::socket socket,
                                std::size_t highWaterMark = 16 * 1024) {
  namespace detail = sluice::net::detail;
  boost::intrusive_ptr<detail::SocketCore> core(
      new detail::SocketCore(detail::Loop::of(loop.get_executor()), highWaterMark));
  core->open(new detail::StreamTransport(std::move(socket)));
  return sluice::net::Socket(core);
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

/// A folder that is gone after the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// A port of 127.0.0.1 where nobody listens: it was free a moment ago.
inline std::uint16_t closedPort() {
  asio::io_context context;
  asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  return acceptor.local_endpoint().port();
}

}  // namespace loopback
