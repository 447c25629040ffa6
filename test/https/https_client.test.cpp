// SPDX-License-Identifier: BSL-1.0
//
// https::connect(), requests and agents: whom they believe, what they share, over loopback.
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sluice/https.hpp>
#include <sluice/test/clock.hpp>
#include <stdexcept>
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/loopback.hpp"
#include "support/run.hpp"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

https::ServerOptions optionsOf(const test::Identity& identity) {
  https::ServerOptions options;
  options.key = identity.key();
  options.cert = identity.cert();
  return options;
}

/// A server that tells what it saw, on a port of its own.
struct Site {
  Site(asio::io_context& loop, const https::ServerOptions& options)
      : server(https::createServer(
            loop, options, [this](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
              ++requests;
              co_await res.end(std::string(req.socket().isSessionReused() ? "resumed " : "new ") +
                               req.socket().servername());
            })) {
    server.on<"secureConnection">([this](net::Socket&) { ++connections; });
    server.listen(0, "127.0.0.1");
    port = server.address().port;
  }
  std::string url(const std::string& host = "localhost") const {
    return "https://" + host + ':' + std::to_string(port) + '/';
  }

  int connections = 0;
  int requests = 0;
  https::Server server;
  std::uint16_t port = 0;
};

task<std::string> fetch(std::string url, https::RequestOptions options) {
  try {
    auto res = co_await https::get(url, options);
    co_return co_await res.text();
  } catch (const http::Error& error) {
    co_return '!' + std::string(error.name());
  }
}

https::RequestOptions trusting(const test::Identity& whom) {
  https::RequestOptions options;
  options.ca = whom.cert();
  options.family = 4;
  return options;
}

/// The answer of a site with this certificate, or the error.
std::string answerOf(const test::Identity& identity, https::RequestOptions options,
                     const std::string& host = "localhost") {
  std::string answer;
  loopback::run([&](asio::io_context& loop) -> task<> {
    Site site(loop, optionsOf(identity));
    answer = co_await fetch(site.url(host), options);
  });
  return answer;
}

}  // namespace

TEST_CASE("a listener may come with an address of each kind", "[https]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    Site site(loop, optionsOf(test::localhost()));
    const std::string text = site.url();
    const http::URL url(text);
    const auto trusted = trusting(test::authority());
    std::string heard;
    const auto hear = [&](http::IncomingMessage& res) {
      heard += std::to_string(res.statusCode()) + ' ';
    };
    const auto outcome = [&](http::ClientRequest req) -> task<> {
      req.end();
      try {
        co_await req.response();
      } catch (const http::Error& error) {
        heard += std::string(error.name()) + ' ';
      }
    };
    co_await outcome(https::request(loop, url, trusted, hear));
    co_await outcome(https::request(loop, text, trusted, hear));
    co_await outcome(https::get(loop, url, trusted, hear));
    co_await outcome(https::get(loop, text, trusted, hear));
    CHECK(std::exchange(heard, {}) == "200 200 200 200 ");
    // Nobody has said whom to trust.
    co_await outcome(https::request(loop, url, hear));
    co_await outcome(https::request(loop, text, hear));
    co_await outcome(https::get(loop, url, hear));
    co_await outcome(https::get(loop, text, hear));
    std::string unknown;
    for (int i = 0; i != 4; ++i) unknown += "UNABLE_TO_VERIFY_LEAF_SIGNATURE ";
    CHECK(heard == unknown);
  });
}

TEST_CASE("a request over TLS brings the answer of a server that is trusted",
          "[https]"
          "[row:10/https.request]") {
  CHECK(answerOf(test::localhost(), trusting(test::authority())) == "new localhost");
  CHECK(answerOf(test::localhost(), trusting(test::authority()), "127.0.0.1") == "new ");
}

