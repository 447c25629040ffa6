// SPDX-License-Identifier: BSL-1.0
//
// A server of TLS on a heap that ends: in the handshake and after it, at each of many sizes, and at
// each place once. What has no memory is refused, nothing leaves run(), and the server serves on.
#include <openssl/ssl.h>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include "https_serving.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/loopback.hpp"

#if defined(SLUICE_TEST_HEAP_LIMIT)

using namespace relay;

namespace {

/// A client by hand over a socket of the kernel's. It never waits, and uses no heap of the
/// server's.
class Client {
 public:
  Client(asio::io_context& io, std::uint16_t port)
      : socket_(io),
        ssl_(SSL_new(context())),
        in_(BIO_new(BIO_s_mem())),
        out_(BIO_new(BIO_s_mem())) {
    socket_.connect({asio::ip::address_v4::loopback(), port});
    // Thousands of them, and none waits for what may still be under way after its end.
    socket_.set_option(asio::socket_base::linger(true, 0));
    socket_.non_blocking(true);
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_connect_state(ssl_.get());
  }

  /// Takes what has come, and sends what that asks for.
  void goOn() {
    take();
    SSL_do_handshake(ssl_.get());
    send();
  }
  bool shaken() const { return SSL_is_init_finished(ssl_.get()) != 0; }

  void write(std::string_view text) {
    SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    send();
  }
  /// All text that has come by now.
  const std::string& text() {
    take();
    std::array<char, 4096> piece;
    std::size_t count = 0;
    while (SSL_read_ex(ssl_.get(), piece.data(), piece.size(), &count) == 1) {
      text_.append(piece.data(), count);
    }
    return text_;
  }
  bool ended() const { return ended_; }

 private:
  template <class T, void (*Free)(T*)>
  using Handle = std::unique_ptr<T, test::OpensslFree<T, Free>>;

  static SSL_CTX* context() {
    static const Handle<SSL_CTX, SSL_CTX_free> made(SSL_CTX_new(TLS_client_method()));
    return made.get();
  }

  void take() {
    std::array<char, 4096> piece;
    while (!ended_) {
      error_code ec;
      const std::size_t count = socket_.read_some(asio::buffer(piece), ec);
      if (ec == asio::error::would_block) return;
      ended_ = bool(ec);
      BIO_write(in_, piece.data(), static_cast<int>(count));
    }
  }
  void send() {
    std::string bytes(BIO_ctrl_pending(out_), '\0');
    if (bytes.empty()) return;
    BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
    error_code refused;
    asio::write(socket_, asio::buffer(bytes), refused);
  }

  asio::ip::tcp::socket socket_;
  Handle<SSL, SSL_free> ssl_;
  BIO* in_;
  BIO* out_;
  std::string text_;
  bool ended_ = false;
};

/// A server that has answered once, so that what is made once is there.
class Served {
 public:
  Served()
      : server_(https::createServer(
            io_, serverOptions(),
            [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
              std::size_t received = 0;
              while (const auto piece = co_await req.read()) received += piece->size();
              co_await res.end("got " + std::to_string(received));
            })) {
    // A broken connection is no reason to write to stderr.
    server_.on<"error">([](const http::Error&) {});
    server_.listen(0);
    loopback::runUntil(io_, [this] { return server_.listening(); });
    CHECK(answers());
  }

  bool answers() {
    Client client(io_, server_.address().port);
    const auto goesOn = [&](auto done) {
      loopback::runUntil(io_, [&] {
        client.goOn();
        return done() || client.ended();
      });
    };
    goesOn([&] { return client.shaken(); });
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    goesOn([&] { return client.text().ends_with("got 0"); });
    return client.text().ends_with("got 0");
  }

  /// true: memory was refused.
  bool ask(test::HeapFault fault) {
    Client client(io_, server_.address().port);
    constexpr int flights = 4;
    for (int i = 0; i != flights; ++i) {
      client.goOn();
      settle(fault);
    }
    if (client.shaken()) {
      client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n");
      settle(fault);
      for (int i = 0; i != 2; ++i) {
        client.write(std::string(10000, 'x'));
        settle(fault);
      }
    }
    return fault.happened();
  }

  asio::io_context& io() { return io_; }
  std::uint16_t port() const { return server_.address().port; }
  void settle(test::HeapFault& fault) {
    fault.during([this] { settle(); });
  }
  void settle() {
    io_.restart();
    io_.poll();
  }

