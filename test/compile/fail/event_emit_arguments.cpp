// SPDX-License-Identifier: BSL-1.0
//
// An event emitted with arguments that its listeners do not take.
// expected: this event is not emitted with arguments of these types
// expected: EmittedWith<
// expected: CallableWith<int>
#include <sluice/event_emitter.hpp>

using namespace sluice;

using DoorEvents =
    EventList<Event<"open", void(int)>, Event<"closed", void()>, Event<"request", task<>(int)>>;
class Door : public OwningEventEmitter<Door, DoorEvents> {};

void use(Door& door) { door.emit<"open">("wide"); }
