// SPDX-License-Identifier: BSL-1.0
//
// A handler of a route that takes something else than a request and a response.
// expected: a handler takes (app::Request&, app::Response&) or (app::Request&
#define SLUICE_SEPARATE_COMPILATION
#include <sluice/app.hpp>

using namespace sluice;

void add(app::Router& router) {
  router.get("/", [](app::Request&) -> task<> { co_return; });
}
