// SPDX-License-Identifier: BSL-1.0
//
// Keys, certificates, versions and ciphers of an https::Server, and which it shows to whom.
#include <openssl/ssl.h>
#include <boost/asio/ssl/context.hpp>
#include "https_serving.hpp"
#include "support/catch.hpp"

using namespace relay;
using namespace std::chrono_literals;

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
