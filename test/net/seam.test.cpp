// SPDX-License-Identifier: BSL-1.0
//
// Servers and clients over the seam to the system, where the system refuses something.
#include <boost/asio/io_context.hpp>
#include <sluice/net.hpp>
#include <sluice/net/detail/listening.hpp>
#include <string>
#include "support/catch.hpp"
#include "support/loopback.hpp"

namespace {

namespace asio = boost::asio;
using namespace sluice;

errc codeOf(std::string_view text) {
  try {
    static_cast<void>(net::detail::pathOrPortToListenOn(text));
  } catch (const Error& error) {
    return static_cast<errc>(error.code().value());
  }
  return {};
}

}  // namespace

TEST_CASE("listen() takes a port in digits and refuses what is none", "[net.Server]") {
  CHECK(net::detail::pathOrPortToListenOn("8080").port == 8080);
  CHECK(net::detail::pathOrPortToListenOn("/run/8080").path == "/run/8080");
  CHECK(net::detail::pathOrPortToListenOn("8080.sock").path == "8080.sock");
  CHECK(codeOf("65536") == errc::ERR_SOCKET_BAD_PORT);
  CHECK(codeOf("99999999999999999999") == errc::ERR_SOCKET_BAD_PORT);

  asio::io_context io(1);
  auto server = net::createServer(io);
  for (const int port : {70000, -1}) {
    try {
      server.listen(port);
      FAIL("listens on " << server.address().port);
    } catch (const Error& error) {
      CHECK(error.code() == errc::ERR_SOCKET_BAD_PORT);
    }
  }
  server.listen("0");
  CHECK(server.address().port != 0);
  server.close();
  loopback::finish(io);
}
