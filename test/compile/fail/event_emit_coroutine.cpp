// SPDX-License-Identifier: BSL-1.0
//
// The handler of a coroutine event runs when the emission is awaited, so one that is dropped does
// nothing.
// expected: nodiscard
#include <sluice/event_emitter.hpp>

using namespace sluice;

using DoorEvents =
    EventList<Event<"open", void(int)>, Event<"closed", void()>, Event<"request", task<>(int)>>;
class Door : public OwningEventEmitter<Door, DoorEvents> {};

void use(Door& door) { door.emit<"request">(1); }
