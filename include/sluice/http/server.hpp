// SPDX-License-Identifier: BSL-1.0
//
// An HTTP server: listens, runs a coroutine for each request, and keeps order.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_SERVER_HPP
#define SLUICE_HTTP_SERVER_HPP

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <sluice/event_emitter.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/message/message_pool.hpp>
#include <sluice/http/incoming_message.hpp>
#include <sluice/http/options.hpp>
#include <sluice/http/server_response.hpp>
#include <sluice/net/address.hpp>
#include <sluice/net/drop_info.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sluice::http {

class Server;

namespace detail {
class ServerState;
struct ServerAccess;
using MessagePoolFactory = std::shared_ptr<MessagePool> (*)(net::detail::Loop&);
}  // namespace detail

/// What runs for each request. Returning ends the response if that was not done.
///
/// Both references end with it. A reference, a listener or a result that is kept longer refuses
/// every call with ERR_STREAM_DESTROYED, and never reaches another request.
using Handler = std::function<task<>(IncomingMessage&, ServerResponse&)>;

/// The events of a Server. Those that return task<> take one handler each.
using ServerEvents =
    EventList<Event<"request", task<>(IncomingMessage&, ServerResponse&)>,
              Event<"checkContinue", task<>(IncomingMessage&, ServerResponse&)>,
              Event<"checkExpectation", task<>(IncomingMessage&, ServerResponse&)>,
              Event<"upgrade", task<>(IncomingMessage&, net::Socket&, std::string_view)>,
              Event<"connect", task<>(IncomingMessage&, net::Socket&, std::string_view)>,
              Event<"listening", void()>, Event<"close", void()>,
              Event<"error", void(const Error&)>, Event<"connection", void(net::Socket&)>,
              Event<"timeout", void(net::Socket&)>,
              Event<"clientError", void(const Error&, net::Socket&)>,
              Event<"dropRequest", void(IncomingMessage&, net::Socket&)>,
              Event<"drop", void(const net::DropInfo&)>,
              Event<"tlsClientError", void(const Error&, net::Socket&)>,
              Event<"secureConnection", void(net::Socket&)>,
              Event<"keylog", void(std::string_view, net::Socket&)>>;

/// What can be changed while a server runs; times of 0 and counts of 0 are "no limit".
struct ServerSettings {
  /// How long nothing may move on a connection. Taken up by connections made later.
  std::chrono::milliseconds timeout = std::chrono::seconds(120);
  /// How long a connection is kept that waits for its next request.
  std::chrono::milliseconds keepAliveTimeout = std::chrono::seconds(5);
  /// Time for a request's head; then 408.
  std::chrono::milliseconds headersTimeout = std::chrono::seconds(60);
  /// Time for a whole request; then 408.
  std::chrono::milliseconds requestTimeout = std::chrono::seconds(300);
  /// Header lines of a request that are kept; more are dropped, not refused.
  std::size_t maxHeadersCount = 2000;
  /// The answer to this many requests says `Connection: close`; what follows gets 503.
  std::size_t maxRequestsPerSocket = 0;
  /// Further connections are closed at once, with "drop".
  std::size_t maxConnections = unlimited;
};

/// A server. Movable; destroying it ends every connection, and the handlers' waits are cancelled.
///
///     auto server = http::createServer(loop, handler);
///     server.listen(8080);
///
/// Coroutine events, with one handler each: "request" "checkContinue" "checkExpectation"
/// (IncomingMessage&, ServerResponse&), "upgrade" "connect" (IncomingMessage&, net::Socket&,
/// std::string_view head). Notifications: "listening" "close" "error"(const Error&)
/// "connection"(net::Socket&) "timeout"(net::Socket&) "clientError"(const Error&, net::Socket&)
/// "dropRequest"(IncomingMessage&, net::Socket&) "drop"(const net::DropInfo&).
///
/// A handler of "checkContinue" hands on with `co_await server.emit<"request">(req, res);`.
class Server : public ServerSettings, public EventEmitter<Server, ServerEvents> {
 public:
  explicit Server(Executor executor, ServerOptions options = {});
  Server(Server&& other) noexcept;
  Server& operator=(Server&& other) noexcept;
  ~Server();

