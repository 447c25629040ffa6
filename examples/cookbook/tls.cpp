// SPDX-License-Identifier: BSL-1.0
//
// The cookbook's recipes for <sluice/https.hpp>. Each is cut into docs/cookbook/. The program makes
// its certificates itself.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <cstdio>
#include <sluice/https.hpp>
#include <string>
#include "check.hpp"

using namespace sluice;

// [server]
https::Server secureServer(asio::io_context& loop, const std::string& key,
                           const std::string& cert) {
  https::ServerOptions options;
  options.key = key;    // PEM, or the name of a file
  options.cert = cert;  // the certificate, then those that lead to the authority
  return https::createServer(loop, options,
                             [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
                               co_await res.end("Hello over " + req.socket().getProtocol() + "!\n");
                             });
}
// [/server]

// [own_authority]
task<std::string> askWith(std::string url, std::string authority) {
  https::RequestOptions options;
  options.ca = authority;  // trusted in place of the system's authorities
  auto res = co_await https::get(url, options);
  co_return co_await res.text();
}
// [/own_authority]

// [no_verification]
task<std::string> askAnybody(std::string url) {
  https::RequestOptions options;
  options.rejectUnauthorized = false;  // for tests only: nobody knows who answers
  auto res = co_await https::get(url, options);
  co_return co_await res.text();
}
// [/no_verification]

// [client_certificates]
https::ServerOptions onlyKnownClients(std::string key, std::string cert, std::string authority) {
  https::ServerOptions options;
  options.key = std::move(key);
  options.cert = std::move(cert);
  options.ca = std::move(authority);  // who signs the clients' certificates
  options.requestCert = true;         // others do not get as far as the handler
  return options;
}
// [/client_certificates]

// [sni]
void serveTwoNames(https::Server& server, const https::SecureContextOptions& first,
                   const https::SecureContextOptions& second) {
  server.addContext("shop.example", first);
  server.addContext("*.blog.example", second);
}
// [/sni]

// [reload]
void reload(https::Server& server, const std::string& key, const std::string& cert) {
  https::SecureContextOptions fresh;
  fresh.key = key;
  fresh.cert = cert;
  server.setSecureContext(fresh);  // for new connections; the old ones go on
}
// [/reload]

// [versions]
https::ServerOptions modern() {
  https::ServerOptions options;
  options.minVersion = "TLSv1.3";  // default: TLSv1.2
  return options;
}
// [/versions]

// [to_https]
task<> sendToHttps(http::IncomingMessage& req, http::ServerResponse& res) {
  const http::URL url("http://" + std::string(req.headers()["host"]));
  res.setHeader("Location", "https://" + std::string(url.hostname()) + std::string(req.url()));
  co_await res.writeHead(308).end();
}
// [/to_https]

std::string selfSigned() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), 0);
  X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
  X509_set_pubkey(cert, key);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(cert, names, -1);
  X509_sign(cert, key, EVP_sha256());
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_X509(bio, cert);
  char* text = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(bio, &text));
  std::string both(text, size);
  BIO_free(bio);
  X509_EXTENSION_free(names);
  X509_free(cert);
  EVP_PKEY_free(key);
  return both;
}

task<> tryAll(asio::io_context& loop, https::Server& server, std::string pem) {
  const std::string root = "https://127.0.0.1:" + std::to_string(server.address().port) + "/";
  check((co_await askWith(root, pem)).starts_with("Hello over TLSv1."), "server, own_authority");
  check((co_await askAnybody(root)).starts_with("Hello"), "no_verification");
  const std::string other = selfSigned();
  reload(server, other, other);
  check((co_await askWith(root, other)).starts_with("Hello"), "reload");
  https::SecureContextOptions context;
  context.key = pem;
  context.cert = pem;
  serveTwoNames(server, context, context);
  auto closed = https::createServer(loop, onlyKnownClients(pem, pem, pem));
  closed.listen(0, "127.0.0.1");
  bool refused = false;
  try {
    co_await askWith("https://127.0.0.1:" + std::to_string(closed.address().port) + "/", pem);
  } catch (const http::Error&) {
    refused = true;
  }
  check(refused, "client_certificates");
  closed.close();
  server.close();
}

int main() {
  asio::io_context loop(1);
  const std::string pem = selfSigned();
  auto server = secureServer(loop, pem, pem);
  server.listen(0, "127.0.0.1");
  spawn(loop, tryAll(loop, server, pem));
  loop.run();
  check(modern().minVersion == "TLSv1.3", "versions");
}
