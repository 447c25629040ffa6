// SPDX-License-Identifier: BSL-1.0
//
// If connections wait whose PROXY header has not come to its end. Nobody else has seen them yet.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstddef>
#include <sluice/error.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/transport.hpp>
#include <unordered_map>

namespace sluice::net::detail {

class ProxyGate {
 public:
  /// Every call may destroy the gate.
  class User {
   public:
    /// Its header is read, and what follows it is not.
    virtual void onHeader(boost::intrusive_ptr<Transport>) = 0;
    /// No header, one that is wrong, or none in time. The transport is closed afterwards.
    virtual void onNoHeader(const Transport&, const error_code&) = 0;

   protected:
    ~User() = default;
  };

  ProxyGate(Loop& loop, User& user);
  ProxyGate(const ProxyGate&) = delete;
  ProxyGate& operator=(const ProxyGate&) = delete;
  ~ProxyGate();

  /// patience  for the whole header; 0: no limit
  void add(boost::intrusive_ptr<Transport> transport, std::chrono::milliseconds patience);
  std::size_t size() const { return waiting_.size(); }
  /// Closes all of them, and tells nobody.
  void clear();

 private:
  class Waiting;

  Loop& loop_;
  User& user_;
  std::unordered_map<Waiting*, boost::intrusive_ptr<Waiting>> waiting_;
};

}  // namespace sluice::net::detail
