// SPDX-License-Identifier: BSL-1.0
//
// A page on which you see the library work: `tools/run`, then open the address. Every number on it
// is the state of this program, sent ten times a second as a server-sent event.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <sluice/app.hpp>
#include <sluice/timer.hpp>
#include <sluice/websocket.hpp>

namespace app = sluice::app;
namespace asio = boost::asio;
namespace http = sluice::http;
using namespace std::chrono_literals;

// Adds one for as long as a handler runs.
class Count {
 public:
  explicit Count(std::size_t& counter) : counter_(counter) { ++counter_; }
  Count(const Count&) = delete;
  Count& operator=(const Count&) = delete;
  ~Count() { --counter_; }

 private:
  std::size_t& counter_;
};

// A whole number of a request's query, held between two bounds.
std::size_t number(app::Request& req, std::string_view name, std::size_t least, std::size_t most) {
  const std::string text = req.query(name).value_or("");
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != text.npos)
    throw app::HttpError{400, "a number is missing"};
  return std::clamp<std::size_t>(std::stoul(text), least, most);
}

class Demo {
 public:
  explicit Demo(asio::io_context& loop)
      : loop_(loop), agent_(loop, {.keepAlive = true, .maxSockets = 4, .maxFreeSockets = 4}) {}

  http::Agent& agent() { return agent_; }

  void start(std::uint16_t port) {
    address_ = "http://127.0.0.1:" + std::to_string(port);
    asio::co_spawn(loop_, read(), asio::detached);
  }

  // Never ends, and would fill memory if it did not await each write.
  sluice::task<> stream(app::Request&, app::Response& res) {
    if (writer_ != nullptr) throw app::HttpError{503, "the stream has its reader"};
    struct Writer {
      app::Response*& writer;
      ~Writer() { writer = nullptr; }
    } const writer{writer_};
    writer_ = &res;
    res.on<"drain">([this] { ++drains_; });
    const std::string chunk(1024, '.');
    while (true) {
      auto written = res.write(chunk);
      written_ += chunk.size();
      mostHeld_ = std::max(mostHeld_, res.writableLength());
      // Goes straight on while there is room.
      co_await std::move(written);
    }
  }

  sluice::task<> setSpeed(app::Request& req, app::Response& res) {
    speed_ = number(req, "kib", 0, 65536) * 1024;
    co_await res.status(204).end();
  }

  // As many requests as asked for at once; the agent lets four through.
  sluice::task<> burst(app::Request& req, app::Response& res) {
    const std::size_t requests = number(req, "n", 1, 64);
    if (asking_ + requests > 256) throw app::HttpError{429, "the pool has enough to do"};
    for (std::size_t i = 0; i < requests; ++i) asio::co_spawn(loop_, ask(), asio::detached);
    co_await res.status(204).end();
  }

  sluice::task<> work(app::Request&, app::Response& res) {
    co_await sluice::sleepFor(200ms);
    co_await res.text("done\n");
  }

  // Too slow for the time limit that main() gives it.
  sluice::task<> late(app::Request&, app::Response& res) {
    ++late_;
    const Count running(lateRunning_);
    co_await sluice::sleepFor(1h);
    co_await res.text("never\n");
  }

  // Waits until its reader goes away.
  sluice::task<> wait(app::Request&, app::Response& res) {
    struct Cancelled {
      std::size_t& count;
      ~Cancelled() { ++count; }
    } const cancelled{cancelled_};
    const Count running(waiting_);
    res.type("html");
    co_await res.write(
        "<!DOCTYPE html><meta name=color-scheme content='light dark'><title>waiting</title>"
        "<p style='font:1rem system-ui'>A handler waits for you. Close this tab. / "
        "处理函数正在等待，请关闭此标签页。</p>");
    co_await sluice::sleepFor(1h);
    co_await res.end();
  }

  sluice::task<> upload(app::Request& req, app::Response& res) {
    std::size_t size = 0;
    std::size_t pause = 0;
    while (auto chunk = co_await req.read()) {
      size += chunk->size();
      uploaded_ += chunk->size();
      // Takes its time, so that you see the rest wait on the browser's side.
      if (size / (1024 * 1024) == pause) continue;
      pause = size / (1024 * 1024);
      co_await sluice::sleepFor(40ms);
    }
    co_await res.json("{\"bytes\":" + std::to_string(size) + "}");
  }

  sluice::task<> events(app::Request&, app::Response& res) {
    const Count follower(followers_);
    auto events = res.events();
    const std::string seen(events.lastEventId());
    const app::ServerEvent hello{.event = "hello", .data = seen};
    co_await events.send(hello);
    while (true) {
      const std::string id = std::to_string(++sent_);
      const std::string text = state();
      const app::ServerEvent event{.data = text, .id = id};
      co_await events.send(event);
      co_await sluice::sleepFor(100ms);
    }
  }

