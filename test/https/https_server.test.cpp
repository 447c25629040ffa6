// SPDX-License-Identifier: BSL-1.0
//
// https::Server: its events, and whom it takes.
#include <algorithm>
#include <vector>
#include "https_serving.hpp"
#include "support/catch.hpp"
#include "support/loopback.hpp"

using namespace relay;
using namespace std::chrono_literals;

TEST_CASE("a request over TLS is answered; 'connection' comes before the handshake",
          "[https]"
          "[row:3.1/'tlsClientError'][row:10/https.createServer][row:10/https.Server][row:10/"
          "'secureConnection']") {
  Serving serving;
  const auto answer = serving.ask();
  CHECK(answer.failure.empty());
  CHECK(answer.body.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.body.ends_with("\r\n\r\nhello /x"));
  CHECK(serving.events == "connection secureConnection ");
  CHECK(serving.servername == "localhost");
  CHECK(serving.server.getConnections() == 0);
}

TEST_CASE("getPeerCertificate() tells what is in a certificate",
          "[https]"
          "[row:10/req.socket.encrypted]") {
  Serving serving;
  const auto certificate = serving.ask().certificate;
  REQUIRE(certificate);
  CHECK(certificate.subject["CN"] == "localhost");
  CHECK(certificate.issuer["CN"] == "sluice test authority");
  CHECK(certificate.subjectaltname == "DNS:localhost, IP Address:127.0.0.1, IP Address:::1");
  CHECK_FALSE(certificate.ca);
  CHECK(certificate.bits == 256);
  CHECK(certificate.valid_from.ends_with(" GMT"));
  CHECK(certificate.fingerprint.size() == 20 * 3 - 1);
  CHECK(certificate.fingerprint256.size() == 32 * 3 - 1);
  CHECK(certificate.serialNumber.size() == 4);
  CHECK(certificate.raw.size() > 200);
}

