// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes the life of a server over connections in memory. The bytes choose everything: what the
// clients send and in which pieces, what each handler does step by step, how much the peers accept,
// how time passes, and when who goes away. What must hold in every order is checked: a handler sees
// what a naive reader sees, each request gets its own answer or a closed connection, no more is
// read than is wanted, each callback and each awaiter hears its end exactly once, a stale reference
// never acts, and in the end nothing is left.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <map>
#include <memory>
#include <optional>
#include <sluice/http.hpp>
#include <sluice/pipe.hpp>
#include <sluice/test.hpp>
#include <sluice/timer.hpp>
#include "naive_http.hpp"
#include "scenario.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace std::chrono_literals;
using scenario::require;

namespace {

// What a server may have taken from a connection beyond what was asked for: a head, and a piece.
constexpr std::size_t readAhead = 16 * 1024 + 64 * 1024;

// A client's end of a connection.
struct Peer : scenario::Sender {
  using Sender::Sender;

  std::string got;
  // Of the requests that a handler was called for.
  std::size_t handled = 0;
  int running = 0;
  // How much of the body of the request that is being handled was given to its handler.
  std::size_t taken = 0;
  // A handler has asked for all of a body, or for none.
  bool flows = false;
  // Somebody has written to the socket by hand, or it was taken away.
  bool byHand = false;
  // Its bytes may be lost: the connection breaks.
  bool breaks = false;

  bool over() const { return wire.closed() || wire.ended(); }
};

class World {
 public:
  explicit World(scenario::Choices& choices) : choices_(choices) {
    ServerOptions options;
    options.cancelOnDisconnect = !choices_.yes();
    options.httpAllowHalfOpen = choices_.yes();
    options.maxDiscardedBody = choices_.yes() ? 8 : 1024;
    options.highWaterMark = choices_.yes() ? 16 : 1024;
    if (choices_.yes()) options.maxHeaderSize = 512;
    options.rejectNonStandardBodyWrites = choices_.yes();
    options.connectionsCheckingInterval = 1s;
    options.requestTimeout = 20s;
    server_.emplace(createServer(io_, options, [this](IncomingMessage& req, ServerResponse& res) {
      return handle(req, res);
    }));
    upgrades_ = choices_.yes();
    if (upgrades_) {
      server_->on<"upgrade">([this](IncomingMessage& req, net::Socket& socket, std::string_view) {
        return tunnel(req, socket);
      });
      server_->on<"connect">([this](IncomingMessage& req, net::Socket& socket, std::string_view) {
        return tunnel(req, socket);
      });
    }
    if (choices_.yes()) {
      server_->on<"checkContinue">(
          [this](IncomingMessage& req, ServerResponse& res) { return decide(req, res); });
    }
    server_->on<"error">([] {});
    if (choices_.yes()) {
      server_->on<"clientError">([this](const Error&, net::Socket& socket) {
        // From now on it is for the listener to answer and to close.
        peerOf(socket).byHand = true;
        if (choices_.yes()) socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
        if (choices_.yes()) socket.destroy();
      });
    }
  }

  void run() {
    connect();
    for (int steps = 0; steps != 200 && !choices_.over(); ++steps) step();
    finish();
  }

 private:
  void settle() {
    io_.restart();
    for (int count = 0; io_.poll_one() != 0; ++count) {
      // A peer may send tens of thousands of bytes one by one.
      require(count != 2'000'000, "the loop comes to rest");
    }
  }

  void connect() {
    if (!server_ || peers_.size() == 4) return;
    Peer& peer = peers_.emplace_back(io_);
    net::Socket socket = peer.wire.socket();
    const auto port = static_cast<std::uint16_t>(peers_.size());
    peer.wire.transport()->setAddresses({"192.0.2.1", "IPv4", 80, {}},
                                        {"192.0.2.2", "IPv4", port, {}});
    server_->serve(std::move(socket));
  }
  // A socket that is destroyed has no address any more.
  Peer& peerOf(const net::Socket& socket) {
    return socket.destroyed() ? gone_ : peers_[socket.remotePort() - 1U];
  }

