// SPDX-License-Identifier: BSL-1.0
//
// A handler of a route that is no coroutine.
// expected: a handler is a coroutine: give it the return type sluice::task<>
#define SLUICE_SEPARATE_COMPILATION
#include <sluice/app.hpp>

using namespace sluice;

void add(app::Router& router) {
  router.get("/", [](app::Request&, app::Response&) {});
}
