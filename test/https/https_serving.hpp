// SPDX-License-Identifier: BSL-1.0
//
// An https::Server in memory, and clients of it that do not speak HTTP by themselves.
#pragma once

#include <string>
#include "relay.hpp"

namespace relay {
inline https::ServerOptions serverOptions() {
  https::ServerOptions options;
  options.key = test::localhost().key();
  options.cert = test::localhost().cert();
  return options;
}

/// A server, and clients of it that do not speak HTTP by themselves.
struct Serving {
  explicit Serving(https::ServerOptions options = serverOptions())
      : server(https::createServer(
            io, options, [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
              co_await res.end("hello " + std::string(req.url()));
            })) {
    server.on<"connection">([this](net::Socket&) { events += "connection "; });
    server.on<"secureConnection">([this](net::Socket& socket) {
      events += "secureConnection ";
      servername = socket.servername();
      reused = socket.isSessionReused();
      authorized = socket.authorized();
      authorizationError = socket.authorizationError();
      peer = socket.getPeerCertificate();
    });
    server.on<"clientError">([this](const http::Error& error, net::Socket&) {
      events += "clientError:" + std::string(error.name()) + ' ';
    });
    server.on<"tlsClientError">([this](const http::Error& error, net::Socket&) {
      events += "tlsClientError:" + std::string(error.name()) + ' ';
    });
  }

  static https::ConnectionOptions clientOptions() {
    https::ConnectionOptions options;
    options.host = "localhost";
    options.ca = test::authority().cert();
    return options;
  }

  struct Answer {
    std::string body = {};
    std::string failure = {};
    net::PeerCertificate certificate = {};
    std::string session = {};
    std::string protocol = {};
    bool reused = false;
  };

  /// One connection, one request, one answer.
  Answer ask(https::ConnectionOptions options = clientOptions()) {
    Relay relay(io);
    Answer answer;
    server.serve(relay.serverWire().socket());
    const auto run = [&]() -> task<> {
      net::Socket socket = relay.clientWire().socket();
      try {
        socket = co_await https::connect(std::move(socket), options);
        answer.certificate = socket.getPeerCertificate();
        answer.protocol = socket.getProtocol();
        answer.reused = socket.isSessionReused();
        socket.write("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        while (const auto chunk = co_await socket.read()) answer.body += *chunk;
        answer.session = socket.getSession();
      } catch (const http::Error& error) {
        answer.failure = error.name();
      }
    };
    auto running = test::start(io, run());
    relay.settle();
    running.result();
    relay.settle();
    return answer;
  }

  asio::io_context io;
  test::Clock clock{io};
  https::Server server;
  std::string events;
  std::string servername;
  bool reused = false;
  bool authorized = false;
  error_code authorizationError;
  net::PeerCertificate peer;
};

inline const test::Identity& clientIdentity() {
  static const test::Identity made = test::issued("a client", "email:client@example.org");
  return made;
}
}  // namespace relay