  bool closes() {
    bool closed = false;
    server_.close([&closed](const auto&...) { closed = true; });
    settle();
    return closed;
  }

 private:
  asio::io_context io_{1};
  https::Server server_;
};

}  // namespace

TEST_CASE("a server of TLS without memory refuses a connection in any state, and serves on",
          "[https][memory]") {
  int happened = 0;
  for (std::size_t bytes = 0; bytes < 300000; bytes += 1000) {
    Served server;
    CAPTURE(bytes);
    happened += server.ask(test::HeapFault::beyond(bytes)) ? 1 : 0;
    REQUIRE(server.answers());
    REQUIRE(server.closes());
  }
  CHECK(happened > 40);
}

TEST_CASE("memory that is refused once, at whatever place, costs a server of TLS one connection",
          "[https][memory]") {
  std::size_t count = 1;
  for (bool happened = true; happened; ++count) {
    Served server;
    CAPTURE(count);
    happened = server.ask(test::HeapFault::once(count));
    REQUIRE(server.answers());
    REQUIRE(server.closes());
  }
  CHECK(count > 100);
}

namespace {

/// A client whose server is on the same heap. What is made once is there.
class Asking {
 public:
  Asking() { CHECK(succeeds()); }

  /// A request without a fault.
  bool succeeds() {
    start();
    untilEnded();
    return !failed_;
  }
  /// One that goes on with such a heap: without memory Asio can begin none.
  bool succeeds(test::HeapFault& fault) {
    fault_ = &fault;
    start();
    fault.during([this] { untilEnded(); });
    fault_ = nullptr;
    return !failed_;
  }
  Served& server() { return server_; }

 private:
  void start() {
    ended_ = failed_ = false;
    asio::co_spawn(server_.io(), ask(), asio::detached);
  }
  void untilEnded() {
    loopback::runUntil(server_.io(), [this] { return ended_; });
  }

  task<> ask() {
    try {
      https::RequestOptions options;
      options.agent = agent_;
      options.hostname = "127.0.0.1";
      options.port = server_.port();
      options.ca = test::authority().cert();
      options.method = "POST";
      http::ClientRequest req = https::request(server_.io(), options);
      co_await req.end(std::string(3000, 'y'));
      http::IncomingMessage res = co_await req.response();
      while (co_await res.read()) {
      }
    } catch (const std::exception&) {
      failed_ = true;
    }
    ended_ = true;
    // Asio takes memory to end this coroutine.
    if (fault_ != nullptr) fault_->end();
  }

  Served server_;
  https::Agent agent_{server_.io(), {}};
  bool ended_ = false;
  bool failed_ = false;
  test::HeapFault* fault_ = nullptr;
};

}  // namespace

TEST_CASE("memory that is refused once costs a client of TLS one request at most",
          "[https][memory]") {
  Asking asking;
  int failed = 0;
  std::size_t count = 1;
  for (bool happened = true; happened; ++count) {
    auto fault = test::HeapFault::once(count);
    failed += asking.succeeds(fault) ? 0 : 1;
    happened = fault.happened();
    CAPTURE(count);
    REQUIRE(asking.succeeds());
  }
  CHECK(asking.server().answers());
  CHECK(count > 200);
  CHECK(failed > 10);
}

TEST_CASE("memory that is refused once lets no client of TLS take a wrong certificate",
          "[https][memory]") {
  const bool otherHost = GENERATE(true, false);
  const https::SecureContext ofServer = https::createSecureContext(
      {.key = test::localhost().key(), .cert = test::localhost().cert()});
  const https::SecureContext ofClient = https::createSecureContext(
      {.ca = otherHost ? test::authority().cert() : clientIdentity().cert()});
  std::size_t count = 1;
  for (bool happened = true; happened; ++count) {
    asio::io_context io;
    https::ServerOptions options;
    options.secureContext = ofServer;
    Pair pair(io, options);
    pair.clientOptions.secureContext = ofClient;
    if (otherHost) pair.clientOptions.host = "example.org";
    auto fault = test::HeapFault::once(count);
    try {
      fault.during([&pair] { pair.connect(); });
    } catch (const std::exception&) {
      // What Pair itself does had none.
    }
    pair.relay.settle();
    happened = fault.happened();
    CAPTURE(count);
    REQUIRE_FALSE(bool(pair.client));
  }
  CHECK(count > 200);
}

#endif
