// SPDX-License-Identifier: BSL-1.0
//
// Definitions of client/agent_state.hpp.
#pragma once

#include <algorithm>
#include <sluice/detail/post.hpp>
#include <sluice/detail/reserve.hpp>
#include <sluice/detail/sight.hpp>
#include <sluice/http/agent.hpp>
#include <sluice/http/detail/client/agent_state.hpp>
#include <sluice/http/detail/client/connection.hpp>
#include <sluice/http/detail/client/exchange.hpp>
#include <sluice/net/detail/handler_error.hpp>
#include <utility>

namespace sluice::http::detail {

SLUICE_DECL AgentState::AgentState(const asio::any_io_executor& executor,
                                   const AgentOptions& options, Agent& agent)
    : loop_(net::detail::Loop::of(executor)),
      options_(options),
      proxies_(options.proxyEnv.empty() ? nullptr
                                        : std::make_shared<const Proxies>(options.proxyEnv)),
      agent_(&agent) {}

SLUICE_DECL AgentState::~AgentState() { dropSpares(0); }

SLUICE_DECL void AgentState::detach() {
  const boost::intrusive_ptr<AgentState> alive(this);
  agent_ = nullptr;
  destroyAll();
  listeners_.clear();
}

SLUICE_DECL PoolLimits AgentState::limits() const {
  if (agent_ == nullptr) return {0, 0, 0, false};
  return {unlimitedIfZero(agent_->maxSockets), unlimitedIfZero(agent_->maxTotalSockets),
          agent_->maxFreeSockets, options_.scheduling == Scheduling::lifo};
}

SLUICE_DECL bool AgentState::keepsAlive() const {
  return options_.keepAlive ||
         (agent_ != nullptr && unlimitedIfZero(agent_->maxSockets) != unlimited);
}

SLUICE_DECL void AgentState::submit(ClientExchange& exchange) {
  if (agent_ == nullptr) {
    exchange.fail(ClientExchange::EndedBy::here,
                  Error(make_error_code(boost::system::errc::connection_reset), "socket hang up"));
    return;
  }
  const PoolLimits most = limits();
  if (!exchange.retried) {
    if (ClientConnection* connection = pool_.reuse(exchange.name(), most)) {
      giveTo(exchange, *connection, true);
      return;
    }
  }
  // In vain if the request has to wait for a connection of its own name.
  if (ClientConnection* surplus = pool_.surplus(exchange.name(), most)) {
    boost::intrusive_ptr<ClientConnection>(surplus)->destroy();
  }
  if (pool_.mayOpen(exchange.name(), most)) {
    pool_.plan(exchange.name(), &exchange);
  } else {
    pool_.enqueue(exchange.name(), &exchange);
  }
  changed(exchange.name());
}

SLUICE_DECL void AgentState::begin(ClientExchange& exchange) {
  if (!pool_.unplan(exchange.name(), &exchange)) return;
  ClientConnection* free = nullptr;
  if (!exchange.retried) free = pool_.reuse(exchange.name(), limits());
  if (free != nullptr) {
    giveTo(exchange, *free, true);
    openWaiting(exchange.name());
  } else {
    openFor(exchange);
  }
}

SLUICE_DECL void AgentState::showPlanned() {
  std::vector<boost::intrusive_ptr<ClientExchange>> planned;
  for (const auto& [name, entry] : pool_.entries()) {
    planned.insert(planned.end(), entry.planned.begin(), entry.planned.end());
  }
  for (const auto& exchange : planned) {
    pool_.unplan(exchange->name(), exchange.get());
    openFor(*exchange);
  }
}

SLUICE_DECL void AgentState::giveTo(ClientExchange& exchange, ClientConnection& connection,
                                    bool wasIdle) {
  connection.promise(exchange, wasIdle);
  changed(connection.name());
  if (exchange.begun()) connection.begin();
}

SLUICE_DECL void AgentState::withdraw(ClientExchange& exchange) {
  if (pool_.unplan(exchange.name(), &exchange)) {
    openWaiting(exchange.name());
  } else {
    pool_.removeQueued(exchange.name(), &exchange);
  }
  changed(exchange.name());
}

SLUICE_DECL void AgentState::openFor(ClientExchange& exchange) {
  sluice::detail::Reserve::hold();
  boost::intrusive_ptr<ClientConnection> connection(
      new ClientConnection(boost::intrusive_ptr<AgentState>(this), exchange.name()));
  pool_.opened(exchange.name(), connection.get());
  connection->promise(exchange, false);
  changed(connection->name());
}

SLUICE_DECL void AgentState::openWaiting(const std::string& preferred) {
  while (agent_ != nullptr && !loop_->stopped()) {
    const std::string name(pool_.nextToOpen(preferred, limits()));
    if (name.empty()) return;
    ClientExchange& next = *pool_.dequeue(name);
    pool_.plan(name, &next);
    // Later: its listeners may do anything, and the caller is in the middle of ending something.
    next.beginAtTurnEnd();
    changed(name);
  }
}

SLUICE_DECL void AgentState::release(ClientConnection& connection) {
  const boost::intrusive_ptr<AgentState> alive(this);
  const boost::intrusive_ptr<ClientConnection> kept(&connection);
  // A listener may emit "agentRemove": then it is nobody's, and stays open.
  if (!connection.inAgent()) return;
  if (agent_ == nullptr || !connection.connected()) {
    connection.destroy();
    return;
  }
  sluice::detail::tell<AgentEvents, "free">(listeners_, loop_->executor(), connection.handle());
  place(connection);
}

SLUICE_DECL void AgentState::place(ClientConnection& connection) {
  const boost::intrusive_ptr<AgentState> alive(this);
  const boost::intrusive_ptr<ClientConnection> kept(&connection);
  if (!connection.inAgent() || !connection.connected() || agent_ == nullptr) return;
  if (serveWaiting(connection)) return;
  bool keep = isWorthKeeping(connection);
  auto limit = options_.timeout;
  if (const auto hint = connection.keepAliveHint(); hint && limit.count() > 0) {
    limit = std::min(limit, *hint - options_.agentKeepAliveTimeoutBuffer);
  }
  try {
    keep = keep && agent_->keepSocketAlive(connection.handle());
  } catch (...) {
    connection.destroy(net::detail::handlerError(std::current_exception()));
    return;
  }
  if (!connection.inAgent()) return;
  keep = keep && connection.connected();
  // keepSocketAlive() may have made a request.
  if (keep && serveWaiting(connection)) return;
  if (keep && pool_.keep(connection.name(), &connection, limits())) {
    connection.becomeIdle(limit);
    changed(connection.name());
  } else {
    connection.destroy();
  }
}

SLUICE_DECL bool AgentState::serveWaiting(ClientConnection& connection) {
  ClientExchange* next = pool_.dequeue(connection.name());
  if (next == nullptr) return false;
  // One whose turn has not ended has found it as free as any.
  giveTo(*next, connection, !next->begun());
  return true;
}

SLUICE_DECL bool AgentState::isWorthKeeping(const ClientConnection& connection) const {
  const auto hint = connection.keepAliveHint();
  return options_.keepAlive && (!hint || *hint > options_.agentKeepAliveTimeoutBuffer) &&
         !pool_.wantedElsewhere(connection.name(), limits());
}

SLUICE_DECL std::size_t AgentState::freePlaces(
    const Pool<ClientConnection, ClientExchange>::Entry& entry) const {
  if (agent_ == nullptr || !entry.queue.empty()) return 0;
  const std::size_t most = limits().maxFreeSockets;
  return most - std::min(most, entry.free.size());
}

SLUICE_DECL bool AgentState::isAboutToBeFree(const ClientConnection& connection) const {
  return connection.isDone() && isWorthKeeping(connection);
}

SLUICE_DECL void AgentState::remove(ClientConnection& connection) {
  const boost::intrusive_ptr<AgentState> alive(this);
  if (pool_.remove(connection.name(), &connection)) {
    openWaiting(connection.name());
    changed(connection.name());
  }
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

SLUICE_DECL void AgentState::tellPool(const std::string& name) {
  observe::Pool now{.agent = agent_, .name = name, .used = 0, .free = 0, .waiting = 0};
  if (const auto entry = pool_.entries().find(name); entry != pool_.entries().end()) {
    now.used = entry->second.used.size() + entry->second.planned.size();
    now.free = entry->second.free.size();
    now.waiting = entry->second.queue.size();
  }
  observe::detail::tell(loop_->observers(), &observe::Observer::changed, now);
}

SLUICE_DECL void AgentState::destroyAll() {
  const boost::intrusive_ptr<AgentState> alive(this);
  // As in Node, whose requests have their connections from the beginning.
  showPlanned();
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
          ClientExchange::EndedBy::here,
          Error(make_error_code(boost::system::errc::connection_reset), "socket hang up"));
    }
  }
  for (const auto& connection : all) {
    connection->destroy(make_error_code(boost::system::errc::connection_reset));
  }
}

}  // namespace sluice::http::detail
