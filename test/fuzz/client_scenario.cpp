// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes whole clients: an agent, its requests and the servers at the other end of connections in
// memory. The bytes choose what everybody does next and how time passes. After each step the
// agent's pool must be as a simple model says; a response must be what a naive reader reads on a
// connection on which its request was sent; and in the end everything that was promised has
// happened exactly once and nothing is alive.
#include <map>
#include <memory>
#include <optional>
#include <sluice/http.hpp>
#include <sluice/test/clock.hpp>
#include <sluice/test/wire.hpp>
#include "naive_http.hpp"
#include "scenario.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace std::chrono_literals;
using scenario::Choices;
using scenario::require;

namespace {

// A server's end of one connection. It answers each request that it has seen at most once.
struct Peer : scenario::Sender {
  using Sender::Sender;

  std::string seen;
  bool ended = false;
  std::size_t answered = 0;

  // The requests that it was sent.
  naive::Reading requests() {
    seen += wire.takeReceived();
    return naive::requests(
        seen, [](const naive::Message& request) { return request.first[0] == "CONNECT"; });
  }
  // What it has answered.
  naive::Reading responses(const naive::Reading& asked) const {
    std::vector<std::string> methods;
    for (const auto& request : asked.messages) methods.push_back(request.first[0]);
    return naive::responses(right(), ended && !wasWrong(), methods);
  }
};

// A request with all that is known of it.
struct Asked {
  std::string id;
  std::optional<ClientRequest> req;
  std::optional<IncomingMessage> res;
  // How often its listeners were called.
  int closes = 0;
  int errors = 0;
  int responses = 0;
  bool listens = false;
  // The body of the response is not the request's to read, but the socket's.
  bool connects = false;
  // Given up by the program, or there is nobody to hear of its response.
  bool given = false;
  // What was read of the response's body, if nobody else takes it.
  std::string body;
  bool flowed = false;
  // Of a response with a listener for its data: that listens for as long as the connection is
  // there, which is the agent's no more.
  bool flows = false;
  bool leftAgent = false;
  // Of its response, which was destroyed before its end was known.
  bool destroyed = false;
  int responseCloses = 0;
  bool hearsClose = false;
};

class World {
 public:
  explicit World(Choices& choices) : choices_(choices) { makeAgent(); }

  void step() {
    act();
    // Looking makes connections that would be made later, or not at all.
    if (choices_.below(3) == 0) check();
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
    for (const auto& asked : asked_) {
      asked->given = true;
      asked->req.reset();
    }
    tunnels_.clear();
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
    }
    for (const auto& peer : peers_) require(peer->wire.closed(), "connections end");
    promises_.checkAllKept();
  }

 private:
  void settle() {
    io_.restart();
    for (int i = 0; io_.poll_one() != 0; ++i) require(i < 2'000'000, "it comes to rest");
  }

  void makeAgent() {
    AgentOptions options;
    options.keepAlive = choices_.below(4) != 0;
    options.maxSockets = choices_.below(4);
    options.maxTotalSockets = 1 + choices_.below(5);
    options.maxFreeSockets = choices_.below(3);
    options.scheduling = choices_.below(2) != 0 ? Scheduling::lifo : Scheduling::fifo;
    options.timeout = choices_.below(3) * 100ms;
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
    promises_.checkNoneTwice();
    for (const auto& asked : asked_) {
      require(asked->closes <= 1 && asked->errors <= 1, "'close' and 'error' come once");
      require(asked->responseCloses <= 1, "a response closes once");
      require(asked->closes == 0 || asked->given || asked->responses + asked->errors != 0,
              "a request has a response or an error");
    }
  }

