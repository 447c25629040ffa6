# SPDX-License-Identifier: BSL-1.0
"""What the kernel's ways to send cost, apart from any library."""
import dataclasses
from typing import ClassVar

from .machine import GIB, program
from .process import running
from .times import Timed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ways(Timed):
    """CPU time of sender and reader together, on one processor.

    What the sender saves on loopback the reader pays: the kernel copies in its name. On two processors the
    interrupts would be counted now for one, now for the other, and now for nobody.
    """

    heading: ClassVar[str] = "CPU microseconds for a GiB, sender and reader; in brackets to send()"
    section: ClassVar[str] = "ways"
    base: ClassVar[str] = "send"

    names: tuple
    count: int = 1
    unit: str = "GiB"

    def contestants(self, quick):
        return self.names

    def measure(self, name, quick):
        size = GIB // 4 if quick else GIB
        with running(program("ways_to_send"), name, size, cpus=(0,)) as sender:
            told = sender.line()
        seen = {"sender_us": told["sender"] * 1e6 * GIB / size, "copied": told["copied"] / told["calls"]}
        return (told["sender"] + told["reader"]) * GIB / size, seen
