// SPDX-License-Identifier: BSL-1.0
//
// How far a client's exchange has come: the states, and which of them follow each other. Pure.
#pragma once

#include <sluice/config.hpp>

namespace sluice::http::detail {

//  created ──► waiting ──► assigned ──► responded ──► done
//     ▲           │           │  │                     ▲
//     └───────────┼───────────┘  └─────────────────────┘ the connection was handed over
//     retried     │
//  every state but done ──► failed
enum class ExchangeState {
  created,    // its turn has not ended: listeners may still come
  waiting,    // for a connection
  assigned,   // it has a socket, be it one that is still being connected
  responded,  // the head of the response is there
  done,       // both messages have ended
  failed      // it will not get any further
};

constexpr bool mayFollow(ExchangeState from, ExchangeState to) {
  using enum ExchangeState;
  switch (to) {
    case created:
      return from == assigned;
    case waiting:
      return from == created;
    case assigned:
      return from == waiting || from == assigned;
    case responded:
      return from == assigned;
    case done:
      return from == assigned || from == responded;
    case failed:
      return from != done && from != failed;
  }
  return false;
}

/// Where the handle of the response is.
enum class ResponseHandle {
  none,     // there is no response
  held,     // nobody has asked for it
  heard,    // "response" has lent it to listeners
  taken,    // response() gave it away
  dropped,  // its last owner has destroyed it
};

}  // namespace sluice::http::detail