  task<net::Socket> open(std::size_t highWaterMark) {
    while (slow_) {
      co_await gates_.wait(io_);
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
    gates_.openAll();
    settle();
  }

  RequestOptions options(std::string id) {
    static constexpr const char* methods[] = {"GET", "POST", "HEAD", "PUT", "CONNECT"};
    static constexpr const char* hosts[] = {"a", "b"};
    RequestOptions options;
    options.agent = *agent_;
    options.host = hosts[choices_.below(2)];
    options.path = "/id" + std::move(id);
    options.method = methods[choices_.below(5)];
    options.retryStale = choices_.below(2) != 0;
    options.timeout = choices_.below(3) * 70ms;
    options.deadline = choices_.below(4) == 0 ? 150ms : 0ms;
    options.createConnection = [this](const net::ConnectionOptions& to) {
      return open(to.highWaterMark);
    };
    if (choices_.below(8) == 0) options.headers.set("Content-Length", choices_.below(8));
    return options;
  }

  // What a naive reader makes of the bytes on the connections on which the request was sent. A
  // request is sent again over another one if the first was stale.
  template <class Act>
  void eachResponse(const Asked& asked, Act act) {
    for (const auto& peer : peers_) {
      const auto requests = peer->requests();
      const auto responses = peer->responses(requests);
      std::size_t number = 0;
      for (const naive::Message& response : responses.messages) {
        if (response.status() / 100 == 1 && response.status() != 101) continue;
        if (number == requests.messages.size()) break;
        if (requests.messages[number++].first[1] == "/id" + asked.id) act(response);
      }
    }
  }

  bool wasSentWrong() const {
    for (const auto& peer : peers_) {
      if (peer->wasWrong()) return true;
    }
    return false;
  }

  void looksRight(const Asked& asked, const IncomingMessage& res) {
    bool right = false;
    eachResponse(asked, [&](const naive::Message& response) {
      const auto lines = res.rawHeaders();
      bool same = response.status() == res.statusCode() && lines.size() == response.fields.size();
      for (std::size_t i = 0; same && i != lines.size(); ++i) {
        same = lines[i].name == response.fields[i].first &&
               lines[i].value == response.fields[i].second;
      }
      right |= same;
    });
    require(right || wasSentWrong(), "a response is what was sent for its request");
  }

  void bodyIsRight(const Asked& asked, bool atEnd) {
    if (asked.flowed) return;
    bool right = false;
    eachResponse(asked, [&](const naive::Message& response) {
      const std::string_view body = asked.connects ? std::string_view() : response.body;
      right |= atEnd ? (response.whole || asked.connects) && body == asked.body
                     : body.starts_with(asked.body);
    });
    require(right || wasSentWrong(), "a body is what was sent for its request");
  }

  void ask() {
    if (asked_.size() >= 24 || !agent_) return;
    auto asked = std::make_shared<Asked>();
    asked->id = std::to_string(asked_.size());
    asked_.push_back(asked);
    RequestOptions chosen = options(asked->id);
    if (choices_.below(4) == 0) {
      promises_.spawn(io_, gets(asked, std::move(chosen)), "a get()");
      return;
    }
    asked->connects = chosen.method == "CONNECT";
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
    const unsigned hears = choices_.below(5);
    // Without listeners a tunnel ends, and nobody is told why.
    if (choices_.below(4) != 0) {
      takesTunnel(*asked);
    } else {
      asked->given = true;
    }
    asked->given |= hears == 0;
    if (hears == 0) return;
    asked->req->on<"response">([this, asked = asked.get(), hears](IncomingMessage& res) {
      require(++asked->responses == 1, "'response' comes once");
      looksRight(*asked, res);
      hearClose(*asked, res);
      if (choices_.oneIn(8)) res.removeListener(res.addListener<"end">([] {}));
      if (choices_.oneIn(16)) endAgent();
      if (hears == 1) asked->res.emplace(std::move(res));
      if (hears == 2) listenTo(*asked, res);
      if (hears == 3) destroy(*asked, res);
    });
  }

  // "connect" and "upgrade" in place of "response".
  void takesTunnel(Asked& asked) {
    const auto takes = [this, &asked](IncomingMessage& res, net::Socket& socket, std::string_view) {
      require(++asked.responses == 1, "'response', 'connect' or 'upgrade' comes once");
      looksRight(asked, res);
      if (choices_.below(2) != 0) tunnels_.push_back(std::move(socket));
    };
    asked.req->on<"connect">(takes);
    asked.req->on<"upgrade">(takes);
  }

  void endAgent() {
    for (const auto& asked : asked_) asked->given = true;
    if (agent_) agent_->destroy();
  }

  static void hearClose(Asked& asked, IncomingMessage& res) {
    asked.hearsClose = true;
    res.on<"close">([&asked] { ++asked.responseCloses; });
  }

  void destroy(Asked& asked, IncomingMessage& res) {
    asked.destroyed |= asked.hearsClose && asked.responseCloses == 0 && !res.readableEnded();
    res.destroy();
  }

  void listenTo(Asked& asked, IncomingMessage& res) {
    asked.flows = asked.flowed = true;
    res.on<"data">([](std::string_view) {});
  }

  // Named functions: their parameters are in the frame.
  task<> gets(std::shared_ptr<Asked> asked, RequestOptions chosen) {
    try {
      IncomingMessage res = co_await http::get(std::as_const(chosen));
      looksRight(*asked, res);
      asked->body = co_await res.text();
      bodyIsRight(*asked, true);
    } catch (const std::exception&) {
    }
  }
  task<> takes(std::shared_ptr<Asked> asked) {
    if (!asked->req) co_return;
    try {
      // In place of "response".
      asked->given = true;
      IncomingMessage res = co_await asked->req->response();
      looksRight(*asked, res);
      if (!asked->hearsClose) hearClose(*asked, res);
      asked->res.emplace(std::move(res));
    } catch (const std::exception&) {
    }
  }
  task<> reads(std::shared_ptr<Asked> asked) {
    if (!asked->res) co_return;
    try {
      const bool ended = asked->res->readableEnded();
      const auto piece = co_await asked->res->read();
      if (piece) asked->body += *piece;
      if (!ended) bodyIsRight(*asked, !piece);
    } catch (const std::exception&) {
    }
  }
  void drop(Asked& asked) {
    // Nobody listens any more.
    asked.destroyed = false;
    asked.res.reset();
  }

  std::shared_ptr<Asked> someone() {
    return asked_.empty() ? nullptr : asked_[choices_.below(static_cast<unsigned>(asked_.size()))];
  }
  Peer* peer() {
    return peers_.empty() ? nullptr
                          : peers_[choices_.below(static_cast<unsigned>(peers_.size()))].get();
  }

  void requestActs() {
    const auto asked = someone();
    if (!asked || !asked->req) return;
    ClientRequest& req = *asked->req;
    const std::size_t promised = promises_.count();
    try {
      switch (choices_.below(10)) {
        case 0:
          req.write(std::string(choices_.below(64) * 300, 'w'), promises_.callback("a callback"));
          break;
        case 1:
        case 2:
          req.end(promises_.callback("a callback"));
          break;
        case 3:
          req.end(std::string(choices_.below(8), 'e'), promises_.callback("a callback"));
          break;
        case 4:
          asked->given = true;
          req.destroy(choices_.below(2) != 0 ? make_error_code(boost::system::errc::io_error)
                                             : error_code());
          break;
        case 5:
          asked->given = true;
          asked->req.reset();
          break;
        case 6:
          promises_.spawn(io_, takes(asked), "a wait for a response");
          break;
        case 7:
          if (net::Socket* socket = req.socket()) socketActs(*asked, *socket);
          break;
        case 8:
          req.setTimeout(50ms);
          break;
        default:
          asked->given = true;
          req.abort();
      }
    } catch (const Error&) {
      // A body where none may be.
      promises_.takeBack(promised);
    }
  }

  void socketActs(Asked& asked, net::Socket& socket) {
    asked.given = true;
    if (choices_.below(2) != 0) {
      socket.destroy();
    } else {
      asked.leftAgent = true;
      socket.emit<"agentRemove">();
    }
  }

  void responseActs() {
    const auto asked = someone();
    if (!asked || !asked->res) return;
    switch (choices_.below(6)) {
      case 0:
        asked->flowed = true;
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
        promises_.spawn(io_, reads(asked), "a read()");
        break;
      default:
        listenTo(*asked, *asked->res);
    }
  }

  std::string bodyOfAnswer(std::string_view body) {
    static constexpr const char* ends[] = {"0\r\n\r\n", "0\r\nX-Trailer: t\r\n\r\n"};
    switch (choices_.below(3)) {
      case 0:
        return "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
      case 1: {
        std::string text = "Transfer-Encoding: chunked\r\n\r\n";
        while (!body.empty()) {
          const std::string_view chunk = body.substr(0, 1 + choices_.below(9) * 100);
          static constexpr char digits[] = "0123456789abcdef";
          std::string size;
          for (std::size_t rest = chunk.size(); rest != 0; rest /= 16) {
            size.insert(size.begin(), digits[rest % 16]);
          }
          text.append(size).append("\r\n").append(chunk).append("\r\n");
          body.remove_prefix(chunk.size());
        }
        return text + ends[choices_.below(2)];
      }
      default:
        return "\r\n" + std::string(body);
    }
  }

  void answer(Peer& peer) {
    const auto requests = peer.requests();
    require(requests.wrong.empty(), "a request is well-formed");
    if (peer.answered >= requests.messages.size()) return;
    const naive::Message& request = requests.messages[peer.answered++];
    std::string text;
    if (choices_.below(8) == 0) text += "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    static constexpr const char* statuses[] = {"200 OK",    "200 OK",           "404 Not Found",
                                               "204 Empty", "304 Not Modified", "101 Switching"};
    const std::string status = statuses[choices_.below(6)];
    text += choices_.below(6) == 0 ? "HTTP/1.0 " : "HTTP/1.1 ";
    text += status + "\r\nX-Id: " + request.first[1] + "\r\n";
    if (choices_.below(4) == 0) text += "Connection: close\r\n";
    if (choices_.below(4) == 0) text += "Keep-Alive: timeout=1\r\n";
    if (status[0] == '1') {
      text += "Connection: upgrade\r\nUpgrade: x\r\n\r\nof the tunnel";
    } else if (status == "204 Empty" || status[0] == '3' || request.first[0] == "HEAD") {
      text += choices_.below(2) != 0 && status[0] != '2' ? "Content-Length: 5\r\n\r\n" : "\r\n";
    } else {
      text += bodyOfAnswer(std::string(choices_.below(3) * choices_.below(64) * 200, 'b'));
    }
    if (choices_.below(5) == 0) text.resize(text.size() * (1 + choices_.below(7)) / 8);
    peer.piece = 1 + choices_.below(4) * 500;
    if (choices_.oneIn(12)) {
      peer.sendWrong(scenario::mutated(text, choices_));
    } else {
      peer.send(text);
    }
  }

