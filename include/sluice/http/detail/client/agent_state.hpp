// SPDX-License-Identifier: BSL-1.0
//
// The inside of an Agent: the pool, and the connections and requests in it. Connections that
// outlive the Agent keep it alive.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sluice/detail/listeners.hpp>
#include <sluice/http/agent_options.hpp>
#include <sluice/http/detail/client/pool.hpp>
#include <sluice/http/detail/client/proxies.hpp>
#include <sluice/net/detail/loop.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::net {
struct ConnectionOptions;
}

namespace sluice::http {

class Agent;
struct RequestOptions;

namespace detail {

class ClientConnection;
class ClientExchange;

class AgentState : public boost::intrusive_ref_counter<AgentState, boost::thread_unsafe_counter> {
 public:
  AgentState(const asio::any_io_executor& executor, const AgentOptions& options, Agent& agent);
  ~AgentState();

  /// null once the Agent is gone.
  Agent* agent() const { return agent_; }
  void detach();
  const AgentOptions& options() const { return options_; }
  net::detail::Loop& loop() const { return *loop_; }
  sluice::detail::Listeners& listeners() { return listeners_; }
  const Pool<ClientConnection, ClientExchange>& pool() const { return pool_; }
  /// Whether requests ask for a connection that lives on.
  bool keepsAlive() const;
  /// The proxy for a server; null: it is reached directly.
  std::shared_ptr<const Proxy> proxyFor(std::string_view host, std::uint16_t port) const;
  /// The same for a connection, which goes the way that its request has chosen.
  std::shared_ptr<const Proxy> proxyFor(const net::ConnectionOptions& options) const;
  bool hasProxies() const { return globalProxies_ || proxies_; }
  /// From now on they are those of setGlobalProxyFromEnv(): it is a global agent.
  void useGlobalProxies() { globalProxies_ = true; }
  /// They may be others for the next request.
  bool changesProxies() const { return globalProxies_; }

  /// Gives the exchange its place: a free connection, one that will be opened, or the queue.
  void submit(ClientExchange& exchange);
  /// Its turn has ended, and it has no connection: unless it has to wait, it gets one that has
  /// become free, or a new one.
  void begin(ClientExchange& exchange);
  /// It does not want a connection any more.
  void withdraw(ClientExchange& exchange);
  /// Makes the connections that are planned, so that they can be seen.
  void showPlanned();
  /// An exchange on it has ended, and both sides would go on.
  void release(ClientConnection& connection);
  /// A connection that nobody uses gets a request that waits, is kept, or is closed.
  void place(ClientConnection& connection);
  /// How many more of these can be free.
  std::size_t freePlaces(const Pool<ClientConnection, ClientExchange>::Entry& entry) const;
  /// Its response was read to the end. If there is a place, the end of this turn puts it among the
  /// free ones.
  bool isAboutToBeFree(const ClientConnection& connection) const;
  /// It is gone, or somebody else's.
  void remove(ClientConnection& connection);
  void destroyAll();

  /// An exchange that is over, to be used again; nullptr: there is none.
  ClientExchange* takeSpare();
  /// Keeps one, which is this agent's from now on. false: there is one for every connection.
  bool keepSpare(ClientExchange& exchange);

 private:
  PoolLimits limits() const;
  /// The connection gets the next request of its name. false: none waits.
  bool serveWaiting(ClientConnection& connection);
  bool isWorthKeeping(const ClientConnection& connection) const;
  void giveTo(ClientExchange& exchange, ClientConnection& connection, bool wasIdle);
  void openFor(ClientExchange& exchange);
  void openWaiting(const std::string& preferred);
  void dropSpares(std::size_t kept);
  void changed(const std::string& name) {
    if (!loop_->observers().empty()) tellPool(name);
  }
  void tellPool(const std::string& name);

  std::shared_ptr<net::detail::Loop> loop_;
  AgentOptions options_;
  std::shared_ptr<const Proxies> proxies_;
  bool globalProxies_ = false;
  Agent* agent_;
  sluice::detail::Listeners listeners_;
  Pool<ClientConnection, ClientExchange> pool_;
  std::vector<ClientExchange*> spares_;
};

}  // namespace detail
}  // namespace sluice::http
