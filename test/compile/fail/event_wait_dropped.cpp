// SPDX-License-Identifier: BSL-1.0
//
// A wait that is neither awaited nor given a completion token waits for nothing.
// expected: nodiscard
#include <sluice/event_emitter.hpp>

using namespace sluice;

using DoorEvents =
    EventList<Event<"open", void(int)>, Event<"closed", void()>, Event<"request", task<>(int)>>;
class Door : public OwningEventEmitter<Door, DoorEvents> {
 public:
  asio::any_io_executor get_executor();
};

void use(Door& door) { door.once<"open">(); }
