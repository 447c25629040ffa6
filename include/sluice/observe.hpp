// SPDX-License-Identifier: BSL-1.0
//
// What the library tells whoever watches a program in production: connections, requests, pools and
// errors, with their bytes and durations. If nobody watches it costs one test of a pointer each.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_OBSERVE_HPP
#define SLUICE_OBSERVE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sluice/detail/list.hpp>
#include <sluice/error.hpp>
#include <sluice/task.hpp>
#include <string_view>

namespace sluice::net {
struct Address;
namespace detail {
class Loop;
}
}  // namespace sluice::net

namespace sluice::observe {

/// Which end of a connection this program is.
enum class Side : std::uint8_t { server, client };

/// A connection. Views and addresses are valid during the call.
struct Connection {
  /// The same when it is opened and closed; a later connection may have it again.
  const void* id;
  /// server: it was accepted.
  Side side;
  /// This end and the other one. With ListenOptions::proxyProtocol: as the proxy says.
  const net::Address& local;
  const net::Address& remote;
  /// All that it carried so far, without what TLS adds.
  std::uint64_t bytesRead;
  std::uint64_t bytesWritten;
  /// Why it was closed; empty: in good order, or it is open.
  error_code error;
};

/// A request and its response. Views are valid during the call.
struct Request {
  /// The same when it begins and ends; a later request may have it again.
  const void* id;
  /// server: it was received. client: it was sent from here.
  Side side;
  std::string_view method;
  /// The target as the request line has it.
  std::string_view url;
  /// On a client the host that was asked; on a server it is empty.
  std::string_view host;
  /// Of the final response; 0: there is none, or it has not ended.
  int statusCode;
  /// Heads and bodies of this exchange as they were on the wire, without what TLS adds.
  std::uint64_t bytesRead;
  std::uint64_t bytesWritten;
  /// On a server from the end of the head, on a client from the call that made the request: the
  /// wait for a connection counts too. 0 when it begins.
  std::chrono::nanoseconds duration;
  /// What ended it before its end; empty: both messages are complete.
  error_code error;
};

/// How an agent stands with the connections of one name (`host:port:`).
struct Pool {
  /// The http::Agent or https::Agent.
  const void* agent;
  std::string_view name;
  /// Connections that carry a request, or are being opened for one.
  std::size_t used;
  /// Connections that wait for the next request.
  std::size_t free;
  /// Requests that wait for a connection.
  std::size_t waiting;
};

/// Watches all that is on one executor for as long as it lives: derive from it and override what
/// you need. There may be several.
///
///     struct Counting : sluice::observe::Observer {
///       using Observer::Observer;
///       void ended(const sluice::observe::Request& request) noexcept override {
///         ++answers[request.statusCode];
///       }
///       std::map<int, std::uint64_t> answers;
///     };
///     Counting counting(loop);
///
/// The calls come from the middle of the library's work, on the executor: count and copy, and come
/// back to the rest later. They must not throw, and must neither use nor destroy what belongs to
/// the library, nor make or destroy an observer. Objects on other executors, as those of a
/// cluster's other workers, have observers of their own. Node: diagnostics_channel and perf_hooks.
class Observer : private sluice::detail::Linked<Observer> {
 public:
  /// executor  of an execution context, or of a strand on which servers or agents already are
  explicit Observer(Executor executor);
  SLUICE_DECL virtual ~Observer();

  /// A connection was accepted, or has been made. A TLS handshake comes later.
  virtual void opened(const Connection&) noexcept {}
  /// It is over, whoever closed it.
  virtual void closed(const Connection&) noexcept {}
  /// A server has read the head of a request; a client has made one.
  virtual void began(const Request&) noexcept {}
  /// Both messages are over, or the exchange was cut. An exchange that became another protocol ends
  /// with that one on a server, and when it is handed over on a client.
  virtual void ended(const Request&) noexcept {}
  /// A request or a connection of an agent has come, gone or changed its place.
  virtual void changed(const Pool&) noexcept {}
  /// Something failed: a handler has thrown, a client has sent what is no request or took too long,
  /// a TLS handshake failed, a connection could not be accepted or had no PROXY header, a request
  /// of this program failed. Each is told once. A connection that was reset while it was idle is
  /// told by closed() only.
  virtual void failed(Side, const Error&) noexcept {}

 private:
  friend class sluice::detail::List<Observer>;

  std::shared_ptr<net::detail::Loop> loop_;
};

}  // namespace sluice::observe

#endif
