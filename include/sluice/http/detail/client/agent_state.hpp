// SPDX-License-Identifier: BSL-1.0
//
// What is behind an Agent: the pool, and the connections and requests in it. Connections that
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
#include <sluice/net/detail/loop.hpp>
#include <string>
#include <string_view>
#include <vector>

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

  /// Gives the exchange a connection, now or when its turn comes.
  void submit(ClientExchange& exchange);
  bool withdraw(ClientExchange& exchange);
  /// An exchange on it has ended, and both sides would go on.
  void release(ClientConnection& connection);
  /// It is gone, or somebody else's.
  void remove(ClientConnection& connection);
  void destroyAll();

  /// An exchange that is over, to be used again; nullptr: there is none.
  ClientExchange* takeSpare();
  /// Keeps one, which is this agent's from now on. false: there is one for every connection.
  bool keepSpare(ClientExchange& exchange);

 private:
  PoolLimits limits() const;
  void openFor(ClientExchange& exchange);
  void openWaiting(const std::string& preferred);
  void dropSpares(std::size_t kept);

  std::shared_ptr<net::detail::Loop> loop_;
  AgentOptions options_;
  Agent* agent_;
  sluice::detail::Listeners listeners_;
  Pool<ClientConnection, ClientExchange> pool_;
  std::vector<ClientExchange*> spares_;
};

}  // namespace detail
}  // namespace sluice::http
