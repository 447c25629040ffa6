// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes what a server does over TLS between its requests, when a connection holds no buffers: the
// bytes choose which records come, in which pieces, what is wrong with them, how time passes and
// who ends what. As long as nothing was wrong every request has its answer, and in the end nothing
// is left.
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <list>
#include <optional>
#include <sluice/https.hpp>
#include <sluice/test.hpp>
#include <string>
#include <string_view>
#include "support/tls_client.hpp"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

[[noreturn]] void broken(std::string_view rule) {
  std::cerr << "broken: " << rule << std::endl;
  std::abort();
}

class World {
 public:
  explicit World(std::string_view bytes) : bytes_(bytes) {
    https::ServerOptions options;
    options.secureContext = context();
    options.minVersion = "TLSv1.2";
    options.keepAliveTimeout = options.requestTimeout = 0ms;
    options.headersTimeout = options.timeout = 0ms;
    server_.emplace(https::createServer(
        io_, options, [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
          const std::string text = co_await req.text();
          co_await res.end("answer of " + std::to_string(text.size()));
        }));
  }

  void run() {
    connect();
    for (int steps = 0; steps != 200 && !bytes_.empty(); ++steps) step();
    for (Peer& peer : peers_) look(peer);
    server_.reset();
    // The last words of a connection wait so long for room.
    clock_.advance(3s);
    for (Peer& peer : peers_) {
      if (!peer.client.closed()) broken("a connection ends with its server");
    }
  }

 private:
  struct Peer {
    Peer(asio::io_context& io, int version) : client(io, version) {}
    test::TlsClient client;
    std::string unsent;
    std::size_t asked = 0;  // in what was encrypted
    std::size_t answered = 0;
    bool right = true;
  };

  static const https::SecureContext& context() {
    static const https::SecureContext made = https::createSecureContext(
        {.key = test::localhost().key(), .cert = test::localhost().cert()});
    return made;
  }

  unsigned below(unsigned count) {
    if (bytes_.empty()) return 0;
    const unsigned value = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return value % count;
  }

  void connect() {
    if (!server_ || closing_ || peers_.size() == 3) return;
    Peer& peer = peers_.emplace_back(io_, below(4) == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
    server_->serve(peer.client.wire().socket());
    if (!peer.client.handshake()) broken("a handshake with nothing wrong");
  }

  void ask(Peer& peer, std::size_t body) {
    if (!peer.right) return;
    ++peer.asked;
    peer.unsent += peer.client.encrypt("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                                       std::to_string(body) + "\r\n\r\n" + std::string(body, 'b'));
  }

  void deliver(Peer& peer, std::size_t count) {
    peer.client.wire().deliver(std::string_view(peer.unsent).substr(0, count));
    peer.unsent.erase(0, count);
  }

  void look(Peer& peer) {
    const std::string text = peer.client.receive();
    for (std::size_t at = text.find("answer of "); at != std::string::npos;
         at = text.find("answer of ", at + 1)) {
      ++peer.answered;
    }
    if (peer.right && peer.unsent.empty() && peer.answered != peer.asked) {
      broken("every request has its answer");
    }
  }

  void step() {
    auto peer = peers_.begin();
    std::advance(peer, below(static_cast<unsigned>(peers_.size())));
    test::Wire& wire = peer->client.wire();
    switch (below(18)) {
      case 0:
        connect();
        break;
      case 1:
      case 2:
        ask(*peer, below(3));
        break;
      case 3:
        ask(*peer, below(200) * 200u);
        break;
      case 4:
        deliver(*peer, 1 + below(40));
        break;
      case 5:
      case 6:
        deliver(*peer, peer->unsent.size());
        look(*peer);
        break;
      case 7:
        if (!peer->unsent.empty()) {
          char& byte = peer->unsent[below(static_cast<unsigned>(peer->unsent.size()))];
          byte = static_cast<char>(byte ^ (1 << below(8)));
          peer->right = false;
        }
        break;
      case 8:
        peer->unsent += peer->client.updateKey(below(2) == 0 ? SSL_KEY_UPDATE_REQUESTED
                                                             : SSL_KEY_UPDATE_NOT_REQUESTED);
        break;
      case 9:
        peer->unsent += peer->client.closeNotify();
        peer->right = false;
        break;
      case 10:
        wire.deliverEnd();
        peer->right = false;
        break;
      case 11:
        wire.reset();
        peer->right = false;
        break;
      case 12:
        wire.room(below(100));
        peer->right = false;
        break;
      case 13:
        wire.room(test::unlimited);
        break;
      case 14:
        io_.restart();
        io_.poll_one();
        break;
      case 15:
        clock_.advance(std::chrono::milliseconds(1 << below(13)));
        break;
      case 16:
        wire.deliver(std::string(1 + below(20), static_cast<char>(below(256))));
        peer->right = false;
        break;
      default:
        end(below(16));
    }
  }

  void end(unsigned how) {
    if (!server_ || how > 3) return;
    for (Peer& peer : peers_) peer.right = false;
    if (how == 0) server_->close();
    closing_ = closing_ || how == 0;
    if (how == 1) server_->closeAllConnections();
    if (how == 2) server_->closeIdleConnections();
    if (how == 3) server_.reset();
  }

  std::string_view bytes_;
  asio::io_context io_;
  test::Clock clock_{io_};
  std::optional<https::Server> server_;
  std::list<Peer> peers_;
  bool closing_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World({reinterpret_cast<const char*>(data), size}).run();
  return 0;
}
