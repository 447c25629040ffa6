// SPDX-License-Identifier: BSL-1.0
//
// The ticker on cpp-httplib, which gives each client a thread: one that does not read blocks it.
#include <httplib.h>
#include <chrono>
#include <iostream>
#include <thread>

int main() {
  httplib::Server server;
  server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    response.set_chunked_content_provider("text/plain", [](std::size_t, httplib::DataSink& sink) {
      const std::string line = std::string(1023, 'x') + '\n';
      for (int i = 0; i < 25; ++i) {
        if (!sink.write(line.data(), line.size())) return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return true;
    });
  });
  std::cout << server.bind_to_any_port("127.0.0.1") << std::endl;
  server.listen_after_bind();
}
