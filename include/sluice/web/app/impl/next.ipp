// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/next.hpp>.
#pragma once

#include <sluice/error.hpp>
#include <sluice/web/app/detail/route_table.hpp>
#include <sluice/web/app/next.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>

namespace sluice::app {

SLUICE_DECL task<> Next::operator()() const {
  const detail::Routing& routing = detail::RequestAccess::routing(*req_);
  if (position_ < routing.reached) {
    throw http::Error(http::errc::ERR_INVALID_STATE, "next() was called twice");
  }
  return routing.table->step(*req_, *res_, position_, *scope_);
}

}  // namespace sluice::app
