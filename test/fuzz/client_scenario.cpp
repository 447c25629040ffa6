// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes whole clients: an agent, its requests and the servers at the other end of connections in
// memory. The bytes choose what everybody does next and how time passes. After each step the
// agent's pool must be as a simple model says; a response must be that of its request; and in the
// end everything that was promised has happened exactly once and nothing is alive.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <sluice/http.hpp>
#include <sluice/test/clock.hpp>
#include <sluice/test/wire.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace sluice;
using namespace sluice::http;
using namespace std::chrono_literals;

namespace {

[[noreturn]] void fail(std::string_view what) {
  std::cerr << "the scenario is wrong: " << what << std::endl;
  std::abort();
}

void require(bool holds, std::string_view what) {
  if (!holds) fail(what);
}

// The choices, one after the other; zeros when they are used up.
class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ >= size_; }
  unsigned next(unsigned below) { return empty() ? 0 : data_[at_++] % below; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

// A server's end of one connection. It answers each request that it has seen at most once, and says
// in the answer which one it was, as long as it says nothing else.
struct Peer {
  explicit Peer(asio::io_context& io) : wire(io) {}

  test::Wire wire;
  std::string seen;
  std::deque<std::string> unanswered;
  bool honest = true;

  void look() {
    seen += wire.takeReceived();
    for (std::size_t at = 0; (at = seen.find(" /id")) != std::string::npos;) {
      const std::size_t end = seen.find(' ', at + 1);
      if (end == std::string::npos) return;
      unanswered.push_back(seen.substr(at + 4, end - at - 4));
      seen.erase(0, end);
    }
  }
};

// A request with all that is known of it.
struct Asked {
  std::string id;
  std::optional<ClientRequest> req;
  std::optional<IncomingMessage> res;
  // Of listeners, callbacks and coroutines: begun and done.
  int closes = 0;
  int errors = 0;
  int responses = 0;
  int promised = 0;
  int kept = 0;
  bool listens = false;
  // Of a response with a listener for its data: that listens for as long as the connection is
  // there, which is the agent's no more.
  bool flows = false;
  bool leftAgent = false;
  // Of its response, which was destroyed before its end was known.
  bool destroyed = false;
  int responseCloses = 0;
};

class World {
 public:
  explicit World(Choices& choices) : choices_(choices) { makeAgent(); }

  void step() {
    act();
    // Looking makes connections that would be made later, or not at all.
    if (choices_.next(3) == 0) check();
  }

  // All that can still happen has happened, and then all goes.
  void finish() {
    slow_ = false;
    openGates();
    for (const auto& asked : asked_) {
      require(!asked->destroyed || asked->responseCloses == 1,
              "a response that is destroyed closes");
    }
    for (const auto& asked : asked_) {
      if (asked->res) drop(*asked);
    }
    for (const auto& asked : asked_) asked->req.reset();
    settle();
    agent_.reset();
    settle();
    clock_.advance(10min);
    settle();
    bool goesOn = false;
    for (const auto& asked : asked_) {
      const bool done = !asked->listens || asked->closes == 1;
      require(done || (asked->flows && asked->leftAgent), "'close' comes with the agent's end");
      goesOn |= !done;
    }
    for (const auto& peer : peers_) {
      require(peer->wire.closed() || goesOn, "connections go with their agent");
    }
    for (const auto& peer : peers_) peer->wire.reset();
    settle();
    for (const auto& asked : asked_) {
      require(!asked->listens || asked->closes == 1, "'close' comes once");
      require(asked->errors <= 1, "'error' comes once at most");
      require(asked->promised == asked->kept, "each callback and each waiter is called once");
    }
    for (const auto& peer : peers_) require(peer->wire.closed(), "connections end");
  }

 private:
  void settle() {
    io_.restart();
    for (int i = 0; io_.poll_one() != 0; ++i) require(i < 100'000, "it comes to rest");
  }

  void makeAgent() {
    AgentOptions options;
    options.keepAlive = choices_.next(4) != 0;
    options.maxSockets = choices_.next(4);
    options.maxTotalSockets = 1 + choices_.next(5);
    options.maxFreeSockets = choices_.next(3);
    options.scheduling = choices_.next(2) != 0 ? Scheduling::lifo : Scheduling::fifo;
    options.timeout = choices_.next(3) * 100ms;
    agent_ = std::make_unique<Agent>(io_, options);
  }

  // The agent's pool against what its options say.
  void check() {
    if (!agent_) return;
    const auto used = agent_->sockets();
    const auto free = agent_->freeSockets();
    const auto waiting = agent_->requests();
    std::map<std::string, std::size_t> open;
    std::size_t total = 0;
    for (const auto& [name, sockets] : used) open[name] += sockets.size(), total += sockets.size();
    for (const auto& [name, sockets] : free) {
      open[name] += sockets.size(), total += sockets.size();
      require(sockets.size() <= agent_->maxFreeSockets, "maxFreeSockets holds");
      for (net::Socket* socket : sockets) require(socket != nullptr, "a free socket is there");
    }
    require(total == agent_->totalSocketCount(), "the total is the sum");
    require(total <= agent_->maxTotalSockets, "maxTotalSockets holds");
    for (const auto& [name, count] : open) require(count <= agent_->maxSockets, "maxSockets holds");
    for (const auto& [name, requests] : waiting) {
      require(!requests.empty(), "a name without anything is gone");
      require(open[name] >= agent_->maxSockets || total >= agent_->maxTotalSockets,
              "nobody waits if a connection may be opened");
    }
    for (const auto& asked : asked_) {
      require(asked->closes <= 1 && asked->errors <= 1, "'close' and 'error' come once");
      require(asked->responseCloses <= 1, "a response closes once");
      require(asked->kept <= asked->promised, "nothing is called twice");
    }
  }

  task<net::Socket> open(std::size_t highWaterMark) {
    while (slow_) {
      ++waiting_;
      asio::steady_timer gate(io_, std::chrono::steady_clock::time_point::max());
      gates_.push_back(&gate);
      error_code ec;
      co_await gate.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      std::erase(gates_, &gate);
      if ((co_await asio::this_coro::cancellation_state).cancelled() !=
          asio::cancellation_type::none) {
        throw Error(asio::error::operation_aborted);
      }
    }
    if (refuses_) throw Error(make_error_code(boost::system::errc::connection_refused));
    Peer& peer = *peers_.emplace_back(std::make_unique<Peer>(io_));
    co_return peer.wire.socket(highWaterMark);
  }

  void openGates() {
    for (asio::steady_timer* gate : gates_) gate->cancel();
    settle();
  }

  RequestOptions options(std::string id) {
    static constexpr const char* methods[] = {"GET", "POST", "HEAD", "PUT", "CONNECT"};
    static constexpr const char* hosts[] = {"a", "b"};
    RequestOptions options;
    options.agent = *agent_;
    options.host = hosts[choices_.next(2)];
    options.path = "/id" + std::move(id);
    options.method = methods[choices_.next(5)];
    options.retryStale = choices_.next(2) != 0;
    options.timeout = choices_.next(3) * 70ms;
    options.deadline = choices_.next(4) == 0 ? 150ms : 0ms;
    options.createConnection = [this](const net::ConnectionOptions& to) {
      return open(to.highWaterMark);
    };
    if (choices_.next(8) == 0) options.headers.set("Content-Length", choices_.next(8));
    return options;
  }

  void looksRight(const Asked& asked, const IncomingMessage& res) {
    const auto id = res.headers().get("x-id");
    if (!id || id->empty()) return;
    require(*id == asked.id, "a response is that of its request");
  }

  void ask() {
    if (asked_.size() >= 24 || !agent_) return;
    auto asked = std::make_shared<Asked>();
    asked->id = std::to_string(asked_.size());
    asked_.push_back(asked);
    RequestOptions chosen = options(asked->id);
    if (choices_.next(4) == 0) {
      ++asked->promised;
      asio::co_spawn(io_, gets(asked, std::move(chosen)), asio::detached);
      return;
    }
    asked->req.emplace(request(io_, std::move(chosen)));
    asked->listens = true;
    asked->req->on<"close">([asked = asked.get()] { ++asked->closes; });
    // Each misuse has an error of its own.
    asked->req->on<"error">([asked = asked.get()](const Error& error) {
      if (error.code() != errc::ERR_STREAM_WRITE_AFTER_END &&
          error.code() != errc::ERR_STREAM_DESTROYED) {
        ++asked->errors;
      }
    });
    const unsigned hears = choices_.next(5);
    if (hears == 0) return;
    asked->req->on<"response">([this, asked = asked.get(), hears](IncomingMessage& res) {
      require(++asked->responses == 1, "'response' comes once");
      looksRight(*asked, res);
      res.on<"close">([asked] { ++asked->responseCloses; });
      if (hears == 1) asked->res.emplace(std::move(res));
      if (hears == 2) listenTo(*asked, res);
      if (hears == 3) destroy(*asked, res);
    });
  }

  void destroy(Asked& asked, IncomingMessage& res) {
    asked.destroyed |= asked.responseCloses == 0 && !res.readableEnded();
    res.destroy();
  }

  void listenTo(Asked& asked, IncomingMessage& res) {
    asked.flows = true;
    res.on<"data">([](std::string_view) {});
  }

  // Named functions: their parameters are in the frame.
  task<> gets(std::shared_ptr<Asked> asked, RequestOptions chosen) {
    const Kept kept{*asked};
    try {
      IncomingMessage res = co_await http::get(std::as_const(chosen));
      looksRight(*asked, res);
      co_await res.text();
    } catch (const std::exception&) {
    }
  }
  task<> takes(std::shared_ptr<Asked> asked) {
    const Kept kept{*asked};
    if (!asked->req) co_return;
    try {
      IncomingMessage res = co_await asked->req->response();
      looksRight(*asked, res);
      if (asked->responses == 0) res.on<"close">([asked] { ++asked->responseCloses; });
      asked->res.emplace(std::move(res));
    } catch (const std::exception&) {
    }
  }
  task<> reads(std::shared_ptr<Asked> asked) {
    const Kept kept{*asked};
    if (!asked->res) co_return;
    try {
      const auto piece = co_await asked->res->read();
      settled_ += piece ? static_cast<unsigned char>((*piece)[0]) : 0;
    } catch (const std::exception&) {
    }
  }
  struct Kept {
    Asked& asked;
    ~Kept() { ++asked.kept; }
  };

  void drop(Asked& asked) {
    // Nobody listens any more.
    asked.destroyed = false;
    asked.res.reset();
  }

  std::shared_ptr<Asked> someone() {
    return asked_.empty() ? nullptr : asked_[choices_.next(static_cast<unsigned>(asked_.size()))];
  }
  Peer* peer() {
    return peers_.empty() ? nullptr
                          : peers_[choices_.next(static_cast<unsigned>(peers_.size()))].get();
  }

  std::function<void(error_code)> callback(Asked& asked) {
    ++asked.promised;
    return [&asked](error_code) { ++asked.kept; };
  }

  void requestActs() {
    const auto asked = someone();
    if (!asked || !asked->req) return;
    ClientRequest& req = *asked->req;
    try {
      switch (choices_.next(10)) {
        case 0:
          req.write(std::string(choices_.next(64) * 300, 'w'), callback(*asked));
          break;
        case 1:
        case 2:
          req.end(callback(*asked));
          break;
        case 3:
          req.end(std::string(choices_.next(8), 'e'), callback(*asked));
          break;
        case 4:
          req.destroy(choices_.next(2) != 0 ? make_error_code(boost::system::errc::io_error)
                                            : error_code());
          break;
        case 5:
          asked->req.reset();
          break;
        case 6:
          ++asked->promised;
          asio::co_spawn(io_, takes(asked), asio::detached);
          break;
        case 7:
          if (net::Socket* socket = req.socket()) socketActs(*asked, *socket);
          break;
        case 8:
          req.setTimeout(50ms);
          break;
        default:
          req.abort();
      }
    } catch (const Error&) {
      // A body where none may be: nothing was promised.
      asked->promised = std::max(asked->promised - 1, asked->kept);
    }
  }

  void socketActs(Asked& asked, net::Socket& socket) {
    if (choices_.next(2) != 0) {
      socket.destroy();
    } else {
      asked.leftAgent = true;
      socket.emit<"agentRemove">();
    }
  }

  void responseActs() {
    const auto asked = someone();
    if (!asked || !asked->res) return;
    switch (choices_.next(6)) {
      case 0:
        asked->res->resume();
        break;
      case 1:
        asked->res->pause();
        break;
      case 2:
        destroy(*asked, *asked->res);
        break;
      case 3:
        drop(*asked);
        break;
      case 4:
        ++asked->promised;
        asio::co_spawn(io_, reads(asked), asio::detached);
        break;
      default:
        listenTo(*asked, *asked->res);
    }
  }

  void answer(Peer& peer) {
    peer.look();
    if (peer.unanswered.empty()) return;
    const std::string id = std::exchange(peer.unanswered.front(), {});
    peer.unanswered.pop_front();
    const std::string body(choices_.next(3) * choices_.next(64) * 200, 'b');
    std::string text;
    if (choices_.next(8) == 0) text += "HTTP/1.1 103 Early Hints\r\n\r\n";
    text += choices_.next(6) == 0 ? "HTTP/1.0 200 OK\r\n" : "HTTP/1.1 200 OK\r\n";
    if (peer.honest) text += "X-Id: " + id + "\r\n";
    if (choices_.next(4) == 0) text += "Connection: close\r\n";
    if (choices_.next(4) == 0) text += "Keep-Alive: timeout=1\r\n";
    switch (choices_.next(3)) {
      case 0:
        text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        break;
      case 1:
        text += "Transfer-Encoding: chunked\r\n\r\n";
        if (!body.empty()) text += std::to_string(5) + "\r\nhello\r\n";
        text += "0\r\n\r\n";
        break;
      default:
        text += "\r\n" + body;
        peer.honest = false;  // until the close: what follows is its body
    }
    if (choices_.next(5) == 0) {
      text.resize(text.size() * (1 + choices_.next(7)) / 8);
      peer.honest = false;
    }
    peer.wire.chop(1 + choices_.next(4) * 500);
    peer.wire.deliver(text);
  }

  void peerActs() {
    Peer* const peer = this->peer();
    if (peer == nullptr) return;
    switch (choices_.next(9)) {
      case 0:
      case 1:
      case 2:
      case 3:
        answer(*peer);
        break;
      case 4:
        peer->honest = false;
        peer->wire.deliver(
            std::string(1 + choices_.next(9), static_cast<char>(choices_.next(255))));
        break;
      case 5:
        peer->wire.deliverEnd();
        break;
      case 6:
        peer->wire.reset();
        break;
      case 7:
        peer->wire.room(choices_.next(3) * 2000);
        break;
      default:
        peer->wire.failAt(peer->wire.calls().operations() + 1 + choices_.next(3),
                          asio::error::broken_pipe);
    }
  }

  void act() {
    switch (choices_.next(16)) {
      case 0:
      case 1:
        ask();
        break;
      case 2:
      case 3:
      case 4:
        requestActs();
        break;
      case 5:
      case 6:
      case 7:
        peerActs();
        break;
      case 8:
        responseActs();
        break;
      case 9:
        clock_.advance(choices_.next(8) * 40ms);
        break;
      case 10:
        io_.restart();
        for (unsigned i = choices_.next(6); i != 0; --i) io_.poll_one();
        break;
      case 11:
        slow_ = choices_.next(2) != 0;
        if (!slow_) openGates();
        break;
      case 12:
        refuses_ = choices_.next(4) == 0;
        break;
      case 13:
        if (agent_ && choices_.next(4) == 0) agent_->destroy();
        break;
      case 14:
        if (choices_.next(8) == 0) {
          agent_.reset();
          makeAgent();
        }
        break;
      default:
        settle();
    }
  }

  Choices& choices_;
  // Coroutines that wait at one of these go with the context.
  std::vector<asio::steady_timer*> gates_;
  std::vector<std::shared_ptr<Asked>> asked_;
  asio::io_context io_{1};
  test::Clock clock_{io_, [this] { settle(); }};
  std::vector<std::unique_ptr<Peer>> peers_;
  std::unique_ptr<Agent> agent_;
  std::size_t waiting_ = 0;
  unsigned settled_ = 0;
  bool slow_ = false;
  bool refuses_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  World world(choices);
  while (!choices.empty()) world.step();
  if (size % 4 != 0) world.finish();
  return 0;
}
