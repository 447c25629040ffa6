// SPDX-License-Identifier: BSL-1.0
//
// Sends requests through one agent with 64 sockets, four times as many at once, and counts how they
// end: requests [--rounds] ORIGIN COUNT KIND/SIZE...
//
// The answer to GET /SIZE must be a body of that size, that to HEAD /SIZE must tell the size. The
// answer to POST /SIZE, which has such a body, must tell the size; EXPECT is a POST that sends its
// body once it was told to go on, TRAILERS one in chunks whose trailer must come back. UPGRADE asks
// for "echo" and must get SIZE bytes back. A server that sends the Id of a request back must send
// the right one. Ten times on the way it prints how many are done and the sockets of the agent, and
// then how many ended how. With --rounds it prints "end" then, and begins again at each line of its
// input. The status is 1 if an answer was wrong or an error had no name.
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>
#include <sluice/http.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace sluice::http;

namespace {

constexpr std::size_t maxSockets = 64;

struct Kind {
  std::string name, path;
  std::size_t size;

  std::string_view method() const {
    if (name == "UPGRADE") return "GET";
    return name == "GET" || name == "HEAD" ? std::string_view(name) : "POST";
  }
};

Kind kindOf(const std::string& argument) {
  const std::size_t slash = argument.find('/');
  return {argument.substr(0, slash), argument.substr(slash),
          std::stoul(argument.substr(slash + 1))};
}

sluice::task<> sendBody(ClientRequest& req, std::size_t size) {
  const std::string piece(16 * 1024, 'x');
  for (std::size_t left = size; left > 0;) {
    const std::size_t now = std::min(left, piece.size());
    co_await req.write(std::string_view(piece).substr(0, now));
    left -= now;
  }
}

class Run {
 public:
  Run(boost::asio::io_context& loop, const char* origin, std::size_t count, std::vector<Kind> kinds)
      : loop_(loop),
        origin_(origin),
        count_(count),
        kinds_(std::move(kinds)),
        agent_(loop, {.keepAlive = true, .maxSockets = maxSockets}) {}

  void round() {
    done_ = 0;
    outcomes_.clear();
    last_ += count_;
    for (std::size_t i = 0; i < 4 * maxSockets; ++i) {
      boost::asio::co_spawn(loop_, work(), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
      });
    }
    loop_.restart();
    loop_.run();
    for (const auto& [outcome, times] : outcomes_) std::cout << outcome << ' ' << times << '\n';
    const bool named = !outcomes_.contains("") && !outcomes_.contains("UNKNOWN");
    good_ = good_ && named && !outcomes_.contains("wrong") && done_ == count_;
  }

  bool good() const { return good_; }

 private:
  sluice::task<> work() {
    while (next_ < last_) {
      const std::size_t id = next_++;
      std::string outcome;
      try {
        outcome = co_await ask(kinds_[id % kinds_.size()], std::to_string(id));
      } catch (const Error& error) {
        outcome = error.name();
      }
      ++outcomes_[outcome];
      if (++done_ % (count_ / 10) == 0) report();
      if (done_ == count_) agent_.destroy();
      // A server that is gone refuses all that is left in no time; so does a lack of descriptors.
      if (outcome == "ECONNREFUSED" || outcome == "EMFILE") {
        boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor,
                                        std::chrono::milliseconds(50));
        co_await pause.async_wait(boost::asio::use_awaitable);
      }
    }
  }

  sluice::task<std::string> ask(const Kind& kind, const std::string& id) {
    RequestOptions options;
    options.agent = agent_;
    options.method = kind.method();
    auto req = request(co_await boost::asio::this_coro::executor, origin_ + kind.path, options);
    req.setHeader("Id", id);
    if (kind.name == "UPGRADE") co_return co_await echo(req, kind.size, id);
    const bool posts = kind.method() == "POST";
    if (kind.name == "EXPECT") {
      req.setHeader("Content-Length", kind.size).setHeader("Expect", "100-continue");
      req.on<"continue">([&req, &kind] { req.end(std::string(kind.size, 'x')); });
      req.flushHeaders();
    } else {
      if (kind.name == "TRAILERS") {
        req.setHeader("Trailer", "Sum");
        req.addTrailers({{"Sum", id}});
      } else if (posts) {
        req.setHeader("Content-Length", kind.size);
      }
      if (posts) co_await sendBody(req, kind.size);
      req.end();
    }
    IncomingMessage res = co_await req.response();
    if (isAnother(res, id)) co_return "wrong";
    std::size_t received = 0;
    std::string body;
    while (auto chunk = co_await res.read()) {
      received += chunk->size();
      if (posts) body += *chunk;
    }
    bool right = posts ? body == std::to_string(kind.size) : received == kind.size;
    if (kind.name == "HEAD") {
      // Without a length it is one that would have come in chunks.
      const auto length = res.headers().get("content-length");
      right = received == 0 && (!length || *length == std::to_string(kind.size));
    }
    if (kind.name == "TRAILERS") right = right && res.trailers()["sum"] == id;
    co_return right&& res.statusCode() == 200 && res.complete() ? "ok" : "wrong";
  }

  static sluice::task<std::string> echo(ClientRequest& req, std::size_t size,
                                        const std::string& id) {
    req.setHeader("Connection", "Upgrade").setHeader("Upgrade", "echo");
    sluice::net::Socket socket;
    std::size_t received = 0;
    req.on<"upgrade">([&](IncomingMessage&, sluice::net::Socket& upgraded, std::string_view head) {
      socket = std::move(upgraded);
      received = head.size();
    });
    req.end();
    const IncomingMessage res = co_await req.response();
    if (!socket || isAnother(res, id)) co_return "wrong";
    socket.write(std::string(size, 'x'));
    while (received < size) {
      const auto piece = co_await socket.read();
      if (!piece) co_return "END";
      received += piece->size();
    }
    socket.end();
    co_return received == size ? "ok" : "wrong";
  }

  static bool isAnother(const IncomingMessage& res, std::string_view id) {
    const std::string_view answered = res.headers()["id"];
    return !answered.empty() && answered != id;
  }

  void report() const {
    std::size_t sockets = 0;
    for (const auto& [name, used] : agent_.sockets()) sockets += used.size();
    for (const auto& [name, free] : agent_.freeSockets()) sockets += free.size();
    std::cout << done_ << " done, " << sockets << " sockets" << std::endl;
  }

  boost::asio::io_context& loop_;
  const std::string origin_;
  const std::size_t count_;
  const std::vector<Kind> kinds_;
  Agent agent_;
  std::size_t next_ = 0;
  std::size_t last_ = 0;
  std::size_t done_ = 0;
  bool good_ = true;
  std::map<std::string, std::size_t> outcomes_;
};

}  // namespace

int main(int argc, char* argv[]) {
  const bool rounds = std::string_view(argv[1]) == "--rounds";
  if (rounds) {
    ++argv;
    --argc;
  }
  boost::asio::io_context loop(1);
  std::vector<Kind> kinds;
  for (int i = 3; i < argc; ++i) kinds.push_back(kindOf(argv[i]));
  Run run(loop, argv[1], std::stoul(argv[2]), kinds);
  run.round();
  std::string line;
  while (rounds && std::cout << "end" << std::endl && std::getline(std::cin, line)) run.round();
  return run.good() ? 0 : 1;
}
