// SPDX-License-Identifier: BSL-1.0
//
// Keeps connections for requests to the same place, and requests waiting where there are enough.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_AGENT_HPP
#define SLUICE_HTTP_AGENT_HPP

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <sluice/event_emitter.hpp>
#include <sluice/http/agent_options.hpp>
#include <sluice/http/request_options.hpp>
#include <sluice/net/connect.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <string>
#include <vector>

namespace sluice::http {

class ClientRequest;

namespace detail {
class AgentState;
}

using AgentEvents = EventList<Event<"free", void(net::Socket&)>,
                              Event<"keylog", void(std::string_view, net::Socket&)>>;

/// A pool of connections. Destroying it closes them; requests under way fail with ECONNRESET.
///
///     http::Agent agent(loop, {.keepAlive = true, .maxSockets = 8});
///     auto req = http::get(loop, "http://example.org/", {.agent = agent});
///
/// Classes derived from it may override how connections are made, kept and taken again.
/// events  "free"(net::Socket&): an exchange on it has ended
class Agent : public EventEmitter<Agent, AgentEvents> {
 public:
  explicit Agent(Executor executor, AgentOptions options = {});
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  SLUICE_DECL virtual ~Agent();

  /// Opens a connection; an exception becomes the request's "error". Default: net::connect().
  SLUICE_DECL virtual task<net::Socket> createConnection(const net::ConnectionOptions& options);
  /// Asked when a connection becomes free; false closes it, and so does an exception, which the
  /// socket's "error" brings. Default: TCP keep-alive, true.
  SLUICE_DECL virtual bool keepSocketAlive(net::Socket& socket);
  /// Told when a free connection is taken again; an exception becomes the request's "error".
  SLUICE_DECL virtual void reuseSocket(net::Socket& socket, ClientRequest& request);
  /// Requests of one name share connections: `host:port:localAddress` and more where it matters.
  SLUICE_DECL virtual std::string getName(const RequestOptions& options = {}) const;

  /// Closes every connection, used ones too. The agent goes on being usable.
  void destroy();

  /// Snapshots, by name.
  std::map<std::string, std::vector<net::Socket*>> freeSockets() const;
  std::map<std::string, std::vector<net::Socket*>> sockets() const;
  std::map<std::string, std::vector<ClientRequest*>> requests() const;
  /// Connections of all names, used and free.
  std::size_t totalSocketCount() const;

  const AgentOptions& options() const;
  asio::any_io_executor get_executor() const;

  std::size_t maxSockets;
  std::size_t maxTotalSockets;
  std::size_t maxFreeSockets;
  /// What requests through this agent must have, and the port where none is given.
  std::string protocol = "http:";
  std::uint16_t defaultPort = 80;

  // For the library.
  detail::AgentState& state() const { return *state_; }

 private:
  friend sluice::detail::EmitterAccess;
  sluice::detail::Listeners& listeners();

  boost::intrusive_ptr<detail::AgentState> state_;
};

/// The agent of requests that name none: one per executor, without keep-alive. Today's Node keeps
/// connections here.
Agent& globalAgent(Executor executor);

namespace detail {
/// The agent of requests that name none. Null on a strand, unless somebody has asked for its global
/// agent: strands come and go, and what is kept for one would not go. Such a request has an agent
/// of its own.
Agent* usualAgent(const asio::any_io_executor& executor);
}  // namespace detail

}  // namespace sluice::http

#endif