TEST_CASE("a certificate that is not good has Node's name for what is wrong",
          "[https]"
          "[row:10/failures on the wire]") {
  using Options = test::CertificateOptions;
  const test::Identity selfSigned((Options()));
  const test::Identity expired(Options{.fromDay = -10, .toDay = -1}, &test::authority());
  const test::Identity future(Options{.fromDay = 1, .toDay = 10}, &test::authority());
  const test::Identity other = test::issued("localhost", "DNS:other.example");
  const test::Identity nameless = test::issued("localhost", "");
  const auto options = trusting(test::authority());
  CHECK(answerOf(selfSigned, options) == "!DEPTH_ZERO_SELF_SIGNED_CERT");
  CHECK(answerOf(selfSigned, trusting(selfSigned)) == "new localhost");
  CHECK(answerOf(expired, options) == "!CERT_HAS_EXPIRED");
  CHECK(answerOf(future, options) == "!CERT_NOT_YET_VALID");
  CHECK(answerOf(other, options) == "!ERR_TLS_CERT_ALTNAME_INVALID");
  CHECK(answerOf(nameless, options) == "!ERR_TLS_CERT_ALTNAME_INVALID");
  CHECK(answerOf(other, options, "127.0.0.1") == "!ERR_TLS_CERT_ALTNAME_INVALID");
  // The system's authorities do not know ours.
  CHECK(answerOf(test::localhost(), https::RequestOptions()) == "!UNABLE_TO_VERIFY_LEAF_SIGNATURE");
}

TEST_CASE("a certificate for other names is refused with these names", "[https]") {
  const auto refusalOf = [](const char* altNames) {
    const test::Identity identity = test::issued("x", altNames);
    std::string text;
    loopback::run([&](asio::io_context& loop) -> task<> {
      Site site(loop, optionsOf(identity));
      const auto options = trusting(test::authority());
      try {
        co_await https::get(site.url(), options);
      } catch (const http::Error& error) {
        text = error.what();
      }
    });
    return text;
  };
  const std::string begin = "Hostname/IP does not match certificate's altnames: ";
  CHECK(refusalOf("DNS:a.example,IP:192.0.2.1") ==
        begin +
            "Host: localhost. is not in the cert's altnames: DNS:a.example, IP Address:192.0.2.1");
  CHECK(refusalOf("") == begin + "Cert does not contain a DNS name");
}

TEST_CASE("a name is compared as RFC 9525 says", "[https]") {
  const auto accepts = [](const char* altNames, const std::string& name) {
    const test::Identity identity = test::issued("x", altNames);
    auto options = trusting(test::authority());
    options.servername = name;
    return answerOf(identity, options).starts_with("new");
  };
  CHECK(accepts("DNS:*.example.org", "a.example.org"));
  CHECK(accepts("DNS:A.example.org", "a.EXAMPLE.org"));
  CHECK(accepts("DNS:a.example.org", "a.example.org."));
  CHECK_FALSE(accepts("DNS:*.example.org", "example.org"));
  CHECK_FALSE(accepts("DNS:*.example.org", ".example.org"));
  CHECK_FALSE(accepts("DNS:a.example.org", ".example.org"));
  CHECK_FALSE(accepts("DNS:*.example.org", "*.example.org"));
  CHECK_FALSE(accepts("DNS:*.example.org", "b.a.example.org"));
  CHECK_FALSE(accepts("DNS:a*.example.org", "ab.example.org"));
  CHECK_FALSE(accepts("DNS:a.*.org", "a.example.org"));
  CHECK_FALSE(accepts("DNS:*", "localhost"));
  CHECK(accepts("IP:fe80::1", "fe80::1"));
  CHECK_FALSE(accepts("DNS:a.example.org", "fe80::1"));
}

TEST_CASE("a name that OpenSSL cannot compare is nobody's", "[https]") {
  const test::Identity identity = test::issued("x", "DNS:a.example.org,IP:fe80::1");
  const std::string zero(1, '\0');
  for (const std::string& name : {std::string("fe80::1%1"), std::string("fe80::1%lo"),
                                  "a.example.org" + zero, "other" + zero + ".example.org"}) {
    CAPTURE(name);
    auto options = trusting(test::authority());
    options.servername = name;
    CHECK(answerOf(identity, options) == "!ERR_TLS_CERT_ALTNAME_INVALID");
  }
}

TEST_CASE("rejectUnauthorized = false takes anybody, and says what is wrong",
          "[https]"
          "[row:10/req.socket.encrypted]") {
  const test::Identity selfSigned((test::CertificateOptions()));
  loopback::run([&](asio::io_context& loop) -> task<> {
    Site site(loop, optionsOf(selfSigned));
    https::RequestOptions options;
    options.rejectUnauthorized = false;
    options.family = 4;
    auto req = https::get(loop, site.url(), options);
    bool safe = false;
    req.on<"socket">([&](net::Socket& socket) {
      socket.on<"secureConnect">([&] {
        safe = true;
        CHECK(socket.encrypted());
        CHECK_FALSE(socket.authorized());
        CHECK(http::errorName(socket.authorizationError()) == "DEPTH_ZERO_SELF_SIGNED_CERT");
      });
    });
    auto res = co_await req.response();
    const auto body = co_await res.text();
    CHECK(body == "new localhost");
    CHECK(safe);
  });
}

