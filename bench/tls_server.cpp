// SPDX-License-Identifier: BSL-1.0
//
// What tls.py compares with nginx: bodies of as many bytes as the path says, in writes of 64 KiB.
//   tls_server PORT KEY CERT CIPHERS
#include <algorithm>
#include <cstdlib>
#include <sluice/https.hpp>
#include <string>
#include <string_view>

namespace {

using namespace sluice;

const std::string block(64 * 1024, 'x');

task<> answer(http::IncomingMessage& req, http::ServerResponse& res) {
  std::size_t left = std::strtoull(std::string(req.url().substr(1)).c_str(), nullptr, 10);
  res.setHeader("Content-Length", left);
  while (left != 0) {
    const std::string_view piece = std::string_view(block).substr(0, std::min(left, block.size()));
    co_await res.write(piece);
    left -= piece.size();
  }
  co_await res.end();
}

}  // namespace

int main(int, char* argv[]) {
  asio::io_context loop(1);
  auto server = https::createServer(
      loop, {.key = argv[2], .cert = argv[3], .minVersion = "TLSv1.3", .ciphers = argv[4]},
      &answer);
  server.listen(std::atoi(argv[1]), "127.0.0.1");
  loop.run();
}
