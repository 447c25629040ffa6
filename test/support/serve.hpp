// SPDX-License-Identifier: BSL-1.0
//
// A server whose connections are in memory and whose clock the test moves: bytes in, bytes out.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <list>
#include <sluice/http/server.hpp>
#include <sluice/task.hpp>
#include <sluice/test/clock.hpp>
#include <sluice/test/wire.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include "transport.hpp"

namespace sluice::test {

/// Writes `<D>` in the place of each date that is the server's own.
inline std::string maskDates(std::string_view bytes) {
  constexpr std::string_view begin = "\r\nDate: ";
  constexpr std::size_t dateSize = 29;
  std::string masked;
  std::size_t from = 0;
  for (std::size_t at = bytes.find(begin); at != std::string_view::npos;
       at = bytes.find(begin, at + 1)) {
    const std::size_t date = at + begin.size();
    if (!bytes.substr(date).substr(0, dateSize).ends_with(" GMT")) continue;
    masked.append(bytes, from, date - from).append("<D>");
    from = date + dateSize;
  }
  return masked.append(bytes, from);
}

/// Runs all that is ready; what never comes to rest fails.
inline void settleBounded(asio::io_context& io) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(100);
  io.restart();
  for (std::size_t count = 1; io.poll_one() != 0; ++count) {
    if (count % 4096 == 0 && std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the server does not come to rest");
    }
  }
}

/// A client that sends and sees bytes.
class Client {
 public:
  explicit Client(asio::io_context& io) : io_(io), wire_(io) {}

  /// Everything that was answered until nothing more happened, from the first byte on or from
  /// take().
  std::string send(std::string_view bytes) {
    wire_.deliver(bytes);
    return received();
  }
  /// The client's end of sending.
  std::string end() {
    wire_.deliverEnd();
    return received();
  }
  std::string received() {
    settleBounded(io_);
    return maskDates(wire_.received());
  }
  /// The same, once: received() begins anew.
  std::string take() {
    settleBounded(io_);
    return maskDates(wire_.takeReceived());
  }
  /// The server has closed the connection.
  bool closed() {
    settleBounded(io_);
    return wire_.closed();
  }
  /// The server has ended its half, or all of the connection.
  bool ended() {
    settleBounded(io_);
    return wire_.closed() || wire_.ended();
  }
  Wire& wire() { return wire_; }
  /// The server's end of the connection.
  net::Socket socket(std::size_t highWaterMark = 16 * 1024) const {
    return serverEnd(wire_, highWaterMark);
  }

 private:
  asio::io_context& io_;
  Wire wire_;
};

class Serving {
 public:
  template <class F>
  Serving(F&& handler, http::ServerOptions options)
      : server_(makeServer(io_, std::move(options), std::forward<F>(handler))) {}

  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  asio::io_context& io() { return io_; }
  http::Server& server() { return server_; }
  Clock& clock() { return clock_; }
  void settle() { settleBounded(io_); }
  /// Moves the time, with all that it brings.
  void advance(std::chrono::milliseconds duration) { clock_.advance(duration); }

  /// One more connection.
  Client& connect() {
    Client& client = clients_.emplace_back(io_);
    server_.serve(client.socket());
    return client;
  }

  // The first connection, made when it is first used: listeners can be added before.
  Client& client() { return clients_.empty() ? connect() : clients_.front(); }
  Wire& wire() { return client().wire(); }
  std::string send(std::string_view bytes) { return client().send(bytes); }
  std::string end() { return client().end(); }
  std::string received() { return client().received(); }
  std::string take() { return client().take(); }
  bool closed() { return client().closed(); }
  bool ended() { return client().ended(); }

 private:
  asio::io_context io_;
  Clock clock_{io_, [this] { settle(); }};
  http::Server server_;
  std::list<Client> clients_;
};

/// A server for `handler` and a connection to it.
///
///     auto wire = serve([](IncomingMessage&, ServerResponse& res) -> task<> { ... });
///     CHECK(wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") == "HTTP/1.1 200 OK\r\n...");
template <class F>
Serving serve(F&& handler, http::ServerOptions options = {}) {
  return Serving(std::forward<F>(handler), std::move(options));
}

/// Answers 200 without a body.
inline const auto okHandler = [](http::IncomingMessage&, http::ServerResponse& res) -> task<> {
  co_await res.end();
};

/// A handler that calls `act(res)` and returns.
template <class F>
auto acting(F act) {
  return [act = std::move(act)](http::IncomingMessage&, http::ServerResponse& res) -> task<> {
    act(res);
    co_return;
  };
}

/// All that a server answers to `request` whose handler calls `act(res)` and returns.
template <class F>
std::string answer(std::string_view request, F act, http::ServerOptions options = {}) {
  Serving wire(acting(std::move(act)), std::move(options));
  return wire.send(request);
}

/// The same, and then whether the server has closed the connection.
template <class F>
std::string answerAndState(std::string_view request, F act, http::ServerOptions options = {}) {
  Serving wire(acting(std::move(act)), std::move(options));
  const std::string bytes = wire.send(request);
  return bytes + (wire.closed() ? "<closed>" : "<open>");
}

}  // namespace sluice::test