  sluice::task<> echo(sluice::WebSocket& client, http::IncomingMessage&) {
    const Count talking(sockets_);
    while (auto message = co_await client.receive()) {
      ++echoed_;
      co_await client.send(message->data);
    }
  }

 private:
  // The slow reader: a client of this library that reads with pauses.
  sluice::task<> read() {
    while (true) {
      try {
        http::RequestOptions options;
        auto req = http::get(loop_, address_ + "/stream", std::move(options));
        auto res = co_await req.response();
        double owed = 0;  // bytes that were read too early
        while (auto chunk = co_await res.read()) {
          received_ += chunk->size();
          owed += static_cast<double>(chunk->size());
          while (speed_ == 0 || owed > static_cast<double>(speed_) * 0.02) {
            co_await sluice::sleepFor(20ms);
            owed -= static_cast<double>(speed_) * 0.02;
          }
        }
      } catch (const sluice::Error& error) {
        std::cerr << "the reader begins again: " << error.what() << '\n';
      }
      co_await sluice::sleepFor(1s);
    }
  }

  sluice::task<> ask() {
    const Count asking(asking_);
    try {
      http::RequestOptions options;
      options.agent = agent_;
      auto req = http::get(loop_, address_ + "/work", std::move(options));
      auto res = co_await req.response();
      const std::string text = co_await res.text();
      ++answered_;
    } catch (const sluice::Error& error) {
      std::cerr << "the pool: " << error.what() << '\n';
    }
  }

  template <class Lists>
  static std::size_t total(const Lists& lists) {
    std::size_t sum = 0;
    for (const auto& [name, list] : lists) sum += list.size();
    return sum;
  }

  std::string state() const {
    std::string text = "{";
    const auto add = [&text](std::string_view name, std::size_t value) {
      if (text.size() > 1) text += ',';
      text.append("\"").append(name).append("\":").append(std::to_string(value));
    };
    add("held", writer_ == nullptr ? 0 : writer_->writableLength());
    add("highWaterMark", writer_ == nullptr ? 0 : writer_->writableHighWaterMark());
    add("mostHeld", mostHeld_);
    add("drains", drains_);
    add("written", written_);
    add("received", received_);
    add("speed", speed_);
    add("used", total(agent_.sockets()));
    add("free", total(agent_.freeSockets()));
    add("queued", total(agent_.requests()));
    add("answered", answered_);
    add("late", late_);
    add("lateRunning", lateRunning_);
    add("waiting", waiting_);
    add("cancelled", cancelled_);
    add("uploaded", uploaded_);
    add("followers", followers_);
    add("sockets", sockets_);
    add("echoed", echoed_);
    return text + "}";
  }

  asio::io_context& loop_;
  http::Agent agent_;
  std::string address_;
  app::Response* writer_ = nullptr;
  std::size_t speed_ = 1024 * 1024;  // bytes a second
  std::size_t mostHeld_ = 0, drains_ = 0, written_ = 0, received_ = 0;
  std::size_t asking_ = 0, answered_ = 0;
  std::size_t late_ = 0, lateRunning_ = 0, waiting_ = 0, cancelled_ = 0;
  std::size_t uploaded_ = 0, followers_ = 0, sent_ = 0, sockets_ = 0, echoed_ = 0;
};

int main(int argc, char* argv[]) {
  asio::io_context loop(1);
  Demo demo(loop);
  app::Metrics metrics = app::metrics();
  app::Router router;
  router.use(metrics);
  router.use("/late", app::timeLimit(500ms));
  router.get("/stream", &Demo::stream, demo).post("/speed", &Demo::setSpeed, demo);
  router.get("/work", &Demo::work, demo).post("/burst", &Demo::burst, demo);
  router.get("/late", &Demo::late, demo).get("/wait", &Demo::wait, demo);
  router.post("/upload", &Demo::upload, demo).get("/events", &Demo::events, demo);
  router.use(app::staticFiles(argc > 2 ? argv[2] : DEMO_FOLDER, {.index = "page.html"}));
  auto server = http::createServer(loop, router);
  metrics.watch(server).watch("demo", demo.agent());
  server.on<"upgrade">(sluice::webSocket(
      [&](sluice::WebSocket& client, http::IncomingMessage& req) { return demo.echo(client, req); },
      {.maxMessage = 4096}));
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    const std::uint16_t port = server.address().port;
    demo.start(port);
    std::cout << "listening on http://127.0.0.1:" << port << '/' << std::endl;
  });
  loop.run();
}
