// SPDX-License-Identifier: BSL-1.0
//
// What becomes of a connection after an exchange, for server and client: the one place that
// decides whether it carries another message. Pure.
#pragma once

namespace sluice::http::detail {

/// What must be true of an exchange for its connection to carry another one. Nothing is until it is
/// said, so a fact that somebody forgets closes the connection.
struct ReuseFacts {
  bool requestComplete = false;
  bool responseComplete = false;
  /// The body of what was sent is as long as its head has said. Of what was received, that is part
  /// of being complete.
  bool lengthKept = false;
  /// Neither head has said that the connection ends, and both bodies have an end of their own.
  bool ownSideWilling = false;
  bool peerWilling = false;
  /// No bytes have come that belong to no message.
  bool nothingUnread = false;
  /// No error, no time-out, no destroy().
  bool nothingFailed = false;
  /// Nobody has ended it: neither half is closed, and its owner is not closing.
  bool open = false;
};

enum class Fate {
  keep,   // it carries another message
  close,  // it ends once everything has left
  linger  // as close, and what the peer still sends is read away, so that no reset overtakes the
          // last bytes
};

/// Every way that is not this list closes.
constexpr bool isReusable(const ReuseFacts& facts) {
  return facts.requestComplete && facts.responseComplete && facts.lengthKept &&
         facts.ownSideWilling && facts.peerWilling && facts.nothingUnread && facts.nothingFailed &&
         facts.open;
}

/// As isReusable(), and how it ends otherwise. RFC 9112 §9.6: a server that closes while its peer
/// still sends must listen on for a while.
constexpr Fate fateOf(const ReuseFacts& facts, bool peerMaySend) {
  if (isReusable(facts)) return Fate::keep;
  return peerMaySend ? Fate::linger : Fate::close;
}

}  // namespace sluice::http::detail
