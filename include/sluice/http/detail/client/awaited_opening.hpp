// SPDX-License-Identifier: BSL-1.0
//
// An attempt to open a connection as the coroutine knows it that opens it. As with AwaitedExchange,
// the coroutine names nothing that a server can do without.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <exception>
#include <sluice/net/socket.hpp>

namespace sluice::http {

class Agent;

namespace detail {

class AwaitedOpening
    : public boost::intrusive_ref_counter<AwaitedOpening, boost::thread_unsafe_counter> {
 public:
  virtual ~AwaitedOpening() = default;
  /// The agent that opens it; null if that is gone.
  virtual Agent* opener() const = 0;
  /// There is a socket, or `failure` says why not.
  virtual void opened(net::Socket socket, const std::exception_ptr& failure) = 0;
};

}  // namespace detail
}  // namespace sluice::http
