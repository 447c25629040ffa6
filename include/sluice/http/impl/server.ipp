// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server.hpp and server_state.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <cstdio>
#include <sluice/detail/post.hpp>
#include <sluice/detail/reserve.hpp>
#include <sluice/detail/sight.hpp>
#include <sluice/http/detail/server/connection.hpp>
#include <sluice/http/detail/server/state.hpp>
#include <sluice/http/detail/wire/framing.hpp>
#include <sluice/http/server.hpp>
#include <sluice/net/detail/listening.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

namespace detail {

// What so many connections need stays when they rest or end.
inline constexpr std::size_t maxSpares = 64;

inline ServerSettings settingsOf(const ServerOptions& options) {
  sluice::detail::requireTime("requestTimeout", options.requestTimeout);
  if (options.headersTimeout)
    sluice::detail::requireTime("headersTimeout", *options.headersTimeout);
  sluice::detail::requireTime("keepAliveTimeout", options.keepAliveTimeout);
  sluice::detail::requireTime("keepAliveTimeoutBuffer", options.keepAliveTimeoutBuffer);
  sluice::detail::requireTime("timeout", options.timeout);
  sluice::detail::requireTime("connectionsCheckingInterval", options.connectionsCheckingInterval);
  ServerSettings settings;
  settings.timeout = options.timeout;
  settings.keepAliveTimeout = options.keepAliveTimeout;
  settings.requestTimeout = options.requestTimeout;
  settings.headersTimeout = options.headersTimeout.value_or(
      std::min<std::chrono::milliseconds>(std::chrono::seconds(60), options.requestTimeout));
  if (settings.headersTimeout.count() > 0 && settings.requestTimeout.count() > 0 &&
      settings.headersTimeout > settings.requestTimeout) {
    sluice::detail::throwOutOfRange("headersTimeout", "<= requestTimeout",
                                    settings.headersTimeout.count());
  }
  return settings;
}

SLUICE_DECL ServerState::ServerState(asio::any_io_executor executor, ServerOptions options)
    : options_(std::move(options)),
      own_(settingsOf(options_)),
      settings_(&own_),
      core_(new net::detail::ServerCore(std::move(executor), *this)),
      messages_(messagePool<IncomingMessage, ServerResponse>(core_->loop())),
      checking_([](void* self) { static_cast<ServerState*>(self)->check(); }, this),
      grace_([](void* self) { static_cast<ServerState*>(self)->graceIsOver(); }, this),
      resting_([](void* self) { static_cast<ServerState*>(self)->restIdle(); }, this) {
  // A connection gives its exchange back when there may be no memory.
  spares_.reserve(maxSpares);
}

SLUICE_DECL ServerState::~ServerState() { core_->detach(); }

SLUICE_DECL void ServerState::detach() {
  const boost::intrusive_ptr<ServerState> alive(this);
  own_ = *settings_;
  settings_ = &own_;
  core_->detach();
  checking_.stop();
  grace_.stop();
  resting_.stop();
  for (const auto& each : chosen([](const ServerConnection&) { return true; })) each->destroy(true);
  listeners_.clear();
}

SLUICE_DECL void ServerState::listen(const ListenOptions& options,
                                     std::function<void()> onListening) {
  // A listener of "error" may destroy the server.
  const boost::intrusive_ptr<ServerState> alive(this);
  if (core_->listen(options)) {
    become(Phase::serves);
    startChecking();
    if (onListening) {
      sluice::detail::post(loop().executor(), [self = boost::intrusive_ptr<ServerState>(this),
                                               callback = std::move(onListening)] {
        if (self->core_->listening()) callback();
      });
    }
  }
}

SLUICE_DECL void ServerState::startChecking() {
  if (!checking_.running()) {
    loop().startTimer(checking_, options_.connectionsCheckingInterval);
  }
}

SLUICE_DECL void ServerState::check() {
  const boost::intrusive_ptr<ServerState> alive(this);
  const auto now = loop().now();
  const auto late = [now](const ServerConnection& each) { return each.isLate(now); };
  for (const auto& each : chosen(late)) {
    // A listener that was told of one before may have ended it.
    if (late(*each)) each->refuseLate();
  }
  if (core_->listening() || count_ != 0) startChecking();
}

SLUICE_DECL std::unique_ptr<ServerExchange> ServerState::takeExchange() {
  restLater();
  std::unique_ptr<ServerExchange> exchange;
  if (spares_.empty()) {
    exchange = std::make_unique<ServerExchange>(loop(), options_);
  } else {
    exchange = std::move(spares_.back());
    spares_.pop_back();
  }
  awake_.pushFront(*exchange);
  return exchange;
}

SLUICE_DECL void ServerState::giveUpMemory() {
  sluice::detail::Reserve::giveUp();
  spares_.clear();
}

SLUICE_DECL void ServerState::giveBack(std::unique_ptr<ServerExchange> exchange) {
  awake_.remove(*exchange);
  if (awake_.empty()) resting_.stop();
  if (spares_.size() < maxSpares) spares_.push_back(std::move(exchange));
}

// That a client went away is no mistake of the handler, and a client must not fill a log.
inline bool isLostConnection(const error_code& ec) {
  // Windows says "aborted" after a reset that came while it sent.
  return ec == boost::system::errc::connection_reset || ec == boost::system::errc::broken_pipe ||
         ec == boost::system::errc::connection_aborted || ec == asio::error::operation_aborted ||
         ec == make_error_code(errc::ERR_STREAM_DESTROYED);
}

SLUICE_DECL void ServerState::report(const Error& thrown) {
  tellFailure(thrown);
  const bool heard =
      sluice::detail::tell<ServerEvents, "error">(listeners_, loop().executor(), thrown);
  if (heard || isLostConnection(thrown.code())) return;
  constexpr std::size_t most = 1000;
  std::string line = "sluice: a handler threw";
  if (!thrown.method().empty()) {
    line.append(" at ").append(thrown.method()).append(" ").append(thrown.url().substr(0, most));
  }
  line.append(": ").append(std::string_view(thrown.what()).substr(0, most));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  }
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

SLUICE_DECL void ServerState::tellFailure(const Error& error) {
  observe::detail::tell(loop().observers(), &observe::Observer::failed, observe::Side::server,
                        error);
}

SLUICE_DECL void ServerState::startResting() { loop().startTimer(resting_, restInterval); }

SLUICE_DECL void ServerState::restIdle() {
  const boost::intrusive_ptr<ServerState> alive(this);
  bool again = false;
  for (auto each = awake_.begin(); each != awake_.end();) {
    again |= (each++)->connection().restIfIdle();
  }
  if (again) restLater();
}

SLUICE_DECL void ServerState::close(std::function<void(error_code)> onClosed) {
  const boost::intrusive_ptr<ServerState> alive(this);
  become(Phase::closing);
  core_->close(std::move(onClosed));
  closeIdle();
  if (count_ == 0) checking_.stop();
}

SLUICE_DECL void ServerState::onDrain(std::chrono::milliseconds grace) {
  const boost::intrusive_ptr<ServerState> alive(this);
  close({});
  become(Phase::shutsDown);
  tellUpgraded();
  if (grace.count() <= 0) {
    graceIsOver();
  } else if (!grace_.running() || loop().clock().now() + grace < grace_.deadline()) {
    // Of several calls the most urgent counts.
    loop().startTimer(grace_, grace);
  }
}

inline bool isUpgraded(const ServerConnection& connection) { return connection.upgraded(); }

SLUICE_DECL void ServerState::graceIsOver() {
  const boost::intrusive_ptr<ServerState> alive(this);
  closeAll();
  for (const auto& each : chosen(isUpgraded)) each->endUpgraded();
}

SLUICE_DECL void ServerState::tellUpgraded() {
  for (const auto& each : chosen(isUpgraded)) each->tellShutdown();
}

SLUICE_DECL task<> ServerState::shutdown(boost::intrusive_ptr<ServerState> self,
                                         std::chrono::milliseconds grace) {
  self->onDrain(grace);
  co_await net::detail::ServerCore::closed(self->core_);
  self->grace_.stop();
}

// Held: what is done to one of them may end others.
template <class Condition>
SLUICE_DECL std::vector<boost::intrusive_ptr<ServerConnection>> ServerState::chosen(
    Condition condition) const {
  std::vector<boost::intrusive_ptr<ServerConnection>> found;
  for (ServerConnection& each : connections_) {
    if (condition(each)) found.emplace_back(&each);
  }
  return found;
}

SLUICE_DECL void ServerState::closeAll() {
  const auto open = chosen([](const ServerConnection& each) { return !each.upgraded(); });
  for (const auto& each : open) each->destroy();
}

SLUICE_DECL void ServerState::closeIdle() {
  const auto idle = chosen([](const ServerConnection& each) { return each.idle(); });
  for (const auto& each : idle) each->destroy();
}

SLUICE_DECL void ServerState::onConnection(boost::intrusive_ptr<net::detail::Transport> accepted) {
  try {
    sluice::detail::Reserve::hold();
    boost::intrusive_ptr<net::detail::SocketCore> core(
        new net::detail::SocketCore(core_->loop().shared_from_this(), options_.highWaterMark));
    core->openAccepted(std::move(accepted));
    net::Socket socket = net::detail::SocketAccess::make(std::move(core));
    if (options_.noDelay) socket.setNoDelay();
    if (options_.keepAlive) socket.setKeepAlive(true, options_.keepAliveInitialDelay);
    serve(std::move(socket));
  } catch (const std::bad_alloc&) {
    giveUpMemory();
    throw;
  }
}

SLUICE_DECL void ServerState::serve(net::Socket socket) {
  boost::intrusive_ptr<ServerConnection> connection(
      new ServerConnection(boost::intrusive_ptr<ServerState>(this), std::move(socket)));
  connections_.pushFront(*connection);
  ++count_;
  startChecking();
  connection->start();
}

SLUICE_DECL void ServerState::remove(ServerConnection& connection) {
  if (!connections_.contains(connection)) return;
  connections_.remove(connection);
  --count_;
  const boost::intrusive_ptr<ServerState> alive(this);
  if (count_ == 0 && !core_->listening()) checking_.stop();
  core_->connectionEnded();
}

SLUICE_DECL std::string_view ServerState::dateLine() {
  const auto now = loop().now();
  return date_.holds(now) ? date_.last() : date_.at(loop().clock().wallTime(), now);
}

SLUICE_DECL std::string_view ServerState::keepAliveLine() {
  if (settings_->keepAliveTimeout != toldTimeout_ || settings_->maxRequestsPerSocket != toldMost_) {
    toldTimeout_ = settings_->keepAliveTimeout;
    toldMost_ = settings_->maxRequestsPerSocket;
    keepAliveLine_ = detail::keepAliveLine(toldTimeout_, toldMost_);
  }
  return keepAliveLine_;
}

}  // namespace detail

