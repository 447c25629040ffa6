// SPDX-License-Identifier: BSL-1.0
//
// Definitions of agent.hpp, and the agents and proxies that everybody on an executor shares.
#pragma once

#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <cstdlib>
#include <mutex>
#include <sluice/http/agent.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/detail/client/agent_state.hpp>
#include <sluice/http/detail/client/connection.hpp>
#include <sluice/http/detail/client/exchange.hpp>
#include <sluice/http/detail/client/request_place.hpp>
#include <utility>

namespace sluice::http {

namespace detail {

// What setGlobalProxyFromEnv() has said, for each executor of one execution context.
class GlobalProxies : public asio::execution_context::service {
 public:
  using key_type = GlobalProxies;
  using Pointer = std::shared_ptr<const Proxies>;
  static inline asio::execution_context::id id;

  explicit GlobalProxies(asio::execution_context& context) : service(context) {}

  static GlobalProxies& of(const asio::any_io_executor& executor) {
    auto& context = asio::query(executor, asio::execution::context);
    return asio::use_service<GlobalProxies>(context);
  }

  Pointer find(const asio::any_io_executor& executor) {
    const std::lock_guard lock(mutex_);
    for (const auto& [home, proxies] : all_) {
      if (home == executor) return proxies;
    }
    return nullptr;
  }
  /// Brings what was there before.
  Pointer set(const asio::any_io_executor& executor, Pointer wanted) {
    const std::lock_guard lock(mutex_);
    for (auto& [home, proxies] : all_) {
      if (home == executor) return std::exchange(proxies, std::move(wanted));
    }
    all_.emplace_back(executor, std::move(wanted));
    return nullptr;
  }

 private:
  void shutdown() override { all_.clear(); }

  std::mutex mutex_;
  std::vector<std::pair<asio::any_io_executor, Pointer>> all_;
};

SLUICE_DECL std::shared_ptr<const Proxy> AgentState::proxyFor(std::string_view host,
                                                              std::uint16_t port) const {
  if (agent_ == nullptr) return nullptr;
  auto proxies = proxies_;
  if (globalProxies_) proxies = GlobalProxies::of(loop_->executor()).find(loop_->executor());
  const Proxy* found = proxies ? proxies->find(agent_->protocol, host, port) : nullptr;
  return found != nullptr ? std::shared_ptr<const Proxy>(proxies, found) : nullptr;
}

SLUICE_DECL std::shared_ptr<const Proxy> AgentState::proxyFor(
    const net::ConnectionOptions& options) const {
  if (!options.path.empty()) return nullptr;
  if (!options.way) return proxyFor(options.host, options.port);
  auto chosen = std::static_pointer_cast<const Proxy>(options.way);
  return chosen->host.empty() ? nullptr : chosen;
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
    AgentAccess::state(*agents_.back()).useGlobalProxies();
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
    : maxSockets(detail::unlimitedIfZero(options.maxSockets)),
      maxTotalSockets(options.maxTotalSockets),
      maxFreeSockets(options.maxFreeSockets) {
  if (maxTotalSockets == 0) sluice::detail::throwOutOfRange("maxTotalSockets", ">= 1", 0);
  state_ = new detail::AgentState(executor.get(), options, *this);
  link_ = new detail::AgentLink(this);
}

SLUICE_DECL Agent::~Agent() {
  link_->agent = nullptr;
  state_->detach();
}

SLUICE_DECL AgentRef::AgentRef(Agent& agent) : link_(agent.link_) {}

SLUICE_DECL AgentRef detail::AgentAccess::own(std::shared_ptr<Agent> agent) {
  AgentRef ref(*agent);
  ref.own_ = std::move(agent);
  return ref;
}

SLUICE_DECL detail::AgentState& detail::AgentAccess::state(const Agent& agent) {
  return *agent.state_;
}

SLUICE_DECL Agent* detail::AgentAccess::named(const AgentRef& ref) {
  if (!ref.link_) return nullptr;
  if (ref.link_->agent == nullptr) {
    throw Error(make_error_code(errc::ERR_STREAM_DESTROYED), "The agent was destroyed");
  }
  return ref.link_->agent;
}

SLUICE_DECL task<net::Socket> Agent::createConnection(const net::ConnectionOptions& options) {
  net::ConnectionOptions to = options;
  if (const auto proxy = state_->proxyFor(options)) {
    to.host = proxy->host;
    to.port = proxy->port;
  }
  return net::connect(std::as_const(to));
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

namespace detail {

// By name: of the connections those that are free, or about to be, or the others.
inline std::map<std::string, std::vector<net::Socket*>> socketsOf(const AgentState& agent,
                                                                  bool free) {
  std::map<std::string, std::vector<net::Socket*>> result;
  for (const auto& [name, entry] : agent.pool().entries()) {
    const auto add = [&result, &place = name](ClientConnection& connection) {
      if (net::Socket* socket = connection.socketIfAny()) result[place].push_back(socket);
    };
    if (free) {
      for (ClientConnection* connection : entry.free) add(*connection);
    }
    std::size_t places = agent.freePlaces(entry);
    for (ClientConnection* connection : entry.used) {
      const bool becomesFree = places != 0 && agent.isAboutToBeFree(*connection);
      if (becomesFree) --places;
      if (becomesFree == free) add(*connection);
    }
  }
  return result;
}

}  // namespace detail

SLUICE_DECL std::map<std::string, std::vector<net::Socket*>> Agent::freeSockets() const {
  return detail::socketsOf(*state_, true);
}

SLUICE_DECL std::map<std::string, std::vector<net::Socket*>> Agent::sockets() const {
  state_->showPlanned();
  return detail::socketsOf(*state_, false);
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

SLUICE_DECL ProxyEnv processEnv() {
  ProxyEnv variables;
  for (const char* name :
       {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"}) {
    if (const char* value = std::getenv(name)) variables.emplace(name, value);
  }
  return variables;
}

struct RestoreProxies {
  asio::any_io_executor executor;
  detail::GlobalProxies::Pointer before;
  void operator()() const { detail::GlobalProxies::of(executor).set(executor, before); }
};

SLUICE_DECL std::function<void()> setGlobalProxyFromEnv(Executor executor,
                                                        const ProxyEnv& variables) {
  auto proxies = std::make_shared<const detail::Proxies>(variables);
  if (proxies->empty()) return [] {};
  auto before = detail::GlobalProxies::of(executor.get()).set(executor.get(), std::move(proxies));
  return RestoreProxies{executor.get(), std::move(before)};
}

SLUICE_DECL std::function<void()> setGlobalProxyFromEnv(Executor executor) {
  return setGlobalProxyFromEnv(std::move(executor), processEnv());
}

}  // namespace sluice::http
