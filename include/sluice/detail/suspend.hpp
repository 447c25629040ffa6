// SPDX-License-Identifier: BSL-1.0
//
// The one way in which a coroutine of the library waits for an object of the library: the object
// keeps the completion handler, and calls it when there is something to tell.
#pragma once

#include <boost/asio/async_result.hpp>
#include <sluice/detail/completion.hpp>
#include <utility>

namespace sluice::detail {

/// An operation that hands its handler to a member function:
///
///     co_await Suspend<&Queue::whenReady>{&queue};   // void Queue::whenReady(Completion<void()>)
template <auto Start>
struct Suspend;

template <class T, class... Args, void (T::*Start)(Completion<void(Args...)>)>
struct Suspend<Start> {
  T* object;

  struct Initiation {
    template <class Handler>
    void operator()(Handler&& handler, T* kept) const {
      (kept->*Start)(Completion<void(Args...)>(std::forward<Handler>(handler)));
    }
  };

  template <asio::completion_token_for<void(Args...)> Token>
  auto operator()(Token&& token) const {
    return asio::async_initiate<Token, void(Args...)>(Initiation{}, token, object);
  }
};

}  // namespace sluice::detail
