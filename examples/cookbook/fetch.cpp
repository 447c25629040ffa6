// SPDX-License-Identifier: BSL-1.0
//
// The cookbook's recipes for <sluice/fetch.hpp>. Each is cut into docs/cookbook/.
#include <chrono>
#include <cstdio>
#include <sluice/fetch.hpp>
#include <string>
#include "check.hpp"

using namespace sluice;
using namespace std::chrono_literals;

// [page]
task<> show(std::string url) {
  FetchResponse res = co_await fetch(url);
  if (res.ok()) std::cout << co_await res.text() << std::endl;
}
// [/page]

// [put]
task<int> replace(std::string url, std::string text) {
  FetchRequest request;
  request.method("PUT").header("X-Trace", "1").body(std::move(text), "text/plain");
  request.timeout(5s).retries(3);
  auto res = co_await fetch(url, request);
  co_return res.status();
}
// [/put]

// [redirects]
task<std::string> follow(std::string url) {
  FetchRequest request;
  request.maxRedirects(5);
  auto res = co_await fetch(url, request);  // http and https; Authorization stays with its origin
  if (res.redirected()) std::cout << "it is at " << res.url() << " now" << std::endl;
  co_return co_await res.text();
}
// [/redirects]

// [cookies]
task<std::string> visitTwice(std::string url) {
  CookieJar jar;  // one for each user
  FetchRequest request;
  request.cookies(jar);
  auto first = co_await fetch(url, request);  // Set-Cookie is kept ...
  co_await first.text();
  auto second = co_await fetch(url, request);  // ... and sent
  co_return co_await second.text();
}
// [/cookies]

// [retry]
task<int> patiently(std::string url) {
  FetchRequest request;
  // After a broken connection and 502, 503, 504: later each time, and not before Retry-After.
  request.retries(3, 100ms).timeout(10s);
  auto res = co_await fetch(url, request);
  co_return res.status();
}
// [/retry]

// [proxy]
task<int> throughProxy(std::string url) {
  FetchRequest request;
  request.proxy(proxyFromEnvironment(http::URL(url)));  // HTTP_PROXY, HTTPS_PROXY, NO_PROXY
  auto res = co_await fetch(url, request);
  co_return res.status();
}
// [/proxy]

// [decompress]
task<std::string> unpacked(std::string url) {
  auto res = co_await fetch(url);            // sends Accept-Encoding, and decodes what comes
  co_return co_await res.text(1024 * 1024);  // of decoded bytes: a small bomb stays small
}
// [/decompress]

// [form]
task<std::string> sendForm(std::string url) {
  FetchRequest request;
  request.form({{"name", "ada"}, {"language", "C++ 20"}});  // POST, encoded
  auto res = co_await fetch(url, request);
  co_return co_await res.text();
}
// [/form]

task<> tryAll(http::Server& server, std::string root) {
  co_await show(root + "/page");
  check(co_await replace(root + "/note", "new") == 200, "put");
  check(co_await follow(root + "/old") == "/new", "redirects");
  check(co_await visitTwice(root + "/cookie") == "seen=1", "cookies");
  check(co_await patiently(root + "/flaky") == 200, "retry");
  check(co_await throughProxy(root + "/") == 200, "proxy");
  check(co_await unpacked(root + "/zip") == "zipped", "decompress");
  check(co_await sendForm(root + "/echo") == "name=ada&language=C%2B%2B+20", "form");
  server.close();
}

int main() {
  asio::io_context loop(1);
  int failures = 1;
  const std::string zipped = compress::encode(compress::Coding::gzip, "zipped");
  auto server = http::createServer(
      loop, [&](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
        const std::string url(req.url());
        if (url == "/old") {
          res.setHeader("Location", "/new");
          res.statusCode = 302;
          co_await res.end();
        } else if (url == "/cookie") {
          res.setHeader("Set-Cookie", "seen=1");
          co_await res.end(std::string(req.headers()["cookie"]));
        } else if (url == "/flaky") {
          if (failures-- > 0) res.statusCode = 503;
          co_await res.end();
        } else if (url == "/zip") {
          res.setHeader("Content-Encoding", "gzip");
          co_await res.end(std::string_view(zipped));
        } else if (url == "/echo") {
          co_await pipe(req, res);
        } else {
          co_await res.end(url);
        }
      });
  server.listen(0, "127.0.0.1");
  spawn(loop, tryAll(server, "http://127.0.0.1:" + std::to_string(server.address().port)));
  loop.run();
}
