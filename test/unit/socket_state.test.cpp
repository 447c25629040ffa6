// SPDX-License-Identifier: BSL-1.0
//
// The states of a socket: each moves to the right only.
#include <sluice/net/detail/socket_state.hpp>
#include "support/catch.hpp"

using sluice::net::detail::SocketState;

TEST_CASE("a socket's states move forward, and say whether they did", "[SocketState]") {
  SocketState state;
  CHECK(state.life() == SocketState::Life::connecting);
  CHECK(state.move(SocketState::Life::open));
  CHECK_FALSE(state.move(SocketState::Life::open));
  CHECK(state.move(SocketState::Life::destroyed));
  CHECK_FALSE(state.move(SocketState::Life::open));
  CHECK(state.life() == SocketState::Life::destroyed);
  CHECK(state.move(SocketState::Life::closed));
  CHECK_FALSE(state.move(SocketState::Life::closed));
}

TEST_CASE("a socket's halves and its way to the end are independent", "[SocketState]") {
  SocketState state;
  CHECK(state.move(SocketState::Input::told));
  CHECK_FALSE(state.move(SocketState::Input::ended));
  CHECK(state.output() == SocketState::Output::open);
  CHECK(state.move(SocketState::Output::ending));
  CHECK(state.move(SocketState::Output::ended));
  CHECK_FALSE(state.move(SocketState::Output::ending));
  CHECK(state.closing() == SocketState::Closing::no);
  CHECK(state.move(SocketState::Closing::lingering));
  CHECK_FALSE(state.move(SocketState::Closing::afterOutput));
  CHECK(state.closing() == SocketState::Closing::lingering);
}
