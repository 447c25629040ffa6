// SPDX-License-Identifier: BSL-1.0
//
// The connections that fetch() keeps: for each loop two agents, and two more for each proxy, so
// that no request goes a way that it did not ask for.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <sluice/http/agent.hpp>
#include <sluice/https/agent.hpp>
#include <string>

namespace sluice::detail {

struct FetchAgents {
  explicit FetchAgents(const asio::any_io_executor& executor);

  http::Agent plain;
  https::Agent secure;
};

/// proxy  its key, "" for none
std::shared_ptr<FetchAgents> fetchAgents(const asio::any_io_executor& executor,
                                         const std::string& proxy);

}  // namespace sluice::detail
