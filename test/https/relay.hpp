// SPDX-License-Identifier: BSL-1.0
//
// Two wires, and what goes from one to the other in the hands of the test: TLS between a client and
// a server of ours, in memory, with everything in sight that is on its way.
#pragma once

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <optional>
#include <sluice/https.hpp>
#include <sluice/https/detail/handshake.hpp>
#include <sluice/https/detail/ticket_keys.hpp>
#include <sluice/test/clock.hpp>
#include <sluice/test/wire.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include "support/certificates.hpp"
#include "support/run.hpp"

namespace relay {

namespace asio = boost::asio;
namespace http = sluice::http;
namespace https = sluice::https;
namespace net = sluice::net;
namespace test = sluice::test;
using sluice::error_code;
using sluice::task;

/// Where each record of TLS begins, and where the last one ends.
inline std::vector<std::size_t> records(std::string_view bytes) {
  std::vector<std::size_t> starts;
  std::size_t at = 0;
  while (at + 5 <= bytes.size()) {
    starts.push_back(at);
    const auto byte = [&](std::size_t i) {
      return std::size_t(static_cast<unsigned char>(bytes[i]));
    };
    at += 5 + (byte(at + 3) << 8) + byte(at + 4);
  }
  starts.push_back(at);
  return starts;
}

/// A place in the n-th record, which no other length of the records before it moves.
struct Cut {
  std::size_t record;
  std::size_t place;  ///< below `places`

  /// Before, in and behind the head; behind the first byte, in the middle, before the last.
  static constexpr std::size_t places = 7;
  std::size_t in(std::size_t size) const {
    const std::size_t all[places] = {0, 1, 4, 5, 6, size / 2, size - 1};
    return all[place];
  }
};

/// One direction, and what a test does to it.
struct Direction {
  std::string seen;                     ///< everything that came
  std::size_t chop = std::size_t(-1);   ///< pieces of this size are passed on
  std::optional<Cut> cut{};             ///< so far, and then the end
  std::optional<error_code> cutWith{};  ///< a failure in the place of an end
  bool held = false;                    ///< nothing is passed on
  std::size_t passed = 0;
  bool ended = false;
};

class Relay {
 public:
  explicit Relay(asio::io_context& io) : io_(io), client_(io), server_(io) {}

  test::Wire& clientWire() { return client_; }
  test::Wire& serverWire() { return server_; }
  Direction up;    ///< to the server
  Direction down;  ///< to the client

  /// Runs everything, and passes on what comes, until nothing happens any more.
  void settle() {
    for (bool moved = true; moved;) {
      test::settle(io_);
      moved = move(client_, server_, up);
      moved = move(server_, client_, down) || moved;
    }
  }

 private:
  static bool move(test::Wire& from, test::Wire& to, Direction& direction) {
    if (direction.held) return false;
    const std::string bytes = from.takeReceived();
    direction.seen += bytes;
    const std::size_t end = endOf(direction);
    const std::string_view rest = std::string_view(bytes).substr(0, end - direction.passed);
    to.chop(direction.chop);
    to.deliver(rest);
    direction.passed += rest.size();
    const bool cut = direction.passed == end;
    const bool over = !direction.ended && (cut || from.ended() || from.closed());
    if (over) {
      direction.ended = true;
      if (cut && direction.cutWith) {
        to.failRead(*direction.cutWith);
      } else {
        to.deliverEnd();
      }
    }
    return !rest.empty() || over;
  }

  /// How much is passed on, as far as that is known.
  static std::size_t endOf(const Direction& direction) {
    if (!direction.cut) return std::size_t(-1);
    const auto starts = records(direction.seen);
    const std::size_t record = direction.cut->record;
    if (record + 1 >= starts.size()) return std::size_t(-1);
    return starts[record] + direction.cut->in(starts[record + 1] - starts[record]);
  }

  asio::io_context& io_;
  test::Wire client_;
  test::Wire server_;
};

/// Both ends of a connection without HTTP, hands not shaken yet.
struct Pair {
  explicit Pair(asio::io_context& io, https::ServerOptions options = {}) : relay(io), io_(io) {
    if (options.cert.empty() && !options.secureContext) {
      options.key = test::localhost().key();
      options.cert = test::localhost().cert();
    }
    serverOptions = std::move(options);
    clientOptions.host = "localhost";
    clientOptions.ca = test::authority().cert();
  }

  /// Shakes hands; false: the client failed, and `failure` says why.
  bool connect() {
    start();
    relay.settle();
    return bool(client);
  }

  void start() {
    auto policy = std::make_shared<https::detail::TlsPolicy>();
    policy->server = true;
    policy->requestCert = serverOptions.requestCert;
    policy->rejectUnauthorized = serverOptions.rejectUnauthorized;
    policy->protocols = https::detail::protocolList(serverOptions.ALPNProtocols);
    policy->handshakeTimeout = serverOptions.handshakeTimeout;
    policy->ticketKeys = std::make_shared<const https::detail::TicketKeys>();
    policy->context = https::detail::SecureContextAccess::get(
        serverOptions.secureContext
            ? serverOptions.secureContext
            : https::createSecureContext(https::detail::secureContextOptions(serverOptions)));
    asio::co_spawn(io_, accept(policy), asio::detached);
    asio::co_spawn(io_, open(), asio::detached);
  }

  task<> accept(std::shared_ptr<https::detail::TlsPolicy> policy) {
    net::Socket socket = relay.serverWire().socket();
    try {
      co_await https::detail::handshake(net::detail::SocketAccess::core(socket), policy);
      server = std::move(socket);
    } catch (const http::Error& error) {
      serverFailure = error;
    }
  }
  task<> open() {
    net::Socket socket = relay.clientWire().socket();
    try {
      client = co_await https::connect(std::move(socket), clientOptions);
    } catch (const http::Error& error) {
      failure = error;
    }
  }

  Relay relay;
  https::ServerOptions serverOptions;
  https::ConnectionOptions clientOptions;
  net::Socket client;
  net::Socket server;
  std::optional<http::Error> failure;
  std::optional<http::Error> serverFailure;

 private:
  asio::io_context& io_;
};

inline std::string nameOf(const std::optional<http::Error>& error) {
  return error ? std::string(error->name()) : "none";
}

/// All that comes until the end, or the name of the error that was met, after a "!".
inline task<> readAll(net::Socket& socket, std::string& to) {
  try {
    while (const auto chunk = co_await socket.read()) to += *chunk;
    to += "<end>";
  } catch (const http::Error& error) {
    to += '!' + std::string(error.name());
  }
}

}  // namespace relay