SLUICE_DECL Server::Server(Executor executor, ServerOptions options)
    : Server(boost::intrusive_ptr<detail::ServerState>(
          new detail::ServerState(executor.get(), std::move(options)))) {}

SLUICE_DECL Server::Server(boost::intrusive_ptr<detail::ServerState> state)
    : state_(std::move(state)) {
  static_cast<ServerSettings&>(*this) = state_->settings();
  state_->useSettings(this);
}

SLUICE_DECL Server::Server(Server&& other) noexcept
    : ServerSettings(other), state_(std::move(other.state_)) {
  if (state_) state_->useSettings(this);
}

SLUICE_DECL Server& Server::operator=(Server&& other) noexcept {
  if (this == &other) return *this;
  if (state_) state_->detach();
  static_cast<ServerSettings&>(*this) = other;
  state_ = std::move(other.state_);
  if (state_) state_->useSettings(this);
  return *this;
}

SLUICE_DECL Server::~Server() {
  if (state_) state_->detach();
}

SLUICE_DECL detail::ServerState& Server::state() const {
  return *sluice::detail::held(state_, "The server");
}

SLUICE_DECL Server& Server::listen(const ListenOptions& options,
                                   std::function<void()> onListening) & {
  state().listen(options, std::move(onListening));
  return *this;
}

