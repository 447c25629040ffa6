// SPDX-License-Identifier: BSL-1.0
//
// How a client's connection lives: the states, and which of them follow each other. Pure.
#pragma once

#include <sluice/config.hpp>

namespace sluice::http::detail {

//  planned ──► opening ──► head ──► body ──► ended ──► idle ──► leaving     "agentRemove"
//                           ▲                          │  ▲
//                           └──────── promised ◄───────┘  │
//                                        └────────────────┘ its request went away
//  every state ──► gone
enum class ClientConnectionState {
  planned,   // for a request whose turn has not ended yet
  opening,   // its Opening is under way
  head,      // an exchange waits for the head of its response
  body,      // the head is there, the body is being read
  ended,     // the body has ended, the request may not be sent yet
  idle,      // nobody's; what arrives was not asked for
  promised,  // for a request whose turn has not ended yet
  leaving,   // no longer the agent's; its read has to end first
  gone       // destroyed, or somebody else's
};

constexpr bool mayFollow(ClientConnectionState from, ClientConnectionState to) {
  using enum ClientConnectionState;
  switch (to) {
    case planned:
      return false;
    case opening:
      return from == planned;
    case head:
      return from == opening || from == promised;
    case body:
      return from == head;
    case ended:
      return from == body;
    case idle:
      return from == ended || from == promised;
    case promised:
    case leaving:
      return from == idle;
    case gone:
      return from != gone;
  }
  return false;
}

}  // namespace sluice::http::detail
