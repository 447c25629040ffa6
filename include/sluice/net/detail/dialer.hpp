// SPDX-License-Identifier: BSL-1.0
//
// The seam to the system, for clients: one attempt to connect to one place. Which places are tried,
// and in which order, is decided above it.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <functional>
#include <sluice/net/detail/place.hpp>
#include <sluice/net/detail/transport.hpp>

namespace sluice::net::detail {

/// Destroying it gives up: nothing is called any more.
class Dialer {
 public:
  /// With a transport that is connected, or an error.
  using Ended = std::function<void(const error_code&, boost::intrusive_ptr<Transport>)>;

  Dialer() = default;
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;
  virtual ~Dialer() = default;

  /// Makes a socket that can connect to such a place. Comes first.
  virtual error_code open(const Place& remote) = 0;
  /// The end of the connection that is on this machine; the system's choice without this call.
  virtual error_code bind(const Place& local) = 0;
  /// `ended` is called once, never from here, and may destroy the dialer.
  virtual void connect(const Place& remote, Ended ended) = 0;
  virtual bool pending() const = 0;
};

}  // namespace sluice::net::detail