  void peerActs() {
    Peer* const peer = this->peer();
    if (peer == nullptr) return;
    test::Wire& wire = peer->wire;
    switch (choices_.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        answer(*peer);
        break;
      case 4:
        peer->sendWrong(std::string(1 + choices_.below(9), static_cast<char>(choices_.below(255))));
        break;
      case 5:
        peer->ended = true;
        wire.deliverEnd();
        break;
      case 6:
        wire.reset();
        break;
      case 7:
        wire.room(choices_.below(3) * 2000);
        break;
      case 8:
        wire.acceptAtMost(1 + choices_.below(100));
        break;
      case 9:
        wire.failRead(scenario::someError(choices_));
        break;
      case 10:
        wire.failWrite(scenario::someError(choices_));
        break;
      default:
        wire.failAt(wire.calls().operations() + 1 + choices_.below(3),
                    scenario::someError(choices_));
    }
  }

  void act() {
    switch (choices_.below(16)) {
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
        clock_.advance(choices_.below(8) * 40ms);
        break;
      case 10:
        io_.restart();
        for (unsigned i = choices_.below(6); i != 0; --i) io_.poll_one();
        break;
      case 11:
        slow_ = choices_.below(2) != 0;
        if (!slow_) openGates();
        break;
      case 12:
        refuses_ = choices_.below(4) == 0;
        break;
      case 13:
        if (choices_.below(4) == 0) endAgent();
        break;
      case 14:
        if (choices_.below(8) == 0) {
          endAgent();
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
  scenario::Promises promises_;
  scenario::Gates gates_;
  std::vector<std::shared_ptr<Asked>> asked_;
  asio::io_context io_{1};
  test::Clock clock_{io_, [this] { settle(); }};
  std::vector<std::unique_ptr<Peer>> peers_;
  std::unique_ptr<Agent> agent_;
  std::vector<net::Socket> tunnels_;
  bool slow_ = false;
  bool refuses_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  World world(choices);
  while (!choices.over()) world.step();
  if (size % 4 != 0) world.finish();
  return 0;
}
