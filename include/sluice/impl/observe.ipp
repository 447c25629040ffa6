// SPDX-License-Identifier: BSL-1.0
//
// Definitions of observe.hpp.
#pragma once

#include <sluice/detail/sight.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/observe.hpp>
#include <utility>

namespace sluice::observe {

SLUICE_DECL Observer::Observer(Executor executor)
    : loop_(net::detail::Loop::of(executor.get())),
      next_(std::exchange(loop_->observers(), this)) {}

SLUICE_DECL Observer::~Observer() {
  Observer** link = &loop_->observers();
  while (*link != this) link = &(*link)->next_;
  *link = next_;
}

}  // namespace sluice::observe
