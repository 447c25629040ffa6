// SPDX-License-Identifier: BSL-1.0
//
// What is put off to the end of a loop's turn.
#pragma once

#include <sluice/detail/list.hpp>

namespace sluice::net::detail {

class Loop;

/// Something to be done once the events that are ready now have been handled: gathered bytes leave,
/// the next read starts. Destroying it takes it off the list.
class TurnEntry : public sluice::detail::Linked<TurnEntry> {
 public:
  virtual void onTurnEnd() = 0;

 protected:
  ~TurnEntry() = default;
  bool awaitsTurnEnd() const { return isLinked(); }
};

}  // namespace sluice::net::detail
