// SPDX-License-Identifier: BSL-1.0
//
// TLS as a transport: over memory, with every byte of it in the test's hands.
#include "relay.hpp"
#include "support/catch.hpp"

using namespace relay;
using namespace std::chrono_literals;

TEST_CASE("what one end writes the other reads, encrypted in between", "[https]") {
  asio::io_context io;
  Pair pair(io);
  REQUIRE(pair.connect());
  std::string got;
  auto reading = test::start(io, readAll(pair.server, got));
  pair.client.write("a secret");
  pair.relay.settle();
  CHECK(got == "a secret");
  CHECK(pair.relay.up.seen.find("a secret") == std::string::npos);
  CHECK(pair.client.encrypted());
  CHECK(pair.client.authorized());
  CHECK(pair.client.getProtocol() == "TLSv1.3");
  CHECK(pair.server.getProtocol() == "TLSv1.3");
  CHECK(pair.server.servername() == "localhost");
  CHECK(pair.client.alpnProtocol() == "http/1.1");
  CHECK(pair.server.alpnProtocol() == "http/1.1");
  CHECK(!pair.client.getCipher().name.empty());
  CHECK(pair.client.getCipher().version == "TLSv1.3");
  CHECK_FALSE(pair.server.authorized());
  pair.client.destroy();
  pair.server.destroy();
  pair.relay.settle();
}

TEST_CASE("getPeerCertificate(true) has who signed it, getCertificate() is the own one",
          "[https]") {
  asio::io_context io;
  Pair pair(io);
  REQUIRE(pair.connect());
  CHECK(pair.client.getPeerCertificate().issuerCertificate == nullptr);
  const net::PeerCertificate peer = pair.client.getPeerCertificate(true);
  REQUIRE(peer.issuerCertificate != nullptr);
  CHECK(peer.issuerCertificate->subject["CN"] == "sluice test authority");
  CHECK(peer.issuerCertificate->ca);
  CHECK(peer.issuerCertificate->issuerCertificate == nullptr);
  CHECK(pair.server.getCertificate().raw == peer.raw);
  CHECK_FALSE(pair.client.getCertificate());
  CHECK_FALSE(pair.server.getPeerCertificate(true));
  pair.client.destroy();
  pair.server.destroy();
  pair.relay.settle();
}

TEST_CASE("a handshake and a conversation survive being cut into single bytes", "[https]") {
  const std::string version = GENERATE(as<std::string>(), "TLSv1.2", "TLSv1.3");
  asio::io_context io;
  Pair pair(io);
  pair.serverOptions.maxVersion = version;
  pair.relay.up.chop = pair.relay.down.chop = 1;
  REQUIRE(pair.connect());
  CHECK(pair.client.getProtocol() == version);
  std::string up, down;
  auto first = test::start(io, readAll(pair.server, up));
  auto second = test::start(io, readAll(pair.client, down));
  pair.client.write("from the client");
  pair.server.write(std::string(40000, 's'));
  pair.client.end();
  pair.server.end();
  pair.relay.settle();
  CHECK(up == "from the client<end>");
  CHECK(down == std::string(40000, 's') + "<end>");
}

namespace {

struct Outcome {
  bool opened = false;
  std::string failure = {};
  std::string got = {};
  Direction up = {};
  Direction down = {};
};

/// The server sends a body and ends; the way to the client may be cut.
Outcome conversation(std::optional<Cut> cut = {}, std::optional<error_code> with = {}) {
  asio::io_context io;
  Pair pair(io);
  pair.relay.down.cut = cut;
  pair.relay.down.cutWith = with;
  Outcome outcome;
  outcome.opened = pair.connect();
  outcome.failure = nameOf(pair.failure);
  if (outcome.opened) {
    if (pair.server) {
      pair.server.write("a body");
      pair.server.destroySoon();
    }
    auto reading = test::start(io, readAll(pair.client, outcome.got));
    pair.relay.settle();
    pair.client.destroy();
  }
  if (pair.server) pair.server.destroy();
  pair.relay.settle();
  outcome.up = pair.relay.up;
  outcome.down = pair.relay.down;
  return outcome;
}

std::vector<Cut> cuts(const std::string& bytes) {
  std::vector<Cut> all;
  for (std::size_t record = 0; record + 1 < records(bytes).size(); ++record) {
    for (std::size_t place = 0; place < Cut::places; ++place) all.push_back({record, place});
  }
  return all;
}

}  // namespace

