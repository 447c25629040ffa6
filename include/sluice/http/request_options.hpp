// SPDX-License-Identifier: BSL-1.0
//
// What a request can be told when it is made: where to, what, and over which connection.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_REQUEST_OPTIONS_HPP
#define SLUICE_HTTP_REQUEST_OPTIONS_HPP

#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <sluice/http/headers.hpp>
#include <sluice/net/connect.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sluice::http {

class Agent;

using net::ConnectionOptions;
using net::Lookup;
/// Opens the connection of one request, in place of the agent.
using CreateConnection = std::function<task<net::Socket>(const net::ConnectionOptions&)>;

/// Which agent a request uses: the executor's own where nothing is said, the one that is named, or
/// with `false` a fresh one for this request alone.
///
///     http::Agent agent(loop, {.keepAlive = true});
///     auto req = http::request(loop, {.agent = agent, .host = "example.org"});
class AgentRef {
 public:
  AgentRef() = default;
  AgentRef(Agent& agent) : agent_(&agent) {}
  AgentRef(bool global) : fresh_(!global) {}
  /// For the library: one that goes with the request.
  explicit AgentRef(std::shared_ptr<Agent> own) : own_(std::move(own)), agent_(own_.get()) {}

  Agent* agent() const { return agent_; }
  bool fresh() const { return fresh_; }

 private:
  std::shared_ptr<Agent> own_;
  Agent* agent_ = nullptr;
  bool fresh_ = false;
};

/// Options of request() and get(). Where a URL is given as well, what is set here wins.
struct RequestOptions {
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
  /// Adds the Host header.
  bool setHost = true;
  /// Adds Connection, Content-Length and Transfer-Encoding.
  bool setDefaultHeaders = true;
  /// Accepts some of what the protocol forbids in responses.
  bool insecureHTTPParser = false;
  /// Joins with ", " the response headers of which else the first wins.
  bool joinDuplicateHeaders = false;
  /// Bytes of a response's head; 0: http::maxHeaderSize. HPE_HEADER_OVERFLOW beyond it.
  std::size_t maxHeaderSize = 0;
  /// Names of request headers that go out on one line, joined with "; ".
  std::vector<std::string> uniqueHeaders{};
  CreateConnection createConnection{};
  Lookup lookup{};
  /// A cancellation through it destroys the request with ABORT_ERR.
  boost::asio::cancellation_slot signal{};
  /// Repeats an idempotent request without a body once, where a connection from the pool turns out
  /// to be dead before a byte of the response has come. Not in Node.
  bool retryStale = false;
  /// From how many waiting bytes on write() returns false; also how much is read ahead.
  std::size_t highWaterMark = 16 * 1024;
  /// Set by https: what only TLS understands.
  std::shared_ptr<const void> tls{};
};

}  // namespace sluice::http

#endif
