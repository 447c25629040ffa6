// SPDX-License-Identifier: BSL-1.0
//
// The first server without an #include of the library.
import sluice;

using namespace sluice::http;

int main() {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, [](IncomingMessage&, ServerResponse& res) -> sluice::task<> {
    co_await res.end("Hello, World!");
  });
  server.listen(0, "127.0.0.1", 511, [&] { server.close(); });
  loop.run();
}
