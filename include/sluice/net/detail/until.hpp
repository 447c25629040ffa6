// SPDX-License-Identifier: BSL-1.0
//
// What a wait for an outgoing stream waits for. Apart from the stream, so that who only hands such
// waits on needs nothing else of it.
#pragma once

#include <sluice/config.hpp>

namespace sluice::net::detail {

enum class Until {
  room,     // fewer bytes wait than the high-water mark
  drained,  // none waits
  sent      // everything up to a position has left
};

}  // namespace sluice::net::detail
