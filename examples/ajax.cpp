// SPDX-License-Identifier: BSL-1.0
//
// Two servers in one loop: a page, and the data that its script fetches from the other port. A
// browser lets a script read what comes from elsewhere only if that answer allows it. Try it: open
// the first address in a browser and press the button.
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;

std::string page(int dataPort) {
  return R"(<!DOCTYPE html>
<title>ajax</title>
<button id="fetch">What is new?</button>
<p id="news"></p>
<script>
  document.getElementById("fetch").onclick = () => {
    const request = new XMLHttpRequest();
    request.onload = () => {
      const news = JSON.parse(request.responseText);
      document.getElementById("news").textContent = news.title + ": " + news.lines.join(" ");
    };
    request.onerror = () => document.getElementById("news").textContent = "no answer";
    request.open("GET", "http://" + location.hostname + ":)" +
         std::to_string(dataPort) + R"(/news");
    request.send();
  };
</script>
)";
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto data = createServer(loop, [](IncomingMessage&, ServerResponse& res) -> sluice::task<> {
    res.setHeader("Access-Control-Allow-Origin", "*");
    res.setHeader("Content-Type", "application/json");
    co_await res.write("{\"title\": \"News\", ");
    co_await res.write("\"lines\": [\"The gate\", \"is open.\"]}");
    co_await res.end();
  });
  auto pages = createServer(loop, [&](IncomingMessage&, ServerResponse& res) -> sluice::task<> {
    res.setHeader("Content-Type", "text/html; charset=utf-8");
    co_await res.end(page(data.address().port));
  });

  const int port = argc > 1 ? std::atoi(argv[1]) : 8080;
  pages.listen(port);
  data.listen(port == 0 ? 0 : port + 1);
  for (const Server* server : {&pages, &data}) {
    std::cout << "listening on http://127.0.0.1:" << server->address().port << '/' << std::endl;
  }
  loop.run();
}
