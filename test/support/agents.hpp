// SPDX-License-Identifier: BSL-1.0
//
// What the tests of agents share: one exchange, and how many connections and requests there are.
#pragma once

#include <cstddef>
#include <sluice/http/agent.hpp>
#include <string>
#include <string_view>
#include "catch.hpp"
#include "request.hpp"

namespace sluice::test {

inline constexpr std::string_view localPlace = "localhost:80:";
inline constexpr std::string_view keepAliveGet =
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n";

// One request from beginning to end on connection `number`.
inline void exchange(Requesting& net, http::Agent& agent, std::size_t number,
                     std::string_view answer = response()) {
  auto req = http::get(net.io(), net.options(agent));
  net.settle();
  REQUIRE(!net.received(number).empty());
  net.deliver(answer, number);
  REQUIRE(req.closed());
}

inline std::size_t freeCount(const http::Agent& agent) {
  const auto all = agent.freeSockets();
  const auto found = all.find(std::string(localPlace));
  return found == all.end() ? 0 : found->second.size();
}
inline std::size_t usedCount(const http::Agent& agent) {
  const auto all = agent.sockets();
  const auto found = all.find(std::string(localPlace));
  return found == all.end() ? 0 : found->second.size();
}
inline std::size_t queued(const http::Agent& agent) {
  const auto all = agent.requests();
  const auto found = all.find(std::string(localPlace));
  return found == all.end() ? 0 : found->second.size();
}

}  // namespace sluice::test
