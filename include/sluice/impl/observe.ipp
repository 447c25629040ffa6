// SPDX-License-Identifier: BSL-1.0
//
// Definitions of observe.hpp.
#pragma once

#include <sluice/detail/sight.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/observe.hpp>

namespace sluice::observe {

SLUICE_DECL Observer::Observer(Executor executor) : loop_(net::detail::Loop::of(executor.get())) {
  loop_->observers().pushFront(*this);
}

SLUICE_DECL Observer::~Observer() = default;

}  // namespace sluice::observe
