// SPDX-License-Identifier: BSL-1.0
//
// Servers on the loopback for tests of fetch(), and a coroutine that talks to them, on one loop.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <list>
#include <sluice/fetch.hpp>
#include <string>
#include <string_view>
#include <support/certificates.hpp>
#include <support/loopback.hpp>
#include <utility>

namespace sluice::test {

/// The name of what an awaited call throws, "none" if nothing.
template <class T>
task<std::string> errorOf(task<T> call) {
  std::string name = "none";
  try {
    co_await std::move(call);
  } catch (const Error& error) {
    name = error.name();
  }
  co_return name;
}

class FetchWorld {
 public:
  /// Where a server with this handler listens: "http://127.0.0.1:1234".
  template <class F>
  std::string serve(F handler) {
    servers_.push_back(http::createServer(io, std::move(handler)));
    return listen(servers_.back(), "http://");
  }
  /// With the certificate that trust() trusts.
  template <class F>
  std::string serveTls(F handler) {
    https::ServerOptions options;
    options.key = identity_.key();
    options.cert = identity_.cert();
    servers_.push_back(https::createServer(io, options, std::move(handler)));
    return listen(servers_.back(), "https://");
  }
  https::ClientOptions trust() const {
    https::ClientOptions options;
    options.ca = identity_.cert();
    return options;
  }
  /// A server that knows bytes only; "127.0.0.1:1234".
  template <class F>
  std::string serveBytes(F handler) {
    raw_.push_back(net::createServer(io, std::move(handler)));
    raw_.back().listen(0, "127.0.0.1");
    return "127.0.0.1:" + std::to_string(raw_.back().address().port);
  }

  /// Runs `script()` to its end.
  template <class F>
  void run(F script) {
    bool ended = false;
    std::exception_ptr failure;
    asio::co_spawn(io, script(), [&](std::exception_ptr thrown) {
      failure = thrown;
      ended = true;
    });
    loopback::runUntil(io, [&] { return ended; });
    if (failure) std::rethrow_exception(failure);
  }

  asio::io_context io{1};

 private:
  static std::string listen(http::Server& server, std::string_view scheme) {
    server.listen(0, "127.0.0.1");
    return std::string(scheme) + "127.0.0.1:" + std::to_string(server.address().port);
  }

  Identity identity_{CertificateOptions()};
  std::list<http::Server> servers_;
  std::list<net::Server> raw_;
};

}  // namespace sluice::test
