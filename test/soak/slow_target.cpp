// SPDX-License-Identifier: BSL-1.0
//
// What slowhttp.py attacks: slow_target PORT FOLDER SECONDS. It serves the files of a folder, with
// ranges, and reads what is posted to /upload. A head may take SECONDS, a whole request twice as
// long, and a connection on which nothing moves ends after SECONDS.
#include <cstdlib>
#include <iostream>
#include <sluice/app.hpp>
#include <string>

namespace app = sluice::app;

namespace {

sluice::task<> upload(app::Request& req, app::Response& res) {
  std::size_t size = 0;
  while (auto piece = co_await req.read()) size += piece->size();
  co_await res.text(std::to_string(size));
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 4) return 1;
  const std::chrono::seconds patience(std::atoi(argv[3]));
  boost::asio::io_context loop(1);
  app::Router router;
  router.post("/upload", upload);
  router.use(app::staticFiles(argv[2]));
  sluice::http::ServerOptions options;
  options.headersTimeout = patience;
  options.requestTimeout = 2 * patience;
  options.timeout = patience;
  options.connectionsCheckingInterval = std::chrono::milliseconds(500);
  auto server = sluice::http::createServer(loop, options, router);
  server.listen(std::atoi(argv[1]), [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
