// SPDX-License-Identifier: BSL-1.0
//
// A server over TLS. Without a key and a certificate as arguments it makes its own for localhost,
// which no client trusts: curl -k shows the answer.
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <cstdlib>
#include <iostream>
#include <sluice/https.hpp>

using namespace sluice;

// What `openssl req -x509 -newkey ec -nodes` does.
https::ServerOptions selfSigned() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  X509_set_version(cert, 2);
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial);
  X509_gmtime_adj(X509_getm_notBefore(cert), 0);
  X509_gmtime_adj(X509_getm_notAfter(cert), 30L * 24 * 3600);
  X509_set_pubkey(cert, key);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name,
                                              "DNS:localhost,IP:127.0.0.1,IP:::1");
  X509_add_ext(cert, names, -1);
  X509_sign(cert, key, EVP_sha256());

  BIO* bio = BIO_new(BIO_s_mem());
  char* text = nullptr;
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_X509(bio, cert);
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(bio, &text));
  const std::string both(text, size);
  BIO_free(bio);
  X509_EXTENSION_free(names);
  X509_free(cert);
  EVP_PKEY_free(key);
  return {.key = both, .cert = both};
}

int main(int argc, char* argv[]) {
  asio::io_context loop(1);
  https::ServerOptions options;
  if (argc > 3) {
    options.key = argv[2];
    options.cert = argv[3];
  } else {
    options = selfSigned();
  }
  auto server = https::createServer(
      loop, options, [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
        res.setHeader("X-Content-Type-Options", "nosniff");
        co_await res.end("Hello over " + req.socket().getProtocol() + "!\n");
      });
  server.on<"tlsClientError">(
      [](const http::Error& error, net::Socket&) { std::cerr << error.name() << '\n'; });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8443, [&] {
    std::cout << "listening on https://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
