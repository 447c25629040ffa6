// SPDX-License-Identifier: BSL-1.0
//
// What is put off to the end of a loop's turn.
#pragma once

namespace sluice::net::detail {

class Loop;

/// Something to be done once the events that are ready now have been handled: gathered bytes leave,
/// the next read starts. Destroying it takes it off the list.
class TurnEntry {
 public:
  TurnEntry() = default;
  TurnEntry(const TurnEntry&) = delete;
  TurnEntry& operator=(const TurnEntry&) = delete;
  virtual void onTurnEnd() = 0;

 protected:
  ~TurnEntry() { leaveTurn(); }
  bool awaitsTurnEnd() const { return next_ != nullptr; }
  void leaveTurn() {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = nullptr;
  }

 private:
  friend class Loop;
  TurnEntry* previous_ = nullptr;
  TurnEntry* next_ = nullptr;
};

}  // namespace sluice::net::detail
