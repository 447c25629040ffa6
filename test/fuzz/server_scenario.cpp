// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes the life of a server over connections in memory. The bytes choose everything: what the
// clients send and in which pieces, what each handler does step by step, how much the peers accept,
// how time passes, and when who goes away. What must hold in every order is checked: each callback
// and each awaiter hears its end exactly once, no handler is left, a stale reference never acts,
// and no client gets what is another's.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <sluice/http.hpp>
#include <sluice/test.hpp>
#include <string>
#include <string_view>
#include <vector>

using namespace sluice;
using namespace sluice::http;
using namespace std::chrono_literals;

namespace {

class Choices {
 public:
  explicit Choices(std::string_view bytes) : bytes_(bytes) {}
  unsigned below(unsigned count) {
    if (bytes_.empty()) return 0;
    const unsigned value = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return value % count;
  }
  bool yes() { return below(2) == 1; }
  bool over() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

[[noreturn]] void broken(std::string_view rule) {
  std::cerr << "broken: " << rule << std::endl;
  std::abort();
}

// Something that must happen exactly once before the end.
struct Once {
  std::string what;
  int count = 0;
};

class World {
 public:
  explicit World(std::string_view bytes) : choices_(bytes) {
    ServerOptions options;
    options.cancelOnDisconnect = !choices_.yes();
    options.httpAllowHalfOpen = choices_.yes();
    options.maxDiscardedBody = choices_.yes() ? 8 : 1024;
    options.highWaterMark = choices_.yes() ? 16 : 1024;
    options.connectionsCheckingInterval = 1s;
    options.requestTimeout = 20s;
    server_.emplace(createServer(io_, options, [this](IncomingMessage& req, ServerResponse& res) {
      return handle(req, res);
    }));
    if (choices_.yes()) {
      server_->on<"upgrade">([this](IncomingMessage& req, net::Socket& socket, std::string_view) {
        return tunnel(req, socket);
      });
      server_->on<"connect">([this](IncomingMessage& req, net::Socket& socket, std::string_view) {
        return tunnel(req, socket);
      });
    }
    server_->on<"error">([] {});
    if (choices_.yes()) {
      server_->on<"clientError">([this](const Error&, net::Socket& socket) {
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
  struct Peer {
    explicit Peer(asio::io_context& io) : wire(io) {}
    test::Wire wire;
    std::string got;
  };

  void settle() {
    io_.restart();
    for (int count = 0; io_.poll_one() != 0; ++count) {
      // A peer may send tens of thousands of bytes one by one.
      if (count == 2'000'000) broken("the loop comes to rest");
    }
  }

  void connect() {
    if (!server_ || peers_.size() == 4) return;
    Peer& peer = peers_.emplace_back(io_);
    server_->serve(peer.wire.socket());
  }

  std::string target(std::size_t number) {
    return "/" + std::to_string(number) + "/" + std::to_string(++requests_);
  }

  std::string request(std::size_t number) {
    const std::string path = target(number);
    switch (choices_.below(11)) {
      case 0:
      case 1:
        return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
      case 2:
        return "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789";
      case 3:
        return "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234";
      case 4:
        return "POST " + path +
               " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
               "chunked\r\n\r\n5\r\n01234\r\n3\r\nabc\r\n"
               "0\r\nX-End: 1\r\n\r\n";
      case 5:
        return "HEAD " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
      case 6:
        return "GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
      case 7:
        return "GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
      case 8:
        return "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n";
      case 9:
        return "POST " + path +
               " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
      default:
        return "GET " + path + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab";
    }
  }

  void step() {
    const std::size_t number = choices_.below(static_cast<unsigned>(peers_.size()));
    test::Wire& wire = peers_[number].wire;
    switch (choices_.below(22)) {
      case 0:
        connect();
        break;
      case 1:
      case 2:
        wire.deliver(request(number));
        break;
      case 3:
        wire.deliver(request(number) + request(number) + request(number));
        break;
      case 4:
        wire.deliver("56789");
        break;
      case 5:
        wire.deliver("NONSENSE\r\n\r\n");
        break;
      case 6:
        wire.deliver(std::string(3000, 'A'));
        break;
      case 7:
        wire.chop(1 + choices_.below(40));
        break;
      case 8:
        wire.deliverEnd();
        break;
      case 9:
        wire.reset();
        break;
      case 10:
        wire.room(choices_.below(200));
        break;
      case 11:
        wire.room(1'000'000);
        break;
      case 12:
        wire.acceptAtMost(1 + choices_.below(100));
        break;
      case 13:
        io_.restart();
        io_.poll_one();
        break;
      case 14:
      case 15:
        settle();
        break;
      case 16:
        if (!gates_.empty()) (*gates_.begin())->cancel();
        break;
      case 17:
        clock_.advance(std::chrono::milliseconds(1 << choices_.below(18)));
        break;
      case 18:
        useStale();
        break;
      case 19:
        endServer(choices_.below(8));
        break;
      case 20:
        wire.failAt(wire.calls().operations() + 1 + choices_.below(4), asio::error::broken_pipe);
        break;
      default:
        look();
    }
  }

  void endServer(unsigned how) {
    if (!server_) return;
    switch (how) {
      case 0:
        server_->close();
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
      default:
        break;
    }
  }

  // No peer has what was made for another one.
  void look() {
    for (std::size_t number = 0; number != peers_.size(); ++number) {
      Peer& peer = peers_[number];
      peer.got += peer.wire.takeReceived();
      const std::string own = "[/" + std::to_string(number) + "/";
      for (std::size_t at = peer.got.find("[/"); at != std::string::npos;
           at = peer.got.find("[/", at + 1)) {
        if (peer.got.size() - at < own.size()) break;
        if (peer.got.compare(at, own.size(), own) != 0) broken("an answer is for its own client");
      }
    }
  }

  struct Stale {
    IncomingMessage* req;
    ServerResponse* res;
    std::string url;
  };

  // Keeps a handler's references, which are stale from the handler's end on.
  struct Keeping {
    World& world;
    Stale what;
    bool keeps = false;
    Keeping(World& of, Stale lent) : world(of), what(std::move(lent)) {}
    Keeping(const Keeping&) = delete;
    Keeping& operator=(const Keeping&) = delete;
    ~Keeping() {
      if (keeps) world.stale_.push_back(what);
    }
  };

  Once& expect(std::string what) { return expected_.emplace_back(Once{std::move(what), 0}); }
  std::function<void(error_code)> callback(std::string what) {
    Once& once = expect(std::move(what));
    return [&once](error_code) { ++once.count; };
  }

  struct Alive {
    explicit Alive(int& counted) : count(counted) { ++count; }
    Alive(const Alive&) = delete;
    Alive& operator=(const Alive&) = delete;
    ~Alive() { --count; }
    int& count;
  };

  task<> gate() {
    asio::steady_timer timer(io_, asio::steady_timer::time_point::max());
    struct Listed {
      std::set<asio::steady_timer*>& all;
      asio::steady_timer* one;
      ~Listed() { all.erase(one); }
    } const listed{gates_, &timer};
    gates_.insert(&timer);
    error_code ec;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }

  template <class T>
  void spawn(task<T> coroutine, std::string what) {
    Once& once = expect(std::move(what));
    if constexpr (std::is_void_v<T>) {
      asio::co_spawn(io_, std::move(coroutine), [&once](std::exception_ptr) { ++once.count; });
    } else {
      asio::co_spawn(io_, std::move(coroutine),
                     [&once](std::exception_ptr, const T&) { ++once.count; });
    }
  }

  static task<> awaitResult(WriteResult result) { co_await result; }
  static task<std::string> textOf(IncomingMessage message) { co_return co_await message.text(); }

  void useStale() {
    if (stale_.empty()) return;
    const Stale& kept = stale_[choices_.below(static_cast<unsigned>(stale_.size()))];
    try {
      switch (choices_.below(5)) {
        case 0:
          kept.res->setHeader("X-Stale", "1");
          broken("setHeader() of a stale response throws");
        case 1:
          if (kept.res->write("[stale]", callback("a stale write")))
            broken("a stale write is false");
          break;
        case 2:
          if (kept.res->end("[stale]")) broken("a stale end is false");
          break;
        case 3:
          if (kept.req->url() != kept.url) broken("a stale request is never another one");
          break;
        default:
          spawn(kept.req->text(), "a stale text()");
      }
    } catch (const Error& error) {
      // Until its response has left a request is not over.
      if (error.code() != errc::ERR_STREAM_DESTROYED &&
          error.code() != errc::ERR_HTTP_HEADERS_SENT) {
        broken("a stale call is ERR_STREAM_DESTROYED");
      }
    }
  }

  void listen(IncomingMessage& req, ServerResponse& res) {
    if (!res.closed()) {
      Once& close = expect("'close' of a response");
      res.on<"close">([&close] { ++close.count; });
    }
    if (!req.closed()) {
      Once& close = expect("'close' of a request");
      req.on<"close">([&close] { ++close.count; });
    }
  }

  // What a handler does that need not be awaited. false: it was the last thing.
  bool act(IncomingMessage& req, ServerResponse& res, const std::string& own, bool& keeps) {
    switch (choices_.below(22)) {
      case 0:
        listen(req, res);
        break;
      case 1:
        req.resume();
        break;
      case 2:
        req.on<"data">([](std::string_view) {});
        break;
      case 3:
        res.write(own, callback("write"));
        break;
      case 4:
        res.write(std::string(5000, 'x'), callback("a large write"));
        break;
      case 5:
        res.end(own, callback("end"));
        break;
      case 6:
        res.end(callback("an empty end"));
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
        keeps = true;
        break;
      case 13:
        spawn(req.text(), "a spawned text()");
        break;
      case 14:
        spawn(awaitResult(res.write(own)), "a spawned write");
        break;
      case 15:
        spawn(awaitResult(res.end()), "a spawned end");
        break;
      case 16:
        choices_.yes() ? res.cork() : res.uncork();
        break;
      case 17:
        res.flushHeaders();
        break;
      case 18:
        if (!res.headersSent()) {
          Once& written = expect("written of early hints");
          res.writeEarlyHints({{"link", "</a>; rel=preload"}}, [&written] { ++written.count; });
        }
        break;
      case 19:
        req.setTimeout(1s);
        break;
      case 20:
        endServer(choices_.below(8));
        return server_.has_value();
      default:
        return false;
    }
    return true;
  }

  task<> handle(IncomingMessage& req, ServerResponse& res) {
    const Alive alive(handlers_);
    Keeping keeping(*this, Stale{&req, &res, std::string(req.url())});
    const std::string own = "[" + keeping.what.url + "]";
    for (int steps = 0; steps != 8 && !choices_.over(); ++steps) {
      switch (choices_.below(10)) {
        case 0:
          co_await gate();
          break;
        case 1:
          co_await asio::post(io_, asio::use_awaitable);
          break;
        case 2:
          co_await req.read();
          break;
        case 3:
          co_await req.text();
          break;
        case 4:
          co_await res.end(own);
          break;
        case 5:
          co_await res.write(own);
          break;
        case 6:
          if (choices_.yes()) {
            co_await req.once<"end">();
          } else {
            co_await res.once<"close">();
          }
          break;
        default: {
          bool goesOn = false;
          try {
            goesOn = act(req, res, own, keeping.keeps);
          } catch (const Error&) {
            goesOn = true;
          }
          if (!goesOn) co_return;
        }
      }
    }
  }

  task<> tunnel(IncomingMessage& req, net::Socket& socket) {
    const Alive alive(handlers_);
    static_cast<void>(req.url());
    if (choices_.yes()) co_await gate();
    if (choices_.yes()) {
      moved_.push_back(std::move(socket));
      co_return;
    }
    socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    while (auto data = co_await socket.read()) {
      if (choices_.yes()) co_return;
    }
  }

  void finish() {
    settle();
    look();
    for (int i = 0; i != 3; ++i) {
      for (asio::steady_timer* timer : std::vector(gates_.begin(), gates_.end())) timer->cancel();
      settle();
    }
    for (Peer& peer : peers_) peer.wire.room(1'000'000);
    settle();
    look();
    server_.reset();
    settle();
    moved_.clear();
    for (int i = 0; i != 8; ++i) {
      for (asio::steady_timer* timer : std::vector(gates_.begin(), gates_.end())) timer->cancel();
      settle();
      clock_.advance(10s);
    }
    look();
    if (handlers_ != 0) broken("no handler outlives its server");
    for (const Once& once : expected_) {
      if (once.count == 1) continue;
      std::cerr << once.what << " came " << once.count << " times\n";
      broken("everything ends exactly once");
    }
  }

  Choices choices_;
  // What coroutines refer to that go with the context.
  std::deque<Once> expected_;
  std::set<asio::steady_timer*> gates_;
  std::vector<Stale> stale_;
  int handlers_ = 0;
  std::size_t requests_ = 0;
  asio::io_context io_{1};
  test::Clock clock_{io_, [this] { settle(); }};
  std::deque<Peer> peers_;
  std::vector<net::Socket> moved_;
  std::optional<Server> server_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2000) return 0;
  World world(std::string_view(reinterpret_cast<const char*>(data), size));
  world.run();
  return 0;
}
