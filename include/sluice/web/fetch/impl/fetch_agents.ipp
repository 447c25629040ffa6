// SPDX-License-Identifier: BSL-1.0
//
// Definitions of fetch_agents.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <mutex>
#include <sluice/web/fetch/detail/fetch_agents.hpp>
#include <utility>
#include <vector>

namespace sluice::detail {

// A connection that nobody uses ends after this. As long as one is kept, io_context::run() goes on.
inline constexpr std::chrono::milliseconds keptIdle{4000};

SLUICE_DECL FetchAgents::FetchAgents(const asio::any_io_executor& executor)
    : plain(executor, http::AgentOptions{.keepAlive = true, .timeout = keptIdle}),
      secure(executor, https::AgentOptions{.keepAlive = true, .timeout = keptIdle}) {}

class FetchAgentsService final : public asio::execution_context::service {
 public:
  using key_type = FetchAgentsService;
  static inline asio::execution_context::id id;

  explicit FetchAgentsService(asio::execution_context& context) : service(context) {}

  std::shared_ptr<FetchAgents> find(const asio::any_io_executor& executor,
                                    const std::string& proxy) {
    const std::lock_guard lock(mutex_);
    const auto known = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      return entry.executor == executor && entry.proxy == proxy;
    });
    if (known != entries_.end()) return known->agents;
    forgetUnused(executor);
    auto made = std::make_shared<FetchAgents>(executor);
    // Nobody says when a strand is gone. What is beyond this is its user's alone.
    if (entries_.size() < mostEntries) entries_.push_back({executor, proxy, made});
    return made;
  }

 private:
  struct Entry {
    asio::any_io_executor executor;
    std::string proxy;
    std::shared_ptr<FetchAgents> agents;
  };
  static constexpr std::size_t keptEntries = 32;
  static constexpr std::size_t mostEntries = 64;

  // Only those of the caller's executor: nobody else's may end here.
  void forgetUnused(const asio::any_io_executor& executor) {
    if (entries_.size() < keptEntries) return;
    std::erase_if(entries_, [&](const Entry& entry) {
      return entry.executor == executor && entry.agents.use_count() == 1;
    });
  }

  void shutdown() override {
    // Not while the vector is being emptied: what ends may ask for agents again.
    const auto entries = std::exchange(entries_, {});
  }

  std::mutex mutex_;
  std::vector<Entry> entries_;
};

SLUICE_DECL std::shared_ptr<FetchAgents> fetchAgents(const asio::any_io_executor& executor,
                                                     const std::string& proxy) {
  auto& context = asio::query(executor, asio::execution::context);
  return asio::use_service<FetchAgentsService>(context).find(executor, proxy);
}

}  // namespace sluice::detail
