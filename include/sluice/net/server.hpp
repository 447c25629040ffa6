// SPDX-License-Identifier: BSL-1.0
//
// A server of raw connections: Node's net.Server. http has its own, which shares ServerCore.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_NET_SERVER_HPP
#define SLUICE_NET_SERVER_HPP

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <sluice/error.hpp>
#include <sluice/event_emitter.hpp>
#include <sluice/net/address.hpp>
#include <sluice/net/drop_info.hpp>
#include <sluice/net/listen_options.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <string_view>

namespace sluice::net {

/// The events of a Server.
using ServerEvents =
    EventList<Event<"listening", void()>, Event<"close", void()>,
              Event<"error", void(const http::Error&)>, Event<"connection", void(Socket&)>,
              Event<"drop", void(const DropInfo&)>>;

namespace detail {
class ServerState;
}

/// Accepts connections and runs a handler for each. Made by createServer(). Move-only; destroying
/// it closes it, destroys its connections and cancels their handlers.
///
///     auto server = net::createServer(loop, [](net::Socket& socket) -> sluice::task<> {
///       co_await sluice::pipe(socket, socket);
///     });
///     server.listen(7);
///
/// events  "listening" "close" "error"(const http::Error&) "connection"(Socket&)
///         "drop"(const DropInfo&)
class Server : public EventEmitter<Server, ServerEvents> {
 public:
  /// Runs for each connection. When it returns, what was written is sent and the connection ends;
  /// when it throws, the connection is destroyed and "error" reports it.
  using Handler = std::function<task<>(Socket&)>;
  /// What get_executor() returns.
  using executor_type = asio::any_io_executor;

  Server(Executor executor, Handler handler);
  Server(Server&& other) noexcept;
  Server& operator=(Server&& other) noexcept;
  ~Server();

  /// Binds at once, so address() is known, and accepts once the loop runs.
  ///
  /// host      an address or a name; empty: every address, IPv6 and IPv4 if the system has both
  /// callback  called as a "listening" listener would be, once
  /// throws    ERR_SERVER_ALREADY_LISTEN, ERR_SOCKET_BAD_PORT, ERR_INVALID_ARG_VALUE; EADDRINUSE,
  ///           EACCES and the like only if nobody listens for "error" yet, which brings them later
  ///           otherwise
  Server& listen(int port, std::string_view host = {}, int backlog = 511,
                 std::function<void()> callback = {}) &;
  Server& listen(int port, std::string_view host, std::function<void()> callback) &;
  Server& listen(int port, std::function<void()> callback) &;
  /// The path of a Unix socket, or a port in digits, as in Node.
  Server& listen(std::string_view pathOrPort, std::function<void()> callback = {}) &;
  Server& listen(const ListenOptions& options, std::function<void()> callback = {}) &;
  /// A server that nobody keeps is gone before it accepts: name it first.
  template <class... Args>
  Server& listen(Args&&...) && {
    static_assert(sizeof...(Args) == std::size_t(-1),
                  "keep the server: auto server = createServer(...); server.listen(...);");
    return *this;
  }
  /// Whether it accepts connections.
  bool listening() const;
  /// Where it listens; empty while it does not.
  Address address() const;

  /// No new connections. 'close' comes when those there are have ended.
  ///
  /// callback  after 'close'; with ERR_SERVER_NOT_RUNNING if it was not listening
  Server& close(std::function<void(error_code)> callback = {});
  /// Resumes at 'close', or at once if it is closed.
  ///
  /// throws  operation_aborted if the server is destroyed first
  /// cancel  total
  task<> closed();

  /// Open connections, those that a handler moved elsewhere too.
  std::size_t getConnections() const;

  /// With more than this many a new connection is closed at once, and "drop" tells. 0, and the
  /// default: no limit.
  std::size_t maxConnections = std::numeric_limits<std::size_t>::max();

  executor_type get_executor() const;

 private:
  friend sluice::detail::EmitterAccess;
  friend detail::ServerState;

  detail::ServerState& state() const;
  void destroyState();
  sluice::detail::Listeners& listeners();
  std::function<void(task<>)> listenerSpawner() const;

  boost::intrusive_ptr<detail::ServerState> state_;
};

/// handler  runs for each connection. When it returns, what was written still leaves, and the
/// socket
///          is destroyed, unless it was moved out. What it throws destroys the socket and goes to
///          "error". Without a handler, listeners of "connection" use the socket, which lives until
///          it is closed.
Server createServer(Executor executor, Server::Handler handler = {});

}  // namespace sluice::net

#endif