  // --- What clients do ---

  std::string request() {
    const std::string path = "/" + std::to_string(++requests_);
    const std::string host = " HTTP/1.1\r\nHost: a\r\n";
    static constexpr const char* methods[] = {"GET", "POST", "HEAD", "PUT", "DELETE"};
    const std::string method = methods[choices_.below(5)];
    switch (choices_.below(12)) {
      case 0:
      case 1:
        return method + ' ' + path + host + "\r\n";
      case 2:
        return "POST " + path + host + "Content-Length: 10\r\n\r\n0123456789";
      case 3:
        return method + ' ' + path + host +
               "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n3\r\nabc\r\n"
               "0\r\nX-End: 1\r\n\r\n";
      case 4:
        return "GET " + path + host + "Connection: close\r\n\r\n";
      case 5:
        return "GET " + path + host + "Connection: upgrade\r\nUpgrade: x\r\n\r\n";
      case 6:
        return "CONNECT a:1" + host + "\r\n";
      case 7:
        return "POST " + path + host + "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n0123";
      case 8:
        return "GET " + path + " HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
      case 9:
        return "POST " + path + " HTTP/1.0\r\nContent-Length: 2\r\n\r\nab";
      case 10:
        return "POST " + path + host + "Content-Length: 300000\r\n\r\n" + std::string(300'000, 'b');
      default:
        return "GET " + path + host + "X-One: 1\r\nX-Two: 2\r\nCookie: a=b\r\n\r\n";
    }
  }

  void step() {
    const std::size_t number = choices_.below(peers_.size());
    Peer& peer = peers_[number];
    test::Wire& wire = peer.wire;
    switch (choices_.below(26)) {
      case 0:
        connect();
        break;
      case 1:
      case 2:
      case 3:
        peer.send(request());
        break;
      case 4:
        peer.send(request() + request() + request());
        break;
      case 5: {
        // The rest comes later, or never.
        const std::string whole = request();
        const std::size_t cut = whole.size() * choices_.below(16) / 16;
        peer.send(whole.substr(0, cut));
        peer_ = number;
        rest_ = whole.substr(cut);
        break;
      }
      case 6:
        if (peer_ == number && !rest_.empty()) {
          peer.send(std::exchange(rest_, {}));
        } else {
          peer.sendWrong("56789");
        }
        break;
      case 7:
        peer.sendWrong(scenario::mutated(request(), choices_));
        break;
      case 8:
        peer.sendWrong(choices_.yes() ? "NONSENSE\r\n\r\n" : std::string(3000, 'A'));
        break;
      case 9:
        peer.piece = 1 + choices_.below(40);
        break;
      case 10:
        peer.breaks = true;
        wire.deliverEnd();
        break;
      case 11:
        peer.breaks = true;
        if (choices_.yes()) {
          wire.reset();
        } else {
          wire.failRead(scenario::someError(choices_));
        }
        break;
      case 12:
        peer.breaks = true;
        wire.failWrite(scenario::someError(choices_));
        break;
      case 13:
        wire.room(choices_.below(200));
        break;
      case 14:
        wire.room(10'000'000);
        break;
      case 15:
        wire.acceptAtMost(1 + choices_.below(100));
        break;
      case 16:
        io_.restart();
        io_.poll_one();
        break;
      case 17:
      case 18:
        settle();
        break;
      case 19:
        gates_.openOne();
        break;
      case 20:
        clock_.advance(std::chrono::milliseconds(1 << choices_.below(18)));
        break;
      case 21:
        useStale();
        break;
      case 22:
        endServer(choices_.below(8));
        break;
      case 23:
        peer.breaks = true;
        wire.failAt(wire.calls().operations() + 1 + choices_.below(4),
                    scenario::someError(choices_));
        break;
      case 24:
        if (!results_.empty()) {
          promises_.spawn(io_, awaitResult(results_[choices_.below(results_.size())]),
                          "a result that was kept");
        }
        break;
      default:
        look();
    }
  }

  void endServer(unsigned how) {
    if (!server_) return;
    switch (how) {
      case 0:
        // If the server goes first, it is not told.
        ++asked_;
        server_->close([this](const error_code&) { require(--asked_ >= 0, "close() tells once"); });
        break;
      case 1:
        server_->closeAllConnections();
        break;
      case 2:
        server_->closeIdleConnections();
        break;
      case 3:
        server_.reset();
        break;
      case 4:
        server_->maxRequestsPerSocket = 1 + choices_.below(3);
        break;
      case 5:
        promises_.spawn(io_, server_->shutdown(choices_.below(4) * 1s), "shutdown()");
        break;
      default:
        break;
    }
  }

  // --- What must hold ---

  naive::Reading understood(const Peer& peer) const {
    return naive::requests(peer.right(), [this](const naive::Message& request) {
      // One with a body stays a request.
      const bool body =
          !request.field("content-length").empty() || !request.field("transfer-encoding").empty();
      return request.first[0] == "CONNECT" ||
             (upgrades_ && !body && !request.field("upgrade").empty());
    });
  }

  static bool isSeen(const naive::Message& request, const IncomingMessage& req) {
    const auto lines = req.rawHeaders();
    return request.first[0] == req.method() &&
           request.first[2] == "HTTP/" + std::string(req.httpVersion()) &&
           std::equal(lines.begin(), lines.end(), request.fields.begin(), request.fields.end(),
                      [](const auto& line, const auto& field) {
                        return line.name == field.first && line.value == field.second;
                      });
  }

  // The handler of a request sees what a naive reader has read: method, version and header lines.
  void looksRight(const IncomingMessage& req, const Peer& peer) const {
    if (&peer == &gone_) return;
    bool sent = false;
    for (const naive::Message& request : understood(peer).messages) {
      if (request.first[1] != req.url()) continue;
      if (isSeen(request, req)) return;
      sent = true;
    }
    // A mutated request may have the target of another one.
    require(peer.wasWrong() && (!sent || peer.wrong().find(req.url()) != std::string_view::npos),
            "a handler sees what was sent");
  }

  // What was read of a body is the beginning of what was sent, and all of it at the end.
  void bodyIsRight(const Peer& peer, const std::string& url, std::string_view read, bool atEnd) {
    // A mutated request may have the target of another one.
    if (peer.wrong().find(url) != std::string_view::npos) return;
    for (const naive::Message& request : understood(peer).messages) {
      if (request.first[1] != url) continue;
      // What is not HTTP may have become the rest of it.
      if (!request.whole && peer.wasWrong()) return;
      require(request.body.starts_with(read), "a body is read as it was sent");
      if (!atEnd) return;
      require(request.whole && request.body.size() == read.size(), "a body is read to its end");
    }
  }

  void look() {
    for (Peer& peer : peers_) look(peer);
    promises_.checkNoneTwice();
  }

  // Returns how many requests were answered in whole.
  std::size_t look(Peer& peer) {
    peer.got += peer.wire.takeReceived();
    const auto requests = understood(peer);
    std::vector<std::string> methods;
    for (const auto& request : requests.messages) methods.push_back(request.first[0]);
    const auto answers = naive::responses(peer.got, peer.over(), methods);
    std::size_t whole = 0;
    std::size_t finals = 0;
    for (const naive::Message& answer : answers.messages) {
      if (answer.status() / 100 == 1 && answer.status() != 101) continue;
      if (peer.byHand) break;
      const std::size_t number = finals++;
      whole += answer.whole ? 1 : 0;
      if (number >= requests.messages.size()) {
        require(number == requests.messages.size() || peer.wasWrong(),
                "one answer more than requests at most");
        continue;
      }
      belongs(answer.body, requests.messages[number].first[1]);
    }
    // Of what was not HTTP nobody knows which method it has, and so where its answer ends.
    const bool known = !peer.wasWrong() || finals < requests.messages.size();
    require(answers.wrong.empty() || peer.byHand || !known, "an answer is well-formed");
    takesNoMore(peer, requests, whole);
    return whole;
  }

  // A handler writes the target of its request in brackets.
  static void belongs(std::string_view body, const std::string& target) {
    const std::string own = "[" + target + "]";
    for (std::size_t at = 0; (at = body.find("[/", at)) != std::string_view::npos; ++at) {
      const std::string_view text = body.substr(at, own.size());
      require(text == std::string_view(own).substr(0, text.size()),
              "an answer is that of its request");
    }
  }

  // What was not asked for stays with the peer.
  static void takesNoMore(const Peer& peer, const naive::Reading& requests, std::size_t answered) {
    if (peer.flows || peer.byHand || peer.breaks || peer.over()) return;
    // An answer may have left its handler and not have come to the peer.
    const std::size_t current = std::max(answered, peer.handled == 0 ? 0 : peer.handled - 1);
    if (current >= requests.messages.size()) return;
    const std::size_t from = requests.messages[current].headEnd;
    const std::size_t consumed = peer.sent.size() - peer.wire.unread().size();
    require(consumed <= from + peer.taken + readAhead, "a server reads what is asked for");
  }

  // --- What handlers do ---

  struct Stale {
    IncomingMessage* req;
    ServerResponse* res;
    std::string url;
  };

  // What is there as long as a handler runs. Its references are stale from then on.
  struct Running {
    World& world;
    Peer& peer;
    Stale what;
    bool keeps = false;
    Running(World& of, Peer& client, Stale lent) : world(of), peer(client), what(std::move(lent)) {
      ++peer.handled;
      ++peer.running;
      peer.taken = 0;
      peer.flows = false;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
      --peer.running;
      // The rest of the body is thrown away, as far as that goes.
      peer.taken += 1024;
      if (keeps) world.stale_.push_back(what);
    }
  };

  static task<> awaitResult(WriteResult result) { co_await result; }
  static task<std::string> textOf(IncomingMessage message) { co_return co_await message.text(); }

  void useStale() {
    if (stale_.empty()) return;
    const Stale& kept = stale_[choices_.below(stale_.size())];
    const std::size_t promised = promises_.count();
    try {
      switch (choices_.below(6)) {
        case 0:
          kept.res->setHeader("X-Stale", "1");
          scenario::fail("setHeader() of a stale response throws");
        case 1:
          require(!kept.res->write("[stale]", promises_.callback("a stale write")),
                  "a stale write is false");
          break;
        case 2:
          require(!kept.res->end("[stale]"), "a stale end is false");
          break;
        case 3:
          require(kept.req->url() == kept.url, "a stale request is never another one");
          break;
        case 4:
          kept.res->on<"close">([] {});
          break;
        default:
          promises_.spawn(io_, kept.req->text(), "a stale text()");
      }
    } catch (const Error& error) {
      // Until its response has left a request is not over.
      require(
          error.code() == errc::ERR_STREAM_DESTROYED || error.code() == errc::ERR_HTTP_HEADERS_SENT,
          "a stale call is ERR_STREAM_DESTROYED");
      promises_.takeBack(promised);
    }
  }

  void listen(IncomingMessage& req, ServerResponse& res) {
    if (!res.closed()) {
      auto& close = promises_.make("'close' of a response");
      res.on<"close">([&close] { ++close.kept; });
    }
    if (!req.closed()) {
      auto& close = promises_.make("'close' of a request");
      req.on<"close">([&close] { ++close.kept; });
    }
  }

  // Listeners come and go, also while their event is told.
  void listenForAWhile(ServerResponse& res) {
    switch (choices_.below(4)) {
      case 0:
        res.removeListener(res.addListener<"finish">([] { scenario::fail("it was removed"); }));
        break;
      case 1: {
        const auto id = std::make_shared<ListenerId>();
        *id = res.addListener<"close">([&res, id] { res.removeListener(*id); });
        break;
      }
      case 2:
        res.on<"drain">([this, &res] {
          if (choices_.yes()) res.end("of a listener");
        });
        break;
      default:
        res.on<"finish">([&res] { res.destroy(); });
    }
  }

  // What a handler does that need not be awaited. false: it was the last thing.
  bool act(IncomingMessage& req, ServerResponse& res, const std::string& own, Running& running) {
    switch (choices_.below(28)) {
      case 0:
        listen(req, res);
        break;
      case 1:
        running.peer.flows = true;
        req.resume();
        break;
      case 2:
        running.peer.flows = true;
        req.on<"data">([](std::string_view) {});
        break;
      case 3:
        res.write(own, promises_.callback("write"));
        break;
      case 4:
        res.write(std::string(5000, 'x'), promises_.callback("a large write"));
        break;
      case 5:
        res.end(own, promises_.callback("end"));
        break;
      case 6:
        res.end(promises_.callback("an empty end"));
        break;
      case 7:
        res.setHeader("Content-Length", choices_.below(12));
        break;
      case 8:
        if (choices_.yes()) throw std::runtime_error("of the handler");
        break;
      case 9:
        res.destroy();
        break;
      case 10:
        req.destroy();
        break;
      case 11:
        req.socket().destroy();
        break;
      case 12:
        running.keeps = true;
        break;
      case 13:
        running.peer.flows = true;
        promises_.spawn(io_, req.text(), "a spawned text()");
        break;
      case 14:
        promises_.spawn(io_, awaitResult(res.write(own)), "a spawned write");
        break;
      case 15:
        promises_.spawn(io_, awaitResult(res.end()), "a spawned end");
        break;
      case 16:
        choices_.yes() ? res.cork() : res.uncork();
        break;
      case 17:
        res.flushHeaders();
        break;
      case 18:
        if (!res.headersSent()) {
          auto& written = promises_.make("written of early hints");
          res.writeEarlyHints({{"link", "</a>; rel=preload"}}, [&written] { ++written.kept; });
        }
        break;
      case 19:
        req.setTimeout(1s);
        break;
      case 20:
        endServer(choices_.below(8));
        return server_.has_value();
      case 21:
        results_.push_back(choices_.yes() ? res.write(own) : res.drain());
        break;
      case 22:
        listenForAWhile(res);
        break;
      case 23:
        res.writeHead(choices_.yes() ? 204 : 304);
        break;
      case 24:
        res.addTrailers({{"X-Trailer", "1"}});
        break;
      case 25:
        running.peer.flows = true;
        promises_.spawn(io_, textOf(std::move(req)), "text() of a request that was moved out");
        break;
      case 26:
        running.peer.byHand = true;
        moved_.push_back(std::move(req.socket()));
        break;
      default:
        return false;
    }
    return true;
  }

  task<> handle(IncomingMessage& req, ServerResponse& res) {
    Peer& peer = peerOf(req.socket());
    looksRight(req, peer);
    Running running(*this, peer, Stale{&req, &res, std::string(req.url())});
    const std::string url = running.what.url;
    const std::string own = "[" + url + "]";
    std::string body;
    for (int steps = 0; steps != 8 && !choices_.over(); ++steps) {
      switch (choices_.below(14)) {
        case 0:
          co_await gates_.wait(io_);
          break;
        case 1:
          co_await asio::post(io_, asio::use_awaitable);
          break;
        case 2:
        case 3: {
          const auto piece = co_await req.read();
          if (peer.flows) break;
          if (piece) body += *piece;
          peer.taken = body.size();
          bodyIsRight(peer, url, body, !piece);
          break;
        }
        case 4: {
          const bool other = std::exchange(peer.flows, true);
          body += co_await req.text();
          if (!other) bodyIsRight(peer, url, body, true);
          break;
        }
        case 5:
          co_await res.end(own);
          break;
        case 6:
          co_await res.write(own);
          break;
        case 7:
          if (choices_.yes()) {
            co_await req.once<"end">();
          } else {
            co_await res.once<"close">();
          }
          break;
        case 8:
          peer.flows = true;
          co_await pipe(req, res);
          break;
        case 9:
          co_await sleepFor(std::chrono::milliseconds(1 << choices_.below(15)));
          break;
        default: {
          bool goesOn = true;
          const std::size_t promised = promises_.count();
          try {
            goesOn = act(req, res, own, running);
          } catch (const Error&) {
            promises_.takeBack(promised);
          }
          if (!goesOn) co_return;
        }
      }
    }
  }

  // Of "checkContinue".
  task<> decide(IncomingMessage& req, ServerResponse& res) {
    if (choices_.yes()) res.writeContinue();
    if (!server_ || choices_.yes()) return handle(req, res);
    return server_->emit<"request">(req, res);
  }

  task<> tunnel(IncomingMessage& req, net::Socket& socket) {
    Peer& peer = peerOf(socket);
    looksRight(req, peer);
    peer.byHand = true;
    const Running running(*this, peer, Stale{&req, nullptr, {}});
    if (choices_.yes()) co_await gates_.wait(io_);
    if (choices_.yes()) {
      moved_.push_back(std::move(socket));
      co_return;
    }
    socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    while (auto data = co_await socket.read()) {
      if (choices_.yes()) co_return;
    }
  }

  // --- The end ---

  void openGates() {
    for (int i = 0; i != 8; ++i) {
      gates_.openAll();
      settle();
    }
  }

  // All can be sent, and nobody waits for anything but a peer.
  void eachRequestIsAnswered() {
    for (Peer& peer : peers_) {
      const std::size_t answered = look(peer);
      // A connection that breaks may be read to its end before it is closed.
      const bool unclear = peer.byHand || peer.breaks || peer.wasWrong();
      if (unclear || peer.over() || peer.running != 0) continue;
      require(answered >= peer.handled, "each request that was handled is answered, or closed");
    }
  }

  void finish() {
    for (Peer& peer : peers_) peer.wire.acceptAtMost(test::unlimited).room(10'000'000);
    openGates();
    eachRequestIsAnswered();
    // Whatever is not answered by now comes to its end by a time-out of the server.
    for (int i = 0; i != 40; ++i) {
      clock_.advance(10s);
      openGates();
    }
    look();
    for (const Peer& peer : peers_) {
      require(peer.over() || peer.byHand, "a connection ends with its time");
      require(peer.running == 0 || peer.byHand, "a handler ends with its time");
    }
    bool over = true;
    for (const Peer& peer : peers_) over &= peer.over();
    require(!server_ || asked_ == 0 || !over, "close() tells when all is over");
    server_.reset();
    settle();
    moved_.clear();
    openGates();
    for (Peer& peer : peers_) peer.wire.reset();
    openGates();
    clock_.advance(400s);
    openGates();
    for (const Peer& peer : peers_) {
      require(peer.wire.closed(), "a connection ends with its server");
      require(peer.running == 0, "no handler outlives its server");
    }
    promises_.checkAllKept();
  }

  scenario::Choices& choices_;
  // What coroutines refer to that go with the context.
  scenario::Promises promises_;
  scenario::Gates gates_;
  asio::io_context io_{1};
  std::deque<Peer> peers_;
  Peer gone_{io_};
  std::vector<Stale> stale_;
  std::vector<WriteResult> results_;
  std::size_t requests_ = 0;
  // The rest of a request of this peer.
  std::size_t peer_ = 0;
  std::string rest_;
  bool upgrades_ = false;
  // Calls of close() that were not told of it.
  int asked_ = 0;
  test::Clock clock_{io_, [this] { settle(); }};
  std::vector<net::Socket> moved_;
  std::optional<Server> server_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2000) return 0;
  scenario::Choices choices(data, size);
  World world(choices);
  world.run();
  return 0;
}
