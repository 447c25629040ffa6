// SPDX-License-Identifier: BSL-1.0
//
// One worker's share of a cluster: the servers on its loop, which share their ports with the other
// workers' and end together. Defined with ServerCore.
#pragma once

#include <sluice/config.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <vector>

namespace sluice::net::detail {

class ServerCore;

class ClusterMember {
 public:
  ClusterMember();
  ~ClusterMember();

  void join(boost::intrusive_ptr<ServerCore> server);
  void drain(std::chrono::milliseconds grace);
  /// Before the loop goes.
  void forget();

 private:
  std::vector<boost::intrusive_ptr<ServerCore>> servers_;
};

}  // namespace sluice::net::detail
