// SPDX-License-Identifier: BSL-1.0
//
// A listener that is a coroutine, where the class has nothing to run it.
// expected: this event's listener cannot be a coroutine
#include <sluice/event_emitter.hpp>

using namespace sluice;

using DoorEvents =
    EventList<Event<"open", void(int)>, Event<"closed", void()>, Event<"request", task<>(int)>>;
class Door : public OwningEventEmitter<Door, DoorEvents> {};

void use(Door& door) {
  door.on<"open">([](int) -> task<> { co_return; });
}
