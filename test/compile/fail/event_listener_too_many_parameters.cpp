// SPDX-License-Identifier: BSL-1.0
//
// A listener that wants more arguments than the event has.
// expected: the listener of this event must be callable with
// expected: CallableWith<int>
#include <sluice/event_emitter.hpp>

using namespace sluice;

using DoorEvents =
    EventList<Event<"open", void(int)>, Event<"closed", void()>, Event<"request", task<>(int)>>;
class Door : public OwningEventEmitter<Door, DoorEvents> {};

void use(Door& door) {
  door.on<"open">([](int, int) {});
}
