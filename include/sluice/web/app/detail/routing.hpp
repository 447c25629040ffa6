// SPDX-License-Identifier: BSL-1.0
//
// What is known of one request's way through a router. It is kept in the request.
#pragma once

#include <cstddef>
#include <sluice/web/app/detail/route_tree.hpp>
#include <sluice/web/app/detail/target_path.hpp>
#include <string>
#include <vector>

namespace sluice::app::detail {

class RouteTable;
struct Route;

/// A route under one of the plain patterns that it stands for.
struct Endpoint {
  const Route* route = nullptr;
  std::vector<std::string> names;
};

/// What is known of a request's way through a router.
struct Routing {
  TargetPath path;
  enum class Target { unread, refused, read } target = Target::unread;
  const RouteTable* table = nullptr;
  const Endpoint* endpoint = nullptr;
  Captures captures;
  // Of the middleware that was entered last.
  const std::vector<std::string>* prefixNames = nullptr;
  Captures prefixCaptures;
  std::size_t basePath = 0;
  std::size_t reached = 0;  // steps before this one have begun
};

}  // namespace sluice::app::detail