TEST_CASE("a connection that is cut anywhere before the goodbye never looks complete", "[https]") {
  const std::optional<error_code> with =
      GENERATE(as<std::optional<error_code>>(), std::optional<error_code>(),
               std::optional<error_code>(asio::error::connection_reset));
  const Outcome whole = conversation();
  REQUIRE(whole.opened);
  REQUIRE(whole.got == "a body<end>");
  for (const Cut cut : cuts(whole.down.seen)) {
    CAPTURE(cut.record, cut.place);
    const Outcome outcome = conversation(cut, with);
    if (!outcome.opened) {
      CHECK(outcome.failure == "ECONNRESET");
      continue;
    }
    const std::string expected = with ? "!ECONNRESET" : "!ERR_SSL_UNEXPECTED_EOF";
    CHECK((outcome.got == expected || outcome.got == "a body" + expected));
  }
}

TEST_CASE("a client that is cut off while it shakes hands leaves a server that says so",
          "[https]") {
  const Outcome whole = conversation();
  for (const Cut cut : cuts(whole.up.seen)) {
    CAPTURE(cut.record, cut.place);
    asio::io_context io;
    Pair pair(io);
    pair.relay.up.cut = cut;
    pair.connect();
    if (!pair.server) CHECK(nameOf(pair.serverFailure) == "ECONNRESET");
    CHECK((pair.server || pair.serverFailure));
    pair.client.destroySoon();
    if (pair.server) pair.server.destroy();
    pair.relay.settle();
  }
}

TEST_CASE("bytes that were changed on the way end the connection with an error", "[https]") {
  asio::io_context io;
  Pair pair(io);
  REQUIRE(pair.connect());
  std::string got;
  auto reading = test::start(io, readAll(pair.server, got));
  pair.relay.up.held = true;
  pair.client.write("text");
  pair.relay.settle();
  std::string record = pair.relay.clientWire().takeReceived();
  record.back() = static_cast<char>(record.back() ^ 1);
  pair.relay.serverWire().deliver(record);
  test::settle(io);
  CHECK(got == "!ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC");
  pair.client.destroy();
  pair.server.destroy();
  pair.relay.settle();
}

TEST_CASE("destroy() in the middle is no goodbye, destroySoon() and end() are", "[https]") {
  asio::io_context io;
  Pair pair(io);
  REQUIRE(pair.connect());
  std::string got;
  auto reading = test::start(io, readAll(pair.client, got));
  SECTION("destroy") {
    pair.server.write("part");
    pair.relay.settle();
    pair.server.destroy();
    pair.relay.settle();
    CHECK(got == "part!ERR_SSL_UNEXPECTED_EOF");
  }
  SECTION("destroySoon") {
    pair.server.write("whole");
    pair.server.destroySoon();
    pair.relay.settle();
    CHECK(got == "whole<end>");
    CHECK(pair.relay.serverWire().closed());
  }
  SECTION("end") {
    pair.server.end("whole");
    pair.relay.settle();
    CHECK(got == "whole<end>");
    CHECK(pair.relay.serverWire().ended());
    CHECK_FALSE(pair.relay.serverWire().closed());
  }
  pair.client.destroy();
  pair.server.destroy();
  pair.relay.settle();
}

