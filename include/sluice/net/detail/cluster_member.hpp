// SPDX-License-Identifier: BSL-1.0
//
// One worker's share of a cluster: the servers on its loop, which share their ports with the other
// workers' and end together. Defined with ServerCore.
#pragma once

#include <sluice/config.hpp>
#include <chrono>
#include <sluice/detail/list.hpp>

namespace sluice::net::detail {

class ServerCore;

class ClusterMember {
 public:
  /// A server's, which has it as a member: it leaves by itself.
  struct Place : sluice::detail::Linked<Place> {
    explicit Place(ServerCore& whose) : server(whose) {}
    ServerCore& server;
  };

  /// It may have joined already.
  void join(Place& place);
  void drain(std::chrono::milliseconds grace);

 private:
  sluice::detail::List<Place> servers_;
};

}  // namespace sluice::net::detail
