// SPDX-License-Identifier: BSL-1.0
//
// The decisions of an agent, on connections and requests that are only addresses.
#include <sluice/http/detail/client/pool.hpp>
#include <vector>
#include "support/catch.hpp"

using sluice::http::detail::Pool;
using sluice::http::detail::PoolLimits;

namespace {

constexpr std::size_t many = 1000;
constexpr PoolLimits generous{many, many, many, false};

struct Fixture {
  Pool<int, char> pool;
  int connections[8] = {};
  char requests[8] = {};
};

}  // namespace

TEST_CASE("a free connection is taken again, oldest or newest first", "[Pool]") {
  Fixture f;
  for (int i = 0; i < 3; ++i) {
    f.pool.opened("a", &f.connections[i]);
    CHECK(f.pool.keep("a", &f.connections[i], generous));
  }
  CHECK(f.pool.reuse("b", generous) == nullptr);
  CHECK(f.pool.reuse("a", generous) == &f.connections[0]);
  CHECK(f.pool.reuse("a", {many, many, many, true}) == &f.connections[2]);
  CHECK(f.pool.reuse("a", generous) == &f.connections[1]);
  CHECK(f.pool.reuse("a", generous) == nullptr);
  CHECK(f.pool.total() == 3);
}

TEST_CASE("connections are opened up to the limits of one name and of all", "[Pool]") {
  Fixture f;
  const PoolLimits limits{2, 3, many, false};
  CHECK(f.pool.mayOpen("a", limits));
  f.pool.opened("a", &f.connections[0]);
  f.pool.opened("a", &f.connections[1]);
  CHECK(!f.pool.mayOpen("a", limits));
  CHECK(f.pool.mayOpen("b", limits));
  f.pool.opened("b", &f.connections[2]);
  CHECK(!f.pool.mayOpen("c", limits));
  CHECK(f.pool.remove("b", &f.connections[2]));
  CHECK(!f.pool.remove("b", &f.connections[2]));
  CHECK(f.pool.mayOpen("c", limits));
}

TEST_CASE("a free connection of another name is given up where the total is reached", "[Pool]") {
  Fixture f;
  const PoolLimits limits{many, 2, many, false};
  f.pool.opened("a", &f.connections[0]);
  CHECK(f.pool.surplus("c", limits) == nullptr);
  f.pool.opened("b", &f.connections[1]);
  CHECK(f.pool.surplus("c", limits) == nullptr);
  CHECK(f.pool.keep("b", &f.connections[1], limits));
  CHECK(f.pool.surplus("c", limits) == &f.connections[1]);
}

TEST_CASE("no free connection is given up for a request that has to wait anyway", "[Pool]") {
  Fixture f;
  const PoolLimits limits{1, 2, many, false};
  f.pool.opened("a", &f.connections[0]);
  f.pool.opened("b", &f.connections[1]);
  CHECK(f.pool.keep("b", &f.connections[1], limits));
  CHECK(f.pool.surplus("a", limits) == nullptr);
  CHECK(f.pool.surplus("c", limits) == &f.connections[1]);
}

TEST_CASE("a connection that is planned counts as one that is open", "[Pool]") {
  Fixture f;
  const PoolLimits limits{1, many, many, false};
  f.pool.plan("a", &f.requests[0]);
  CHECK(f.pool.total() == 1);
  CHECK(!f.pool.mayOpen("a", limits));
  CHECK(f.pool.mayOpen("b", limits));
  CHECK(!f.pool.unplan("a", &f.requests[1]));
  CHECK(!f.pool.unplan("b", &f.requests[0]));
  CHECK(f.pool.unplan("a", &f.requests[0]));
  CHECK(f.pool.total() == 0);
  CHECK(f.pool.entries().empty());
}

TEST_CASE("surplus free connections are not kept", "[Pool]") {
  Fixture f;
  const PoolLimits limits{2, many, 1, false};
  f.pool.opened("a", &f.connections[0]);
  f.pool.opened("a", &f.connections[1]);
  CHECK(f.pool.keep("a", &f.connections[0], limits));
  CHECK(!f.pool.keep("a", &f.connections[1], limits));
  // A limit that was lowered meanwhile.
  CHECK(!f.pool.keep("a", &f.connections[1], {1, many, many, false}));
}

TEST_CASE("requests of one name wait in their order", "[Pool]") {
  Fixture f;
  f.pool.enqueue("a", &f.requests[0]);
  f.pool.enqueue("b", &f.requests[1]);
  f.pool.enqueue("a", &f.requests[2]);
  f.pool.enqueue("a", &f.requests[3]);
  CHECK(f.pool.removeQueued("a", &f.requests[2]));
  CHECK(!f.pool.removeQueued("a", &f.requests[2]));
  CHECK(!f.pool.removeQueued("x", &f.requests[2]));
  CHECK(f.pool.dequeue("a") == &f.requests[0]);
  CHECK(f.pool.dequeue("a") == &f.requests[3]);
  CHECK(f.pool.dequeue("a") == nullptr);
  CHECK(f.pool.dequeue("b") == &f.requests[1]);
  CHECK(f.pool.entries().empty());
}

TEST_CASE("where a connection has gone, its own name is served first and then the others",
          "[Pool]") {
  Fixture f;
  const PoolLimits limits{1, many, many, false};
  CHECK(f.pool.nextToOpen("a", limits).empty());
  f.pool.enqueue("a", &f.requests[0]);
  f.pool.enqueue("b", &f.requests[1]);
  CHECK(f.pool.nextToOpen("b", limits) == "b");
  CHECK(f.pool.nextToOpen("c", limits) == "a");
  f.pool.opened("a", &f.connections[0]);
  CHECK(f.pool.nextToOpen("a", limits) == "b");
  f.pool.opened("b", &f.connections[1]);
  CHECK(f.pool.nextToOpen("a", limits).empty());
}

TEST_CASE("a connection that another name waits for is not worth keeping", "[Pool]") {
  Fixture f;
  const PoolLimits limits{1, 2, many, false};
  f.pool.opened("a", &f.connections[0]);
  f.pool.enqueue("b", &f.requests[0]);
  CHECK(!f.pool.wantedElsewhere("a", limits));
  f.pool.opened("c", &f.connections[1]);
  CHECK(f.pool.wantedElsewhere("a", limits));
  CHECK(!f.pool.wantedElsewhere("b", limits));
  f.pool.opened("b", &f.connections[2]);
  CHECK(!f.pool.wantedElsewhere("a", limits));
}

TEST_CASE("names of which nothing is left are forgotten", "[Pool]") {
  Fixture f;
  f.pool.opened("a", &f.connections[0]);
  CHECK(f.pool.entries().size() == 1);
  f.pool.remove("a", &f.connections[0]);
  CHECK(f.pool.entries().empty());
  CHECK(f.pool.total() == 0);
}
