// SPDX-License-Identifier: BSL-1.0
//
// What is under HTTP in this run of the tests: memory alone, or TLS over it where the environment
// says SLUICE_TEST_TRANSPORT=tls. The same tests see the same bytes either way; those that look at
// the transport itself have the tag [plain] and are left out with TLS.
#pragma once

#include <concepts>
#include <cstddef>
#include <sluice/http/server.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <sluice/test/wire.hpp>
#include <type_traits>
#include <utility>

namespace sluice::test {

/// throws  where TLS is asked for, and was not compiled in
bool overTls();

/// http::createServer(), or https::createServer() with a certificate of authority().
http::Server makeServer(Executor executor, http::ServerOptions options = {});
template <class F>
http::Server makeServer(Executor executor, http::ServerOptions options, F&& handler) {
  http::Server server = makeServer(std::move(executor), std::move(options));
  http::detail::installHandler(server, std::forward<F>(handler));
  return server;
}

/// The near end of a wire for serve() of such a server. With TLS the wire still carries what the
/// test sends and sees, and OpenSSL is the server's peer in between.
net::Socket serverEnd(const Wire& wire, std::size_t highWaterMark = 16 * 1024);

/// The near end of a wire for a client, hands shaken where that is to be done.
task<net::Socket> clientEnd(const Wire& wire, std::size_t highWaterMark = 16 * 1024);

/// A client's socket whose other end such a server has: hands shaken likewise.
task<net::Socket> clientEnd(net::Socket socket);

}  // namespace sluice::test
