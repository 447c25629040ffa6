// SPDX-License-Identifier: BSL-1.0
//
// Bodies of as many bytes as the path says over TLS: small ones at once, large ones in writes of
// 64 KiB.
//   tls_server PORT KEY CERT CIPHERS
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <sluice/https.hpp>
#include <string>
#include <string_view>
#include <support/mark.hpp>

namespace {

using namespace sluice;

const std::string block(64 * 1024, 'x');

task<> answer(http::IncomingMessage& req, http::ServerResponse& res) {
  std::size_t left = std::strtoull(std::string(req.url().substr(1)).c_str(), nullptr, 10);
  res.setHeader("Content-Length", left);
  while (left > block.size()) {
    co_await res.write(block);
    left -= block.size();
  }
  co_await res.end(std::string_view(block).substr(0, left));
}

}  // namespace

int main(int, char* argv[]) {
  asio::io_context loop(1);
  https::ServerOptions options;
  options.key = argv[2];
  options.cert = argv[3];
  options.minVersion = "TLSv1.3";
  options.ciphers = argv[4];
  // As long as nginx is told to.
  options.keepAliveTimeout = std::chrono::minutes(10);
  auto server = https::createServer(loop, options, &answer);
  server.listen(std::atoi(argv[1]), "127.0.0.1", 4096,
                [&] { sluice::bench::tellOnSignal(server.address().port); });
  loop.run();
}
