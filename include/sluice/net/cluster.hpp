// SPDX-License-Identifier: BSL-1.0
//
// Several loops in one process, one thread each, whose servers share their ports. Nothing else is
// shared: no locks, no hand-over between loops.
#pragma once

#include <sluice/config.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <sluice/task.hpp>

namespace sluice {

/// How a cluster ends.
struct ClusterOptions {
  /// How long busy connections may take once SIGINT or SIGTERM has come.
  std::chrono::milliseconds grace = std::chrono::seconds(10);
  /// false: signals are left alone, and the workers end when their loops run out of work.
  bool handleSignals = true;
};

/// Runs `start` in `workers` threads, each with a loop of its own, and returns when all loops have
/// ended. TCP servers that listen in there share their port: the kernel spreads the connections.
///
///     sluice::cluster(4, [](boost::asio::io_context& loop, unsigned) {
///       boost::asio::co_spawn(loop, serve(8080), boost::asio::detached);  // owns its server
///     });
///
/// SIGINT or SIGTERM closes every server and ends the loops after the grace at most, a second one
/// at once. Port 0 differs in each worker; on Windows one may listen. `start` may leave nothing
/// behind.
///
/// workers  0: as many as there are CPUs
/// throws   what the first `start` or handler threw that nobody caught, after the others have ended
void cluster(unsigned workers, std::function<void(boost::asio::io_context&, unsigned worker)> start,
             ClusterOptions options = {});

}  // namespace sluice

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/detail/definitions/cluster.hpp>
#endif
