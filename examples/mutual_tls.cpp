// SPDX-License-Identifier: BSL-1.0
//
// Both ends show a certificate: the server lets in whom its authority knows, and the client says
// who it is.
#include <boost/asio/co_spawn.hpp>
#include <cstdlib>
#include <iostream>
#include <sluice/https.hpp>

using namespace sluice;

int main(int argc, char* argv[]) {
  if (argc < 5) {
    std::cerr << "usage: " << argv[0] << " port key.pem cert.pem ca.pem\n";
    return 1;
  }
  asio::io_context loop(1);
  const https::ServerOptions options{
      .key = argv[2], .cert = argv[3], .ca = argv[4], .requestCert = true};
  auto server = https::createServer(
      loop, options, [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
        const auto certificate = req.socket().getPeerCertificate();
        co_await res.end("Hello, " + certificate.subject["CN"] + "!\n");
      });
  // A client without a certificate, or with a stranger's, never gets to the handler.
  server.on<"tlsClientError">([](const http::Error& error, net::Socket&) {
    std::cout << "refused: " << error.name() << std::endl;
  });
  server.listen(std::atoi(argv[1]), [&] {
    std::cout << "listening on https://127.0.0.1:" << server.address().port << '/' << std::endl;
  });

  // For once the client is in the same program, and shows the server's own certificate.
  const auto ask = [&]() -> task<> {
    https::RequestOptions request;
    request.host = "127.0.0.1";
    request.port = server.address().port;
    request.key = argv[2];
    request.cert = argv[3];
    request.ca = argv[4];
    auto res = co_await https::get(request);
    std::cout << co_await res.text() << std::flush;
  };
  asio::co_spawn(loop, ask(), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  });
  loop.run();
}
