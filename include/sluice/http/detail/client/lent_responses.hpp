// SPDX-License-Identifier: BSL-1.0
//
// The messages that "response", "upgrade" and "connect" of a request lend to listeners.
//
// A listener gets a reference, and a reference that is kept longer than the exchange is a mistake
// that no type can rule out. So the message stays where it is when its exchange is over, as an
// empty one that refuses every call (ERR_STREAM_DESTROYED). Its memory waits after that of `rest`
// others of the loop before it serves again: a late call never meets another response.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <sluice/http/incoming_message.hpp>
#include <sluice/net/detail/loop.hpp>
#include <utility>

namespace sluice::http::detail {

class LentResponses : public std::enable_shared_from_this<LentResponses> {
  struct GiveBack {
    std::shared_ptr<LentResponses> owner;
    void operator()(IncomingMessage* message) const { owner->giveBack(message); }
  };

 public:
  /// So many messages wait before one of them serves again.
  static constexpr std::size_t rest = 4096;

  /// A message that is lent: when this goes it refuses every call.
  using Lent = std::unique_ptr<IncomingMessage, GiveBack>;

  /// Those of a loop.
  static LentResponses& of(net::detail::Loop& loop);

  /// An empty message.
  Lent lend() {
    std::unique_ptr<IncomingMessage> message;
    if (waiting_.size() < rest) {
      message = std::make_unique<IncomingMessage>();
    } else {
      message = std::move(waiting_.front());
      waiting_.pop_front();
    }
    return Lent(message.release(), GiveBack{shared_from_this()});
  }

 private:
  void giveBack(IncomingMessage* message) {
    std::unique_ptr<IncomingMessage> owned(message);
    *owned = IncomingMessage();
    waiting_.push_back(std::move(owned));
  }

  std::deque<std::unique_ptr<IncomingMessage>> waiting_;
};

inline LentResponses& LentResponses::of(net::detail::Loop& loop) {
  static constexpr char key = 0;
  std::shared_ptr<void>& kept = loop.keptFor(&key);
  if (!kept) kept = std::make_shared<LentResponses>();
  return *static_cast<LentResponses*>(kept.get());
}

}  // namespace sluice::http::detail
