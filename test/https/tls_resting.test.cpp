// SPDX-License-Identifier: BSL-1.0
//
// TLS connections that wait for their next request: they hold what OpenSSL needs and nothing else,
// and nobody can tell. The peer is OpenSSL alone, with each of its bytes in the test's hands.
#include <array>
#include <boost/asio/error.hpp>
#include <list>
#include <memory>
#include "relay.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/tls_client.hpp"

using namespace relay;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view request = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

bool isHello(std::string_view answer) { return answer.ends_with("hello /x"); }

struct Serving {
  explicit Serving(int tls = TLS1_3_VERSION) : version(tls) {
    server.on<"clientError">([this](const http::Error& error, net::Socket&) {
      errors += std::string(error.name()) + ' ';
    });
  }

  static https::ServerOptions options() {
    https::ServerOptions made;
    made.key = test::localhost().key();
    made.cert = test::localhost().cert();
    made.keepAliveTimeout = 20s;
    return made;
  }

  /// A connection that has had its first answer.
  test::TlsClient& asked() {
    test::TlsClient& peer = peers.emplace_back(io, version);
    server.serve(peer.wire().socket());
    REQUIRE(peer.handshake());
    REQUIRE(ask(peer));
    return peer;
  }
  static bool ask(test::TlsClient& peer) { return isHello(peer.send(peer.encrypt(request))); }
  /// The server looks every second for connections to rest, as long as one is awake.
  bool allRest() const { return *loop->nearestTimer() - loop->now() > 1s; }
  std::size_t count() const { return server.getConnections(); }

  asio::io_context io;
  std::shared_ptr<net::detail::Loop> loop = net::detail::Loop::of(io.get_executor());
  test::Clock clock{io};
  int version;
  https::Server server = https::createServer(
      io, options(), [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
        co_await res.end("hello " + std::string(req.url()));
      });
  std::string errors;
  std::list<test::TlsClient> peers;
};

}  // namespace

TEST_CASE("a TLS connection rests as soon as its answer has left, and gives its buffers back",
          "[https][resting]") {
  Serving serving;
  serving.asked();
  constexpr std::ptrdiff_t encrypted = 4096;
  test::TlsClient& peer = serving.asked();
  REQUIRE(serving.allRest());
  const test::Allocations heap;
  // Requests that come often keep it awake.
  CHECK(serving.ask(peer));
  CHECK_FALSE(serving.allRest());
  CHECK(heap.live() >= encrypted);
  serving.clock.advance(2500ms);
  CHECK(serving.allRest());
  CHECK(heap.live() < encrypted / 4);
  CHECK(serving.ask(peer));
}

TEST_CASE("a TLS connection that rests answers a request however its record comes",
          "[https][resting]") {
  Serving serving(GENERATE(TLS1_2_VERSION, TLS1_3_VERSION));
  test::TlsClient& peer = serving.asked();
  const std::string record = peer.encrypt(request);
  const std::size_t first =
      GENERATE(as<std::size_t>(), 1u, 4u, 5u, 6u, 20u, std::size_t(-2), std::size_t(-1));
  REQUIRE(serving.allRest());
  const std::size_t cut = first > record.size() ? record.size() + first : first;
  CHECK(peer.send(std::string_view(record).substr(0, cut)).empty());
  // A part of a record is held, so it waits for the rest of it with its buffers.
  serving.clock.advance(2500ms);
  CHECK(serving.count() == 1);
  CHECK(isHello(peer.send(std::string_view(record).substr(cut))));
  serving.clock.advance(2500ms);
  CHECK(serving.allRest());
  CHECK(serving.ask(peer));
}

TEST_CASE("a TLS connection that rests answers all requests that come together",
          "[https][resting]") {
  Serving serving;
  test::TlsClient& peer = serving.asked();
  std::string all;
  SECTION("in a record") {
    std::string text;
    for (int i = 0; i < 200; ++i) text += request;
    all = peer.encrypt(text);
  }
  SECTION("in records of their own") {
    for (int i = 0; i < 200; ++i) all += peer.encrypt(request);
  }
  const std::string answers = peer.send(all);
  std::size_t count = 0;
  for (std::size_t at = answers.find("hello /x"); at != std::string::npos;
       at = answers.find("hello /x", at + 1)) {
    ++count;
  }
  CHECK(count == 200);
  serving.clock.advance(2500ms);
  CHECK(serving.allRest());
}

