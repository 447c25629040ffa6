// SPDX-License-Identifier: BSL-1.0
//
// The plain answer by cpp-httplib, which has a thread for every connection that is open: for 64.
//   httplib_server
#include <httplib.h>
#include <support/mark.hpp>

int main() {
  httplib::Server server;
  server.new_task_queue = [] { return new httplib::ThreadPool(64); };
  server.set_keep_alive_max_count(1'000'000'000);
  server.set_keep_alive_timeout(600);
  server.set_tcp_nodelay(true);
  server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    // Of a type that it does not compress: the others do not either.
    response.set_content("Hello, World!", "application/octet-stream");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  sluice::bench::tellOnSignal(static_cast<unsigned>(port));
  server.listen_after_bind();
}
