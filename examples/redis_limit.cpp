// SPDX-License-Identifier: BSL-1.0
//
// A rate limit that several processes share: Redis counts. Boost.Redis, which came with Boost 1.84,
// speaks all of its protocol; this says the one sentence that it needs over a socket of the
// library. Try it, with redis-server on its usual port, and a second process on another port:
//   redis_limit 8080 & redis_limit 8081 & for i in $(seq 12); do curl localhost:808$((i % 2)); done
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <sluice/app.hpp>

namespace app = sluice::app;
namespace net = sluice::net;
using namespace std::chrono_literals;

class Redis {
 public:
  explicit Redis(std::uint16_t port) { options_.port = port; }

  /// Counts one more of `key`, and says how many there were in its minute so far.
  sluice::task<long> count(std::string key) {
    // One step in Redis, so no process sees a half of it.
    static const std::string script =
        "local n = redis.call('INCR', KEYS[1]) "
        "if n == 1 then redis.call('EXPIRE', KEYS[1], 60) end return n";
    net::Socket socket;
    if (idle_.empty()) {
      socket = co_await net::connect(options_);
    } else {
      socket = std::move(idle_.back());
      idle_.pop_back();
    }
    socket.write("*4\r\n" + bulk("EVAL") + bulk(script) + bulk("1") + bulk(key));
    std::string line;
    while (!line.ends_with("\r\n")) {
      const auto piece = co_await socket.read();
      if (!piece) throw std::runtime_error("Redis has closed the connection");
      line += *piece;
    }
    long count = 0;
    const auto end = std::from_chars(line.data() + 1, line.data() + line.size(), count).ptr;
    if (line[0] != ':' || *end != '\r') throw std::runtime_error("Redis says " + line);
    // Not after an exception: what would come on that connection is unknown.
    if (idle_.size() < 8) idle_.push_back(std::move(socket));
    co_return count;
  }

 private:
  static std::string bulk(std::string_view text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
  }

  net::ConnectionOptions options_{.host = "127.0.0.1", .timeout = 1s};
  std::vector<net::Socket> idle_;
};

int main(int argc, char* argv[]) {
  const int port = argc > 1 ? std::atoi(argv[1]) : 8080;
  boost::asio::io_context loop(1);
  Redis redis(static_cast<std::uint16_t>(argc > 2 ? std::atoi(argv[2]) : 6379));
  app::Router router;
  router.use(app::timeLimit(2s));  // also for a Redis that does not answer
  router.use([&](app::Request& req, app::Response& res, app::Next next) -> sluice::task<> {
    const long count = co_await redis.count("requests:" + req.ip());
    if (count <= 10) {
      co_await next();
    } else {
      co_await res.status(429).setHeader("Retry-After", "60").text("Not so fast.\n");
    }
  });
  router.get("/", [](app::Request&, app::Response& res) -> sluice::task<> {
    co_await res.text("Hello!\n");
  });
  auto server = sluice::http::createServer(loop, router);
  server.listen(port, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
