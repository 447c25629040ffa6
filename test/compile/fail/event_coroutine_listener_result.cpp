// SPDX-License-Identifier: BSL-1.0
//
// A coroutine that brings a value, which nobody would take.
// expected: a listener that is a coroutine returns task<>
#include <sluice/event_emitter.hpp>

using namespace sluice;

using DoorEvents =
    EventList<Event<"open", void(int)>, Event<"closed", void()>, Event<"request", task<>(int)>>;
class Door : public OwningEventEmitter<Door, DoorEvents> {};

void use(Door& door) {
  door.on<"open">([](int) -> task<int> { co_return 1; });
}
