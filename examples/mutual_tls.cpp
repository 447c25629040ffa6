// SPDX-License-Identifier: BSL-1.0
//
// Both ends show a certificate: the server lets in whom its authority knows, and says who it is.
#include <iostream>
#include <sluice/https.hpp>

using namespace sluice;

int main(int argc, char* argv[]) {
  if (argc < 4) {
    std::cerr << "usage: " << argv[0] << " key.pem cert.pem ca.pem [port]\n";
    return 1;
  }
  asio::io_context loop(1);
  const https::ServerOptions options{
      .key = argv[1], .cert = argv[2], .ca = argv[3], .requestCert = true};
  auto server = https::createServer(
      loop, options, [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
        const auto certificate = req.socket().getPeerCertificate();
        co_await res.end("Hello, " + certificate.subject["CN"] + "!\n");
      });
  // A client without a certificate, or with a stranger's, never gets to the handler.
  server.on<"tlsClientError">(
      [](const http::Error& error, net::Socket&) { std::cerr << error.name() << '\n'; });
  server.listen(argc > 4 ? std::stoi(argv[4]) : 8443,
                [&] { std::cout << "https://localhost:" << server.address().port << std::endl; });

  // The client is in the same program here: one request, with the same key.
  asio::co_spawn(
      loop,
      [&]() -> task<> {
        https::RequestOptions request;
        request.key = argv[1];
        request.cert = argv[2];
        request.ca = argv[3];
        request.port = server.address().port;
        auto res = co_await https::get(request);
        std::cout << co_await res.text();
        server.close();
      },
      [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
      });
  loop.run();
}
