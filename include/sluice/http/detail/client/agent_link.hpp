// SPDX-License-Identifier: BSL-1.0
//
// How options name an agent that may be gone by the time that they are used.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

namespace sluice::http {

class Agent;

namespace detail {

/// Options are copied on any thread, so the count is safe there. The pointer is null once the agent
/// is gone.
struct AgentLink : boost::intrusive_ref_counter<AgentLink, boost::thread_safe_counter> {
  explicit AgentLink(Agent* named) : agent(named) {}
  Agent* agent;
};

}  // namespace detail
}  // namespace sluice::http