TEST_CASE("plain HTTP on a TLS port: tlsClientError, clientError, and the socket is gone",
          "[https]"
          "[row:3.1/'tlsClientError'][row:10/'tlsClientError']") {
  Serving serving;
  test::Wire wire(serving.io);
  serving.server.serve(wire.socket());
  wire.deliver("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  test::settle(serving.io);
  CHECK(serving.events ==
        "connection clientError:ERR_SSL_HTTP_REQUEST tlsClientError:ERR_SSL_HTTP_REQUEST ");
  CHECK(wire.closed());
  CHECK(serving.server.getConnections() == 0);
}

TEST_CASE("a client that vanishes before its hands are shaken is a tlsClientError",
          "[https]"
          "[row:3.1/'tlsClientError'][row:10/'tlsClientError']") {
  Serving serving;
  test::Wire wire(serving.io);
  serving.server.serve(wire.socket());
  test::settle(serving.io);
  CHECK(serving.server.getConnections() == 1);
  wire.deliverEnd();
  test::settle(serving.io);
  CHECK(serving.events == "connection clientError:ECONNRESET tlsClientError:ECONNRESET ");
  CHECK(wire.closed());
}

TEST_CASE("a handshake that takes too long is over after handshakeTimeout", "[https]") {
  auto options = serverOptions();
  SECTION("120 s by default, whatever the other timeouts are") {
    options.requestTimeout = 10s;
    options.timeout = 5s;
    options.connectionsCheckingInterval = 1s;
    Serving serving(options);
    test::Wire wire(serving.io);
    serving.server.serve(wire.socket());
    wire.deliver("\x16\x03\x01");
    serving.clock.advance(119s);
    CHECK_FALSE(wire.closed());
    CHECK(wire.received().empty());
    serving.clock.advance(2s);
    CHECK(wire.closed());
    CHECK(serving.events ==
          "connection clientError:ERR_TLS_HANDSHAKE_TIMEOUT "
          "tlsClientError:ERR_TLS_HANDSHAKE_TIMEOUT ");
  }
  SECTION("or what the option says") {
    options.handshakeTimeout = 100ms;
    Serving serving(options);
    test::Wire wire(serving.io);
    serving.server.serve(wire.socket());
    serving.clock.advance(101ms);
    CHECK(wire.closed());
  }
}

TEST_CASE("close() ends connections that still shake hands, and so does the server's end",
          "[https]"
          "[row:10/https.Server]") {
  Serving serving;
  test::Wire wire(serving.io);
  serving.server.serve(wire.socket());
  test::settle(serving.io);
  SECTION("closeIdleConnections") { serving.server.closeIdleConnections(); }
  SECTION("closeAllConnections") { serving.server.closeAllConnections(); }
  SECTION("destroyed") { serving.server = https::createServer(serving.io, serverOptions()); }
  test::settle(serving.io);
  CHECK(wire.closed());
  CHECK(serving.events == "connection ");
}

TEST_CASE("a listener of 'connection' may destroy the socket", "[https]") {
  Serving serving;
  serving.server.on<"connection">([](net::Socket& socket) { socket.destroy(); });
  test::Wire wire(serving.io);
  serving.server.serve(wire.socket());
  test::settle(serving.io);
  CHECK(wire.closed());
  CHECK(serving.server.getConnections() == 0);
}

TEST_CASE("keylog tells the secrets of a connection",
          "[https]"
          "[row:3.1/'tlsClientError']") {
  Serving site;
  std::vector<std::string> lines;
  site.server.on<"keylog">([&](std::string_view line, net::Socket& socket) {
    CHECK(socket.encrypted());
    lines.emplace_back(line.substr(0, line.find(' ')));
  });
  CHECK(site.ask().failure.empty());
  CHECK(std::count(lines.begin(), lines.end(), "CLIENT_TRAFFIC_SECRET_0") == 1);
  CHECK(std::count(lines.begin(), lines.end(), "SERVER_TRAFFIC_SECRET_0") == 1);
}

TEST_CASE("a listener of 'keylog' may destroy the socket", "[https]") {
  Serving site;
  site.server.on<"keylog">([](std::string_view, net::Socket& socket) { socket.destroy(); });
  CHECK(site.ask().failure == "ERR_SSL_UNEXPECTED_EOF");
  CHECK(site.server.getConnections() == 0);
}

TEST_CASE("a server that asks for certificates takes those that it trusts",
          "[https]"
          "[row:10/https.createServer][row:10/req.socket.encrypted]") {
  const std::string version = GENERATE(as<std::string>(), "TLSv1.2", "TLSv1.3");
  auto options = serverOptions();
  options.maxVersion = version;
  options.requestCert = true;
  options.ca = test::authority().cert();
  auto clientOptions = Serving::clientOptions();
  SECTION("trusted") {
    Serving serving(options);
    clientOptions.key = clientIdentity().key();
    clientOptions.cert = clientIdentity().cert();
    const auto answer = serving.ask(clientOptions);
    CHECK(answer.body.ends_with("hello /x"));
    CHECK(serving.authorized);
    CHECK(serving.peer.subject["CN"] == "a client");
    clientOptions.session = answer.session;
    serving.authorized = false;
    CHECK(serving.ask(clientOptions).reused);
    CHECK(serving.authorized);
    CHECK(serving.peer.subject["CN"] == "a client");
  }
  SECTION("none") {
    Serving serving(options);
    CHECK(serving.ask(clientOptions).body.empty());
    CHECK(serving.events ==
          "connection clientError:ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE "
          "tlsClientError:ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE ");
  }
  SECTION("a stranger's") {
    Serving serving(options);
    const test::Identity stranger((test::CertificateOptions()));
    clientOptions.key = stranger.key();
    clientOptions.cert = stranger.cert();
    const auto answer = serving.ask(clientOptions);
    CHECK(answer.body.empty());
    CHECK_FALSE(answer.failure.empty());
    CHECK(serving.events ==
          "connection clientError:DEPTH_ZERO_SELF_SIGNED_CERT "
          "tlsClientError:DEPTH_ZERO_SELF_SIGNED_CERT ");
  }
  SECTION("a revoked one") {
    options.crl = test::authority().revoke(clientIdentity());
    Serving serving(options);
    clientOptions.key = clientIdentity().key();
    clientOptions.cert = clientIdentity().cert();
    CHECK(serving.ask(clientOptions).body.empty());
    CHECK(serving.events == "connection clientError:CERT_REVOKED tlsClientError:CERT_REVOKED ");
  }
  SECTION("anybody's, where it does not insist") {
    options.rejectUnauthorized = false;
    Serving serving(options);
    CHECK(serving.ask(clientOptions).body.ends_with("hello /x"));
    CHECK_FALSE(serving.authorized);
    CHECK(http::errorName(serving.authorizationError) == "UNABLE_TO_GET_ISSUER_CERT");
    const test::Identity stranger((test::CertificateOptions()));
    clientOptions.key = stranger.key();
    clientOptions.cert = stranger.cert();
    CHECK(serving.ask(clientOptions).body.ends_with("hello /x"));
    CHECK_FALSE(serving.authorized);
    CHECK(http::errorName(serving.authorizationError) == "DEPTH_ZERO_SELF_SIGNED_CERT");
  }
}

TEST_CASE("a server may be made before its handler", "[https][row:10/https.createServer]") {
  asio::io_context io;
  CHECK(https::createServer(io, serverOptions(), {}).listenerCount<"request">() == 0);
  CHECK(https::createServer(io, serverOptions(), nullptr).listenerCount<"request">() == 0);
}

TEST_CASE("the header of a proxy comes before the handshake", "[https.Server][proxyProtocol]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    std::string seen;
    https::Server server =
        https::createServer(loop, serverOptions(),
                            [&](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
                              seen = std::string(req.socket().remoteAddress()) + ' ' +
                                     std::to_string(req.socket().localPort());
                              co_await res.end("hello");
                            });
    server.listen({.port = 0, .host = "127.0.0.1", .proxyProtocol = true});
    const net::ConnectionOptions options{.host = "127.0.0.1", .port = server.address().port};
    net::Socket plain = co_await net::connect(options);
    plain.write("PROXY TCP6 2001:db8::9 2001:db8::1 56324 443\r\n");
    const https::ConnectionOptions tls = Serving::clientOptions();
    net::Socket client = co_await https::connect(std::move(plain), tls);
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    std::string all;
    while (auto piece = co_await client.read()) all += *piece;
    CHECK(all.substr(0, 15) == "HTTP/1.1 200 OK");
    CHECK(seen == "2001:db8::9 443");
    co_await server.shutdown(0s);
  });
}
