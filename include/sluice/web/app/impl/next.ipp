// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/next.hpp>.
#pragma once

#include <sluice/web/app/detail/route_table.hpp>
#include <sluice/web/app/next.hpp>
#include <sluice/web/app/request.hpp>

namespace sluice::app {

SLUICE_DECL task<> Next::operator()() const {
  return detail::RequestAccess::routing(*req_).table->step(*this);
}

}  // namespace sluice::app
