// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/channel.hpp>.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <deque>
#include <sluice/detail/completion.hpp>
#include <sluice/detail/suspend.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/web/app/channel.hpp>
#include <sluice/web/app/response.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sluice::app {

struct Channel::Listener final : private net::detail::LoopMember {
  using Waiter = sluice::detail::Completion<void(error_code)>;

  Listener(std::shared_ptr<net::detail::Loop> joined, Response& response, std::uint64_t first)
      : LoopMember(*joined), loop(std::move(joined)), res(response), next(first) {}

  void wait(Waiter handler) {
    waiter = std::move(handler);
    waiter.onCancel([this](asio::cancellation_type) { wake(asio::error::operation_aborted); });
  }
  void wake(error_code ec = {}) {
    if (waiter) std::exchange(waiter, {}).post(loop->executor(), ec);
  }
  // The coroutine that waits owns this.
  void onLoopEnd() override { const Waiter dropped = std::move(waiter); }

  std::shared_ptr<net::detail::Loop> loop;
  Response& res;
  std::uint64_t next;    // the number of the event that it gets next
  bool writing = false;  // and waits for the client
  Waiter waiter;
};

struct Channel::State {
  struct Message {
    std::shared_ptr<const std::string> bytes;  // shared with those who are sending it
    std::string id;
  };

  explicit State(const ChannelOptions& given) : options(given) {}

  std::uint64_t end() const { return first + messages.size(); }
  void wakeAll() {
    for (Listener* listener : listeners) listener->wake();
  }
  // One whose client does not read waits in a write, and would learn of it only when there is room.
  // The others are behind only because more was sent in this turn than is kept.
  void dropSlow() {
    for (Listener* listener : listeners) {
      if (listener->writing && listener->next < first) listener->res.destroy();
    }
  }
  // Where a client goes on that has seen this event.
  std::uint64_t placeAfter(std::string_view id) const {
    if (id.empty()) return end();
    for (std::size_t index = messages.size(); index > 0; --index) {
      if (messages[index - 1].id == id) return first + index;
    }
    // It is older than all that is kept.
    return first;
  }

  ChannelOptions options;
  std::deque<Message> messages;
  std::uint64_t first = 0;  // the number of the oldest message
  std::size_t bytes = 0;
  std::vector<Listener*> listeners;
  bool closed = false;
};

// A listener is one as long as this lives.
struct Channel::Membership {
  Membership(State& joined, Listener& member) : state(joined), listener(member) {
    state.listeners.push_back(&listener);
    onClose = listener.res.addListener<"close">([this] { listener.wake(); });
  }
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;
  ~Membership() {
    std::erase(state.listeners, &listener);
    try {
      listener.res.removeListener(onClose);
    } catch (const Error&) {
      // The request is over, and its listeners went with it.
    }
  }

  State& state;
  Listener& listener;
  ListenerId onClose{};
};

SLUICE_DECL Channel::Channel(ChannelOptions options) : state_(std::make_shared<State>(options)) {}
SLUICE_DECL Channel::Channel(Channel&&) noexcept = default;

SLUICE_DECL Channel& Channel::operator=(Channel&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

SLUICE_DECL Channel::~Channel() {
  if (state_) close();
}

SLUICE_DECL const std::shared_ptr<Channel::State>& Channel::state() const {
  return sluice::detail::held(state_, "The channel");
}

SLUICE_DECL void Channel::close() {
  state()->closed = true;
  state()->wakeAll();
}

SLUICE_DECL std::size_t Channel::listeners() const { return state()->listeners.size(); }

SLUICE_DECL void Channel::send(const ServerEvent& event) {
  State& state = *this->state();
  auto bytes = std::make_shared<const std::string>(formatEvent(event));
  state.bytes += bytes->size();
  state.messages.push_back({std::move(bytes), std::string(event.id)});
  // The newest is kept, however large it is.
  while (state.messages.size() > 1 && (state.messages.size() > state.options.backlog ||
                                       state.bytes > state.options.backlogBytes)) {
    state.bytes -= state.messages.front().bytes->size();
    state.messages.pop_front();
    ++state.first;
  }
  if (state.options.slow == SlowListener::drop) state.dropSlow();
  state.wakeAll();
}

SLUICE_DECL task<> Channel::join(EventStream& events) { return pass(state(), events); }

SLUICE_DECL task<> Channel::pass(std::shared_ptr<State> state, EventStream& events) {
  Response& res = events.response();
  Listener listener(net::detail::Loop::of(res.get_executor()), res,
                    state->placeAfter(events.lastEventId()));
  const Membership membership(*state, listener);
  while (!res.destroyed()) {
    // What it has missed: it had no turn, or slow ones are not dropped.
    listener.next = std::max(listener.next, state->first);
    if (listener.next < state->end()) {
      const auto bytes =
          state->messages[static_cast<std::size_t>(listener.next - state->first)].bytes;
      ++listener.next;
      listener.writing = true;
      co_await res.write(std::string_view(*bytes));
      listener.writing = false;
      continue;
    }
    if (state->closed) co_return;
    using Wait = sluice::detail::Suspend<&Listener::wait>;
    error_code ec;
    co_await Wait{&listener}(asio::redirect_error(asio::use_awaitable, ec));
    // A client that goes away cancels this too, and has left as any other does.
    if (ec && !res.destroyed()) throw Error(ec);
  }
}

}  // namespace sluice::app
