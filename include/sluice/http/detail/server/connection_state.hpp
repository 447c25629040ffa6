// SPDX-License-Identifier: BSL-1.0
//
// How a server's connection lives: the states, and which of them follow each other. Pure.
#pragma once

#include <sluice/config.hpp>
#include <cstdint>

namespace sluice::http::detail {

//                 ┌─────────────────▼
//  securing ──► idle ──► quiet ──► suspending ──► resting ──► idle …
//                 │        │           └──► recalled ──▲
//                 ├────────┴──► head
//                 ▼              ▼
//                handler ──► finishing ──► idle …
//                 └──► leaving ──► upgraded
//
//  idle, quiet, head, handler, finishing ──► closing
//  every state ──► gone
//
// A connection that starts without a handshake is idle, and rests at once if its transport can
// read without a buffer.
enum class ServerConnectionState : std::uint8_t {
  // No request is being received or answered.
  securing,    // the TLS handshake
  resting,     // it has no coroutine and no exchange until something comes
  idle,        // the coroutine waits for the first byte of a request
  quiet,       // as idle, and nothing had come when restIfIdle() looked
  suspending,  // the coroutine is on its way to its end
  recalled,    // as suspending, and something has come meanwhile

  head,       // a part of a request's head is there
  handler,    // the handler runs, or is about to
  finishing,  // the response leaves, the rest of the body is read
  leaving,    // a read is called back before the socket changes hands
  upgraded,   // the socket belongs to another protocol
  closing,    // the last bytes leave
  gone        // destroyed
};

constexpr bool isIdle(ServerConnectionState state) { return state < ServerConnectionState::head; }

constexpr bool mayFollow(ServerConnectionState from, ServerConnectionState to) {
  using enum ServerConnectionState;
  switch (to) {
    case securing:
      return false;
    case resting:
      return from == idle || from == suspending || from == recalled;
    case idle:
      return from == securing || from == resting || from == finishing;
    case quiet:
      return from == idle;
    case suspending:
      return from == idle || from == quiet;
    case recalled:
      return from == suspending;
    case head:
      return from == idle || from == quiet;
    case handler:
      return from == idle || from == quiet || from == head;
    case finishing:
    case leaving:
      return from == handler;
    case upgraded:
      return from == leaving;
    case closing:
      return from == idle || from == quiet || from == head || from == handler || from == finishing;
    case gone:
      return from != gone;
  }
  return false;
}

}  // namespace sluice::http::detail