TEST_CASE("checkServerIdentity decides in place of the names", "[https]") {
  auto options = trusting(test::authority());
  std::string seen;
  const auto refusal = GENERATE(error_code(), make_error_code(http::errc::HOSTNAME_MISMATCH));
  options.checkServerIdentity = [&](std::string_view host,
                                    const net::PeerCertificate& certificate) {
    seen = std::string(host) + ' ' + certificate.subjectaltname;
    return refusal;
  };
  const test::Identity other = test::issued("x", "DNS:other.example");
  CHECK(answerOf(other, options) == (refusal ? "!HOSTNAME_MISMATCH" : "new localhost"));
  CHECK(seen == "localhost DNS:other.example");
}

TEST_CASE("what checkServerIdentity throws is the error of its request", "[https]") {
  auto options = trusting(test::authority());
  options.checkServerIdentity = [](std::string_view, const net::PeerCertificate&) -> error_code {
    throw std::runtime_error("of the program");
  };
  CHECK(answerOf(test::issued("x", "DNS:localhost"), options) == "!ERR_UNHANDLED_ERROR");
}

TEST_CASE("the Host header, or servername, is whom a server has to be",
          "[https]"
          "[row:10/SNI/identity]") {
  const test::Identity other = test::issued("x", "DNS:other.example");
  auto options = trusting(test::authority());
  SECTION("Host") { options.headers.set("Host", "other.example:1234"); }
  SECTION("servername") { options.servername = "other.example"; }
  CHECK(answerOf(other, options) == "new other.example");
}

