// SPDX-License-Identifier: BSL-1.0
//
// The seam to the system, for servers: a listening socket that hands out transports. It knows
// nothing of servers and looks no names up.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <sluice/error.hpp>
#include <sluice/net/address.hpp>
#include <sluice/net/detail/place.hpp>
#include <sluice/net/detail/transport.hpp>
#include <sluice/net/listen_options.hpp>

namespace sluice::net::detail {

class Listener : public boost::intrusive_ref_counter<Listener, boost::thread_unsafe_counter> {
 public:
  /// Either call may close and release the listener.
  class User {
   public:
    virtual void onAccept(boost::intrusive_ptr<Transport>) = 0;
    /// No connection can be accepted for now. Told once until one is accepted again; the listener
    /// goes on trying.
    virtual void onAcceptError(const http::Error&) = 0;

   protected:
    ~User() = default;
  };

  virtual ~Listener() = default;

  /// Binds and listens at once. Connections wait in the kernel until start().
  virtual error_code open(const Place& place, const ListenOptions& options) = 0;
  /// Listens on a socket of the system that is bound already, and owns it if that succeeds.
  virtual error_code adopt(int fd, int backlog) = 0;
  /// Hands every connection to `user` from now on until close().
  virtual void start(User& user) = 0;
  virtual bool isOpen() const = 0;
  virtual Address address() const = 0;
  /// Removes the file of a Unix socket too, if it is still the one that open() made.
  virtual void close() = 0;
};

}  // namespace sluice::net::detail
