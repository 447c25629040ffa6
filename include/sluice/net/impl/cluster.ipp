// SPDX-License-Identifier: BSL-1.0
//
// Definitions of cluster.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <exception>
#include <functional>
#include <memory>
#include <sluice/net/cluster.hpp>
#include <sluice/net/detail/cluster_member.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/server_core.hpp>
#include <thread>
#include <utility>
#include <vector>

namespace sluice {

namespace net::detail {

// One loop and its thread. The thread that made the cluster talks to it by posting.
class ClusterWorker {
 public:
  using Start = std::function<void(boost::asio::io_context&, unsigned)>;

  ClusterWorker() : own_(Loop::of(io_.get_executor())) { own_->setCluster(&member_); }

  void run(const Start& start, unsigned number) {
    try {
      start(io_, number);
      io_.run();
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  // The two from another thread.
  void drain(std::chrono::milliseconds grace) {
    asio::post(io_, [this, grace] { member_.drain(grace); });
  }
  void stop() { io_.stop(); }

  const std::exception_ptr& failure() const { return failure_; }

 private:
  ClusterMember member_;
  boost::asio::io_context io_{1};
  std::shared_ptr<Loop> own_;
  std::exception_ptr failure_;
};

}  // namespace net::detail

SLUICE_DECL void cluster(unsigned workers,
                         std::function<void(boost::asio::io_context&, unsigned worker)> start,
                         ClusterOptions options) {
  using net::detail::ClusterWorker;
  if (workers == 0) workers = std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::unique_ptr<ClusterWorker>> all;
  for (unsigned i = 0; i < workers; ++i) all.push_back(std::make_unique<ClusterWorker>());

  boost::asio::io_context main(1);
  asio::signal_set signals(main);
  asio::steady_timer last(main);
  const auto drainAll = [&all, &last](std::chrono::milliseconds grace) {
    for (const auto& worker : all) worker->drain(grace);
    // Work that is no server's does not keep the process.
    last.expires_after(std::min(grace, net::detail::longestTimer) + std::chrono::milliseconds(100));
    last.async_wait([&all](const error_code& ec) {
      if (ec) return;
      for (const auto& worker : all) worker->stop();
    });
  };
  // The first signal drains. A second one means that this takes too long.
  bool draining = false;
  std::function<void()> waitForSignal = [&] {
    signals.async_wait([&](const error_code& ec, int) {
      if (ec) return;
      if (std::exchange(draining, true)) {
        for (const auto& worker : all) worker->stop();
        return;
      }
      drainAll(options.grace);
      waitForSignal();
    });
  };
  if (options.handleSignals) {
    signals.add(SIGINT);
    signals.add(SIGTERM);
    waitForSignal();
  }
  auto work = asio::make_work_guard(main);
  std::size_t running = workers;
  const auto endIfDone = [&] {
    if (running != 0) return;
    work.reset();
    signals.cancel();
    last.cancel();
  };
  std::exception_ptr failure;
  std::vector<std::thread> threads;
  threads.reserve(workers);
  try {
    for (unsigned i = 0; i < workers; ++i) {
      threads.emplace_back([&, i] {
        all[i]->run(start, i);
        asio::post(main, [&, i] {
          if (all[i]->failure()) drainAll({});
          --running;
          endIfDone();
        });
      });
    }
  } catch (...) {
    // The system has no thread for a worker: the others end, and the caller hears why.
    failure = std::current_exception();
    running = threads.size();
    drainAll({});
    endIfDone();
  }
  main.run();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
  for (const auto& worker : all) {
    if (worker->failure()) std::rethrow_exception(worker->failure());
  }
}

}  // namespace sluice
