// SPDX-License-Identifier: BSL-1.0
//
// A coroutine event has one handler for all its calls.
// expected: a coroutine event has one handler for all its calls
#include <sluice/event_emitter.hpp>

using namespace sluice;

using DoorEvents =
    EventList<Event<"open", void(int)>, Event<"closed", void()>, Event<"request", task<>(int)>>;
class Door : public OwningEventEmitter<Door, DoorEvents> {};

void use(Door& door) {
  door.once<"request">([](int) -> task<> { co_return; });
}
