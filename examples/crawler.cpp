// SPDX-License-Identifier: BSL-1.0
//
// Downloads many addresses at once, with at most four connections to a place: the agent makes the
// others wait their turn. Try it: crawler http://localhost:8080/a http://localhost:8080/b
#include <exception>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;

sluice::task<> download(std::string url, Agent& agent) {
  try {
    RequestOptions options;
    options.agent = agent;
    options.timeout = std::chrono::seconds(10);
    IncomingMessage res = co_await get(url, options);
    std::size_t bytes = 0;
    while (auto chunk = co_await res.read()) bytes += chunk->size();
    std::cout << url << ": " << res.statusCode() << ", " << bytes << " bytes" << std::endl;
  } catch (const Error& error) {
    std::cout << url << ": " << error.what() << std::endl;
  }
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  Agent agent(loop, {.keepAlive = true, .maxSockets = 4});
  int left = argc - 1;
  for (int i = 1; i < argc; ++i) {
    boost::asio::co_spawn(loop, download(argv[i], agent), [&](std::exception_ptr) {
      // Connections that are kept would keep the program.
      if (--left == 0) agent.destroy();
    });
  }
  loop.run();
}
