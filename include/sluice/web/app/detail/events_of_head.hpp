// SPDX-License-Identifier: BSL-1.0
//
// How a handler ends that would send events to HEAD.
#pragma once

#include <sluice/error.hpp>
#include <sluice/web/app/config.hpp>

namespace sluice::app::detail {

/// The answer is complete and has no body, so a handler that would send events for ever has nothing
/// left to do. For the steps around it the router makes a return of it. A server without a router
/// reports it as it reports a client that went away.
class EventsOfHead : public http::Error {
 public:
  EventsOfHead() : Error(http::errc::ERR_STREAM_DESTROYED, "events(): HEAD has no body") {}
};

}  // namespace sluice::app::detail
