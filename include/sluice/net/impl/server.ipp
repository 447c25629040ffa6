// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server.hpp, and the state that a Server is a handle to.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <exception>
#include <memory>
#include <sluice/detail/post.hpp>
#include <sluice/detail/spawn.hpp>
#include <sluice/net/detail/handler_error.hpp>
#include <sluice/net/detail/listening.hpp>
#include <sluice/net/detail/server_core.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/server.hpp>
#include <string>
#include <unordered_set>
#include <utility>

namespace sluice::net {
namespace detail {

// Sockets of a raw server; there is no option for it.
inline constexpr std::size_t serverHighWaterMark = 16 * 1024;
inline constexpr std::chrono::milliseconds proxyHeaderTimeout{60'000};

class ServerState final
    : public boost::intrusive_ref_counter<ServerState, boost::thread_unsafe_counter>,
      private ServerCore::User,
      private LoopMember {
 public:
  ServerState(const asio::any_io_executor& executor, Server::Handler handler, Server& owner)
      : LoopMember(*Loop::of(executor)), core_(new ServerCore(executor, *this)), owner_(&owner) {
    if (handler) handler_ = std::make_shared<const Server::Handler>(std::move(handler));
  }

  ServerCore& core() { return *core_; }
  sluice::detail::Listeners& listeners() { return listeners_; }
  std::size_t connections() const override { return open_; }
  void setOwner(Server& owner) { owner_ = &owner; }

  /// The handle is gone: ends everything that belongs to the server.
  void destroy() {
    const boost::intrusive_ptr<ServerState> self(this);
    owner_ = nullptr;
    core_->detach();
    const auto connections = std::exchange(connections_, {});
    listeners_.clear();
    for (const auto& connection : connections) {
      connection->server.reset();
      connection->socket.destroy();
      if (connection->running) {
        sluice::detail::cancelSpawned(core_->loop().executor(), connection->cancelled,
                                      [connection] {});
      }
    }
  }

  void report(const std::exception_ptr& thrown) {
    if (owner_ != nullptr) onError(handlerError(thrown));
  }

 private:
  void onLoopEnd() override {
    const boost::intrusive_ptr<ServerState> self(this);
    const auto dropped = std::exchange(connections_, {});
    for (const auto& connection : dropped) connection->server.reset();
    listeners_.clear();
  }

  // One accepted connection: the server owns its handle until a handler takes it.
  struct Connection : SocketObserver, std::enable_shared_from_this<Connection> {
    explicit Connection(boost::intrusive_ptr<ServerState> state) : server(std::move(state)) {}

    void onGone(const error_code&) override {
      if (server) server->socketGone(shared_from_this());
    }

    boost::intrusive_ptr<ServerState> server;
    Socket socket{};
    asio::cancellation_signal cancelled{};
    bool running = false;
  };
  using Place = std::shared_ptr<Connection>;
  using Ended = sluice::detail::Ended;

  std::size_t maxConnections() const override { return owner_->maxConnections; }
  std::chrono::milliseconds headerTimeout() const override { return proxyHeaderTimeout; }
  bool hasErrorListener() const override {
    return sluice::detail::has<ServerEvents, "error">(listeners_);
  }
  void onListening() override { sluice::detail::emit<ServerEvents, "listening">(listeners_); }
  void onError(const http::Error& error) override {
    sluice::detail::emit<ServerEvents, "error">(listeners_, error);
  }
  void onDrop(const DropInfo& info) override {
    sluice::detail::emit<ServerEvents, "drop">(listeners_, info);
  }
  void onDrain(std::chrono::milliseconds) override { core_->close({}); }
  void onClose() override { sluice::detail::emit<ServerEvents, "close">(listeners_); }

  void onConnection(boost::intrusive_ptr<Transport> accepted) override {
    const boost::intrusive_ptr<ServerState> self(this);
    const boost::intrusive_ptr<SocketCore> core(
        new SocketCore(core_->loop().shared_from_this(), serverHighWaterMark));
    core->openAccepted(std::move(accepted));
    core->transport()->setNoDelay(true);
    const auto place = std::make_shared<Connection>(self);
    place->socket = SocketAccess::make(core);
    core->setObserver(place);
    ++open_;
    connections_.insert(place);
    sluice::detail::tell<ServerEvents, "connection">(listeners_, core_->loop().executor(),
                                                     place->socket);
    if (!handler_ || !place->server || place->socket.destroyed()) {
      forget(place);
      return;
    }
    place->running = true;
    sluice::detail::spawn(
        core_->loop().executor(), run(handler_, place), place->cancelled.slot(),
        Ended([place](const std::exception_ptr& thrown) { ended(place, thrown); }));
  }

  static task<> run(std::shared_ptr<const Server::Handler> handler, Place place) {
    // Out of the accept loop. And Asio lets a cancellation escape from run() if it meets a
    // coroutine that was never suspended, as a handler would be that destroys the server.
    co_await asio::post(asio::use_awaitable);
    co_await (*handler)(place->socket);
  }

  static void ended(const Place& place, const std::exception_ptr& thrown) {
    place->running = false;
    if (thrown) {
      place->socket.destroy();
    } else {
      place->socket.destroySoon();
    }
    const auto server = place->server;
    if (!server) return;
    server->forget(place);
    if (thrown) server->report(thrown);
  }

  void socketGone(const Place& place) {
    --open_;
    forget(place);
    core_->connectionEnded();
  }

  // Forgets a connection that nobody here has to end any more, but not before its 'close': the
  // listeners of that may use the handle.
  void forget(const Place& place) {
    if (place->running || !place->socket.destroyed()) return;
    sluice::detail::post(core_->loop().executor(), [self = boost::intrusive_ptr<ServerState>(this),
                                                    place] { self->connections_.erase(place); });
  }

  boost::intrusive_ptr<ServerCore> core_;
  std::shared_ptr<const Server::Handler> handler_;
  Server* owner_;
  sluice::detail::Listeners listeners_;
  std::unordered_set<Place> connections_;
  std::size_t open_ = 0;
};

}  // namespace detail

SLUICE_DECL Server createServer(Executor executor, Server::Handler handler) {
  return Server(std::move(executor), std::move(handler));
}

SLUICE_DECL Server::Server(Executor executor, Handler handler)
    : state_(new detail::ServerState(executor, std::move(handler), *this)) {}

SLUICE_DECL Server::Server(Server&& other) noexcept
    : maxConnections(other.maxConnections), state_(std::move(other.state_)) {
  if (state_) state_->setOwner(*this);
}

SLUICE_DECL Server& Server::operator=(Server&& other) noexcept {
  if (this == &other) return *this;
  destroyState();
  maxConnections = other.maxConnections;
  state_ = std::move(other.state_);
  if (state_) state_->setOwner(*this);
  return *this;
}

SLUICE_DECL Server::~Server() { destroyState(); }

SLUICE_DECL void Server::destroyState() {
  if (const auto state = std::move(state_)) state->destroy();
}

SLUICE_DECL detail::ServerState& Server::state() const {
  return *sluice::detail::held(state_, "The server");
}

SLUICE_DECL Server& Server::listen(const ListenOptions& options, std::function<void()> callback) & {
  if (state().core().listen(options) && callback) once<"listening">(std::move(callback));
  return *this;
}

SLUICE_DECL Server& Server::listen(int port, std::string_view host, int backlog,
                                   std::function<void()> callback) & {
  ListenOptions options = detail::portToListenOn(port);
  options.host = host;
  options.backlog = backlog;
  return listen(options, std::move(callback));
}

SLUICE_DECL Server& Server::listen(int port, std::string_view host,
                                   std::function<void()> callback) & {
  return listen(port, host, ListenOptions().backlog, std::move(callback));
}

SLUICE_DECL Server& Server::listen(int port, std::function<void()> callback) & {
  return listen(port, {}, std::move(callback));
}

SLUICE_DECL Server& Server::listen(std::string_view pathOrPort, std::function<void()> callback) & {
  return listen(detail::pathOrPortToListenOn(pathOrPort), std::move(callback));
}

SLUICE_DECL bool Server::listening() const { return state().core().listening(); }
SLUICE_DECL Address Server::address() const { return state().core().address(); }

SLUICE_DECL Server& Server::close(std::function<void(error_code)> callback) {
  state().core().close(std::move(callback));
  return *this;
}

SLUICE_DECL task<> Server::closed() { return detail::ServerCore::closed(&state().core()); }

SLUICE_DECL std::size_t Server::getConnections() const { return state().connections(); }

SLUICE_DECL Server::executor_type Server::get_executor() const {
  return state().core().loop().executor();
}

SLUICE_DECL sluice::detail::Listeners& Server::listeners() { return state().listeners(); }

SLUICE_DECL std::function<void(task<>)> Server::listenerSpawner() const {
  return [state = boost::intrusive_ptr(&state())](task<> listener) {
    sluice::detail::spawn(state->core().loop().executor(), std::move(listener), {},
                          sluice::detail::Ended([state](const std::exception_ptr& thrown) {
                            if (thrown) state->report(thrown);
                          }));
  };
}

}  // namespace sluice::net
