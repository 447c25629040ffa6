// SPDX-License-Identifier: BSL-1.0
//
// What is known of one request's way through a router. It is kept in the request.
#pragma once

#include <cstddef>
#include <memory>
#include <sluice/web/app/detail/ending.hpp>
#include <sluice/web/app/detail/route_tree.hpp>
#include <sluice/web/app/detail/target_path.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::app::detail {

class RouteTable;
struct Route;

/// A route under one of the plain patterns that it stands for.
struct Endpoint {
  const Route* route = nullptr;
  std::vector<std::string> names;
  std::size_t rank = 0;  // of the plain pattern: the route prefers the lowest that matches
};

/// Names in prefixes, and where in the path their values are.
using PrefixNames = std::vector<std::pair<std::string_view, Capture>>;

/// What is known of a request's way through a router.
struct Routing {
  // Not `= default`, which would set the captures to 0.
  Routing() {}

  TargetPath path;
  enum class Target { unread, refused, read } target = Target::unread;
  const RouteTable* table = nullptr;
  std::shared_ptr<const RouteTable> kept;  // the same, once its handlers have returned
  const Endpoint* endpoint = nullptr;
  bool isHead = false;
  std::size_t basePath = 0;
  std::size_t reached = 0;  // steps before this one have begun
  // What the prefixes of the first `namedUntil` steps have matched, the latest first: `ownNames`
  // are of the step that runs. Found when it is asked for.
  PrefixNames prefixNames;
  std::size_t namedUntil = 0, ownNames = 0;
  std::unique_ptr<Ending> endings;
  // Of the endpoint. Last, as most requests use little of them.
  Captures captures;

  void atEnd(std::unique_ptr<Ending> ending) {
    ending->next = std::move(endings);
    endings = std::move(ending);
  }
};

}  // namespace sluice::app::detail