TEST_CASE("records without a request do not disturb a TLS connection that rests",
          "[https][resting]") {
  Serving serving;
  test::TlsClient& peer = serving.asked();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(serving.allRest());
    const int kind = i == 1 ? SSL_KEY_UPDATE_NOT_REQUESTED : SSL_KEY_UPDATE_REQUESTED;
    CHECK(peer.send(peer.updateKey(kind)).empty());
    serving.clock.advance(2500ms);
  }
  CHECK(serving.allRest());
  CHECK(serving.ask(peer));
  // None of them is a request, and the time for the next one goes on.
  serving.clock.advance(20s);
  CHECK(peer.send(peer.updateKey(SSL_KEY_UPDATE_REQUESTED)).empty());
  serving.clock.advance(1100ms);
  CHECK(peer.closed());
  CHECK(serving.errors.empty());
}

TEST_CASE("a peer that wants to renegotiate while a TLS connection rests is refused",
          "[https][resting]") {
  Serving serving(TLS1_2_VERSION);
  test::TlsClient& peer = serving.asked();
  REQUIRE(serving.allRest());
  SSL_renegotiate(peer.native());
  SSL_do_handshake(peer.native());
  CHECK(peer.send(peer.made()).empty());
  serving.clock.advance(2500ms);
  CHECK(serving.allRest());
  CHECK(serving.errors.empty());
}

TEST_CASE("a TLS connection that rests ends with its peer", "[https][resting]") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Serving serving(version);
  test::TlsClient& peer = serving.asked();
  REQUIRE(serving.allRest());
  std::string errors;
  SECTION("close_notify") { peer.wire().deliver(peer.closeNotify()); }
  SECTION("close_notify and the end") { peer.wire().deliver(peer.closeNotify()).deliverEnd(); }
  // RFC 9112 §9.8: nothing is cut off between two requests.
  SECTION("the end alone") { peer.wire().deliverEnd(); }
  SECTION("a part of a record and the end") {
    peer.wire().deliver(peer.encrypt(request).substr(0, 9)).deliverEnd();
  }
  SECTION("a reset") {
    peer.wire().reset();
    errors = "ECONNRESET ";
  }
  SECTION("a record that nobody has encrypted") {
    std::string record = peer.encrypt(request);
    record.back() = static_cast<char>(record.back() ^ 1);
    peer.wire().deliver(record);
    errors = "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC ";
  }
  SECTION("no record") {
    peer.wire().deliver("GET / HTTP/1.1\r\n\r\n");
    // From OpenSSL 3.2 on the type is looked at first.
    const bool byType = version == TLS1_3_VERSION && OPENSSL_VERSION_NUMBER >= 0x30200000L;
    errors = byType ? "ERR_SSL_BAD_RECORD_TYPE " : "ERR_SSL_WRONG_VERSION_NUMBER ";
  }
  CHECK(peer.closed());
  CHECK(serving.count() == 0);
  CHECK(serving.errors == errors);
}

TEST_CASE("a TLS connection that rests is idle to those who close idle ones", "[https][resting]") {
  Serving serving;
  test::TlsClient& peer = serving.asked();
  REQUIRE(serving.allRest());
  SECTION("closeIdleConnections()") { serving.server.closeIdleConnections(); }
  SECTION("closeAllConnections()") { serving.server.closeAllConnections(); }
  SECTION("close()") { serving.server.close(); }
  SECTION("the end of the server") {
    serving.server = https::createServer(serving.io, Serving::options());
  }
  SECTION("keepAliveTimeout") { serving.clock.advance(21100ms); }
  CHECK(peer.closed());
  CHECK(serving.count() == 0);
  CHECK(serving.errors.empty());
}

TEST_CASE("a loop may end while TLS connections rest", "[https][resting]") {
  std::list<test::TlsClient> peers;
  Serving serving;
  serving.asked();
  serving.asked();
  peers.swap(serving.peers);
}

namespace {

/// Keeps what a transport tells.
struct Told final : net::detail::TransportOwner {
  void onRead(const error_code& ec, std::size_t count) override {
    told += std::to_string(count) + (ec ? ' ' + ec.message() : std::string()) + ',';
  }
  void onWritable(const error_code&) override {}

  std::string take() { return std::exchange(told, {}); }
  std::string told;
};

/// The server's end of a Pair as a transport.
struct Bare {
  explicit Bare(asio::io_context& io) : pair(io) {
    REQUIRE(pair.connect());
    transport = net::detail::SocketAccess::core(pair.server)->releaseTransport();
    transport->attach(owner.get());
  }
  ~Bare() {
    transport->attach(nullptr);
    transport->close();
    pair.client.destroy();
    pair.relay.settle();
  }

