// SPDX-License-Identifier: BSL-1.0
//
// The address of an agent as a bool would be the agent of the executor.
// expected: deleted
#include <sluice/http.hpp>

void use(boost::asio::io_context& loop) {
  sluice::http::Agent agent(loop);
  sluice::http::RequestOptions options;
  options.agent = &agent;
}