SLUICE_DECL Server& Server::listen(int port, std::string_view host, int backlog,
                                   std::function<void()> onListening) & {
  ListenOptions options = net::detail::portToListenOn(port);
  options.host = host;
  options.backlog = backlog;
  return listen(options, std::move(onListening));
}

SLUICE_DECL Server& Server::listen(int port, std::string_view host,
                                   std::function<void()> onListening) & {
  return listen(port, host, 511, std::move(onListening));
}

SLUICE_DECL Server& Server::listen(int port, std::function<void()> onListening) & {
  return listen(port, {}, 511, std::move(onListening));
}

SLUICE_DECL Server& Server::listen(std::string_view pathOrPort,
                                   std::function<void()> onListening) & {
  return listen(net::detail::pathOrPortToListenOn(pathOrPort), std::move(onListening));
}

SLUICE_DECL bool Server::listening() const { return state().core().listening(); }
SLUICE_DECL net::Address Server::address() const { return state().core().address(); }
SLUICE_DECL void Server::serve(net::Socket socket) { state().serve(std::move(socket)); }

SLUICE_DECL Server& Server::close(std::function<void(error_code)> onClosed) {
  state().close(std::move(onClosed));
  return *this;
}

SLUICE_DECL task<> Server::closed() { return net::detail::ServerCore::closed(&state().core()); }
SLUICE_DECL task<> Server::shutdown(std::chrono::milliseconds grace) {
  return detail::ServerState::shutdown(&state(), grace);
}
SLUICE_DECL void Server::closeAllConnections() { state().closeAll(); }
SLUICE_DECL void Server::closeIdleConnections() { state().closeIdle(); }
SLUICE_DECL std::size_t Server::getConnections() const { return state().connections(); }

SLUICE_DECL Server& Server::setTimeout(std::chrono::milliseconds idle,
                                       std::function<void(net::Socket&)> listener) & {
  timeout = idle;
  if (listener) on<"timeout">(std::move(listener));
  return *this;
}

SLUICE_DECL asio::any_io_executor Server::get_executor() const { return state().loop().executor(); }
SLUICE_DECL sluice::detail::Listeners& Server::listeners() { return state().listeners(); }
SLUICE_DECL void Server::useMessages(detail::MessagePoolFactory factory) {
  state().useMessages(factory);
}

SLUICE_DECL Server createServer(Executor executor) { return Server(std::move(executor)); }
SLUICE_DECL Server createServer(Executor executor, ServerOptions options) {
  return Server(std::move(executor), std::move(options));
}

}  // namespace sluice::http
