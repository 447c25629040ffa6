// SPDX-License-Identifier: BSL-1.0
//
// Requests whose connections are in memory and whose clock the test moves: the test is the server,
// byte by byte.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <sluice/http/client_request.hpp>
#include <sluice/task.hpp>
#include <sluice/test/clock.hpp>
#include <sluice/test/wire.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include "gate.hpp"
#include "run.hpp"
#include "serve.hpp"
#include "transport.hpp"

namespace sluice::test {

/// The far ends of all connections that requests open, in the order of their opening.
///
///     Requesting net;
///     auto req = http::request(net.io(), net.options());
///     req.end();
///     CHECK(net.received() == "GET / HTTP/1.1\r\n...");
///     net.deliver("HTTP/1.1 200 OK\r\n...");
class Requesting {
 public:
  Requesting() = default;
  Requesting(const Requesting&) = delete;
  Requesting& operator=(const Requesting&) = delete;

  asio::io_context& io() { return io_; }
  void settle() { settleBounded(io_); }
  void advance(std::chrono::milliseconds duration) { clock_.advance(duration); }

  /// Options whose connection is one of these.
  http::RequestOptions options(http::RequestOptions options = {}) {
    options.createConnection = opener();
    return options;
  }
  http::RequestOptions options(http::Agent& agent) {
    http::RequestOptions options;
    options.agent = agent;
    return this->options(std::move(options));
  }
  http::CreateConnection opener() {
    return [this](const net::ConnectionOptions& asked) { return open(asked); };
  }
  task<net::Socket> open(net::ConnectionOptions asked) {
    asked_.push_back(asked);
    if (slow) {
      gates_.push_back(std::make_unique<Gate>());
      co_await gates_.back()->wait();
    }
    Wire& wire = wires_.emplace_back(io_);
    if (onOpen) onOpen(wire);
    co_return co_await clientEnd(wire, asked.highWaterMark);
  }

  /// Connections wait until connect().
  bool slow = false;
  void connect(std::size_t number = 0) {
    gates_.at(number)->open();
    settle();
  }
  /// Told of each connection before anything is sent.
  std::function<void(Wire&)> onOpen;

  /// How many connections were asked for, and with what.
  std::size_t asked() const { return asked_.size(); }
  const net::ConnectionOptions& asked(std::size_t number) const { return asked_.at(number); }
  bool opening(std::size_t number = 0) const { return gates_.at(number)->waiting(); }

  std::size_t count() {
    settle();
    return wires_.size();
  }
  Wire& wire(std::size_t number = 0) {
    settle();
    return wires_.at(number);
  }
  /// What was sent since this was last asked.
  std::string received(std::size_t number = 0) { return wire(number).takeReceived(); }
  /// Sends bytes to the client, and lets everything happen.
  void deliver(std::string_view bytes, std::size_t number = 0) {
    wire(number).deliver(bytes);
    settle();
  }
  void end(std::size_t number = 0) {
    wire(number).deliverEnd();
    settle();
  }
  void reset(std::size_t number = 0) {
    wire(number).reset();
    settle();
  }
  bool closed(std::size_t number = 0) { return wire(number).closed(); }

 private:
  // Coroutines that wait at one go with the context.
  std::vector<std::unique_ptr<Gate>> gates_;
  asio::io_context io_;
  Clock clock_{io_, [this] { settle(); }};
  std::vector<net::ConnectionOptions> asked_;
  std::deque<Wire> wires_;
};

/// The events of a request and of its response, in their order, separated by spaces.
class EventLog {
 public:
  EventLog() = default;
  explicit EventLog(http::ClientRequest& req) { listen(req); }
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  void listen(http::ClientRequest& req) {
    req.on<"socket">([this](net::Socket&) { add("socket"); });
    req.on<"finish">([this] { add("finish"); });
    req.on<"response">([this](http::IncomingMessage& res) {
      add("response");
      listen(res);
    });
    req.on<"abort">([this] { add("abort"); });
    req.on<"timeout">([this] { add("timeout"); });
    req.on<"error">([this](const http::Error& error) { add("error:" + named(error)); });
    req.on<"close">([this] { add("close"); });
  }
  void listen(http::IncomingMessage& res) {
    res.on<"data">([this](std::string_view data) { add("data:" + std::string(data)); });
    res.on<"end">([this] { add("res-end"); });
    res.on<"aborted">([this] { add("res-aborted"); });
    res.on<"timeout">([this] { add("res-timeout"); });
    res.on<"error">([this](const http::Error& error) { add("res-error:" + named(error)); });
    res.on<"close">([this] { add("res-close"); });
  }
  void add(std::string_view event) {
    if (!text_.empty()) text_ += ' ';
    text_ += event;
  }
  const std::string& text() const { return text_; }
  std::string take() { return std::exchange(text_, {}); }

 private:
  static std::string named(const http::Error& error) { return std::string(error.name()); }

  std::string text_;
};

/// A response with this body and its length.
inline std::string response(std::string_view body = {}, std::string_view fields = {}) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

/// The request that options without anything make.
inline constexpr std::string_view plainGet =
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// The name of the http::Error that `act` throws; "" where it throws none.
template <class F>
std::string thrownBy(F&& act) {
  try {
    act();
  } catch (const http::Error& error) {
    return std::string(error.name());
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted ? "cancelled" : error.code().message();
  }
  return {};
}

/// The words of the same error.
template <class F>
std::string wordsOf(F&& act) {
  try {
    act();
  } catch (const http::Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace sluice::test
