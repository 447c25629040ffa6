// SPDX-License-Identifier: BSL-1.0
//
// A proxy for CONNECT: opens a connection to where the client wants to go and passes bytes both
// ways, no faster than the slower end takes them. Only this machine may use it. Try it:
//   curl -i -p -x localhost:8080 https://example.com
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;
namespace net = sluice::net;

sluice::task<net::Socket> connectTo(std::string authority) {
  // "http:" because a URL needs a scheme; so port 80, the default, is not there any more.
  const URL target("http://" + authority);
  net::ConnectionOptions options;
  options.host = target.hostname();
  if (options.host.starts_with('[')) options.host = options.host.substr(1, options.host.size() - 2);
  options.port = static_cast<std::uint16_t>(
      target.port().empty() ? 80 : std::stoi(std::string(target.port())));
  options.timeout = std::chrono::seconds(10);
  co_return co_await net::connect(options);
}

sluice::task<> tunnel(IncomingMessage& req, net::Socket& client, std::string_view head) {
  net::Socket target;
  try {
    target = co_await connectTo(std::string(req.url()));
  } catch (const Error& error) {
    std::cerr << req.url() << ": " << error.what() << '\n';
  }
  if (!target) {
    co_await client.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    co_return;
  }
  client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
  target.write(head);
  // Each way ends by itself; an error in one ends both.
  using namespace boost::asio::experimental::awaitable_operators;
  co_await (sluice::pipe(client, target) && sluice::pipe(target, client));
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, [](IncomingMessage&, ServerResponse& res) -> sluice::task<> {
    co_await res.end("This is a proxy: ask it with CONNECT.\n");
  });
  server.on<"connect">(tunnel);
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, "127.0.0.1", 511, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
