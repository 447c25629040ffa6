// SPDX-License-Identifier: BSL-1.0
//
// Definitions of agent.hpp and agent_state.hpp.
#pragma once

#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <mutex>
#include <sluice/http/agent.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/detail/client/agent_state.hpp>
#include <sluice/http/detail/client/connection.hpp>
#include <sluice/http/detail/client/exchange.hpp>
#include <sluice/http/detail/client/request_place.hpp>
#include <sluice/net/detail/handler_error.hpp>
#include <utility>

namespace sluice::http {

namespace detail {

SLUICE_DECL AgentState::AgentState(const asio::any_io_executor& executor,
                                   const AgentOptions& options, Agent& agent)
    : loop_(net::detail::Loop::of(executor)), options_(options), agent_(&agent) {}

SLUICE_DECL AgentState::~AgentState() { dropSpares(0); }

SLUICE_DECL void AgentState::detach() {
  const boost::intrusive_ptr<AgentState> alive(this);
  agent_ = nullptr;
  destroyAll();
  listeners_.clear();
}

SLUICE_DECL PoolLimits AgentState::limits() const {
  if (agent_ == nullptr) return {0, 0, 0, false};
  return {agent_->maxSockets, agent_->maxTotalSockets, agent_->maxFreeSockets,
          options_.scheduling == Scheduling::lifo};
}

SLUICE_DECL bool AgentState::keepsAlive() const {
  return options_.keepAlive || (agent_ != nullptr && agent_->maxSockets != unlimited);
}

SLUICE_DECL void AgentState::submit(ClientExchange& exchange) {
  if (agent_ == nullptr) {
    exchange.fail(Error(make_error_code(boost::system::errc::connection_reset), "socket hang up"));
    return;
  }
  const PoolLimits most = limits();
  if (!exchange.retried) {
    if (ClientConnection* connection = pool_.reuse(exchange.name(), most)) {
      connection->assign(exchange, true);
      return;
    }
  }
  if (ClientConnection* surplus = pool_.surplus(most)) {
    boost::intrusive_ptr<ClientConnection>(surplus)->destroy();
  }
  if (pool_.mayOpen(exchange.name(), most)) {
    openFor(exchange);
  } else {
    pool_.enqueue(exchange.name(), &exchange);
  }
}

SLUICE_DECL bool AgentState::withdraw(ClientExchange& exchange) {
  return pool_.removeQueued(exchange.name(), &exchange);
}

SLUICE_DECL void AgentState::openFor(ClientExchange& exchange) {
  boost::intrusive_ptr<ClientConnection> connection(
      new ClientConnection(boost::intrusive_ptr<AgentState>(this), exchange.name()));
  pool_.opened(exchange.name(), connection.get());
  connection->open(exchange);
}

SLUICE_DECL void AgentState::openWaiting(const std::string& preferred) {
  while (agent_ != nullptr && !loop_->stopped()) {
    const std::string name(pool_.nextToOpen(preferred, limits()));
    if (name.empty()) return;
    openFor(*pool_.dequeue(name));
  }
}

SLUICE_DECL void AgentState::release(ClientConnection& connection) {
  const boost::intrusive_ptr<AgentState> alive(this);
  const boost::intrusive_ptr<ClientConnection> kept(&connection);
  // Whoever is called here may emit "agentRemove": then it is nobody's, and stays open.
  if (!connection.inAgent()) return;
  if (agent_ == nullptr || !connection.connected()) {
    connection.destroy();
    return;
  }
  sluice::detail::emit<AgentEvents, "free">(listeners_, *connection.socketIfAny());
  if (!connection.inAgent() || !connection.connected() || agent_ == nullptr) return;
  if (ClientExchange* next = pool_.dequeue(connection.name())) {
    connection.assign(*next, false);
    return;
  }
  bool keep = options_.keepAlive && !pool_.wantedElsewhere(connection.name(), limits());
  auto limit = options_.timeout;
  if (const auto hint = connection.keepAliveHint()) {
    const auto usable = *hint - options_.agentKeepAliveTimeoutBuffer;
    if (usable.count() <= 0) keep = false;
    if (limit.count() > 0) limit = std::min(limit, usable);
  }
  try {
    keep = keep && agent_->keepSocketAlive(*connection.socketIfAny());
  } catch (...) {
    connection.destroy(net::detail::handlerError(std::current_exception()));
    return;
  }
  if (!connection.inAgent()) return;
  if (keep && connection.connected() && pool_.keep(connection.name(), &connection, limits())) {
    connection.becomeIdle(limit);
  } else {
    connection.destroy();
  }
}

SLUICE_DECL void AgentState::remove(ClientConnection& connection) {
  const boost::intrusive_ptr<AgentState> alive(this);
  if (pool_.remove(connection.name(), &connection)) openWaiting(connection.name());
  dropSpares(pool_.total());
}

SLUICE_DECL ClientExchange* AgentState::takeSpare() {
  if (spares_.empty()) return nullptr;
  ClientExchange* exchange = spares_.back();
  spares_.pop_back();
  return exchange;
}

SLUICE_DECL bool AgentState::keepSpare(ClientExchange& exchange) {
  const bool wanted = agent_ != nullptr && &exchange.loop() == loop_.get();
  if (!wanted || spares_.size() >= pool_.total()) return false;
  spares_.push_back(&exchange);
  return true;
}

SLUICE_DECL void AgentState::dropSpares(std::size_t kept) {
  while (spares_.size() > kept) {
    // The last reference to it, which finds that it has no agent.
    boost::intrusive_ptr<ClientExchange>(spares_.back()).reset();
    spares_.pop_back();
  }
}

SLUICE_DECL void AgentState::destroyAll() {
  const boost::intrusive_ptr<AgentState> alive(this);
  std::vector<boost::intrusive_ptr<ClientConnection>> all;
  for (const auto& [name, entry] : pool_.entries()) {
    all.insert(all.end(), entry.used.begin(), entry.used.end());
    all.insert(all.end(), entry.free.begin(), entry.free.end());
  }
  if (agent_ == nullptr) {
    std::vector<boost::intrusive_ptr<ClientExchange>> waiting;
    for (const auto& [name, entry] : pool_.entries()) {
      waiting.insert(waiting.end(), entry.queue.begin(), entry.queue.end());
    }
    for (const auto& exchange : waiting) {
      withdraw(*exchange);
      exchange->fail(
          Error(make_error_code(boost::system::errc::connection_reset), "socket hang up"));
    }
  }
  for (const auto& connection : all) {
    connection->destroy(make_error_code(boost::system::errc::connection_reset));
  }
}

// The agents of one execution context, one per executor.
class GlobalAgents : public asio::execution_context::service {
 public:
  using key_type = GlobalAgents;
  static inline asio::execution_context::id id;

