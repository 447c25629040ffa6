// SPDX-License-Identifier: BSL-1.0
//
// The cookbook's recipes for clients on <sluice/http.hpp> alone. Each is cut into docs/cookbook/.
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sluice/http.hpp>
#include <string>
#include <vector>
#include "check.hpp"

using namespace sluice;
using namespace std::chrono_literals;

// [get]
task<std::string> download(std::string url) {
  auto res = co_await http::get(url);
  if (res.statusCode() != 200)
    throw std::runtime_error("status " + std::to_string(res.statusCode()));
  co_return co_await res.text();  // at most 16 MiB; text(limit) for another limit
}
// [/get]

// [post]
task<int> post(asio::io_context& loop, std::string url, std::string document) {
  http::RequestOptions options;
  options.method = "POST";
  options.headers.set("Content-Type", "application/json");
  auto req = http::request(loop, url, options);
  req.end(document);  // Content-Length is set, because the whole body is known
  auto res = co_await req.response();
  co_return res.statusCode();
}
// [/post]

// [deadline]
task<std::string> downloadInTime(std::string url) {
  http::RequestOptions options;
  options.deadline = 2s;    // connection, answer and body; then ETIMEDOUT
  options.timeout = 500ms;  // while nothing moves
  auto res = co_await http::get(url, options);
  co_return co_await res.text();
}
// [/deadline]

// [pool]
task<int> manyRequests(asio::io_context& loop, std::string url) {
  http::AgentOptions pool;
  pool.keepAlive = true;
  pool.maxSockets = 4;  // per host; further requests wait in a queue
  http::Agent agent(loop, pool);
  http::RequestOptions options;
  options.agent = agent;
  int reused = 0;
  for (int i = 0; i < 3; ++i) {
    auto req = http::get(loop, url, options);
    auto res = co_await req.response();
    co_await res.text();  // the connection is free again after the body
    reused += req.reusedSocket() ? 1 : 0;
  }
  co_return reused;
}
// [/pool]

// [parallel]
task<std::string> both(std::string first, std::string second) {
  using namespace asio::experimental::awaitable_operators;
  auto [one, two] = co_await (download(first) && download(second));
  co_return one + two;
}
// [/parallel]

// [many]
task<> downloadAll(asio::io_context& loop, std::vector<std::string> urls) {
  http::Agent agent(loop, {.keepAlive = true, .maxSockets = 8});
  http::RequestOptions options;
  options.agent = agent;
  std::vector<http::ClientRequest> requests;
  for (const std::string& url : urls) requests.push_back(http::get(loop, url, options));
  // All are under way, eight at a time. The answers are read in order.
  for (http::ClientRequest& req : requests) {
    auto res = co_await req.response();
    std::cout << res.statusCode() << ' ' << (co_await res.text()).size() << " bytes" << std::endl;
  }
}
// [/many]

// [to_file]
task<> downloadTo(std::string url, std::string path) {
  auto res = co_await http::get(url);
  std::ofstream file(path, std::ios::binary);
  while (auto piece = co_await res.read()) file.write(piece->data(), std::ssize(*piece));
  if (!res.complete()) throw std::runtime_error("the download was cut off");
}
// [/to_file]

// [upload]
task<std::string> uploadFrom(asio::io_context& loop, std::string url, std::string path) {
  http::RequestOptions options;
  options.method = "PUT";
  options.headers.set("Content-Length",
                      static_cast<std::int64_t>(std::filesystem::file_size(path)));
  auto req = http::request(loop, url, options);
  std::ifstream file(path, std::ios::binary);
  std::vector<char> piece(64 * 1024);
  try {
    while (file.read(piece.data(), std::ssize(piece)), file.gcount() > 0) {
      const std::string_view bytes(piece.data(), static_cast<std::size_t>(file.gcount()));
      co_await req.write(bytes);  // waits for a slow server
    }
    req.end();
  } catch (const http::Error&) {
    // The server has answered before it had everything, or is gone: response() tells which.
  }
  auto res = co_await req.response();
  co_return co_await res.text();
}
// [/upload]

// [cancel]
task<std::string> cancelled(asio::io_context& loop, std::string url) {
  asio::cancellation_signal stop;
  http::RequestOptions options;
  options.signal = stop.slot();
  auto req = http::get(loop, url, options);
  stop.emit(asio::cancellation_type::terminal);  // from a button, a timer ...
  std::string reason;
  try {
    co_await req.response();
  } catch (const http::Error& error) {
    reason = error.name();
  }
  co_return reason;  // ABORT_ERR
}
// [/cancel]

