// SPDX-License-Identifier: BSL-1.0
//
// A coroutine event has a handler that is awaited, so it is not emitted.
// expected: a coroutine event cannot be emitted
#include <sluice/event_emitter.hpp>

using namespace sluice;

using DoorEvents =
    EventList<Event<"open", void(int)>, Event<"closed", void()>, Event<"request", task<>(int)>>;
class Door : public OwningEventEmitter<Door, DoorEvents> {};

void use(Door& door) { door.emit<"request">(1); }
