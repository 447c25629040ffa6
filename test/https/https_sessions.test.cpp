// SPDX-License-Identifier: BSL-1.0
//
// What an https::Server remembers of a connection, and whom that lets in.
#include <openssl/ssl.h>
#include "https_serving.hpp"
#include "support/catch.hpp"

using namespace relay;
using namespace std::chrono_literals;

namespace {
/// The seconds for which a server has said that it takes a session.
unsigned long lifetimeOf(const std::string& session) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(session.data());
  SSL_SESSION* decoded = d2i_SSL_SESSION(nullptr, &bytes, static_cast<long>(session.size()));
  const unsigned long seconds = SSL_SESSION_get_ticket_lifetime_hint(decoded);
  SSL_SESSION_free(decoded);
  return seconds;
}
}  // namespace
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
