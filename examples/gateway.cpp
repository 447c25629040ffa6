// SPDX-License-Identifier: BSL-1.0
//
// One request that asks three servers at once: each has half a second, the answers that came in
// time are merged, and what is too slow is cancelled. So is everything if the client goes away. Try
// it:
//   gateway 8080 http://127.0.0.1:8081/user http://127.0.0.1:8081/cart http://127.0.0.1:8082/news
//   curl localhost:8080/
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json/src.hpp>
#include <cstdlib>
#include <iostream>
#include <sluice/app.hpp>
#include <vector>

namespace app = sluice::app;
namespace asio = boost::asio;
namespace http = sluice::http;
namespace json = boost::json;
using namespace asio::experimental::awaitable_operators;

class Gateway {
 public:
  Gateway(asio::io_context& loop, std::vector<std::string> upstreams)
      : agent_(loop, {.keepAlive = true}), upstreams_(std::move(upstreams)) {}

  sluice::task<> merge(app::Request& req, app::Response& res) {
    const std::string trace = req.locals<app::Trace>().header();
    json::object answers;
    co_await (ask(upstreams_.at(0), trace, answers) && ask(upstreams_.at(1), trace, answers) &&
              ask(upstreams_.at(2), trace, answers));
    co_await res.json(answers);
  }

 private:
  sluice::task<> ask(const std::string& url, const std::string& trace, json::object& answers) {
    asio::steady_timer deadline(agent_.get_executor(), std::chrono::milliseconds(500));
    json::value answer = {{"error", "too slow"}};
    co_await (receive(url, trace, answer) || deadline.async_wait(asio::use_awaitable));
    answers[url] = std::move(answer);
  }

  sluice::task<> receive(const std::string& url, const std::string& trace, json::value& answer) {
    std::string problem = "no good answer";
    try {
      http::RequestOptions options;
      options.agent = agent_;
      options.headers.set("traceparent", trace);
      auto upstream = http::get(agent_.get_executor(), url, std::move(options));
      auto response = co_await upstream.response();
      const std::string text = co_await response.text(1024 * 1024);
      boost::system::error_code ec;
      json::value received = json::parse(text, ec);
      if (!ec && response.statusCode() == 200) {
        answer = std::move(received);
        co_return;
      }
    } catch (const sluice::Error& error) {
      problem = error.name();
    }
    answer = {{"error", problem}};
  }

  http::Agent agent_;
  std::vector<std::string> upstreams_;
};

int main(int argc, char* argv[]) {
  if (argc != 5) {
    std::cerr << "gateway PORT URL URL URL\n";
    return 1;
  }
  asio::io_context loop(1);
  Gateway gateway(loop, {argv + 2, argv + 5});
  app::Router router;
  router.use(app::traceContext());
  router.get("/", &Gateway::merge, gateway);
  auto server = http::createServer(loop, router);
  server.listen(std::atoi(argv[1]), [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
