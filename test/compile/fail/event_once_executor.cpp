// SPDX-License-Identifier: BSL-1.0
//
// Waiting for an event of a class that has no executor.
// expected: events can be awaited where the class has a get_executor()
#include <sluice/event_emitter.hpp>

using namespace sluice;

using DoorEvents =
    EventList<Event<"open", void(int)>, Event<"closed", void()>, Event<"request", task<>(int)>>;
class Door : public OwningEventEmitter<Door, DoorEvents> {};

void use(Door& door) { static_cast<void>(door.once<"open">()); }