  std::string tell() {
    pair.relay.settle();
    return owner->take();
  }
  bool rest() {
    if (!transport->readWithoutBuffer()) return false;
    transport->read({});
    return true;
  }
  std::string read() {
    error_code ec;
    const std::size_t count = transport->tryRead(asio::buffer(room), ec);
    return std::string(room.data(), count) + (ec ? ec.message() : std::string());
  }

  Pair pair;
  boost::intrusive_ptr<net::detail::Transport> transport;
  boost::intrusive_ptr<Told> owner{new Told};
  std::array<char, 64> room{};
};

}  // namespace

TEST_CASE("a read without a buffer tells that there is something, and takes none of it",
          "[https][resting]") {
  asio::io_context io;
  Bare bare(io);
  SECTION("from its start") { REQUIRE(bare.rest()); }
  SECTION("a read that gives its buffer up") {
    bare.transport->read(asio::buffer(bare.room));
    CHECK(bare.tell().empty());
    REQUIRE(bare.transport->readWithoutBuffer());
  }
  SECTION("asked for twice") {
    REQUIRE(bare.rest());
    REQUIRE(bare.transport->readWithoutBuffer());
  }
  CHECK(bare.tell().empty());
  bare.pair.client.write("text");
  CHECK(bare.tell() == "0,");
  CHECK(bare.room[0] == '\0');
  CHECK(bare.read() == "text");
  REQUIRE(bare.rest());
  bare.pair.client.end();
  CHECK(bare.tell() == "0,");
  CHECK(bare.read() == error_code(asio::error::eof).message());
}

TEST_CASE("a read without a buffer is cancelled, and one with a buffer goes on",
          "[https][resting]") {
  asio::io_context io;
  Bare bare(io);
  REQUIRE(bare.rest());
  bare.transport->cancelRead();
  CHECK(bare.tell() == "0 " + error_code(asio::error::operation_aborted).message() + ',');
  bare.pair.relay.up.held = true;
  bare.pair.client.write("text");
  CHECK(bare.tell().empty());
  bare.pair.relay.up.held = GENERATE(false, true);
  if (bare.pair.relay.up.held) {
    bare.transport->read(asio::buffer(bare.room));
    CHECK(bare.tell().empty());
    bare.pair.relay.up.held = false;
  } else {
    CHECK(bare.tell().empty());
    bare.transport->read(asio::buffer(bare.room));
  }
  CHECK(bare.tell() == "4,");
  CHECK(std::string_view(bare.room.data(), 4) == "text");
}

TEST_CASE("what was decrypted already, or came in part, is read with a buffer",
          "[https][resting]") {
  asio::io_context io;
  Bare bare(io);
  SECTION("decrypted") {
    bare.transport->read(asio::buffer(bare.room, 4));
    bare.pair.client.write("text and more");
    CHECK(bare.tell() == "4,");
    CHECK_FALSE(bare.rest());
    bare.transport->read(asio::buffer(bare.room));
    CHECK_FALSE(bare.transport->readWithoutBuffer());
    CHECK(bare.tell() == "9,");
    CHECK(bare.rest());
  }
  SECTION("a part of a record") {
    REQUIRE(bare.rest());
    bare.pair.relay.up.held = true;
    bare.pair.client.write("text");
    bare.pair.relay.settle();
    const std::string record = bare.pair.relay.clientWire().takeReceived();
    bare.pair.relay.serverWire().deliver(record.substr(0, 7));
    CHECK(bare.tell() == "0,");
    CHECK(bare.read().empty());
    CHECK_FALSE(bare.rest());
    bare.transport->read(asio::buffer(bare.room));
    CHECK(bare.tell().empty());
    bare.pair.relay.serverWire().deliver(record.substr(7));
    CHECK(bare.tell() == "4,");
    CHECK(bare.rest());
  }
  SECTION("output that waits for room") {
    bare.pair.relay.serverWire().room(10);
    error_code ec;
    const asio::const_buffer text = asio::buffer("text", 4);
    CHECK(bare.transport->tryWrite({&text, 1}, ec) == 0);
    CHECK_FALSE(bare.rest());
    bare.pair.relay.serverWire().room(test::unlimited);
    bare.pair.relay.settle();
    CHECK(bare.rest());
  }
}
