// SPDX-License-Identifier: BSL-1.0
//
// Keeps connections for requests to the same place, and requests waiting if there are enough.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_AGENT_HPP
#define SLUICE_HTTP_AGENT_HPP

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
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
class WantedRequest;
}  // namespace detail

/// The events of an Agent. "keylog" is for https only.
using AgentEvents = EventList<Event<"free", void(net::Socket&)>,
                              Event<"keylog", void(std::string_view, net::Socket&)>>;

/// A pool of connections. Destroying it closes them; requests under way fail with ECONNRESET. It
/// belongs to its executor: a request on another one is refused with ERR_INVALID_ARG_VALUE.
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
  /// Requests of one name share connections: `host:port:localAddress` and more if it matters.
  SLUICE_DECL virtual std::string getName(const RequestOptions& options = {}) const;

  /// Closes every connection, used ones too. The agent goes on being usable.
  void destroy();

  /// Snapshots, by name. A request has its place from the call that makes it on; its connection is
  /// opened, or used, at the end of that turn. A connection that will be kept is free once its
  /// response was read to the end.
  std::map<std::string, std::vector<net::Socket*>> freeSockets() const;
  std::map<std::string, std::vector<net::Socket*>> sockets() const;
  std::map<std::string, std::vector<ClientRequest*>> requests() const;
  /// Connections of all names, used and free.
  std::size_t totalSocketCount() const;

  /// The options it was made with. The three limits below may have changed since.
  const AgentOptions& options() const;
  /// The executor that it belongs to.
  asio::any_io_executor get_executor() const;

  /// Connections to one place; further requests wait their turn. May be changed; 0 and `unlimited`
  /// are no limit.
  std::size_t maxSockets;
  /// Connections to all places. May be changed; 0 and `unlimited` are no limit.
  std::size_t maxTotalSockets;
  /// Unused connections to one place that are kept; surplus ones are closed. 0: none is kept. May
  /// be changed.
  std::size_t maxFreeSockets;
  /// What requests through this agent must have, and the port if none is given.
  std::string protocol = "http:";
  std::uint16_t defaultPort = 80;

 private:
  friend sluice::detail::EmitterAccess;
  sluice::detail::Listeners& listeners();

  friend AgentRef;
  friend struct detail::AgentAccess;
  friend detail::WantedRequest;

  /// Whether a connection that was made for these options may serve other requests of their name.
  virtual bool sharesConnection(const RequestOptions&) const { return true; }

  boost::intrusive_ptr<detail::AgentState> state_;
  boost::intrusive_ptr<detail::AgentLink> link_;
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

/// The variables of this process that name proxies, in either case.
ProxyEnv processEnv();

/// From now on the global agents of an executor, http's and https's, use the proxies that the
/// variables name. If they name none, nothing changes. A request keeps the way that it had when it
/// was made. In `sockets()` and its like the names of what goes through a proxy end in that.
///
/// result  undoes it
/// throws  ERR_PROXY_INVALID_CONFIG for a proxy that is no http: URL; Node also takes https: ones
std::function<void()> setGlobalProxyFromEnv(Executor executor, const ProxyEnv& variables);
/// As above, with processEnv().
std::function<void()> setGlobalProxyFromEnv(Executor executor);

}  // namespace sluice::http

#endif
