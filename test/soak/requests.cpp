// SPDX-License-Identifier: BSL-1.0
//
// Sends requests through one agent with 64 sockets, four times as many at once, and counts how they
// end: requests ORIGIN COUNT METHOD/SIZE...
//
// The answer to GET /SIZE must be a body of that size; that to POST /SIZE, which has such a body,
// must tell the size. A server that sends the Id of a request back must send the right one. Ten
// times on the way it prints how many are done and the sockets of the agent, and then how many
// ended how. The status is 1 where an answer was wrong or an error had no name.
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>
#include <sluice/http.hpp>
#include <string>
#include <vector>

using namespace sluice::http;

namespace {

constexpr std::size_t maxSockets = 64;

struct Kind {
  std::string method, path;
  std::size_t size;
};

Kind kindOf(const std::string& argument) {
  const std::size_t slash = argument.find('/');
  return {argument.substr(0, slash), argument.substr(slash),
          std::stoul(argument.substr(slash + 1))};
}

class Run {
 public:
  Run(boost::asio::io_context& loop, const char* origin, std::size_t count, std::vector<Kind> kinds)
      : origin_(origin),
        count_(count),
        kinds_(std::move(kinds)),
        agent_(loop, {.keepAlive = true, .maxSockets = maxSockets}) {}

  sluice::task<> work() {
    while (next_ < count_) {
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

  int result() const {
    for (const auto& [outcome, times] : outcomes_) std::cout << outcome << ' ' << times << '\n';
    const bool named = !outcomes_.contains("") && !outcomes_.contains("UNKNOWN");
    return named && !outcomes_.contains("wrong") && done_ == count_ ? 0 : 1;
  }

 private:
  sluice::task<std::string> ask(const Kind& kind, const std::string& id) {
    RequestOptions options;
    options.agent = agent_;
    options.method = kind.method;
    auto req = request(co_await boost::asio::this_coro::executor, origin_ + kind.path, options);
    req.setHeader("Id", id);
    if (kind.method == "POST") {
      req.setHeader("Content-Length", kind.size);
      const std::string piece(16 * 1024, 'x');
      for (std::size_t left = kind.size; left > 0;) {
        const std::size_t now = std::min(left, piece.size());
        co_await req.write(std::string_view(piece).substr(0, now));
        left -= now;
      }
    }
    req.end();
    IncomingMessage res = co_await req.response();
    const std::string_view answered = res.headers()["id"];
    if (!answered.empty() && answered != id) co_return "wrong";
    std::size_t received = 0;
    std::string body;
    while (auto chunk = co_await res.read()) {
      received += chunk->size();
      if (kind.method == "POST") body += *chunk;
    }
    const bool right =
        kind.method == "POST" ? body == std::to_string(kind.size) : received == kind.size;
    co_return right&& res.statusCode() == 200 && res.complete() ? "ok" : "wrong";
  }

  void report() const {
    std::size_t sockets = 0;
    for (const auto& [name, used] : agent_.sockets()) sockets += used.size();
    for (const auto& [name, free] : agent_.freeSockets()) sockets += free.size();
    std::cout << done_ << " done, " << sockets << " sockets" << std::endl;
  }

  const std::string origin_;
  const std::size_t count_;
  const std::vector<Kind> kinds_;
  Agent agent_;
  std::size_t next_ = 0;
  std::size_t done_ = 0;
  std::map<std::string, std::size_t> outcomes_;
};

}  // namespace

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  std::vector<Kind> kinds;
  for (int i = 3; i < argc; ++i) kinds.push_back(kindOf(argv[i]));
  Run run(loop, argv[1], std::stoul(argv[2]), kinds);
  for (std::size_t i = 0; i < 4 * maxSockets; ++i) {
    boost::asio::co_spawn(loop, run.work(), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
  }
  loop.run();
  return run.result();
}
