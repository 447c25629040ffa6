// SPDX-License-Identifier: BSL-1.0
//
// What a request can be told when it is made: where to, what, and over which connection.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_REQUEST_OPTIONS_HPP
#define SLUICE_HTTP_REQUEST_OPTIONS_HPP

#include <boost/asio/cancellation_signal.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <sluice/http/detail/client/agent_link.hpp>
#include <sluice/http/headers.hpp>
#include <sluice/net/connect.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sluice::http {

class Agent;

namespace detail {
struct AgentAccess;
class AgentState;
}  // namespace detail

using net::ConnectionOptions;
using net::Lookup;
/// Opens the connection of one request, in place of the agent.
using CreateConnection = std::function<task<net::Socket>(const net::ConnectionOptions&)>;

/// Which agent a request uses: the executor's own if nothing is said, the one that is named, or
/// with `false` a fresh one for this request alone.
///
///     http::Agent agent(loop, {.keepAlive = true});
///     auto req = http::request(loop, {.agent = agent, .host = "example.org"});
///
/// It may outlive the agent that it names: a request with it then throws ERR_STREAM_DESTROYED.
class AgentRef {
 public:
  AgentRef() = default;
  AgentRef(Agent& agent);
  template <std::same_as<bool> Bool>
  AgentRef(Bool global) : fresh_(!global) {}
  /// An agent is named itself: `.agent = agent`. As a bool, its address would mean the executor's.
  AgentRef(Agent*) = delete;

 private:
  friend struct detail::AgentAccess;

  std::shared_ptr<Agent> own_;
  boost::intrusive_ptr<detail::AgentLink> link_;
  bool fresh_ = false;
};

/// RequestOptions::setHost: true or false, and whether anybody has said it.
class SetHost {
 public:
  constexpr SetHost() = default;
  constexpr SetHost(bool on) : on_(on), said_(true) {}
  /// What was set; true if nothing was.
  constexpr operator bool() const { return on_; }
  /// It was set, to whatever.
  constexpr bool said() const { return said_; }

 private:
  bool on_ = true;
  bool said_ = false;
};

namespace detail {

/// What the library asks of an AgentRef and of an Agent.
struct AgentAccess {
  /// One that goes with the request.
  static AgentRef own(std::shared_ptr<Agent> agent);
  /// The agent that is named; null: none.
  ///
  /// throws  ERR_STREAM_DESTROYED if it is gone
  static Agent* named(const AgentRef& ref);
  static bool fresh(const AgentRef& ref) { return ref.fresh_; }
  static AgentState& state(const Agent& agent);
};

}  // namespace detail

/// Options of request() and get(). If a URL is given as well, what is set here wins.
struct RequestOptions {
  /// Default: the executor's own agent. An Agent: that one. `false`: a fresh one for this request.
  AgentRef agent{};
  /// "user:password", sent as Basic authorization unless that header is set.
  std::string auth{};
  /// Name or address; `hostname` wins. Default "localhost".
  std::string host{};
  std::string hostname{};
  /// Address of this machine to connect from.
  std::string localAddress{};
  /// In capitals on the wire. Any token.
  std::string method = "GET";
  /// With the query. Bytes 0x21 to 0xFF.
  std::string path = "/";
  /// Must be the agent's.
  std::string protocol = "http:";
  /// Path of a Unix socket, in place of host and port.
  std::string socketPath{};
  /// 0: `defaultPort`, else the agent's.
  std::uint16_t port = 0;
  std::uint16_t defaultPort = 0;
  std::uint16_t localPort = 0;
  /// 4 or 6 for one kind of address; 0: both.
  int family = 0;
  Headers headers{};
  /// "timeout" after this long without a byte on the connection, connecting included; 0: never.
  std::chrono::milliseconds timeout{};
  /// ETIMEDOUT after this long, whatever moves: from the request to the end of the response's body.
  /// 0: never. Not in Node.
  std::chrono::milliseconds deadline{};
  /// ETIMEDOUT if its connection is not open after this long: the name was looked up, a proxy has
  /// answered, and TLS is there. 0: never. Not in Node.
  std::chrono::milliseconds connectTimeout{};
  /// Adds the Host header. Not set: as `setDefaultHeaders` says.
  SetHost setHost{};
  /// Adds Host, Connection, Content-Length and Transfer-Encoding.
  bool setDefaultHeaders = true;
  /// Accepts some of what the protocol forbids in responses.
  bool insecureHTTPParser = false;
  /// Joins response headers with ", " of which otherwise the first wins.
  bool joinDuplicateHeaders = false;
  /// Bytes of a response's head; 0: http::maxHeaderSize. HPE_HEADER_OVERFLOW beyond it.
  std::size_t maxHeaderSize = 0;
  /// Names of request headers that go out on one line, joined with "; ".
  std::vector<std::string> uniqueHeaders{};
  CreateConnection createConnection{};
  Lookup lookup{};
  /// A cancellation through it destroys the request with ABORT_ERR.
  boost::asio::cancellation_slot signal{};
  /// Repeats an idempotent request without a body once, if a connection from the pool turns out to
  /// be dead before a byte of the response has come. Not in Node.
  bool retryStale = false;
  /// From how many waiting bytes on write() returns false; also how much is read ahead.
  std::size_t highWaterMark = 16 * 1024;
  /// Set by https: what only TLS understands.
  std::shared_ptr<const void> tls{};
};

}  // namespace sluice::http

#endif
