// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes the agent's pool against lists in the order of time: after each call both must hold the
// same, and answer the same. The bytes of the input choose the calls, their names and the limits.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sluice/http/detail/client/pool.hpp>
#include <string>
#include <string_view>
#include <vector>
#include "scenario.hpp"

using namespace scenario;
using sluice::http::detail::PoolLimits;

namespace {

constexpr std::string_view names[] = {"a:80", "b:80", "c:443"};

struct Thing {};
using Pool = sluice::http::detail::Pool<Thing, Thing>;

/// Something of a name.
struct Named {
  std::string_view name;
  Thing* thing;
  friend bool operator==(const Named&, const Named&) = default;
};
using List = std::vector<Named>;

std::vector<Thing*> of(const List& list, std::string_view name) {
  std::vector<Thing*> found;
  for (const Named& each : list) {
    if (each.name == name) found.push_back(each.thing);
  }
  return found;
}

bool take(List& list, const Named& which) { return std::erase(list, which) != 0; }

struct Model {
  List used, free, planned, queued;

  std::size_t total() const { return used.size() + free.size() + planned.size(); }
  std::size_t count(std::string_view name) const {
    return of(used, name).size() + of(free, name).size() + of(planned, name).size();
  }
  bool mayOpen(std::string_view name, const PoolLimits& limits) const {
    return total() < limits.maxTotalSockets && count(name) < limits.maxSockets;
  }
  bool waits(std::string_view name, const PoolLimits& limits) const {
    return !of(queued, name).empty() && mayOpen(name, limits);
  }
  Thing* surplus(std::string_view name, const PoolLimits& limits) const {
    if (total() < limits.maxTotalSockets || count(name) >= limits.maxSockets) return nullptr;
    for (const std::string_view other : names) {
      if (!of(free, other).empty()) return of(free, other).front();
    }
    return nullptr;
  }
  bool wantedElsewhere(std::string_view name, const PoolLimits& limits) const {
    return total() >= limits.maxTotalSockets &&
           std::any_of(std::begin(names), std::end(names), [&](std::string_view other) {
             return other != name && !of(queued, other).empty() && count(other) < limits.maxSockets;
           });
  }
  std::string_view nextToOpen(std::string_view preferred, const PoolLimits& limits) const {
    if (waits(preferred, limits)) return preferred;
    for (const std::string_view name : names) {
      if (waits(name, limits)) return name;
    }
    return {};
  }
};

class Scenario {
 public:
  explicit Scenario(Choices choices) : choices_(choices) {}

  void run() {
    for (int steps = 0; steps != 200 && !choices_.over(); ++steps) {
      step();
      compare();
    }
  }

 private:
  Thing* fresh() { return things_.emplace_back(std::make_unique<Thing>()).get(); }
  // One that is there, or none of this pool.
  Named some(const List& list, std::string_view name) {
    if (list.empty() || choices_.oneIn(8)) return {name, fresh()};
    return list[choices_.below(list.size())];
  }

  void step() {
    const PoolLimits limits{1 + choices_.below(3), 1 + choices_.below(6), choices_.below(3),
                            choices_.yes()};
    const std::string_view name = names[choices_.below(std::size(names))];
    switch (choices_.below(10)) {
      case 0:
        if (model_.mayOpen(name, limits)) open(name);
        break;
      case 1:
        plan(name);
        break;
      case 2:
        withdraw(model_.planned, &Pool::unplan, name);
        break;
      case 3:
        queue(name);
        break;
      case 4:
        dequeue(name);
        break;
      case 5:
        withdraw(model_.queued, &Pool::removeQueued, name);
        break;
      case 6:
        reuse(name, limits);
        break;
      case 7:
        if (!model_.used.empty()) keep(model_.used[choices_.below(model_.used.size())], limits);
        break;
      case 8: {
        const Named connection = some(choices_.yes() ? model_.used : model_.free, name);
        const bool had = take(model_.used, connection) || take(model_.free, connection);
        require(pool_.remove(connection.name, connection.thing) == had,
                "a connection that is there is found, and no other");
        break;
      }
      default:
        ask(name, limits);
    }
  }

  void open(std::string_view name) {
    const Named connection{name, fresh()};
    pool_.opened(name, connection.thing);
    model_.used.push_back(connection);
  }
  void plan(std::string_view name) {
    const Named request{name, fresh()};
    pool_.plan(name, request.thing);
    model_.planned.push_back(request);
  }
  void queue(std::string_view name) {
    const Named request{name, fresh()};
    pool_.enqueue(name, request.thing);
    model_.queued.push_back(request);
  }
  void withdraw(List& list, bool (Pool::*call)(std::string_view, Thing*), std::string_view name) {
    const Named request = some(list, name);
    require((pool_.*call)(request.name, request.thing) == take(list, request),
            "a request that is there is found, and no other");
  }
  void dequeue(std::string_view name) {
    const auto waiting = of(model_.queued, name);
    Thing* const first = waiting.empty() ? nullptr : waiting.front();
    require(pool_.dequeue(name) == first, "the oldest request of the name is the next");
    take(model_.queued, {name, first});
  }
  void reuse(std::string_view name, const PoolLimits& limits) {
    const auto free = of(model_.free, name);
    Thing* chosen = nullptr;
    if (!free.empty()) chosen = limits.newestFirst ? free.back() : free.front();
    require(pool_.reuse(name, limits) == chosen, "the newest or the oldest one serves");
    if (chosen == nullptr) return;
    take(model_.free, {name, chosen});
    model_.used.push_back({name, chosen});
  }
  void keep(Named connection, const PoolLimits& limits) {
    const std::string_view name = connection.name;
    const bool kept = of(model_.free, name).size() < limits.maxFreeSockets &&
                      model_.count(name) <= limits.maxSockets;
    require(pool_.keep(name, connection.thing, limits) == kept, "no more are kept than may be");
    if (!kept) return;
    take(model_.used, connection);
    model_.free.push_back(connection);
  }
  void ask(std::string_view name, const PoolLimits& limits) {
    require(pool_.mayOpen(name, limits) == model_.mayOpen(name, limits), "mayOpen");
    require(pool_.surplus(name, limits) == model_.surplus(name, limits), "surplus");
    require(pool_.wantedElsewhere(name, limits) == model_.wantedElsewhere(name, limits),
            "wantedElsewhere");
    require(pool_.nextToOpen(name, limits) == model_.nextToOpen(name, limits), "nextToOpen");
  }

  void compare() {
    require(pool_.total() == model_.total(), "the total is right");
    std::size_t found = 0;
    for (const std::string_view name : names) {
      const auto entry = pool_.entries().find(name);
      const std::vector<Thing*> queued = of(model_.queued, name);
      require((entry != pool_.entries().end()) == (model_.count(name) + queued.size() != 0),
              "a name is there as long as it has something");
      if (entry == pool_.entries().end()) continue;
      ++found;
      const Pool::Entry& has = entry->second;
      require(has.used == of(model_.used, name), "those in use");
      require(has.free == of(model_.free, name), "those that are free");
      require(has.planned == of(model_.planned, name), "those that will be opened");
      require(std::equal(has.queue.begin(), has.queue.end(), queued.begin(), queued.end()),
              "those that wait");
    }
    require(pool_.entries().size() == found, "there is no other name");
  }

  Choices choices_;
  std::vector<std::unique_ptr<Thing>> things_;
  Pool pool_;
  Model model_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Scenario(Choices(data, size)).run();
  return 0;
}
