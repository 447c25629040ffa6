// SPDX-License-Identifier: BSL-1.0
//
// An event that the class has not: the message names those it has.
// expected: this class has no event of that name
// expected: KnownEvents<
// expected: fixed_string<5>{"open"}
// expected: fixed_string<7>{"closed"}
// expected: fixed_string<8>{"request"}
#include <sluice/event_emitter.hpp>

using namespace sluice;

using DoorEvents =
    EventList<Event<"open", void(int)>, Event<"closed", void()>, Event<"request", task<>(int)>>;
class Door : public OwningEventEmitter<Door, DoorEvents> {};

void use(Door& door) {
  door.on<"opened">([] {});
}