  /// Binds at once, so that address() is right after it; "listening" follows. Port 0: the system
  /// picks one. Without a host: every address, IPv6 and IPv4.
  ///
  /// throws  if nobody listens for "error": EADDRINUSE, EACCES …; else that event brings it.
  ///         ERR_SERVER_ALREADY_LISTEN, ERR_SOCKET_BAD_PORT
  Server& listen(int port, std::string_view host = {}, int backlog = 511,
                 std::function<void()> onListening = {}) &;
  Server& listen(int port, std::string_view host, std::function<void()> onListening) &;
  Server& listen(int port, std::function<void()> onListening) &;
  /// The path of a Unix socket, or a port in digits, as in Node. A file that a server left behind
  /// is replaced.
  Server& listen(std::string_view pathOrPort, std::function<void()> onListening = {}) &;
  Server& listen(const ListenOptions& options, std::function<void()> onListening = {}) &;
  /// A server that is not kept would end at once.
  template <class... Arguments>
  Server& listen(Arguments&&...) && {
    static_assert(sizeof...(Arguments) == std::size_t(-1),
                  "keep the server: auto server = createServer(...); server.listen(...);");
    return *this;
  }
  /// Whether it accepts connections.
  bool listening() const;
  /// Where it listens, with the port that was chosen for port 0; empty while it does not listen.
  net::Address address() const;

  /// Serves a connection that comes from elsewhere: a test's, or one that was accepted by hand.
  void serve(net::Socket socket);

  /// No new connections; idle ones end, busy ones finish. `onClosed` gets ERR_SERVER_NOT_RUNNING
  /// if it was not listening.
  Server& close(std::function<void(error_code)> onClosed = {});
  /// Resumes at 'close'.
  task<> closed();
  /// close(), waits for the busy ones as long as `grace`, then closeAllConnections(). Sockets that
  /// were upgraded emit "shutdown" first, are waited for too, and are destroyed when the time is
  /// over, also if a handler moved them out.
  task<> shutdown(std::chrono::milliseconds grace);
  void closeAllConnections();
  void closeIdleConnections();
  std::size_t getConnections() const;
  /// Sets `timeout` and listens for "timeout".
  Server& setTimeout(std::chrono::milliseconds idle,
                     std::function<void(net::Socket&)> listener = {}) &;
  /// A server that is not kept would end at once.
  template <class... Arguments>
  Server& setTimeout(Arguments&&...) && = delete;

  asio::any_io_executor get_executor() const;

 protected:
  explicit Server(boost::intrusive_ptr<detail::ServerState> state);
  detail::ServerState& state() const;

 private:
  friend sluice::detail::EmitterAccess;
  friend struct detail::ServerAccess;

  void useMessages(detail::MessagePoolFactory factory);
  sluice::detail::Listeners& listeners();

  boost::intrusive_ptr<detail::ServerState> state_;
};

