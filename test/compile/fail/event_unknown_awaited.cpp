// SPDX-License-Identifier: BSL-1.0
//
// The same for the awaitable form.
// expected: this class has no event of that name
// expected: KnownEvents<
#include <sluice/event_emitter.hpp>

using namespace sluice;

using DoorEvents =
    EventList<Event<"open", void(int)>, Event<"closed", void()>, Event<"request", task<>(int)>>;
class Door : public OwningEventEmitter<Door, DoorEvents> {};

void use(Door& door) { door.once<"opened">(); }
