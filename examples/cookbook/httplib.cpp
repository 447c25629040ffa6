// SPDX-License-Identifier: BSL-1.0
//
// The same server and client with cpp-httplib, for docs/migrate_cpp_httplib.md. It is built if the
// library is there, and uses nothing of sluice.
#include <httplib.h>
#include <cstdlib>
#include <string>
#include <thread>

// [server]
void routes(httplib::Server& server) {
  server.set_payload_max_length(1024 * 1024);
  server.Get(R"(/hello/(\w+))", [](const httplib::Request& req, httplib::Response& res) {
    res.set_content("Hello, " + std::string(req.matches[1]) + "!\n", "text/plain");
  });
  server.Get("/numbers", [](const httplib::Request&, httplib::Response& res) {
    res.set_chunked_content_provider("text/plain", [](std::size_t, httplib::DataSink& sink) {
      for (int i = 0; i < 1000; ++i) {
        const std::string line = std::to_string(i) + "\n";
        if (!sink.write(line.data(), line.size())) return false;  // blocks its thread
      }
      sink.done();
      return true;
    });
  });
}
// [/server]

// [client]
std::string ask(const std::string& host, int port) {
  httplib::Client client(host, port);
  client.set_read_timeout(2, 0);
  const auto result = client.Get("/hello/Ada");
  return result ? result->body : httplib::to_string(result.error());
}
// [/client]

int main() {
  httplib::Server server;
  routes(server);
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread thread([&] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::yield();
  const std::string body = ask("127.0.0.1", port);
  server.stop();
  thread.join();
  return body == "Hello, Ada!\n" ? EXIT_SUCCESS : EXIT_FAILURE;
}