  explicit GlobalAgents(asio::execution_context& context) : service(context) {}

  /// make  if there is none yet
  Agent* find(const asio::any_io_executor& executor, bool make) {
    const std::lock_guard lock(mutex_);
    for (const auto& agent : agents_) {
      if (agent->get_executor() == executor) return agent.get();
    }
    if (!make) return nullptr;
    agents_.push_back(std::make_unique<Agent>(executor));
    return agents_.back().get();
  }

 private:
  void shutdown() override {
    // Not while the vector is being emptied: what ends may ask for an agent again.
    const auto agents = std::exchange(agents_, {});
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Agent>> agents_;
};

}  // namespace detail

SLUICE_DECL Agent::Agent(Executor executor, AgentOptions options)
    : maxSockets(options.maxSockets != 0 ? options.maxSockets : unlimited),
      maxTotalSockets(options.maxTotalSockets),
      maxFreeSockets(options.maxFreeSockets) {
  if (maxTotalSockets == 0) sluice::detail::throwOutOfRange("maxTotalSockets", ">= 1", 0);
  state_ = new detail::AgentState(executor.get(), options, *this);
}

SLUICE_DECL Agent::~Agent() { state_->detach(); }

SLUICE_DECL task<net::Socket> Agent::createConnection(const net::ConnectionOptions& options) {
  return net::connect(options);
}

SLUICE_DECL bool Agent::keepSocketAlive(net::Socket& socket) {
  socket.setKeepAlive(true, state_->options().keepAliveMsecs);
  return true;
}

SLUICE_DECL void Agent::reuseSocket(net::Socket&, ClientRequest&) {}

SLUICE_DECL std::string Agent::getName(const RequestOptions& options) const {
  std::string name;
  detail::appendPlaceName(name, options);
  return name;
}

SLUICE_DECL void Agent::destroy() { state_->destroyAll(); }

SLUICE_DECL std::map<std::string, std::vector<net::Socket*>> Agent::freeSockets() const {
  std::map<std::string, std::vector<net::Socket*>> result;
  for (const auto& [name, entry] : state_->pool().entries()) {
    for (detail::ClientConnection* connection : entry.free) {
      result[name].push_back(connection->socketIfAny());
    }
  }
  return result;
}

SLUICE_DECL std::map<std::string, std::vector<net::Socket*>> Agent::sockets() const {
  std::map<std::string, std::vector<net::Socket*>> result;
  for (const auto& [name, entry] : state_->pool().entries()) {
    for (detail::ClientConnection* connection : entry.used) {
      result[name].push_back(connection->socketIfAny());
    }
  }
  return result;
}

SLUICE_DECL std::map<std::string, std::vector<ClientRequest*>> Agent::requests() const {
  std::map<std::string, std::vector<ClientRequest*>> result;
  for (const auto& [name, entry] : state_->pool().entries()) {
    for (detail::ClientExchange* exchange : entry.queue) result[name].push_back(exchange->handle);
  }
  return result;
}

SLUICE_DECL std::size_t Agent::totalSocketCount() const { return state_->pool().total(); }
SLUICE_DECL const AgentOptions& Agent::options() const { return state_->options(); }
SLUICE_DECL asio::any_io_executor Agent::get_executor() const { return state_->loop().executor(); }
SLUICE_DECL sluice::detail::Listeners& Agent::listeners() { return state_->listeners(); }

SLUICE_DECL Agent& globalAgent(Executor executor) {
  auto& context = asio::query(executor.get(), asio::execution::context);
  return *asio::use_service<detail::GlobalAgents>(context).find(executor.get(), true);
}

SLUICE_DECL Agent* detail::usualAgent(const asio::any_io_executor& executor) {
  auto& context = asio::query(executor, asio::execution::context);
  return asio::use_service<GlobalAgents>(context).find(executor,
                                                       net::detail::Loop::isLasting(executor));
}

}  // namespace sluice::http