TEST_CASE("a goodbye that does not fit waits for room, but not for ever", "[https]") {
  asio::io_context io;
  test::Clock clock(io);
  Pair pair(io);
  REQUIRE(pair.connect());
  pair.relay.down.held = true;
  pair.server.write("last words");
  test::settle(io);
  pair.relay.serverWire().room(0);
  pair.server.destroySoon();
  test::settle(io);
  REQUIRE_FALSE(pair.relay.serverWire().closed());
  SECTION("room comes") {
    std::string got;
    auto reading = test::start(io, readAll(pair.client, got));
    pair.relay.serverWire().room(1000);
    test::settle(io);
    CHECK(pair.relay.serverWire().closed());
    pair.relay.down.held = false;
    pair.relay.settle();
    CHECK(got == "last words<end>");
  }
  SECTION("none comes") {
    clock.advance(1900ms);
    CHECK_FALSE(pair.relay.serverWire().closed());
    clock.advance(200ms);
    CHECK(pair.relay.serverWire().closed());
  }
  pair.client.destroy();
  pair.relay.settle();
}

TEST_CASE("a full peer holds a writer back as it does without TLS", "[https]") {
  asio::io_context io;
  Pair pair(io);
  REQUIRE(pair.connect());
  pair.relay.up.held = true;
  pair.relay.clientWire().room(100 * 1024);
  int drains = 0;
  pair.client.on<"drain">([&] { ++drains; });
  std::size_t written = 0;
  bool more = true;
  while (more) {
    more = bool(pair.client.write(std::string(10000, 'x')));
    written += 10000;
    test::settle(io);
    REQUIRE(written < 1000000);
  }
  // What the wire took, the record that did not fit, and nothing else.
  CHECK(written > 90 * 1024);
  CHECK(written < 150 * 1024);
  CHECK(pair.client.writableLength() > 0);
  CHECK(pair.client.writableLength() <= 10000 + 32 * 1024);
  CHECK(pair.client.writableNeedDrain());
  CHECK(drains == 0);
  std::string got;
  auto reading = test::start(io, readAll(pair.server, got));
  pair.relay.clientWire().room(test::unlimited);
  pair.relay.up.held = false;
  pair.relay.settle();
  CHECK(drains == 1);
  CHECK(pair.client.writableLength() == 0);
  CHECK(got.size() == written);
  pair.client.destroy();
  pair.server.destroy();
  pair.relay.settle();
}

TEST_CASE("whatever a write takes at once, nothing is lost or sent twice", "[https]") {
  const std::size_t most = GENERATE(1u, 7u, 1000u, 16384u, 16406u, 40000u);
  asio::io_context io;
  Pair pair(io);
  REQUIRE(pair.connect());
  pair.relay.clientWire().acceptAtMost(most);
  std::string sent, got;
  auto reading = test::start(io, readAll(pair.server, got));
  for (const std::size_t size : {1u, 100u, 5000u, 16384u, 16385u, 3u, 70000u}) {
    std::string piece;
    for (std::size_t i = 0; i < size; ++i) piece += static_cast<char>('a' + (sent.size() + i) % 23);
    sent += piece;
    pair.client.write(piece);
    if (size % 2 == 0) test::settle(io);
  }
  pair.client.end();
  pair.relay.settle();
  CHECK(got.size() == sent.size() + 5);
  CHECK((got == sent + "<end>"));
  pair.client.destroy();
  pair.server.destroy();
  pair.relay.settle();
}