namespace detail {

// Which classes a handler names as its parameters; none if it has others.
template <class F>
struct HandlerClasses {
  using Req = void;
  using Res = void;
};
template <class Result, class Req_, class Res_>
struct HandlerClasses<Result (*)(Req_&, Res_&)> {
  using Req = std::remove_const_t<Req_>;
  using Res = std::remove_const_t<Res_>;
};
template <class Result, class Req, class Res>
struct HandlerClasses<Result (*)(Req&, Res&) noexcept> : HandlerClasses<Result (*)(Req&, Res&)> {};
template <class Result, class F, class Req, class Res>
struct HandlerClasses<Result (F::*)(Req&, Res&)> : HandlerClasses<Result (*)(Req&, Res&)> {};
template <class Result, class F, class Req, class Res>
struct HandlerClasses<Result (F::*)(Req&, Res&) const> : HandlerClasses<Result (*)(Req&, Res&)> {};
template <class Result, class F, class Req, class Res>
struct HandlerClasses<Result (F::*)(Req&, Res&) noexcept> : HandlerClasses<Result (*)(Req&, Res&)> {
};
template <class Result, class F, class Req, class Res>
struct HandlerClasses<Result (F::*)(Req&, Res&) const noexcept>
    : HandlerClasses<Result (*)(Req&, Res&)> {};

template <class F>
concept PlainHandler = std::invocable<F&, IncomingMessage&, ServerResponse&> ||
                       std::invocable<F&, IncomingMessage&> || std::invocable<F&>;

template <class F>
auto handlerClasses() {
  if constexpr (PlainHandler<F>) {
    return HandlerClasses<void (*)(IncomingMessage&, ServerResponse&)>{};
  } else if constexpr (requires { &F::operator(); }) {
    return HandlerClasses<decltype(&F::operator())>{};
  } else {
    return HandlerClasses<F>{};
  }
}
template <class F>
using RequestOf = typename decltype(handlerClasses<F>())::Req;
template <class F>
using ResponseOf = typename decltype(handlerClasses<F>())::Res;

// As in JavaScript, a handler may take fewer parameters.
template <class F, class Req, class Res>
auto resultOf() {
  if constexpr (std::invocable<F&, Req&, Res&>) {
    return std::type_identity<std::invoke_result_t<F&, Req&, Res&>>{};
  } else if constexpr (std::invocable<F&, Req&>) {
    return std::type_identity<std::invoke_result_t<F&, Req&>>{};
  } else {
    return std::type_identity<std::invoke_result_t<F&>>{};
  }
}
template <class F>
inline constexpr bool isCoroutineHandler =
    std::same_as<decltype(resultOf<F, RequestOf<F>, ResponseOf<F>>()), std::type_identity<task<>>>;

template <class F>
inline constexpr bool takesMessages = std::derived_from<RequestOf<F>, IncomingMessage> &&
                                      std::derived_from<ResponseOf<F>, ServerResponse>;

template <class F>
consteval bool requireHandler() {
  static_assert(!std::is_member_pointer_v<F>,
                "a member function needs its object: [this](IncomingMessage& req, ServerResponse& "
                "res) { return handle(req, res); }");
  static_assert(std::is_member_pointer_v<F> || takesMessages<F>,
                "a handler is called with (IncomingMessage&, ServerResponse&), or with classes "
                "derived from these");
  if constexpr (!std::is_member_pointer_v<F> && takesMessages<F>) {
    return sluice::detail::requireCoroutine<isCoroutineHandler<F>>();
  }
  return false;
}

/// What the library asks of a Server.
struct ServerAccess {
  static void useMessages(Server& server, MessagePoolFactory factory) {
    server.useMessages(factory);
  }
};

template <class F>
void installHandler(Server& server, F&& handler) {
  using Plain = std::decay_t<F>;
  if constexpr (std::same_as<Plain, std::nullptr_t>) {
    return;  // None, as an empty Handler is.
  } else if constexpr (requireHandler<Plain>()) {
    if constexpr (PlainHandler<Plain>) {
      server.on<"request">(std::forward<F>(handler));
    } else {
      using Req = RequestOf<Plain>;
      using Res = ResponseOf<Plain>;
      static_assert(std::default_initializable<Req> && std::default_initializable<Res>,
                    "the server makes these objects without arguments, one pair for each request");
      ServerAccess::useMessages(server, &messagePool<Req, Res>);
      server.on<"request">([own = std::forward<F>(handler)](IncomingMessage& req,
                                                            ServerResponse& res) mutable -> task<> {
        return own(static_cast<Req&>(req), static_cast<Res&>(res));
      });
    }
  }
}

}  // namespace detail

/// Makes a server, which acts once listen() is called.
///
///     auto server = http::createServer(loop, [](http::IncomingMessage&, http::ServerResponse& res)
///         -> sluice::task<> { co_await res.end("Hello, World!"); });
///
/// handler  a coroutine of (IncomingMessage&, ServerResponse&), or of classes derived from them,
///          which the server then makes; `{}`, nullptr or an empty Handler: none yet
Server createServer(Executor executor);
Server createServer(Executor executor, ServerOptions options);

/// The same with a handler.
template <class F = Handler>
  requires(!std::convertible_to<F, ServerOptions>)
Server createServer(Executor executor, ServerOptions options, F&& handler) {
  Server server(std::move(executor), std::move(options));
  detail::installHandler(server, std::forward<F>(handler));
  return server;
}

/// The same with a handler and default options.
template <class F>
  requires(!std::convertible_to<F, ServerOptions>)
Server createServer(Executor executor, F&& handler) {
  return createServer(std::move(executor), ServerOptions{}, std::forward<F>(handler));
}

}  // namespace sluice::http

#endif
