// SPDX-License-Identifier: BSL-1.0
//
// The pictures of the states: nothing is drawn that cannot be reached, and an end is an end.
#include <cstddef>
#include <sluice/http.hpp>
#include <sluice/http/detail/client/connection_state.hpp>
#include <sluice/http/detail/client/exchange_state.hpp>
#include <sluice/http/detail/message/incoming_state.hpp>
#include <sluice/http/detail/message/outgoing_state.hpp>
#include <sluice/http/detail/server/connection_state.hpp>
#include <vector>
#include "support/catch.hpp"

using namespace sluice::http::detail;

namespace {

// States of an enum whose last one is `last`, as numbers.
template <class State, class MayFollow>
struct Picture {
  State last;
  MayFollow mayFollow;

  std::size_t size() const { return static_cast<std::size_t>(last) + 1; }
  bool leads(std::size_t from, std::size_t to) const {
    return mayFollow(static_cast<State>(from), static_cast<State>(to));
  }
  // How many of all states can be reached from `from`, itself included.
  std::size_t reachable(State from) const {
    std::vector<bool> seen(size());
    std::vector<std::size_t> open{static_cast<std::size_t>(from)};
    seen[open.front()] = true;
    std::size_t count = 0;
    while (!open.empty()) {
      const std::size_t at = open.back();
      open.pop_back();
      ++count;
      for (std::size_t next = 0; next != size(); ++next) {
        if (seen[next] || !leads(at, next)) continue;
        seen[next] = true;
        open.push_back(next);
      }
    }
    return count;
  }
  bool isEnd(State state) const { return reachable(state) == 1; }
};

template <class State, class MayFollow>
Picture<State, MayFollow> picture(State last, MayFollow mayFollow) {
  return {last, mayFollow};
}

}  // namespace

TEST_CASE("a server's connection: every state is reached, and only gone is an end", "[states]") {
  using State = ServerConnectionState;
  const auto states =
      picture(State::gone, [](State from, State to) { return mayFollow(from, to); });
  // One that starts without a handshake never has one.
  CHECK(states.reachable(State::securing) == states.size());
  CHECK(states.reachable(State::idle) == states.size() - 1);
  for (std::size_t each = 0; each != states.size(); ++each) {
    const State state = static_cast<State>(each);
    CHECK(states.isEnd(state) == (state == State::gone));
    CHECK(mayFollow(state, State::gone) == (state != State::gone));
  }
}

TEST_CASE("a client's connection and exchange: every state is reached", "[states]") {
  using Connection = ClientConnectionState;
  using Exchange = ExchangeState;
  const auto connections =
      picture(Connection::gone, [](Connection from, Connection to) { return mayFollow(from, to); });
  CHECK(connections.reachable(Connection::planned) == connections.size());
  CHECK(connections.isEnd(Connection::gone));
  const auto exchanges =
      picture(Exchange::failed, [](Exchange from, Exchange to) { return mayFollow(from, to); });
  CHECK(exchanges.reachable(Exchange::created) == exchanges.size());
  CHECK(exchanges.isEnd(Exchange::done));
  CHECK(exchanges.isEnd(Exchange::failed));
}

TEST_CASE("messages: every state is reached, and a stale one stays stale", "[states]") {
  using Stage = OutgoingState::Stage;
  using State = IncomingState::State;
  const auto sent = picture(Stage::stale, OutgoingState::mayFollow);
  CHECK(sent.reachable(Stage::headers) == sent.size());
  CHECK(sent.isEnd(Stage::stale));
  const auto received = picture(
      State::stale, [](State from, State to) { return IncomingState::mayFollow(from, to); });
  CHECK(received.reachable(State::receiving) == received.size());
  CHECK(received.isEnd(State::stale));
}

TEST_CASE("a body that is read or thrown away does not flow by itself again", "[states]") {
  using Mode = IncomingState::Mode;
  const auto modes =
      picture(Mode::dropped, [](Mode from, Mode to) { return IncomingState::mayFollow(from, to); });
  CHECK(modes.reachable(Mode::idle) == modes.size());
  for (const Mode from : {Mode::pulling, Mode::dropped}) {
    CHECK_FALSE(IncomingState::mayFollow(from, Mode::flowing));
    CHECK_FALSE(IncomingState::mayFollow(from, Mode::paused));
  }
  CHECK_FALSE(IncomingState::mayFollow(Mode::dropped, Mode::pulling));
}
