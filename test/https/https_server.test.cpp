// SPDX-License-Identifier: BSL-1.0
//
// https::Server: its events, whom it takes, whose certificate it shows, and what it remembers.
#include <openssl/ssl.h>
#include <algorithm>
#include <boost/asio/ssl/context.hpp>
#include <vector>
#include "relay.hpp"
#include "support/catch.hpp"
#include "support/loopback.hpp"

using namespace relay;
using namespace std::chrono_literals;

namespace {

https::ServerOptions serverOptions() {
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

const test::Identity& clientIdentity() {
  static const test::Identity made = test::issued("a client", "email:client@example.org");
  return made;
}

/// The seconds for which a server has said that it takes a session.
unsigned long lifetimeOf(const std::string& session) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(session.data());
  SSL_SESSION* decoded = d2i_SSL_SESSION(nullptr, &bytes, static_cast<long>(session.size()));
  const unsigned long seconds = SSL_SESSION_get_ticket_lifetime_hint(decoded);
  SSL_SESSION_free(decoded);
  return seconds;
}

}  // namespace

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

TEST_CASE("the name that a client asks for chooses the certificate",
          "[https]"
          "[row:10/SNI/identity]") {
  const test::Identity first = test::issued("a.example", "DNS:a.example");
  const test::Identity second = test::issued("wild", "DNS:*.example");
  auto clientOptions = Serving::clientOptions();
  const auto certificateFor = [&](Serving& serving, const char* name) {
    clientOptions.servername = name;
    clientOptions.rejectUnauthorized = false;
    return serving.ask(clientOptions).certificate.subject["CN"];
  };
  SECTION("addContext, the later one first, * for one label") {
    Serving serving;
    serving.server.addContext("*.example", {.key = second.key(), .cert = second.cert()});
    serving.server.addContext("a.example", {.key = first.key(), .cert = first.cert()});
    CHECK(certificateFor(serving, "a.example") == "a.example");
    CHECK(certificateFor(serving, "A.EXAMPLE") == "a.example");
    CHECK(certificateFor(serving, "b.example") == "wild");
    CHECK(certificateFor(serving, "c.b.example") == "localhost");
    CHECK(certificateFor(serving, "example") == "localhost");
    CHECK(certificateFor(serving, "elsewhere") == "localhost");
    CHECK(serving.servername == "elsewhere");
  }
  SECTION("SNICallback") {
    auto options = serverOptions();
    options.SNICallback = [&](std::string_view name) {
      if (name == "throws") throw std::runtime_error("no such customer");
      if (name != "a.example") return https::SecureContext();
      return https::createSecureContext({.key = first.key(), .cert = first.cert()});
    };
    Serving serving(options);
    CHECK(certificateFor(serving, "a.example") == "a.example");
    CHECK(certificateFor(serving, "other") == "localhost");
    serving.events.clear();
    clientOptions.servername = "throws";
    CHECK(serving.ask(clientOptions).failure == "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
    CHECK(serving.events ==
          "connection clientError:ERR_UNHANDLED_ERROR tlsClientError:ERR_UNHANDLED_ERROR ");
  }
}

TEST_CASE("setSecureContext changes new connections and leaves running ones alone", "[https]") {
  Serving serving;
  Relay relay(serving.io);
  serving.server.serve(relay.serverWire().socket());
  net::Socket running;
  const auto open = [&]() -> task<> {
    const auto options = Serving::clientOptions();
    running = relay.clientWire().socket();
    running = co_await https::connect(std::move(running), options);
  };
  auto opening = test::start(serving.io, open());
  relay.settle();
  opening.result();
  const test::Identity renewed = test::issued("renewed", "DNS:localhost");
  serving.server.setSecureContext({.key = renewed.key(), .cert = renewed.cert()});
  CHECK(serving.ask().certificate.subject["CN"] == "renewed");
  CHECK_THROWS_AS(serving.server.setSecureContext({.key = renewed.key(), .cert = "nonsense"}),
                  http::Error);
  CHECK(serving.ask().certificate.subject["CN"] == "renewed");
  std::string got;
  auto reading = test::start(serving.io, readAll(running, got));
  running.write("GET /old HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  relay.settle();
  CHECK(got.ends_with("hello /old<end>"));
  running.destroy();
}

TEST_CASE("a session is resumed with what the last connection left",
          "[https]"
          "[row:10/req.socket.encrypted]") {
  const std::string version = GENERATE(as<std::string>(), "TLSv1.2", "TLSv1.3");
  auto options = serverOptions();
  options.maxVersion = version;
  auto clientOptions = Serving::clientOptions();
  Serving serving(options);
  const auto first = serving.ask(clientOptions);
  CHECK_FALSE(first.reused);
  REQUIRE_FALSE(first.session.empty());
  clientOptions.session = first.session;
  SECTION("resumed") {
    const auto second = serving.ask(clientOptions);
    CHECK(second.failure.empty());
    CHECK(second.protocol == version);
    CHECK(second.reused);
    CHECK(serving.reused);
    CHECK(second.certificate.subject["CN"] == "localhost");
    CHECK(second.body.ends_with("hello /x"));
  }
  SECTION("also after setSecureContext, which keeps the ticket keys") {
    serving.server.setSecureContext(
        {.key = test::localhost().key(), .cert = test::localhost().cert(), .maxVersion = version});
    CHECK(serving.ask(clientOptions).reused);
  }
  SECTION("and by another server that has the same ticket keys") {
    options.ticketKeys = serving.server.getTicketKeys();
    CHECK(options.ticketKeys.size() == 48);
    Serving other(options);
    CHECK(other.ask(clientOptions).reused);
  }
  SECTION("not with other keys") {
    serving.server.setTicketKeys(std::string(48, 'k'));
    const auto second = serving.ask(clientOptions);
    CHECK(second.failure.empty());
    CHECK_FALSE(second.reused);
  }
  SECTION("nor with what is no session") {
    clientOptions.session = "nonsense";
    const auto second = serving.ask(clientOptions);
    CHECK(second.failure.empty());
    CHECK_FALSE(second.reused);
  }
  SECTION("nor for another name, which the certificate has not") {
    clientOptions.servername = "other.example";
    CHECK(serving.ask(clientOptions).failure == "ERR_TLS_CERT_ALTNAME_INVALID");
  }
}

TEST_CASE(
    "servers with the same ticket keys resume each other's sessions, within a sessionIdContext",
    "[https]") {
  const auto options = [](const char* context) {
    https::ServerOptions made = serverOptions();
    made.ticketKeys = std::string(48, 'k');
    made.sessionIdContext = context;
    return made;
  };
  Serving first(options("shop"));
  Serving second(options("shop"));
  Serving other(options("bank"));
  auto client = Serving::clientOptions();
  client.session = first.ask().session;
  CHECK(second.ask(client).reused);
  CHECK_FALSE(other.ask(client).reused);
}

TEST_CASE("servers that share a context have ticket keys and a sessionTimeout of their own",
          "[https]") {
  const std::string version = GENERATE(as<std::string>(), "TLSv1.2", "TLSv1.3");
  https::ServerOptions options;
  options.secureContext = https::createSecureContext(
      {.key = test::localhost().key(), .cert = test::localhost().cert(), .maxVersion = version});
  options.sessionTimeout = 100s;
  Serving first(options);
  options.sessionTimeout = 200s;
  Serving second(options);
  auto client = Serving::clientOptions();
  client.session = first.ask().session;
  CHECK(lifetimeOf(client.session) == 100);
  CHECK(first.ask(client).reused);
  CHECK_FALSE(second.ask(client).reused);
  CHECK(lifetimeOf(second.ask().session) == 200);
  second.server.setTicketKeys(first.server.getTicketKeys());
  CHECK(second.ask(client).reused);
  second.server.setTicketKeys(std::string(48, 'k'));
  CHECK(first.ask(client).reused);
  CHECK_FALSE(second.ask(client).reused);
}

TEST_CASE("a server takes no empty context, and keeps the one that it has", "[https]") {
  Serving serving;
  CHECK_THROWS_AS(serving.server.setSecureContext(https::SecureContext()), http::Error);
  CHECK(serving.ask().body.ends_with("hello /x"));
}

TEST_CASE("secureOptions are OpenSSL's own", "[https]") {
  https::ServerOptions options = serverOptions();
  options.secureOptions = SSL_OP_NO_TLSv1_3;
  Serving site(options);
  CHECK(site.ask().protocol == "TLSv1.2");
}

TEST_CASE("by default no cipher is used that does not authenticate what it encrypts", "[https]") {
  Serving site;
  auto client = Serving::clientOptions();
  client.maxVersion = "TLSv1.2";
  CHECK(site.ask(client).protocol == "TLSv1.2");
  client.ciphers = "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-CCM8";
  CHECK(site.ask(client).failure == "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE");
}

TEST_CASE("dhparam is \"auto\" or parameters", "[https]") {
  https::ServerOptions options = serverOptions();
  options.dhparam = "auto";
  CHECK(Serving(options).ask().failure.empty());
  options.dhparam = "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n";
  CHECK_THROWS_AS(Serving(options), http::Error);
}

TEST_CASE("ecdhCurve is \"auto\" or a list of curves", "[https]") {
  https::ServerOptions options = serverOptions();
  for (const char* curves : {"auto", "P-384", "P-521:X25519"}) {
    options.ecdhCurve = curves;
    INFO(curves);
    CHECK(Serving(options).ask().failure.empty());
  }
  options.ecdhCurve = "no curve";
  CHECK_THROWS_AS(Serving(options), http::Error);
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

TEST_CASE("a resumed session does not make an untrusted peer a trusted one", "[https]") {
  const std::string version = GENERATE(as<std::string>(), "TLSv1.2", "TLSv1.3");
  auto options = serverOptions();
  options.maxVersion = version;
  Serving serving(options);
  https::ConnectionOptions careless;
  careless.host = "localhost";
  careless.ca = clientIdentity().cert();
  careless.rejectUnauthorized = false;
  const auto first = serving.ask(careless);
  REQUIRE(first.failure.empty());
  careless.session = first.session;
  careless.rejectUnauthorized = true;
  CHECK(serving.ask(careless).failure == "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
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

TEST_CASE("a session lets a client in only where the same is asked of its certificate", "[https]") {
  const std::string version = GENERATE(as<std::string>(), "TLSv1.2", "TLSv1.3");
  const test::Identity stranger(test::CertificateOptions{.altNames = {}, .ca = true});
  const auto trusting = [](const test::Identity& whom) {
    return https::SecureContextOptions{
        .key = test::localhost().key(), .cert = test::localhost().cert(), .ca = whom.cert()};
  };
  auto options = serverOptions();
  options.maxVersion = version;
  options.requestCert = true;
  options.rejectUnauthorized = false;
  options.ca = test::authority().cert();
  options.ticketKeys = std::string(48, 'k');
  auto client = Serving::clientOptions();
  client.key = clientIdentity().key();
  client.cert = clientIdentity().cert();
  client.checkServerIdentity = [](std::string_view, const net::PeerCertificate&) {
    return error_code();
  };
  Serving serving(options);
  SECTION("not for another name, whose clients others vouch for") {
    serving.server.addContext("other.example", trusting(stranger));
    serving.server.addContext("same.example", trusting(test::authority()));
    client.session = serving.ask(client).session;
    CHECK(serving.authorized);
    client.servername = "same.example";
    CHECK(serving.ask(client).reused);
    CHECK(serving.authorized);
    client.servername = "other.example";
    serving.ask(client);
    // Before TLS 1.3 a session that is resumed keeps its name, and so its context.
    CHECK(serving.authorized == (serving.servername != "other.example"));
    client.session.clear();
    serving.ask(client);
    CHECK_FALSE(serving.authorized);
  }
  SECTION("not once others vouch for clients") {
    client.session = serving.ask(client).session;
    CHECK(serving.authorized);
    serving.server.setSecureContext(trusting(stranger));
    CHECK_FALSE(serving.ask(client).reused);
    CHECK_FALSE(serving.authorized);
  }
  SECTION("not once the certificate is revoked") {
    client.session = serving.ask(client).session;
    auto revoking = trusting(test::authority());
    revoking.crl = test::authority().revoke(clientIdentity());
    serving.server.setSecureContext(revoking);
    CHECK_FALSE(serving.ask(client).reused);
    CHECK(http::errorName(serving.authorizationError) == "CERT_REVOKED");
  }
  SECTION("not from a server with the same keys that asked for none, or let everybody in") {
    options.requestCert = GENERATE(false, true);
    Serving lax(options);
    client.key = client.cert = https::Pem();
    client.session = lax.ask(client).session;
    options.requestCert = true;
    options.rejectUnauthorized = true;
    Serving strict(options);
    CHECK(strict.ask(client).body.empty());
    CHECK(strict.events.find("secureConnection") == std::string::npos);
  }
}

TEST_CASE("versions, ciphers and protocols that the peers do not share end the handshake",
          "[https]"
          "[row:10/https.createServer]") {
  auto options = serverOptions();
  auto clientOptions = Serving::clientOptions();
  std::string atClient, atServer;
  SECTION("versions") {
    options.maxVersion = "TLSv1.2";
    clientOptions.minVersion = "TLSv1.3";
    atClient = "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION";
    atServer = "ERR_SSL_UNSUPPORTED_PROTOCOL";
  }
  SECTION("ciphers") {
    options.ciphers = "TLS_AES_256_GCM_SHA384";
    clientOptions.ciphers = "TLS_AES_128_GCM_SHA256";
    clientOptions.minVersion = "TLSv1.3";
    atClient = "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE";
    atServer = "ERR_SSL_NO_SHARED_CIPHER";
  }
  SECTION("curves") {
    options.ecdhCurve = "P-384";
    clientOptions.ecdhCurve = "X25519:P-256";
    clientOptions.minVersion = "TLSv1.3";
    atClient = "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE";
    atServer = "EPROTO";
  }
  SECTION("signatures") {
    // The server's key is one of P-256.
    clientOptions.sigalgs = "ECDSA+SHA384";
    clientOptions.minVersion = "TLSv1.3";
    atClient = "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE";
    atServer = "EPROTO";
  }
  SECTION("ALPN") {
    clientOptions.ALPNProtocols = {"h2"};
    atClient = "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL";
    atServer = "ERR_SSL_NO_APPLICATION_PROTOCOL";
  }
  Serving serving(options);
  CHECK(serving.ask(clientOptions).failure == atClient);
  CHECK(serving.events ==
        "connection clientError:" + atServer + " tlsClientError:" + atServer + ' ');
}

TEST_CASE("keys and certificates come as text, files, PKCS #12 or a ready context",
          "[https]"
          "[row:10/https.createServer]") {
  https::ServerOptions options;
  SECTION("with a passphrase") {
    options.key = test::localhost().encryptedKey("open sesame");
    options.cert = test::localhost().cert();
    options.passphrase = "open sesame";
  }
  SECTION("PKCS #12") {
    options.pfx = test::localhost().pfx("open sesame");
    options.passphrase = "open sesame";
  }
  SECTION("a context of createSecureContext()") {
    options.secureContext = https::createSecureContext(
        {.key = test::localhost().key(), .cert = test::localhost().cert()});
  }
  SECTION("a context of Asio") {
    asio::ssl::context ready(asio::ssl::context::tls_server);
    const std::string key = test::localhost().key();
    const std::string cert = test::localhost().cert();
    ready.use_certificate_chain(asio::buffer(cert));
    ready.use_private_key(asio::buffer(key), asio::ssl::context::pem);
    options.secureContext = https::SecureContext(std::move(ready));
  }
  Serving serving(options);
  const auto answer = serving.ask();
  CHECK(answer.failure.empty());
  CHECK(answer.certificate.subject["CN"] == "localhost");
}

TEST_CASE("a server sends the certificates between its own and the trusted one", "[https]") {
  const test::Identity between({.commonName = "between", .altNames = {}, .ca = true},
                               &test::authority());
  const test::Identity own({}, &between);
  https::ServerOptions options;
  std::string failure;
  SECTION("of cert") {
    options.key = own.key();
    options.cert = own.cert() + between.cert();
  }
  SECTION("of pfx") {
    options.pfx = own.pfx("open sesame", &between);
    options.passphrase = "open sesame";
  }
  SECTION("without them nobody can tell whether to trust it") {
    options.key = own.key();
    options.cert = own.cert();
    failure = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
  }
  CHECK(Serving(options).ask().failure == failure);
}

TEST_CASE("a server may be made before its handler", "[https][row:10/https.createServer]") {
  asio::io_context io;
  CHECK(https::createServer(io, serverOptions(), {}).listenerCount<"request">() == 0);
  CHECK(https::createServer(io, serverOptions(), nullptr).listenerCount<"request">() == 0);
}

TEST_CASE("what is wrong with keys, certificates and ciphers is said at once", "[https]") {
  const auto failure = [](const https::SecureContextOptions& options) {
    try {
      https::createSecureContext(options);
      return std::string("none");
    } catch (const http::Error& error) {
      return std::string(error.name());
    }
  };
  const std::string key = test::localhost().key();
  const std::string cert = test::localhost().cert();
  CHECK(failure({.key = key, .cert = cert}) == "none");
  CHECK(failure({.key = "/no/such/file"}) == "ENOENT");
  CHECK(failure({.key = key, .cert = clientIdentity().cert()}) ==
        "ERR_OSSL_X509_KEY_VALUES_MISMATCH");
  CHECK(failure({.key = cert, .cert = cert}) == "ERR_OSSL_UNSUPPORTED");
  CHECK(failure({.cert = key}) == "ERR_OSSL_PEM_NO_START_LINE");
  // One time in 256, what a wrong passphrase decrypts to ends as if it were right: it is then said
  // to be no key. Each key is encrypted in another way.
  const auto failureOfEncrypted = [&](https::SecureContextOptions options) {
    std::string name;
    for (int attempt = 0; attempt < 5 && name != "ERR_OSSL_BAD_DECRYPT"; ++attempt) {
      options.key = test::localhost().encryptedKey("right");
      name = failure(options);
    }
    return name;
  };
  CHECK(failureOfEncrypted({.passphrase = "wrong"}) == "ERR_OSSL_BAD_DECRYPT");
  CHECK(failureOfEncrypted({}) == "ERR_OSSL_BAD_DECRYPT");
  CHECK(failure({.pfx = test::localhost().pfx("right"), .passphrase = "wrong"}) ==
        "ERR_OSSL_BAD_DECRYPT");
  CHECK(failure({.minVersion = "TLSv1.1"}) == "ERR_TLS_INVALID_PROTOCOL_VERSION");
  CHECK(failure({.ciphers = "NONSENSE"}) == "ERR_SSL_NO_CIPHER_MATCH");
  auto options = serverOptions();
  options.ticketKeys = "too short";
  asio::io_context io;
  CHECK_THROWS_AS(https::createServer(io, options), http::Error);
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