TEST_CASE("small pieces share a record, and a large one fills records", "[https]") {
  asio::io_context io;
  Pair pair(io);
  REQUIRE(pair.connect());
  pair.relay.settle();
  const auto sizesOf = [&](std::size_t from) {
    const std::string bytes = pair.relay.up.seen.substr(from);
    const auto starts = records(bytes);
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
      // TLS 1.3: a head of 5 bytes, the kind of content, and 16 bytes of proof.
      sizes.push_back(starts[i + 1] - starts[i] - 5 - 1 - 16);
    }
    return sizes;
  };
  const std::size_t before = pair.relay.up.seen.size();
  pair.client.write("one");
  pair.client.write("two");
  pair.client.write("three");
  pair.relay.settle();
  CHECK(sizesOf(before) == std::vector<std::size_t>{11});
  const std::size_t second = pair.relay.up.seen.size();
  pair.client.write("head");
  pair.client.write(std::string(50000, 'x'));
  pair.relay.settle();
  CHECK(sizesOf(second) == std::vector<std::size_t>{16384, 16384, 16384, 50004 - 3 * 16384});
  pair.client.destroy();
  pair.server.destroy();
  pair.relay.settle();
}

TEST_CASE("64 MiB go both ways at once", "[https]") {
  asio::io_context io;
  Pair pair(io);
  REQUIRE(pair.connect());
  const std::size_t total = 64 * 1024 * 1024;
  const std::string block(256 * 1024, 'z');
  struct Count {
    std::size_t bytes = 0;
    bool right = true;
  } up, down;
  const auto receive = [](net::Socket& socket, Count& count) -> task<> {
    while (const auto chunk = co_await socket.read()) {
      count.bytes += chunk->size();
      count.right = count.right && chunk->find_first_not_of('z') == std::string_view::npos;
    }
  };
  const auto send = [&block](net::Socket& socket) -> task<> {
    for (std::size_t i = 0; i < total / (256 * 1024); ++i) co_await socket.write(block);
    co_await socket.end();
  };
  auto first = test::start(io, receive(pair.server, up));
  auto second = test::start(io, receive(pair.client, down));
  auto third = test::start(io, send(pair.client));
  auto fourth = test::start(io, send(pair.server));
  pair.relay.clientWire().room(128 * 1024);
  pair.relay.serverWire().room(128 * 1024);
  while (!first.done() || !second.done()) {
    pair.relay.clientWire().room(128 * 1024);
    pair.relay.serverWire().room(128 * 1024);
    const std::size_t before = up.bytes + down.bytes;
    pair.relay.settle();
    pair.relay.up.seen.clear();
    pair.relay.down.seen.clear();
    if (first.done() && second.done()) break;
    REQUIRE(up.bytes + down.bytes > before);
  }
  CHECK(up.bytes == total);
  CHECK(down.bytes == total);
  CHECK(up.right);
  CHECK(down.right);
}

TEST_CASE("a write that fails, or a read, breaks the socket with that error", "[https]") {
  asio::io_context io;
  Pair pair(io);
  REQUIRE(pair.connect());
  std::string got;
  auto reading = test::start(io, readAll(pair.client, got));
  SECTION("write") {
    pair.relay.clientWire().failWrite(asio::error::broken_pipe);
    pair.client.write("x");
    test::settle(io);
    CHECK(got == "!EPIPE");
    CHECK(pair.client.destroyed());
  }
  SECTION("read") {
    pair.relay.clientWire().failRead(asio::error::connection_reset);
    test::settle(io);
    CHECK(got == "!ECONNRESET");
  }
  pair.client.destroy();
  pair.server.destroy();
  pair.relay.settle();
}