// [errors]
task<std::string> explain(std::string url) {
  std::string reason;
  try {
    auto res = co_await http::get(url);
    reason = "status " + std::to_string(res.statusCode());  // 404 and 500 are answers, no errors
  } catch (const http::Error& error) {
    reason = error.name();  // "ECONNREFUSED", "ENOTFOUND", "ETIMEDOUT", "HPE_INVALID_CONSTANT" ...
  }
  co_return reason;
}
// [/errors]

// [basic_auth]
task<int> withPassword(std::string url) {
  http::RequestOptions options;
  options.auth = "ada:secret";  // sent as Authorization: Basic
  auto res = co_await http::get(url, options);
  co_return res.statusCode();
}
// [/basic_auth]

// [unix_socket]
task<std::string> askLocally(asio::io_context& loop, std::string path) {
  http::RequestOptions options;
  options.socketPath = path;  // "/var/run/docker.sock"
  options.path = "/version";
  auto req = http::get(loop, options);
  auto res = co_await req.response();
  co_return co_await res.text();
}
// [/unix_socket]

// [lookup]
task<std::string> askThisMachine(std::string url) {
  http::RequestOptions options;
  options.lookup = [](std::string_view, int) -> task<std::vector<asio::ip::address>> {
    co_return std::vector<asio::ip::address>{asio::ip::make_address("127.0.0.1")};
  };
  auto res = co_await http::get(url, options);  // the Host header names the host of the URL
  co_return co_await res.text();
}
// [/lookup]

// [blocking]
std::string downloadAndWait(std::string url) {
  asio::io_context loop(1);  // a loop for this one call
  std::string body;
  asio::co_spawn(loop, download(std::move(url)), [&](std::exception_ptr failure, std::string text) {
    if (failure) std::rethrow_exception(failure);  // comes out of run()
    body = std::move(text);
  });
  loop.run();
  return body;
}
// [/blocking]

// [events]
http::ClientRequest askWithListeners(asio::io_context& loop, const std::string& url,
                                     std::string& answer) {
  auto req = http::get(loop, url, [&answer](http::IncomingMessage& res) {
    res.on<"data">([&answer](std::string_view piece) { answer += piece; });
    res.on<"end">([] { std::cout << "complete" << std::endl; });
  });
  req.on<"error">([](const http::Error& error) { std::cerr << error.what() << std::endl; });
  return req;  // a request that is destroyed is aborted: keep it somewhere
}
// [/events]

task<> tryAll(asio::io_context& loop, http::Server& server, std::string root) {
  check(co_await download(root + "/x") == "/x", "get");
  check(co_await post(loop, root + "/echo", "abc") == 200, "post");
  check(co_await downloadInTime(root + "/y") == "/y", "deadline");
  check(co_await manyRequests(loop, root + "/") == 2, "pool");
  check(co_await both(root + "/1", root + "/2") == "/1/2", "parallel");
  std::vector<std::string> urls(20, root + "/z");
  co_await downloadAll(loop, urls);
  const std::string file = (std::filesystem::temp_directory_path() / "sluice-cookbook").string();
  co_await downloadTo(root + "/file", file);
  check(std::filesystem::file_size(file) == 5, "to_file");
  check(co_await uploadFrom(loop, root + "/echo", file) == "/file", "upload");
  std::filesystem::remove(file);
  check(co_await cancelled(loop, root + "/") == "ABORT_ERR", "cancel");
  check(co_await explain("http://127.0.0.1:1/") == "ECONNREFUSED", "errors");
  check(co_await withPassword(root + "/") == 200, "basic_auth");
  const std::string port = std::to_string(server.address().port);
  check(co_await askThisMachine("http://example.invalid:" + port + "/h") == "/h", "lookup");
  std::string answer;
  auto asked = askWithListeners(loop, root + "/events", answer);
  co_await asked.once<"close">();
  check(answer == "/events", "events");
  auto local =
      http::createServer(loop, [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
        co_await res.end(std::string(req.url()));
      });
  std::filesystem::remove(file);
  local.listen(file);
  check(co_await askLocally(loop, file) == "/version", "unix_socket");
  local.close();
  server.close();
}

int main() {
  asio::io_context loop(1);
  auto server =
      http::createServer(loop, [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
        if (req.method() == "GET")
          co_await res.end(std::string(req.url()));
        else
          co_await pipe(req, res);
      });
  server.listen(0, "127.0.0.1");
  const std::string root = "http://127.0.0.1:" + std::to_string(server.address().port);
  spawn(loop, tryAll(loop, server, root));
  loop.run();
  bool thrown = false;
  try {
    downloadAndWait("http://127.0.0.1:1/");
  } catch (const http::Error&) {
    thrown = true;
  }
  check(thrown, "blocking");
}