TEST_CASE("an agent's options count for its requests",
          "[https]"
          "[row:10/https.Agent]") {
  loopback::run([&](asio::io_context& loop) -> task<> {
    Site site(loop, optionsOf(test::localhost()));
    https::Agent agent(loop, {.keepAlive = true, .ca = test::authority().cert()});
    https::RequestOptions options;
    options.agent = agent;
    options.family = 4;
    const auto first = co_await fetch(site.url(), options);
    // The connection is free once the response's last events were.
    co_await asio::post(asio::use_awaitable);
    const auto second = co_await fetch(site.url(), options);
    CHECK(first == "new localhost");
    CHECK(second == "new localhost");
    CHECK(site.connections == 1);
    CHECK(site.requests == 2);
    // Another authority is another connection, which fails.
    options.ca = test::localhost().cert();
    const auto third = co_await fetch(site.url(), options);
    CHECK(third == "!UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    agent.destroy();
  });
}

TEST_CASE("an agent resumes sessions, one a name, as many as it may keep",
          "[https]"
          "[row:10/https.Agent]") {
  loopback::run([&](asio::io_context& loop) -> task<> {
    Site site(loop, optionsOf(test::localhost()));
    auto options = trusting(test::authority());
    https::Agent keeping(loop);
    options.agent = keeping;
    const auto first = co_await fetch(site.url(), options);
    const auto second = co_await fetch(site.url(), options);
    CHECK(first == "new localhost");
    CHECK(second == "resumed localhost");
    https::Agent forgetful(loop, {.maxCachedSessions = 0});
    options.agent = forgetful;
    const auto third = co_await fetch(site.url(), options);
    const auto fourth = co_await fetch(site.url(), options);
    CHECK(third == "new localhost");
    CHECK(fourth == "new localhost");
  });
}

TEST_CASE("an agent tells the secrets of its connections",
          "[https]"
          "[row:10/'keylog']") {
  std::string first;
  loopback::run([&](asio::io_context& loop) -> task<> {
    Site site(loop, optionsOf(test::localhost()));
    https::Agent agent(loop);
    agent.on<"keylog">([&](std::string_view line, net::Socket& socket) {
      if (first.empty()) first = line.substr(0, line.find(' '));
      CHECK(socket.remotePort() == site.port);
    });
    auto options = trusting(test::authority());
    options.agent = agent;
    const std::string answer = co_await fetch(site.url(), options);
    CHECK(answer == "new localhost");
  });
  CHECK(first == "SERVER_HANDSHAKE_TRAFFIC_SECRET");
}

TEST_CASE("a request that names no agent goes through the global one",
          "[https][row:10/https.globalAgent][row:10/https.request]") {
  bool used = false;
  loopback::run([&](asio::io_context& loop) -> task<> {
    Site site(loop, optionsOf(test::localhost()));
    https::Agent& agent = https::globalAgent(loop);
    CHECK(&agent == &https::globalAgent(loop));
    CHECK(agent.protocol == "https:");
    CHECK(agent.defaultPort == 443);
    CHECK(!agent.options().keepAlive);
    agent.on<"keylog">([&](std::string_view, net::Socket&) { used = true; });
    const std::string answer = co_await fetch(site.url(), trusting(test::authority()));
    CHECK(answer == "new localhost");
  });
  CHECK(used);
}

TEST_CASE("a request may have an agent of its own, or open its connection itself",
          "[https]"
          "[row:10/https.request]") {
  loopback::run([&](asio::io_context& loop) -> task<> {
    Site site(loop, optionsOf(test::localhost()));
    auto options = trusting(test::authority());
    options.agent = false;
    const auto own = co_await fetch(site.url(), options);
    CHECK(own == "new localhost");
    options = trusting(test::authority());
    https::ConnectionOptions where;
    where.host = "127.0.0.1";
    where.port = site.port;
    where.ca = test::authority().cert();
    options.createConnection = [&where](const net::ConnectionOptions&) {
      return https::connect(where);
    };
    const auto opened = co_await fetch("https://somewhere.example/", options);
    CHECK(opened == "new ");
  });
}

TEST_CASE("the scheme must be the agent's",
          "[https]"
          "[row:10/wrong scheme]") {
  asio::io_context loop;
  const auto failure = [&](auto make) {
    try {
      make();
      return std::string("none");
    } catch (const http::Error& error) {
      return std::string(error.name());
    }
  };
  CHECK(failure([&] { static_cast<void>(http::get(loop, "https://localhost/")); }) ==
        "ERR_INVALID_PROTOCOL");
  CHECK(failure([&] { static_cast<void>(https::get(loop, "http://localhost/")); }) ==
        "ERR_INVALID_PROTOCOL");
}

TEST_CASE("getName() is Node's",
          "[https]"
          "[row:10/https.Agent#getName]") {
  asio::io_context loop;
  https::Agent agent(loop);
  CHECK(agent.getName(https::RequestOptions{.host = "localhost",
                                            .port = 1,
                                            .ca = "CA",
                                            .servername = "x",
                                            .rejectUnauthorized = false}) ==
        "localhost:1::CA::::::false:x::::::::::::");
  const https::RequestOptions named{.host = "localhost", .port = 1};
  CHECK(agent.getName({.host = "localhost", .port = 1}) == agent.getName(named));
  CHECK(agent.getName({.host = "localhost", .ca = "CA"}) ==
        agent.getName(https::RequestOptions{.host = "localhost", .ca = "CA"}));
  CHECK(agent.protocol == "https:");
  CHECK(agent.defaultPort == 443);
}

TEST_CASE("a client that meets no TLS gets EPROTO, one that is hung up on ECONNRESET",
          "[https]"
          "[row:10/failures on the wire]") {
  loopback::run([&](asio::io_context& loop) -> task<> {
    auto plain =
        http::createServer(loop, [](http::IncomingMessage&, http::ServerResponse& res) -> task<> {
          co_await res.end("plain");
        });
    plain.listen(0, "127.0.0.1");
    auto rude = net::createServer(loop, [](net::Socket& socket) -> task<> {
      co_await socket.read();
      co_await socket.end();
    });
    rude.listen(0, "127.0.0.1");
    const https::RequestOptions options;
    const std::string to = "https://127.0.0.1:";
    const auto first = co_await fetch(to + std::to_string(plain.address().port) + '/', options);
    const auto second = co_await fetch(to + std::to_string(rude.address().port) + '/', options);
    CHECK(first == "!EPROTO");
    CHECK(second == "!ECONNRESET");
    Site site(loop, optionsOf(test::localhost()));
    const std::string url = "http://127.0.0.1:" + std::to_string(site.port) + '/';
    std::string third;
    try {
      auto res = co_await http::get(url);
    } catch (const http::Error& error) {
      third = error.name();
    }
    CHECK(third == "ECONNRESET");
  });
}

TEST_CASE("a client waits handshakeTimeout for the other end's part of the handshake", "[https]") {
  asio::io_context loop(1);
  test::Clock clock(loop);
  net::Socket silent;
  auto server = net::createServer(loop, [&](net::Socket& socket) -> task<> {
    co_await socket.read();
    silent = std::move(socket);
  });
  server.listen(0, "127.0.0.1");
  https::RequestOptions options;
  options.handshakeTimeout = 2s;
  auto answer = test::start(
      loop, fetch("https://127.0.0.1:" + std::to_string(server.address().port) + '/', options));
  loopback::runUntil(loop, [&] { return bool(silent); });
  clock.advance(1999ms);
  CHECK_FALSE(answer.done());
  clock.advance(1ms);
  REQUIRE(answer.done());
  CHECK(answer.result() == "!ERR_TLS_HANDSHAKE_TIMEOUT");
}

TEST_CASE("a body until the end of the connection is whole only with a goodbye", "[https]") {
  const bool goodbye = GENERATE(true, false);
  loopback::run([&](asio::io_context& loop) -> task<> {
    auto options = optionsOf(test::localhost());
    auto server = https::createServer(
        loop, options, [&](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
          net::Socket& socket = req.socket();
          socket.write("HTTP/1.0 200 OK\r\n\r\nsome text");
          co_await socket.drain();
          if (goodbye) {
            socket.destroySoon();
          } else {
            res.destroy();
          }
        });
    server.listen(0, "127.0.0.1");
    auto requestOptions = trusting(test::authority());
    const auto answer = co_await fetch(
        "https://localhost:" + std::to_string(server.address().port) + '/', requestOptions);
    CHECK(answer == (goodbye ? "some text" : "!ERR_SSL_UNEXPECTED_EOF"));
  });
}

TEST_CASE("a request that is destroyed while hands are shaken ends the connection", "[https]") {
  loopback::run([&](asio::io_context& loop) -> task<> {
    bool closed = false;
    auto silent = net::createServer(loop, [&](net::Socket& socket) -> task<> {
      while (co_await socket.read()) {
      }
      closed = true;
    });
    silent.listen(0, "127.0.0.1");
    auto req = https::get(loop, "https://127.0.0.1:" + std::to_string(silent.address().port) + '/');
    std::string error;
    req.on<"error">([&](const http::Error& e) { error = e.name(); });
    bool connected = false;
    req.on<"socket">([&](net::Socket& socket) {
      socket.on<"connect">([&] {
        connected = true;
        req.destroy();
      });
    });
    try {
      co_await req.once<"close">();
    } catch (const http::Error&) {
    }
    CHECK(connected);
    CHECK(error == "ECONNRESET");
    silent.close();
    co_await silent.closed();
    CHECK(closed);
  });
}

TEST_CASE("TLS goes through a tunnel, and over Unix sockets", "[https]") {
  if (!loopback::haveUnixSockets()) return;
  loopback::run([&](asio::io_context& loop) -> task<> {
    const loopback::Folder folder;
    const std::string path = folder / "socket";
    auto server =
        https::createServer(loop, optionsOf(test::localhost()),
                            [](http::IncomingMessage&, http::ServerResponse& res) -> task<> {
                              co_await res.end("below the ground");
                            });
    server.listen(path);
    auto options = trusting(test::authority());
    options.socketPath = path;
    const auto direct = co_await fetch("https://localhost/", options);
    CHECK(direct == "below the ground");
    net::ConnectionOptions raw;
    raw.path = path;
    net::Socket socket = co_await net::connect(raw);
    https::ConnectionOptions tls;
    tls.host = "localhost";
    tls.ca = test::authority().cert();
    net::Socket tunnelled = co_await https::connect(std::move(socket), tls);
    CHECK(tunnelled.authorized());
  });
}

TEST_CASE("https::connect() tells when the connection is there, and when it is safe", "[https]") {
  loopback::run([&](asio::io_context& loop) -> task<> {
    Site site(loop, optionsOf(test::localhost()));
    https::ConnectionOptions options;
    options.host = "localhost";
    options.port = site.port;
    options.family = 4;
    options.ca = test::authority().cert();
    net::Socket socket = co_await https::connect(options);
    CHECK(socket.authorized());
    CHECK(socket.remotePort() == site.port);
    socket.destroy();
  });
}