TEST_CASE("an answer that came before a write failed is brought to its request", "[https]") {
  asio::io_context io;
  Pair pair(io);
  REQUIRE(pair.connect());
  http::RequestOptions options;
  options.method = "PUT";
  options.createConnection = [&](const net::ConnectionOptions&) -> task<net::Socket> {
    co_return std::move(pair.client);
  };
  auto req = http::request(io, std::move(options));
  auto answer = test::start(io, [](http::ClientRequest& asked) -> task<std::string> {
    auto res = co_await asked.response();
    co_return co_await res.text();
  }(req));
  req.write("first");
  pair.relay.settle();
  pair.relay.down.held = true;
  pair.server.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  pair.relay.settle();
  const std::string record = pair.relay.serverWire().takeReceived();
  pair.relay.clientWire().failWrite(asio::error::broken_pipe);
  // More than is gathered fails at once, before anything is read.
  req.write(std::string(100'000, 'x'));
  pair.relay.clientWire().deliver(record).failRead(asio::error::connection_reset);
  test::settle(io);
  CHECK(answer.result() == "no");
  pair.server.destroy();
  pair.relay.settle();
}

TEST_CASE("every operation below may fail: there is an error, and nothing leaks or hangs",
          "[https]") {
  for (std::size_t n = 1; n < 100; ++n) {
    CAPTURE(n);
    asio::io_context io;
    Pair pair(io);
    pair.relay.clientWire().failAt(n, asio::error::connection_reset);
    const bool opened = pair.connect();
    std::string got;
    bool reached = false;
    if (opened) {
      auto reading = test::start(io, readAll(pair.client, got));
      pair.client.write(std::string(40000, 'x'));
      if (pair.server) pair.server.end("answer");
      pair.relay.settle();
      pair.client.end();
      pair.relay.settle();
      reached = got == "answer<end>";
      CHECK(got != "answer");
    } else {
      CHECK(nameOf(pair.failure) == "ECONNRESET");
    }
    pair.client.destroySoon();
    if (pair.server) pair.server.destroy();
    pair.relay.settle();
    if (reached) {
      CHECK(n > 5);
      return;
    }
  }
  FAIL("the conversation never got through");
}

TEST_CASE("a read that is cancelled loses no bytes", "[https]") {
  asio::io_context io;
  Pair pair(io);
  REQUIRE(pair.connect());
  asio::cancellation_signal cancel;
  std::string outcome;
  const auto readOnce = [&]() -> task<> {
    const auto chunk = co_await pair.server.read();
    outcome += *chunk;
  };
  asio::co_spawn(io, readOnce(),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e) {
                   if (e) outcome += "cancelled,";
                 }));
  pair.relay.settle();
  cancel.emit(asio::cancellation_type::terminal);
  pair.relay.settle();
  CHECK(outcome == "cancelled,");
  pair.client.write("later");
  pair.relay.settle();
  asio::co_spawn(io, readOnce(), asio::detached);
  pair.relay.settle();
  CHECK(outcome == "cancelled,later");
  pair.client.destroy();
  pair.server.destroy();
  pair.relay.settle();
}

TEST_CASE("a loop that ends in the middle of everything leaves nothing behind", "[https]") {
  const int when = GENERATE(range(0, 6));
  asio::io_context io;
  Pair pair(io);
  pair.start();
  for (int i = 0; i < when; ++i) {
    test::settle(io);
    pair.relay.clientWire().takeReceived();
  }
  CHECK_FALSE(pair.client);
}

TEST_CASE("TLS goes over TLS", "[https]") {
  asio::io_context io;
  Pair pair(io);
  REQUIRE(pair.connect());
  auto policy = std::make_shared<https::detail::TlsPolicy>();
  policy->server = true;
  policy->requestCert = false;
  policy->ticketKeys = std::make_shared<const https::detail::TicketKeys>();
  const auto context = https::createSecureContext(
      {.key = test::localhost().key(), .cert = test::localhost().cert()});
  policy->context = https::detail::SecureContextAccess::get(context);
  auto accepting = test::start(
      io, https::detail::handshake(net::detail::SocketAccess::core(pair.server), policy));
  auto opening = test::start(io, https::connect(std::move(pair.client), pair.clientOptions));
  pair.relay.settle();
  REQUIRE(accepting.done());
  net::Socket client = opening.result();
  std::string got;
  auto reading = test::start(io, readAll(pair.server, got));
  client.end("wrapped twice");
  pair.relay.settle();
  CHECK(got == "wrapped twice<end>");
  pair.server.destroy();
  client.destroy();
  pair.relay.settle();
}
